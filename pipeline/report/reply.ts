import { type Applied, type ReplyRow, replyRows, riskOf } from '../judge/reply.ts';
import { ATTRIBUTE_NAMES } from '../model/control.ts';
import type { Verdict } from '../model/finding.ts';
import type { SeriesBase, SeriesEffect } from '../model/series-effect.ts';
import { bitsText, namesText } from './bits.ts';
import { VERSION } from './formats.ts';
import { plain } from './plain.ts';
import { quoteOf } from './reply-quote.ts';
import { COLUMNS, wrap } from './text.ts';
import { clobberText } from './words.ts';

export type ReplyInput = {
  readonly effect: SeriesEffect;
  readonly outcome: Applied;
  /** The mail that is answered: who wrote it, when as a Date field, and its text. */
  readonly parent: { readonly author: string; readonly date: string; readonly text: string };
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

/** `WRMSRNS (7.1.EAX[19])`, or how many where they are many. */
function subjectText(rows: readonly ReplyRow[]): string {
  const count = rows.reduce((sum, { bits }) => sum + bits.length, 0);
  const named = rows.map((row) => {
    const names = plain(namesText(row.bits));
    return names === '' ? bitsText(row, row.mask) : `${names} (${bitsText(row, row.mask)})`;
  });
  const text = named.join(' and ');
  return named.length <= 2 && text.length <= 80 ? text : `${count} CPUID bits`;
}

/** What changes for which releases, in one sentence. */
function firstSentence(rows: readonly ReplyRow[], all: readonly string[]): string {
  if (rows.length === 0)
    return `This series changes KVM’s policy for TDs, but not what becomes of any CPUID bit of TDX module ${releasesText(all, all)}.`;
  const affected = new Set(rows.flatMap(({ releases }) => releases));
  const verdicts = [...new Set(rows.map(({ to }) => to))];
  const parts = verdicts.map((to) => `${VERB[to]} ${subjectText(rows.filter((row) => row.to === to))}`);
  const where = releasesText(
    all.filter((release) => affected.has(release)),
    all,
  );
  return `On TDX module ${where} this series makes KVM ${parts.join('; and ')}.`;
}

/** Feature, MSR and what happens to it, once each. */
function riskLines(rows: readonly ReplyRow[]): readonly string[] {
  const texts = new Set(rows.flatMap((row) => riskOf(row).map((fact) => plain(clobberText(fact)))));
  return texts.size === 0
    ? []
    : [
        '',
        ...wrap('TDs get these, and host state stays changed:'),
        ...[...texts].flatMap((text) => wrap(text, '  * ')),
      ];
}

function tableLines(rows: readonly ReplyRow[], all: readonly string[], max: number): readonly string[] {
  if (rows.length === 0) return [];
  const shown = rows.slice(0, max);
  const cells = shown.map((row) => {
    const names = plain(namesText(row.bits));
    const bits = `${bitsText(row, row.mask)}${names === '' ? '' : ` ${names}`}`;
    return { bits, from: row.from ?? 'no TDX', to: row.to, releases: releasesText(row.releases, all) };
  });
  const width = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.length));
  const [from, to] = [
    width(['before', ...cells.map((cell) => cell.from)]),
    width(['after', ...cells.map((cell) => cell.to)]),
  ];
  const releases = Math.min(18, width(['TDX module', ...cells.map((cell) => cell.releases)]));
  const bits = Math.min(COLUMNS - 8 - from - to - releases, width(['CPUID bits', ...cells.map((cell) => cell.bits)]));
  const line = (cell: (typeof cells)[number]): readonly string[] => {
    const names = wrap(cell.bits.length <= bits ? cell.bits : cell.bits.replace(/ .*/, ''));
    const right = `  ${(names[0] ?? '').padEnd(bits)}  ${cell.from.padEnd(from)}  ${cell.to.padEnd(to)}  `;
    const rest = cell.bits.length <= bits ? [] : wrap(cell.bits.replace(/^\S+ /, ''), '      ').slice(0, 3);
    return [...wrap(cell.releases, right, ' '.repeat(right.length)), ...rest];
  };
  const head = `  ${'CPUID bits'.padEnd(bits)}  ${'before'.padEnd(from)}  ${'after'.padEnd(to)}  TDX module`;
  const legend = [...new Set(cells.flatMap(({ from: a, to: b }) => [a, b]))].flatMap((verdict) => {
    const text = LEGEND[verdict as Verdict];
    return text === undefined ? [] : wrap(text, '  ');
  });
  const more = rows.length - shown.length;
  return [
    '',
    head,
    ...cells.flatMap(line),
    ...(more === 0 ? [] : [`  and ${more} more row${more === 1 ? '' : 's'}, see below for the command`]),
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

/** What a maintainer still has to decide, for the newest release of each line. */
function openLines({ open }: Applied, max: number): readonly string[] {
  const asked = open.map(({ release, findings }) => ({
    release: plain(release),
    findings: findings.filter(({ waived }) => waived === null),
  }));
  const settled = asked.filter(({ findings }) => findings.length === 0).map(({ release }) => release);
  const lines = asked.flatMap(({ release, findings }) => {
    if (findings.length === 0) return [];
    const rows = findings.slice(0, max).map(({ place, mask, bits, rule }) => {
      const names = plain(namesText(bits));
      return `${place === null ? '' : bitsText(place, mask)}${names === '' ? '' : ` ${names}`}: ${rule}`;
    });
    const more = findings.length - rows.length;
    return [
      '',
      `Still open after it, TDX module ${release}:`,
      ...rows.flatMap((row) => wrap(row, '  ', '      ').slice(0, 3)),
      ...(more === 0 ? [] : [`  and ${more} more`]),
    ];
  });
  return settled.length === 0
    ? lines
    : [...lines, '', ...wrap(`Nothing stays open for TDX module ${settled.join(', ')}.`)];
}

const BASE_TEXT: Readonly<Record<SeriesBase['by'], string>> = {
  'base-commit': 'as the series names it',
  given: 'chosen by hand',
  preimages: 'chosen: the newest known commit with every file as in the diffs',
  applies: 'chosen: the newest known commit on which the series applies',
  closest: 'chosen: it has the most files as in the diffs',
};

/** Aligned labels: base, what was read, how to reproduce. */
function factLines({ effect, outcome }: ReplyInput, all: readonly string[]): readonly string[] {
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
      `TDX module ${releasesText(all, all)} (${count}); KVM of Linux ${plain(outcome.after.version)} with the series`,
    ),
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
    ...openLines(outcome, Math.min(6, most)),
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
  return `${lines.join('\n')}\n`;
}
