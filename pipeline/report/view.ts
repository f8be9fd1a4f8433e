import type { BitFacts } from '../cases/page-facts.ts';
import { compareFindings } from '../judge/finish.ts';
import { type Finding, LEVELS, type Level } from '../model/finding.ts';
import type { Coverage, ReportFacts, Review } from '../model/review.ts';
import type { Evidence } from '../model/source.ts';
import { plain } from '../model/text.ts';

import { wordsOf } from './words.ts';

/** One finding in words, ready for any format. */
export type Item = {
  readonly finding: Finding;
  readonly headline: string;
  readonly because: string;
  readonly todo: string;
  readonly evidence: readonly string[];
  /** `waived until 2027-01-01 by NAME: reason`, or null. */
  readonly waived: string | null;
};

export type Counts = Readonly<Record<Level, number>> & { readonly waived: number };

/** What a section holds against what. */
export type SectionKind = 'step' | 'release' | 'policy' | 'policy-step' | 'facts';

export type Section = {
  readonly id: string;
  readonly kind: SectionKind;
  readonly title: string;
  readonly summary: string;
  /** What was read, and what of it was not settled. */
  readonly notes: readonly string[];
  readonly items: readonly Item[];
  readonly counts: Counts;
  readonly command: string;
};

/** All that the formats print, in the order they print it. */
export type View = {
  readonly title: string;
  readonly sections: readonly Section[];
  readonly counts: Counts;
  readonly coverage: Coverage;
  /** Every bit of every release, for a format that shows them; null where nothing does. */
  readonly bits: BitFacts | null;
};

export function viewOf(
  report: ReportFacts,
  title = 'bitwatch: CPUID bits of Intel TDX module releases',
  bits: BitFacts | null = null,
): View {
  const sections = report.reviews.map(sectionOf);
  return {
    title: plain(title),
    sections,
    counts: sumCounts(sections.map(({ counts }) => counts)),
    coverage: report.coverage,
    bits,
  };
}

function sectionOf(review: Review): Section {
  const items = [...review.findings].sort(compareFindings).map(itemOf);
  const counts = countsOf(review.findings);
  const participants = [review.from, review.to, review.policy].flatMap((participant) =>
    participant === null ? [] : [participant],
  );
  const unique = participants.filter(
    (participant, index) => participants.findIndex(({ name }) => name === participant.name) === index,
  );
  const notes = unique.flatMap(({ name, source, notes: own }) => [
    ...(source === null
      ? []
      : [plain(`${name} read from ${source.repository}@${source.revision.slice(0, 12)} ${source.path}`)]),
    ...own.map((note) => plain(`${name}: ${note}`)),
  ]);
  return {
    id: plain(review.id),
    kind: kindOf(review),
    title: plain(titleOf(review)),
    summary: countsText(counts),
    notes: [...lineageNotes(review), ...notes, ...(review.diff?.coverage.unknown ?? []).map(plain)],
    items,
    counts,
    command: plain(review.command),
  };
}

/** Why a release is compared with the other, what lies between, and what else it can be compared with. */
function lineageNotes({ from, to, lineage }: Review): readonly string[] {
  if (lineage == null || from === null) return [];
  const between = lineage.between.join(', ');
  return [
    lineage.why === null
      ? `${to.name} is compared with ${from.name}, the release before it that was read; whose code it has was not examined`
      : `${to.name} is compared with ${from.name}: ${lineage.why}`,
    ...(between === ''
      ? []
      : [`between them, known by name only: ${between}; what changed may have come with one of them`]),
    ...(lineage.before === null
      ? []
      : [
          `on its own line ${lineage.before} comes before ${to.name}: \`bitwatch review ${to.name} --since ${lineage.before}\``,
        ]),
  ].map(plain);
}

function kindOf({ from, to, policy, diff }: Review): SectionKind {
  if (diff !== null) return 'step';
  if (policy !== null) return policy.name === to.name ? 'policy' : 'release';
  return from === null ? 'facts' : 'policy-step';
}

function titleOf({ id, from, to, policy, diff }: Review): string {
  if (diff !== null && from !== null) return `TDX module ${to.name} against ${from.name}`;
  if (policy !== null && policy.name === to.name) return `KVM ${policy.name} against all releases`;
  if (policy !== null)
    return `TDX module ${to.name} under KVM ${policy.name}${from === null ? '' : `, new since ${from.name}`}`;
  if (from !== null) return `KVM ${to.name} against ${from.name}`;
  return id === 'specs' ? 'The facts themselves' : id;
}

export function itemOf(finding: Finding): Item {
  const words = wordsOf(finding);
  const until = finding.waived?.until == null ? '' : ` until ${finding.waived.until}`;
  return {
    finding,
    headline: plain(words.headline),
    because: plain(words.because),
    todo: plain(words.todo),
    evidence: finding.evidence.map(evidenceText),
    waived: finding.waived === null ? null : plain(`waived${until} by ${finding.waived.by}: ${finding.waived.reason}`),
  };
}

const evidenceText = ({ repository, revision, path, line }: Evidence): string =>
  plain(`${repository}@${revision.slice(0, 12)} ${path}:${line}`);

function countsOf(findings: readonly Finding[]): Counts {
  const open = findings.filter((finding) => finding.waived === null);
  const count = (level: Level): number => open.filter((finding) => finding.level === level).length;
  return {
    info: count('info'),
    warning: count('warning'),
    error: count('error'),
    waived: findings.length - open.length,
  };
}

const sumCounts = (all: readonly Counts[]): Counts =>
  all.reduce(
    (sum, counts) => ({
      info: sum.info + counts.info,
      warning: sum.warning + counts.warning,
      error: sum.error + counts.error,
      waived: sum.waived + counts.waived,
    }),
    { info: 0, warning: 0, error: 0, waived: 0 },
  );

/** `2 errors, 5 warnings, 1 info`. */
export function countsText(counts: Counts): string {
  const parts = [...LEVELS]
    .reverse()
    .flatMap((level) =>
      counts[level] === 0 ? [] : [`${counts[level]} ${level}${counts[level] === 1 || level === 'info' ? '' : 's'}`],
    );
  if (counts.waived > 0) parts.push(`${counts.waived} waived`);
  return parts.length === 0 ? 'nothing to report' : parts.join(', ');
}

/** Sentences on what was looked at and what was not. */
export function coverageLines({ releases, policies, unread, cells, skipped }: Coverage): readonly string[] {
  return [
    `Read: ${releases.length} releases (${releases.join(', ')}) and ${policies.length} KVM versions (${policies.join(', ') || 'none'}); ${cells} bits compared between releases.`,
    ...unread.map(({ release, reason }) => `Not read: release ${release}: ${reason}.`),
    ...skipped.map((what) => `${what}.`),
  ].map(plain);
}
