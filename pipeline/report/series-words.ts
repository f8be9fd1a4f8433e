import type { Applied } from '../judge/reply.ts';
import type { Verdict } from '../model/finding.ts';
import { bitsOf64 } from '../model/mask.ts';
import type {
  FindingChange,
  PolicyChanges,
  PolicyMaskChange,
  ReleaseEffect,
  SeriesBase,
  SeriesEffect,
  SeriesIdentity,
  SeriesStep,
  SinceVersion,
  Split,
} from '../model/series-effect.ts';
import { namedBitsText, placesText } from './places.ts';
import { releasesText } from './releases-text.ts';
import { betweenText, splitTexts } from './series-points.ts';
import { gateText } from './words/fact-words.ts';

/** All wording on what a series does; the text, the page and the reply print these lines. Untrusted text is made plain by who prints. */

/** `v2`, `RFC`, `RFC v2 RESEND`. */
export function versionText({
  version,
  rfc,
  resend,
}: Pick<SeriesIdentity, 'version' | 'rfc'> & { resend?: boolean }): string {
  return [...(rfc ? ['RFC'] : []), `v${version}`, ...(resend === true ? ['RESEND'] : [])].join(' ');
}

const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  allowed: 'allowed',
  denied: 'denied',
  exposed: 'exposed (let through, and nobody decided)',
  passed: 'passed through',
  'needs-optin': 'hidden until KVM opts in',
  closed: 'closed by its gate',
};

/** Why this base. */
export function baseText(base: SeriesBase): string {
  const { by, named, preimages, tried } = base;
  const at = `${base.commit.slice(0, 12)}${base.name === null ? '' : ` (${base.name})`}`;
  const files =
    preimages.of === 0
      ? 'the diffs do not say what they were made against'
      : `${preimages.matched} of the ${preimages.of} files that the diffs name by blob stand there as they were`;
  const absent =
    named === null ? 'the series names no base-commit' : `its base-commit ${named.slice(0, 12)} is not in this clone`;
  switch (by) {
    case 'base-commit':
      return `${at}, the series’ base-commit`;
    case 'given':
      return `${at}, as asked${named === null || base.commit.startsWith(named) ? '' : `; the series names ${named.slice(0, 12)}`}; ${files}`;
    case 'preimages':
      return `${at}; ${absent}, and this is the newest of ${tried} known revisions that has all ${preimages.of} files just as the diffs were made against`;
    case 'applies':
      return `${at}; ${absent}, and this is the newest known revision of the best ones on which all of it applies; ${files}: it is not the author’s base`;
    case 'closest':
      return `none; ${absent}, and of ${tried} known revisions none has all files as the diffs were made against and those that come close do not take them; the closest is ${at}: ${files}`;
  }
}

/** What became of it, in a sentence or two. */
export function outcomeText({ outcome, inputs, touched }: SeriesEffect): string {
  switch (outcome.kind) {
    case 'untouched':
      return `It touches none of the files that KVM’s policy for TDs is read from (${touched.length} paths in all): nothing was applied, and the policy stays as it is.`;
    case 'incomplete':
      return `Not weighed: ${outcome.reason}. A part of a series says nothing certain of the whole.`;
    case 'rejected': {
      const { part, title, path, hunk, reason } = outcome.rejection;
      const where = path === null ? '' : `, ${path}`;
      const at = hunk === null ? '' : `, hunk ${hunk.number} (${hunk.header})`;
      const other = outcome.base.by === 'closest' ? ' Fetch the tree that it was made on, or name it with --base.' : '';
      return `It does not apply: part ${part} “${title}”${where}${at}: ${reason}.${other}`;
    }
    case 'unreadable':
      return `It applies, but the policy ${outcome.side === 'before' ? 'at the base' : 'after it'} cannot be read: ${outcome.reason}.`;
    case 'applied': {
      const offsets =
        outcome.offsets === 0
          ? ''
          : ` git placed ${outcome.offsets} hunk${outcome.offsets === 1 ? '' : 's'} at other lines than the diffs say.`;
      return `${appliedText(outcome)}; it touches ${inputs.join(', ')}.${offsets}`;
    }
  }
}

/** Whether nothing but comments and white space changes in what the policy is read from. */
export const isComment = ({ steps }: Applied): boolean =>
  steps.some(({ kind }) => kind === 'comments') &&
  steps.every(({ kind }) => kind === 'comments' || kind === 'elsewhere');

/** Whether a series leaves all as it was that is reported. */
export const isQuiet = ({ changes, findings, between, effects }: Applied): boolean =>
  changeLines(changes).length === 0 &&
  findings.length === 0 &&
  between.length === 0 &&
  effects.every(({ verdicts, opened, closed }) => verdicts.length + opened.length + closed.length === 0);

function appliedText(outcome: Applied): string {
  if (isComment(outcome))
    return 'It changes comments and white space alone in what the policy is read from: the policy stays as it is';
  if (changeLines(outcome.changes).length > 0) return 'It applies';
  if (outcome.findings.length > 0 || outcome.between.length > 0)
    return 'It applies, and makes a difference that no list of KVM’s shows';
  const known = new Set(outcome.before?.notes ?? []);
  const fresh = outcome.after.notes.filter((note) => !known.has(note));
  return fresh.length === 0
    ? 'It applies and changes nothing in the policy'
    : `It applies and, as far as it can be read, changes nothing in the policy (not read: ${fresh.join('; ')})`;
}

/** What each patch does, a line each. */
export const stepLines = ({ steps }: Applied, total: number): readonly string[] =>
  steps.map((step) => `${step.part}/${total} “${step.title}”: ${stepText(step)}`);

function stepText({ kind, changes, splits, reason }: SeriesStep): string {
  switch (kind) {
    case 'elsewhere':
      return 'touches no file that the policy is read from';
    case 'comments':
      return 'comments and white space alone';
    case 'same':
      return 'changes code and leaves the policy as it was';
    case 'unread':
      return `the policy after it cannot be read: ${reason ?? ''}`;
    case 'changes':
      return [...(changes === null ? [] : changeLines(changes, joinedMasks)), ...splitLines(splits)].join('; ');
  }
}

const splitLines = ({ added, removed }: SeriesStep['splits']): readonly string[] => [
  ...splitTexts(added).map((text) => `KVM ${text}`),
  ...splitTexts(removed).map((text) => `KVM no longer ${text}`),
];

/** What the whole series makes KVM show and take differently. */
export const endLines = ({ findings }: Applied): readonly string[] =>
  splitTexts(
    findings.flatMap(({ facts, places }): readonly Split[] =>
      facts.kind !== 'split'
        ? []
        : facts.isNamed
          ? places.map((place) => ({ kind: facts.side, place }))
          : [{ kind: facts.side, place: null }],
    ),
  ).map((text) => `KVM ${text}`);

/** What bisecting meets, of a series of several patches. */
export function bisectLines({ steps, between }: Applied, total: number): readonly string[] {
  if (steps.length < 2) return [];
  if (between.length > 0) return between.map((each) => betweenText(each, total));
  return [
    'Safe after every patch: no state lets through, or hides and takes, what both the base and the whole series keep from TDs.',
  ];
}

/** What differs for TDs since the version that it is held against. */
export function sinceLines(since: SinceVersion): readonly string[] {
  if (since.kind === 'not-compared') return [`Not compared with ${versionText(since)}: ${since.reason}.`];
  const tds = effectGroups(since.effects).filter(({ lines }) => lines.length > 0);
  const lines = [
    ...changeLines(since.changes),
    ...splitLines(since.splits),
    ...tds.flatMap(({ releases, lines: own }) => own.map((line) => `TDs of ${releases}: ${line}`)),
  ];
  return [
    ...(since.isSameStart
      ? []
      : ['The two versions start from different policies: a part of what follows is their bases’.']),
    ...(lines.length === 0 ? ['Nothing changed for TDs.'] : lines),
  ];
}

type NamedMask = Pick<PolicyMaskChange, 'leaf' | 'subleaf' | 'register' | 'mask' | 'bits'>;

const maskText = ({ leaf, subleaf, register, mask, bits }: NamedMask): string =>
  namedBitsText({ leaf, subleaf, register, mask, bits });

const LISTS = [
  ['deny', 'denies', 'no longer denies'],
  ['allow', 'opts in to', 'no longer opts in to'],
  ['adds', 'itself reports as configurable', 'no longer reports as configurable'],
  ['known', 'names as a capability', 'no longer names as a capability'],
] as const;

/** The registers of a list on one line, the first of them. */
const joinedMasks = (masks: readonly PolicyMaskChange[]): readonly string[] =>
  masks.length === 0 ? [] : [placesText(masks)];

/** The policy step, a line for each change; none where nothing changes. */
export function changeLines(
  changes: PolicyChanges,
  textsOf: (masks: readonly PolicyMaskChange[]) => readonly string[] = (masks) => masks.map(maskText),
): readonly string[] {
  const { generation, restores, attributes, xfam, configLimit } = changes;
  const lines: string[] = [];
  if (generation.from !== generation.to)
    lines.push(
      `KVM’s way goes from ${generation.from === null ? 'no TDX support' : generation.from} to ${generation.to}`,
    );
  for (const [list, added, removed] of LISTS) {
    lines.push(...textsOf(changes[list].added).map((text) => `KVM ${added} ${text}`));
    lines.push(...textsOf(changes[list].removed).map((text) => `KVM ${removed} ${text}`));
  }
  lines.push(...restores.added.map((msr) => `KVM restores ${msr} after TDH.VP.ENTER`));
  lines.push(...restores.removed.map((msr) => `KVM no longer restores ${msr} after TDH.VP.ENTER`));
  lines.push(...bitsOf64(attributes.added).map((bit) => `KVM supports ${gateText(`attributes:${bit}`)}`));
  lines.push(...bitsOf64(attributes.removed).map((bit) => `KVM no longer supports ${gateText(`attributes:${bit}`)}`));
  lines.push(...xfam.added.map((name) => `KVM supports XFAM ${name}`));
  lines.push(...xfam.removed.map((name) => `KVM no longer supports XFAM ${name}`));
  if (configLimit.from !== configLimit.to)
    lines.push(
      `KVM’s array of CPUID_CONFIG entries holds ${configLimit.to ?? 'an unknown number'} instead of ${configLimit.from ?? 'an unknown number'}`,
    );
  return lines;
}

/** What the TDs of a release see of it, a line for each change. */
function effectLines({ verdicts, gates, closed, opened }: ReleaseEffect): readonly string[] {
  return [
    ...verdicts.map((change) => {
      const from = change.from === null ? 'no policy' : VERDICT_TEXT[change.from];
      const clobbers = [
        ...new Set(change.clobbers.filter(({ restoredByKvm }) => restoredByKvm === false).map(({ msr }) => msr)),
      ];
      const host =
        clobbers.length === 0 || change.to === 'denied' || change.to === 'needs-optin' || change.to === 'closed'
          ? ''
          : `; clobbers ${clobbers.join(', ')}, which KVM does not restore`;
      return `${maskText(change)}: ${from} -> ${VERDICT_TEXT[change.to]}${host}`;
    }),
    ...(gates.opened.length === 0
      ? []
      : [`${placesText(gates.opened)}: its gate opens; a TD that user space gives the feature gets it`]),
    ...(gates.shut.length === 0 ? [] : [`${placesText(gates.shut)}: its gate closes; no TD gets it any more`]),
    ...closed.map((change) => `settled: ${findingText(change)}`),
    ...opened.map((change) => `new: ${findingText(change)}`),
  ];
}

const findingText = ({ rule, level, place, mask, bits }: FindingChange): string =>
  [level, rule, maskText({ ...place, mask, bits })].join(' ');

/** Releases with the same lines as one entry, `1.5.34..2.0.02`; those where nothing changes last. */
export function effectGroups(
  effects: readonly ReleaseEffect[],
): readonly { readonly releases: string; readonly lines: readonly string[] }[] {
  const groups = new Map<string, { releases: string[]; lines: readonly string[] }>();
  for (const effect of effects) {
    const lines = effectLines(effect);
    const key = lines.join('\n');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { releases: [effect.release], lines });
    else group.releases.push(effect.release);
  }
  const all = effects.map(({ release }) => release);
  // Where something changes comes before where nothing does.
  return [...groups.values()]
    .sort((a, b) => Number(a.lines.length === 0) - Number(b.lines.length === 0))
    .map(({ releases, lines }) => ({ releases: releasesText(releases, all), lines }));
}
