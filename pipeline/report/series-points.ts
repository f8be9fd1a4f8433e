import { isBreak } from '../judge/bisect.ts';
import { isShownLost } from '../judge/clobber-facts.ts';
import { betweenLevel } from '../judge/levels.ts';
import { type Applied, type ReplyRow, replyRows, riskOf } from '../judge/reply.ts';
import { ATTRIBUTE_NAMES } from '../model/control.ts';
import type { ClobberFact, Finding, FoundPlace, Level } from '../model/finding.ts';
import { bitsOf64, or } from '../model/mask.ts';
import { comparePlaces, placeId } from '../model/place.ts';
import type { Between, Split } from '../model/series-effect.ts';
import { placesText } from './places.ts';
import { clobberText } from './words/fact-words.ts';
import { wordsOf } from './words/words.ts';

/** One thing that a reviewer must know, the most urgent first. */
export type Point = { readonly level: Level; readonly text: string };

/** Releases in the words of who prints. */
export type ReleasesText = (releases: readonly string[]) => string;

/** What a reviewer must know of a series: what it breaks at its end, within, for user space, and what it opens. */
export function pointsOf(outcome: Applied, total: number, releasesText: ReleasesText): readonly Point[] {
  const rows = replyRows(outcome);
  const broken = rows.filter(({ from, to }) => isBreak(from, to));
  const risky = rows.filter((row) => isNewRisk(row));
  const isTold = toldBy([...broken, ...risky]);
  const findings = outcome.findings.filter(({ level, decided }) => level !== 'info' && decided === null);
  const [splits, others] = [findings.filter(isSplit), findings.filter((finding) => !isSplit(finding))];
  return [
    ...splits.map(findingPoint),
    ...outcome.between.map((between) => ({ level: betweenLevel(between), text: betweenText(between, total) })),
    ...risky.map((row) => riskPoint(row, releasesText)),
    ...breakPoints(broken, releasesText),
    ...controlBreaks(outcome),
    ...others.filter((finding) => !isTold(finding)).map(findingPoint),
  ].sort((a, b) => RANK[a.level] - RANK[b.level]);
}

const RANK: Readonly<Record<Level, number>> = { error: 0, warning: 1, info: 2 };
const isSplit = ({ facts }: Finding): boolean => facts.kind === 'split';

/** What only says that a list changed is told by what comes of it; a support that goes is a break of its own. */
function toldBy(rows: readonly ReplyRow[]): (finding: Finding) => boolean {
  const told = new Set(rows.map(placeId));
  return ({ facts, places }) =>
    (facts.kind === 'policy-list' && places.length > 0 && places.every((place) => told.has(placeId(place)))) ||
    (facts.kind === 'policy-control' && facts.change === 'removed');
}

function findingPoint(finding: Finding): Point {
  const { headline } = wordsOf(finding);
  const at = [...new Set(finding.evidence.map(({ path, line }) => `${path.split('/').at(-1)}:${line}`))].join(', ');
  const host = finding.facts.kind === 'policy-control' ? hostText(finding.facts.clobbers) : '';
  return {
    level: finding.level,
    text: [
      headline,
      ...(at === '' ? [] : [` (${at})`]),
      ...(host === '' ? [] : [`, and host state stays changed: ${host}`]),
    ].join(''),
  };
}

/** MSRs by what becomes of them, each with the worst of the releases that were read. */
function hostText(clobbers: readonly ClobberFact[]): string {
  const names = (wanted: readonly ClobberFact['exit'][], not: ReadonlySet<string>): readonly string[] => [
    ...new Set(clobbers.filter(({ exit, msr }) => wanted.includes(exit) && !not.has(msr)).map(({ msr }) => msr)),
  ];
  const kept = names(['none'], new Set());
  const lost = names(['init'], new Set(kept));
  const open = names(['unknown'], new Set([...kept, ...lost]));
  return [
    ...(kept.length === 0 ? [] : [`${kept.join(', ')} keep the TD’s value on some release`]),
    ...(lost.length === 0 ? [] : [`${lost.join(', ')} get an initial value`]),
    ...(open.length === 0 ? [] : [`of ${open.join(', ')} it was not settled`]),
    ...(clobbers.length === 0 ? [] : ['KVM restores none of them']),
  ].join('; ');
}

/** The states from one patch to another, in the words of who bisects. */
export function betweenText({ after, until, kind, isUnnamed, places }: Between, total: number): string {
  const where = `From patch ${after}/${total} until ${until}/${total}`;
  const bits = bitsText(isUnnamed, places);
  switch (kind) {
    case 'hidden-not-refused':
      return `${where}, KVM_TDX_CAPABILITIES hides ${bits} and KVM_TDX_INIT_VM takes it: nothing keeps a TD from it there`;
    case 'shown-but-refused':
      return `${where}, KVM_TDX_CAPABILITIES shows ${bits} and KVM_TDX_INIT_VM refuses it: user space that sets what KVM reports gets -EINVAL there`;
    case 'open':
      return `${where}, KVM lets ${bits} through, which both the base and the whole series keep from TDs`;
    case 'refused':
      return `${where}, KVM keeps ${bits} from TDs, which both the base and the whole series let through`;
    case 'unread':
      return `${where}, what KVM does cannot be read: nothing is said of these states`;
  }
}

/** Whether TDs come to use what changes the host; what was let through before as well is no news. */
const isNewRisk = (row: ReplyRow): boolean =>
  riskOf(row).length > 0 && row.from !== 'exposed' && row.from !== 'passed' && row.from !== 'allowed';

function riskPoint(row: ReplyRow, releasesText: ReleasesText): Point {
  const risks = riskOf(row);
  const host = [...new Set(risks.map((fact) => clobberText(fact).replace(/\.$/, '')))].join('; ');
  return {
    level: risks.some(isShownLost) ? 'error' : 'warning',
    text: `TDs may newly use ${rowText(row)} (TDX module ${releasesText(row.releases)}), and host state stays changed: ${host}`,
  };
}

const rowText = (row: ReplyRow): string => placesText([row satisfies FoundPlace]);

/** Bits that KVM took and refuses now, by the releases on which it does; of many groups one point. */
function breakPoints(rows: readonly ReplyRow[], releasesText: ReleasesText): readonly Point[] {
  const groups = new Map<string, ReplyRow[]>();
  for (const row of rows) {
    const key = row.releases.join(' ');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  const point = (group: readonly ReplyRow[], where: string): Point => ({
    level: 'warning',
    text: `ABI break for user space that sets ${placesText(group)}: KVM_TDX_INIT_VM took it and fails with -EINVAL now (${where})`,
  });
  return groups.size > MOST_BREAKS
    ? [point(joined(rows), 'where the TDX module offers it')]
    : [...groups.values()].map((group) =>
        point(group, `TDX module ${releasesText(group.flatMap(({ releases }, at) => (at === 0 ? releases : [])))}`),
      );
}

const MOST_BREAKS = 3;

/** One row for each register. */
function joined(rows: readonly ReplyRow[]): readonly ReplyRow[] {
  const all = new Map<string, ReplyRow>();
  for (const row of rows) {
    const old = all.get(placeId(row));
    const bits = [...(old?.bits ?? []), ...row.bits].sort((a, b) => a.bit - b.bit);
    all.set(placeId(row), { ...row, mask: or(old?.mask ?? 0, row.mask), bits });
  }
  return [...all.values()].sort(comparePlaces);
}

function controlBreaks({ changes: { attributes, xfam } }: Applied): readonly Point[] {
  const names = [
    ...bitsOf64(attributes.removed).map((bit) => `ATTRIBUTES.${ATTRIBUTE_NAMES.get(bit) ?? bit}`),
    ...xfam.removed.map((name) => `XFAM ${name}`),
  ];
  return names.length === 0
    ? []
    : [
        {
          level: 'warning',
          text: `ABI break for user space that asks for ${names.join(', ')}: KVM_TDX_INIT_VM took it and fails with -EINVAL now`,
        },
      ];
}

/** `every bit that the code does not name, and 7.0.EBX ADX[19]`. */
const bitsText = (isUnnamed: boolean, places: readonly FoundPlace[]): string =>
  [
    ...(isUnnamed ? ['every bit that the code does not name'] : []),
    ...(places.length === 0 ? [] : [placesText(places)]),
  ].join(', and ');

/** `hides 1.ECX MWAIT[3] and takes it`, of what KVM does from a patch or version on; one text for each side. */
export function splitTexts(splits: readonly Split[]): readonly string[] {
  return (['hidden-not-refused', 'shown-but-refused'] as const).flatMap((kind) => {
    const own = splits.filter((split) => split.kind === kind);
    const places = own.flatMap(({ place }) => place ?? []);
    if (own.length === 0) return [];
    const bits = bitsText(own.length > places.length, places);
    return [kind === 'hidden-not-refused' ? `hides ${bits} and takes it all the same` : `shows ${bits} and refuses it`];
  });
}
