import { type Applied, isUnchanged, type ReplyRow, replyRows } from '../../judge/reply.ts';
import { bitsText } from '../../model/bit-names.ts';
import type { Verdict } from '../../model/finding.ts';
import type { SeriesBase, SeriesEffect } from '../../model/series-effect.ts';
import { plain } from '../../model/text.ts';

import { VERSION } from '../format-names.ts';
import { releasesText } from '../releases-text.ts';
import { pointsOf } from '../series-points.ts';
import { wrap } from '../wrap.ts';
import { otherLines } from './reply-changes.ts';
import { namingRank, quoteOf } from './reply-quote.ts';
import { openLines, shortNames, tableLines } from './reply-rows.ts';

/** A mail that may be quoted: who wrote it, when as a Date field, which part of the series where it is not the one answered. */
export type Quoted = {
  readonly author: string;
  readonly date: string;
  readonly part: string | null;
  readonly text: string;
};

export type ReplyInput = {
  readonly effect: SeriesEffect;
  readonly outcome: Applied;
  /** The mail that is answered, and the patches beside it: what does it is quoted from where it stands. */
  readonly parent: Quoted;
  readonly patches: readonly Quoted[];
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
  passed: 'pass through',
  closed: 'close the gate of',
};

/** `WRMSRNS (7.1.EAX[19])`, or how many where they are many. */
function subjectText(rows: readonly ReplyRow[]): string {
  const count = rows.reduce((sum, { bits }) => sum + bits.length, 0);
  const named = rows.map((row) => {
    const names = shortNames(row.bits);
    return names === '' ? bitsText(row, row.mask) : `${names} (${bitsText(row, row.mask)})`;
  });
  const text = named.join(' and ');
  return named.length <= 2 && text.length <= 80 ? text : `${count} CPUID bit${count === 1 ? '' : 's'}`;
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
function firstSentence(rows: readonly ReplyRow[], all: readonly string[], isSame: boolean): string {
  if (rows.length === 0 && isSame) return 'This series changes nothing in what KVM lets TDs have.';
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

const BASE_TEXT: Readonly<Record<SeriesBase['by'], string>> = {
  'base-commit': 'as the series names it',
  given: 'chosen by hand',
  preimages: 'chosen: the newest known commit with every file as in the diffs',
  applies: 'chosen: the newest known commit on which the series applies',
  closest: 'chosen: it has the most files as in the diffs',
};

/** What the series itself names, where another base was taken. */
function namedText({ by, named, commit }: SeriesBase): string {
  if (by === 'base-commit') return '';
  if (named === null) return ' (the series names none)';
  // Nobody looked for it where a base was given.
  if (by === 'given')
    return commit.startsWith(named) ? ', as the series names it' : ` (the series names ${named.slice(0, 12)})`;
  return ` (the named ${named.slice(0, 12)} is not at hand)`;
}

/** Aligned labels: base, what was read, how to reproduce. */
function factLines({ effect, outcome, unread }: ReplyInput, all: readonly string[]): readonly string[] {
  const { base } = outcome;
  const label = (name: string, text: string): readonly string[] => wrap(text, `${name}:`.padEnd(LABEL));
  const count = `${all.length} release${all.length === 1 ? '' : 's'}`;
  return [
    '',
    ...label('base-commit', base.commit),
    ...wrap(`${BASE_TEXT[base.by]}${namedText(base)}`, ' '.repeat(LABEL)),
    ...label(
      'read',
      `TDX module ${releasesText(all, all)} (${count}); KVM of Linux ${plain((outcome.before ?? outcome.after).version)} without and with the series`,
    ),
    ...(unread === 0 ? [] : label('not read', `${unread} releases of TDX module that are known by name only`)),
    ...(base.prerequisites === 0
      ? []
      : label('note', `${base.prerequisites} prerequisite patches that the series names were not applied`)),
    ...effect.notes.slice(0, 2).flatMap((note) => label('note', plain(note)).slice(0, 3)),
    ...label('reproduce', 'save this thread as thread.mbox, then'),
    `  bitwatch series thread.mbox --kernel linux.git --base ${base.commit.slice(0, 12)}`,
  ];
}

type Body = { readonly quote: readonly string[]; readonly own: readonly string[] };

/** A reader of a list reads so many points; the others are in the report. */
const MOST_POINTS = 4;

/** What a reviewer must know, the most urgent first. */
function pointLines({ effect, outcome }: ReplyInput, all: readonly string[]): readonly string[] {
  const points = pointsOf(outcome, effect.series.total, (releases) => releasesText(releases, all));
  const more = points.length - MOST_POINTS;
  const shown = points.slice(0, MOST_POINTS).map(({ text }) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
  return shown.length === 0
    ? []
    : [
        '',
        ...shown.flatMap((text) => wrap(plain(text), '* ')),
        ...(more > 0 ? [`and ${more} more: see the command below`] : []),
      ];
}

/** The mail whose changed lines name best what changes: the one that is answered, else a patch of the series. */
function quotedOf({ effect, parent, patches }: ReplyInput, names: readonly string[]): Quoted {
  const ranked = [parent, ...patches].map((mail) => ({ mail, rank: namingRank(mail.text, names, effect.inputs) }));
  return ([0, 1] as const).flatMap((wanted) => ranked.filter(({ rank }) => rank === wanted))[0]?.mail ?? parent;
}

/** Names of all that changes, also of what is hidden and taken. */
function namesOf({ changes, findings, between }: Applied, rows: readonly ReplyRow[]): readonly string[] {
  const listed = [changes.deny, changes.allow].flatMap(({ added, removed }) => [...added, ...removed]);
  const places = [...findings, ...between].flatMap((each) => each.places);
  const controls = findings.flatMap(({ facts }) => (facts.kind === 'policy-control' ? facts.bits : []));
  const named = [...rows, ...listed, ...places].flatMap(({ bits }) => bits);
  return [
    ...[...named, ...controls].flatMap(({ name }) => name ?? []),
    ...changes.restores.added,
    ...changes.restores.removed,
    ...changes.xfam.added,
  ];
}

function bodyOf(input: ReplyInput, rows: readonly ReplyRow[], most: number): Body {
  const { effect, outcome, optOut } = input;
  const all = outcome.effects.map(({ release }) => release);
  const names = namesOf(outcome, rows);
  const { author, date, part, text } = quotedOf(input, names);
  const quote = [
    ...wrap(`On ${plain(date)}, ${plain(author)} wrote${part === null ? '' : ` in ${part}`}:`).slice(0, 2),
    ...quoteOf(text, names, effect.inputs, Math.min(6, most)),
  ];
  const own = [
    ...pointLines(input, all),
    '',
    ...wrap(firstSentence(rows, all, isUnchanged(outcome))),
    ...tableLines(rows, all, most),
    ...otherLines(outcome, rows),
    ...openLines(outcome, Math.min(6, most)),
    ...factLines(input, all),
    '',
    ...wrap(
      `Drafted by bitwatch ${VERSION}, a program, from public sources. It may be wrong: hold it against the code, and please say where it differs.`,
    ),
    ...wrap(`To get no more of these, write to ${plain(optOut)}.`),
  ];
  return { quote, own };
}

/**
 * The text of a reply: the quote, what a reviewer must know, what changes for which releases, a short table, what it opens, the base and how to reproduce it,
 * and where to opt out. Lines of at most 72 columns, about 60 of them: long tables are cut and say so.
 */
export function replyText(input: ReplyInput): string {
  const rows = replyRows(input.outcome);
  let body = bodyOf(input, rows, 12);
  for (let most = 11; most > 0 && body.quote.length + body.own.length > MAX_LINES; most -= 1)
    body = bodyOf(input, rows, most);
  // What is ours is ASCII, for lists are read in terminals of all kinds, and never looks like a quote.
  const own = body.own.map((line) => line.replaceAll('’', "'").replace(/^>/, '|'));
  return `${[...body.quote, ...own].join('\n')}\n`;
}
