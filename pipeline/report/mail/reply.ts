import { type Applied, type ReplyRow, replyRows } from '../../judge/reply.ts';
import { bitsText } from '../../model/bit-names.ts';
import type { Verdict } from '../../model/finding.ts';
import type { SeriesBase, SeriesEffect } from '../../model/series-effect.ts';
import { plain } from '../../model/text.ts';

import { VERSION } from '../format-names.ts';
import { releasesText } from '../releases-text.ts';
import { wrap } from '../wrap.ts';
import { otherLines, riskLines } from './reply-changes.ts';
import { quoteOf } from './reply-quote.ts';
import { openLines, shortNames, tableLines } from './reply-rows.ts';

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

function bodyOf(input: ReplyInput, rows: readonly ReplyRow[], most: number): Body {
  const { effect, outcome, parent, optOut } = input;
  const all = outcome.effects.map(({ release }) => release);
  const words = rows.flatMap(({ bits }) => bits.flatMap(({ name }) => name ?? []));
  const listed = [...outcome.changes.deny.added, ...outcome.changes.deny.removed, ...outcome.changes.allow.added];
  const names = [...words, ...listed.flatMap(({ bits }) => bits.flatMap(({ name }) => name ?? []))];
  const quote = [
    ...wrap(`On ${plain(parent.date)}, ${plain(parent.author)} wrote:`).slice(0, 2),
    ...quoteOf(parent.text, [...names, ...outcome.changes.restores.added], effect.inputs, Math.min(6, most)),
  ];
  const own = [
    '',
    ...wrap(firstSentence(rows, all)),
    ...riskLines(rows),
    ...tableLines(rows, all, most),
    ...otherLines(outcome, rows),
    ...openLines(outcome, rows, Math.min(6, most)),
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
 * The text of a reply: the quote, what changes for which releases, a short table, what stays open, the base and how to reproduce it,
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
