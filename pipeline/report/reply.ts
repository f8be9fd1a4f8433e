import { type Applied, type ReplyRow, replyRows, riskOf } from '../judge/reply.ts';
import { ATTRIBUTE_NAMES } from '../model/control.ts';
import type { Finding, NamedBit, Verdict } from '../model/finding.ts';
import { type Place, placeId } from '../model/place.ts';
import type { SeriesBase, SeriesEffect } from '../model/series-effect.ts';
import { bitsText } from './bits.ts';
import { columnLines } from './columns.ts';
import { VERSION } from './formats.ts';
import { plain } from './plain.ts';
import { quoteOf } from './reply-quote.ts';
import { wrap } from './text.ts';
import { clobberText } from './words.ts';

export type ReplyInput = {
  readonly effect: SeriesEffect;
  readonly outcome: Applied;
  /** The mail that is answered: who wrote it, when as a Date field, and its text. */
  readonly parent: { readonly author: string; readonly date: string; readonly text: string };
  /** Releases that are known by name only: nothing is said of their TDs. */
  readonly unread: number;
  /** Where one writes to get no more of these. */
  readonly optOut: string;
};

/** Readers of lists accept about this many lines. */
const MAX_LINES = 60;
const LABEL = 13;

const VERB: Readonly<Record<Verdict, string>> = {
  allowed: 'allow',
  denied: 'deny',
  exposed: 'let through, undecided,',
  'needs-optin': 'hide, until it opts in,',
  unreachable: 'close the gate of',
  known: 'know',
  unknown: 'no longer know',
};

const LEGEND: Partial<Readonly<Record<Verdict, string>>> = {
  exposed: 'exposed: configurable and let through, though KVM’s code predates it',
  'needs-optin': 'needs-optin: configurable, and not on KVM’s list of allowed bits',
  unreachable: 'unreachable: its gate (XFAM or ATTRIBUTES) is closed in KVM',
};

/** `1.5.06..2.0.18` for neighbours among the releases that were read, else the parts with commas. */
export function releasesText(releases: readonly string[], all: readonly string[]): string {
  const parts: { first: number; last: number }[] = [];
  for (const at of releases.map((release) => all.indexOf(release)).sort((a, b) => a - b)) {
    const part = parts.at(-1);
    if (part !== undefined && part.last === at - 1) part.last = at;
    else parts.push({ first: at, last: at });
  }
  const name = (at: number): string => plain(all[at] ?? '');
  return parts.map(({ first, last }) => (first === last ? name(first) : `${name(first)}..${name(last)}`)).join(', ');
}

/** `MCE, MTRR and 2 without a name`: the bits stand beside, so that no name repeats them. */
function shortNames(bits: readonly NamedBit[]): string {
  const names = [...new Set(bits.flatMap(({ name }) => (name === null ? [] : [plain(name)])))];
  const unnamed = bits.filter(({ name }) => name === null).length;
  if (names.length === 0 || unnamed === 0) return names.join(', ');
  return `${names.join(', ')} and ${unnamed} without a name`;
}

/** `WRMSRNS (7.1.EAX[19])`, or how many where they are many. */
function subjectText(rows: readonly ReplyRow[]): string {
  const count = rows.reduce((sum, { bits }) => sum + bits.length, 0);
  const named = rows.map((row) => {
    const names = shortNames(row.bits);
    return names === '' ? bitsText(row, row.mask) : `${names} (${bitsText(row, row.mask)})`;
  });
  const text = named.join(' and ');
  return named.length <= 2 && text.length <= 80 ? text : `${count} CPUID bits`;
}

/** `on TDX module 1.5.06..2.0.18`; `on some of` them where the rows differ. */
function whereText(rows: readonly ReplyRow[], all: readonly string[]): string {
  const affected = new Set(rows.flatMap(({ releases }) => releases));
  const isSame = rows.every(({ releases }) => releases.length === affected.size);
  const text = releasesText(
    all.filter((release) => affected.has(release)),
    all,
  );
  return `on ${isSame ? '' : 'some of '}TDX module ${text}`;
}

/** What changes for which releases, in one sentence. */
function firstSentence(rows: readonly ReplyRow[], all: readonly string[]): string {
  if (rows.length === 0)
    return `This series changes KVM’s policy for TDs, but not what becomes of any CPUID bit of TDX module ${releasesText(all, all)}.`;
  const verdicts = [...new Set(rows.map(({ to }) => to))];
  const parts = verdicts.map((to) => {
    const own = rows.filter((row) => row.to === to);
    return `${VERB[to]} ${subjectText(own)} ${whereText(own, all)}`;
  });
  const last = parts.slice(-1);
  const text = parts.length === 1 ? last.join('') : `${parts.slice(0, -1).join(', ')}, and ${last.join('')}`;
  return `This series makes KVM ${text}.`;
}

/** Feature, MSR and what happens to it, once each. */
function riskLines(rows: readonly ReplyRow[]): readonly string[] {
  const texts = new Set(rows.flatMap((row) => riskOf(row).map((fact) => plain(clobberText(fact)))));
  return texts.size === 0
    ? []
    : [
        '',
        ...wrap('TDs may newly use these, and host state stays changed:'),
        ...[...texts].flatMap((text) => wrap(text, '  * ')),
      ];
}

const cellText = (place: Place, mask: number, bits: readonly NamedBit[]): string =>
  `${bitsText(place, mask)} ${shortNames(bits)}`.trim();

function tableLines(rows: readonly ReplyRow[], all: readonly string[], max: number): readonly string[] {
  if (rows.length === 0) return [];
  const shown = rows.slice(0, max);
  const cells = shown.map((row) => [
    cellText(row, row.mask, row.bits),
    row.from ?? 'no TDX',
    row.to,
    releasesText(row.releases, all),
  ]);
  const legend = [...new Set(shown.flatMap(({ from, to }) => [from, to]))].flatMap((verdict) => {
    const text = verdict === null ? undefined : LEGEND[verdict];
    return text === undefined ? [] : wrap(text, '  ');
  });
  const more = rows.length - shown.length;
  return [
    '',
    ...columnLines(['CPUID bits', 'before', 'after', 'TDX module'], cells),
    ...(more === 0 ? [] : [`  and ${more} more row${more === 1 ? '' : 's'}: see the command below`]),
    ...(legend.length === 0 ? [] : ['', ...legend]),
  ];
}

/** What the series does beside bits: MSRs, attributes, XFAM, the length of KVM's array. */
function otherLines({ changes }: Applied): readonly string[] {
  const { restores, attributes, xfam, configLimit } = changes;
  const attributeNames = (mask: bigint): readonly string[] =>
    Array.from({ length: 64 }, (_, bit) => bit)
      .filter((bit) => (mask >> BigInt(bit)) % 2n === 1n)
      .map((bit) => ATTRIBUTE_NAMES.get(bit) ?? `bit ${bit}`);
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['KVM restores after a TD ran:', restores.added],
    ['KVM no longer restores after a TD ran:', restores.removed],
    ['TD attributes that KVM comes to support:', attributeNames(attributes.added)],
    ['TD attributes that KVM supports no longer:', attributeNames(attributes.removed)],
    ['XFAM that KVM comes to support:', xfam.added],
    ['XFAM that KVM supports no longer:', xfam.removed],
    [
      'CPUID_CONFIG entries that KVM can take:',
      configLimit.from === configLimit.to ? [] : [`${configLimit.from ?? 'unknown'} -> ${configLimit.to ?? 'unknown'}`],
    ],
  ];
  const lines = parts.flatMap(([label, names]) =>
    names.length === 0 ? [] : wrap(`${label} ${plain(names.join(', '))}`),
  );
  return lines.length === 0 ? [] : ['', ...lines];
}

type OpenRow = { readonly finding: Finding; readonly releases: readonly string[] };

/** Open findings of several releases joined, those first that clobber host state or that this series is about. */
function openRows({ open }: Applied, rows: readonly ReplyRow[]): readonly OpenRow[] {
  const joined = new Map<string, OpenRow>();
  for (const { release, findings } of open)
    for (const finding of findings) {
      const { rule, place, mask, waived } = finding;
      if (waived !== null || place === null) continue;
      const key = `${rule} ${placeId(place)} ${mask}`;
      joined.set(key, { finding, releases: [...(joined.get(key)?.releases ?? []), plain(release)] });
    }
  const own = new Set(rows.map(placeId));
  const weight = ({ finding: { level, place } }: OpenRow): number =>
    (level === 'error' ? 0 : 2) + (place !== null && own.has(placeId(place)) ? 0 : 1);
  return [...joined.values()].sort((a, b) => weight(a) - weight(b));
}

/** What a maintainer still has to decide, for the newest release of each line. */
function openLines(outcome: Applied, rows: readonly ReplyRow[], max: number): readonly string[] {
  const releases = outcome.open.map(({ release }) => plain(release)).join(' and ');
  const found = openRows(outcome, rows);
  if (releases === '') return [];
  if (found.length === 0) return ['', ...wrap(`Nothing stays open after it for TDX module ${releases}.`)];
  const shown = found.slice(0, max);
  const cells = shown.map(({ finding: { rule, place, mask, bits }, releases: where }) => [
    place === null ? '' : cellText(place, mask, bits),
    rule,
    where.join(', '),
  ]);
  const more = found.length - shown.length;
  return [
    '',
    ...wrap(`Still open after it, for TDX module ${releases}, the newest of their lines:`),
    '',
    ...columnLines(['CPUID bits', 'why', 'TDX module'], cells),
    ...(more === 0 ? [] : [`  and ${more} more row${more === 1 ? '' : 's'}: see the command below`]),
  ];
}

const BASE_TEXT: Readonly<Record<SeriesBase['by'], string>> = {
  'base-commit': 'as the series names it',
  given: 'chosen by hand',
  preimages: 'chosen: the newest known commit with every file as in the diffs',
  applies: 'chosen: the newest known commit on which the series applies',
  closest: 'chosen: it has the most files as in the diffs',
};

/** Aligned labels: base, what was read, how to reproduce. */
function factLines({ effect, outcome, unread }: ReplyInput, all: readonly string[]): readonly string[] {
  const { base } = outcome;
  const label = (name: string, text: string): readonly string[] => wrap(text, `${name}:`.padEnd(LABEL));
  const why =
    base.by !== 'base-commit' && base.named !== null ? ` (the named ${base.named.slice(0, 12)} is not at hand)` : '';
  const named = base.by === 'base-commit' || base.named !== null ? '' : ' (the series names none)';
  const count = `${all.length} release${all.length === 1 ? '' : 's'}`;
  return [
    '',
    ...label('base-commit', base.commit),
    ...wrap(`${BASE_TEXT[base.by]}${why}${named}`, ' '.repeat(LABEL)),
    ...label(
      'read',
      `TDX module ${releasesText(all, all)} (${count}); KVM of Linux ${plain((outcome.before ?? outcome.after).version)} before and after`,
    ),
    ...(unread === 0 ? [] : label('not read', `${unread} releases of TDX module that are known by name only`)),
    ...effect.notes.slice(0, 2).flatMap((note) => label('note', plain(note)).slice(0, 3)),
    ...label('reproduce', 'save this thread as thread.mbox, then'),
    `  bitwatch series thread.mbox --kernel linux.git --base ${base.commit.slice(0, 12)}`,
  ];
}

function bodyLines(input: ReplyInput, rows: readonly ReplyRow[], most: number): readonly string[] {
  const { effect, outcome, parent, optOut } = input;
  const all = outcome.effects.map(({ release }) => release);
  const words = rows.flatMap(({ bits }) => bits.flatMap(({ name }) => name ?? []));
  const listed = [...outcome.changes.deny.added, ...outcome.changes.deny.removed, ...outcome.changes.allow.added];
  const names = [...words, ...listed.flatMap(({ bits }) => bits.flatMap(({ name }) => name ?? []))];
  return [
    ...wrap(`On ${plain(parent.date)}, ${plain(parent.author)} wrote:`).slice(0, 2),
    ...quoteOf(parent.text, [...names, ...outcome.changes.restores.added], effect.inputs, Math.min(6, most)),
    '',
    ...wrap(firstSentence(rows, all)),
    ...riskLines(rows),
    ...tableLines(rows, all, most),
    ...otherLines(outcome),
    ...openLines(outcome, rows, Math.min(6, most)),
    ...factLines(input, all),
    '',
    ...wrap(
      `Drafted by bitwatch ${VERSION}, a program, from public sources. It may be wrong: hold it against the code, and please say where it differs.`,
    ),
    ...wrap(`To get no more of these, write to ${plain(optOut)}.`),
  ];
}

/**
 * The text of a reply: the quote, what changes for which releases, a short table, what stays open, the base and how to reproduce it,
 * and where to opt out. Lines of at most 72 columns, about 60 of them: long tables are cut and say so.
 */
export function replyText(input: ReplyInput): string {
  const rows = replyRows(input.outcome);
  let lines = bodyLines(input, rows, 12);
  for (let most = 11; most > 0 && lines.length > MAX_LINES; most -= 1) lines = bodyLines(input, rows, most);
  // Lists are read in terminals of all kinds: what is ours is ASCII, what is quoted stays as it was.
  return `${lines.map((line) => (line.startsWith('>') ? line : line.replaceAll('’', "'"))).join('\n')}\n`;
}
