import type { PageFacts } from '../cases/page-facts.ts';
import { compareFindings } from '../judge/assemble.ts';
import { type Finding, LEVELS, type Level } from '../model/finding.ts';
import { type Coverage, type Participant, participantsOf, type ReportFacts, type Review } from '../model/review.ts';
import type { Evidence } from '../model/source.ts';
import { plain } from '../model/text.ts';

import { type Briefing, briefingOf } from './briefing.ts';
import { type PlaceLine, placeLines } from './places.ts';
import { kvmTitle, releaseTitle, statusLines } from './status-words.ts';
import { wordsOf } from './words/words.ts';

/** One finding in words, ready for any format. */
export type Item = {
  readonly finding: Finding;
  readonly headline: string;
  readonly because: string;
  readonly todo: string;
  readonly evidence: readonly string[];
  /** Each register with its mask and names. */
  readonly places: readonly PlaceLine[];
  /** `decided until 2027-01-01 by NAME: reason`, or null. */
  readonly decided: string | null;
};

export type Counts = Readonly<Record<Level, number>> & { readonly decided: number };

/** What a section holds against what. */
export type SectionKind = Review['kind'];

export type Section = {
  readonly id: string;
  readonly kind: SectionKind;
  readonly title: string;
  readonly summary: string;
  /** What was read, and what of it was not settled. */
  readonly notes: readonly string[];
  /** What took part: a finding without a line of its own rests on these. */
  readonly participants: readonly Participant[];
  readonly items: readonly Item[];
  /** The review on one screen; null where none is of a release. */
  readonly briefing: Briefing | null;
  readonly counts: Counts;
  readonly command: string;
};

/** All that the formats print, in the order they print it. */
export type View = {
  readonly title: string;
  readonly sections: readonly Section[];
  readonly counts: Counts;
  readonly coverage: Coverage;
  /** The address under which the pages of the rules stand, with a final slash; null where none is known. */
  readonly rulesUrl: string | null;
  /** A repository's name to its https address, where `specs/sources.yaml` gives one. */
  readonly web: ReadonlyMap<string, string>;
  /** What a page works out the rest from; null where no page is made. */
  readonly page: PageFacts | null;
};

export function viewOf(
  report: ReportFacts,
  title = 'bitwatch: CPUID bits of Intel TDX module releases',
  page: PageFacts | null = null,
): View {
  const sections = report.reviews.map((review) => sectionOf(review, report.coverage));
  return {
    title: plain(title),
    sections,
    counts: sumCounts(sections.map(({ counts }) => counts)),
    coverage: report.coverage,
    rulesUrl: null,
    web: new Map(),
    page,
  };
}

function sectionOf(review: Review, coverage: Coverage): Section {
  const items = [...review.findings].sort(compareFindings).map(itemOf);
  const counts = countsOf(review.findings);
  const participants = participantsOf(review);
  const notes = participants.flatMap(({ name, source, notes: own }) => [
    ...(source === null
      ? []
      : [plain(`${name} read from ${source.repository}@${source.revision.slice(0, 12)} ${source.path}`)]),
    ...own.map((note) => plain(`${name}: ${note}`)),
  ]);
  return {
    id: plain(review.id),
    kind: review.kind,
    title: plain(titleOf(review)),
    summary: countsText(counts),
    notes: [...statusLines(review).map(plain), ...notes],
    participants,
    items,
    briefing: review.kind === 'release' ? briefingOf(review, coverage) : null,
    counts,
    command: plain(review.command),
  };
}

function titleOf(review: Review): string {
  switch (review.kind) {
    case 'release':
      return releaseTitle(review);
    case 'policy':
      return `${kvmTitle(review.policy)} against all releases`;
    case 'policy-step':
      return `KVM ${review.to.name} against ${review.from.name}`;
    case 'facts':
      return 'The facts themselves';
  }
}

export function itemOf(finding: Finding): Item {
  const words = wordsOf(finding);
  const until = finding.decided?.until == null ? '' : ` until ${finding.decided.until}`;
  return {
    finding,
    headline: plain(words.headline),
    because: plain(words.because),
    todo: plain(words.todo),
    evidence: finding.evidence.map(evidenceText),
    places: placeLines(finding.places).map((line) => ({ ...line, names: plain(line.names) })),
    decided:
      finding.decided === null ? null : plain(`decided${until} by ${finding.decided.by}: ${finding.decided.reason}`),
  };
}

const evidenceText = ({ repository, revision, path, line }: Evidence): string =>
  plain(`${repository}@${revision.slice(0, 12)} ${path}:${line}`);

function countsOf(findings: readonly Finding[]): Counts {
  const open = findings.filter((finding) => finding.decided === null);
  const count = (level: Level): number => open.filter((finding) => finding.level === level).length;
  return {
    info: count('info'),
    warning: count('warning'),
    error: count('error'),
    decided: findings.length - open.length,
  };
}

const sumCounts = (all: readonly Counts[]): Counts =>
  all.reduce(
    (sum, counts) => ({
      info: sum.info + counts.info,
      warning: sum.warning + counts.warning,
      error: sum.error + counts.error,
      decided: sum.decided + counts.decided,
    }),
    { info: 0, warning: 0, error: 0, decided: 0 },
  );

/** `2 errors, 5 warnings, 1 info`. */
export function countsText(counts: Counts): string {
  const parts = [...LEVELS]
    .reverse()
    .flatMap((level) =>
      counts[level] === 0 ? [] : [`${counts[level]} ${level}${counts[level] === 1 || level === 'info' ? '' : 's'}`],
    );
  if (counts.decided > 0) parts.push(`${counts.decided} decided`);
  return parts.length === 0 ? 'nothing to report' : parts.join(', ');
}

/** `110 findings: 0 errors, 8 warnings, 102 info`: every level, none left out. */
export function everyCountText(counts: Counts): string {
  const { error, warning, info, decided } = counts;
  const all = error + warning + info + decided;
  const levels = `${counted(error, 'error')}, ${counted(warning, 'warning')}, ${info} info`;
  return `${counted(all, 'finding')}: ${levels}${decided === 0 ? '' : `, ${decided} decided`}`;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** `2 releases (1.5.05, 1.5.06)`; nothing where there are none. */
const named = (names: readonly string[], what: string): string =>
  names.length === 0 ? '' : `${counted(names.length, what)} (${names.join(', ')})`;

/** Sentences on what was looked at and what was not. */
export function coverageLines({ releases, policies, unread, cells, skipped }: Coverage): readonly string[] {
  return [
    `Read: ${[named(releases, 'release'), named(policies, 'KVM version')].filter((part) => part !== '').join(' and ')}${cells === 0 ? '' : `; ${cells} bits compared between releases`}.`,
    ...unread.map(({ release, reason }) => `Not read: release ${release}: ${reason}.`),
    ...skipped.map((what) => `${what}.`),
  ].map(plain);
}
