import { compareFindings } from '../judge/assemble.ts';
import type { Decided, Finding } from '../model/finding.ts';
import { lineOf } from '../model/lineage.ts';
import { countBits } from '../model/mask.ts';
import { compareVersions } from '../model/order.ts';
import type { Coverage, ReleaseReview } from '../model/review.ts';
import { plain } from '../model/text.ts';
import { type PlaceLine, placeLines, placesText } from './places.ts';
import { disputedText, hostStateText, releaseTitle, runsText } from './status-words.ts';
import { mentionsText } from './words/mentions.ts';
import { wordsOf } from './words/words.ts';

/** What somebody has to decide or to know, in the order in which it is asked. */
const QUESTIONS = ['lost', 'decide', 'optin', 'new', 'confirm', 'changed', 'gone', 'stops', 'told'] as const;
type Question = (typeof QUESTIONS)[number];

const TITLES: Readonly<Record<Question, string>> = {
  lost: 'Host MSR is clobbered, or a promise is broken',
  decide: 'Nobody decided, and KVM lets it through',
  optin: 'Hidden until KVM opts in',
  new: 'New: KVM must decide',
  confirm: 'New; KVM gives it to ordinary VMs: confirm for TDs',
  changed: 'Changed meaning',
  gone: 'KVM_TDX_INIT_VM fails if passed',
  stops: 'To look at',
  told: 'For information',
};

/** A part of a briefing: bits in columns, then sentences. */
export type BriefingPart = {
  readonly title: string;
  readonly places: readonly PlaceLine[];
  readonly sentences: readonly string[];
};

/** A review on one screen: what must be decided, before it is laid out. All of it is plain text. */
export type Briefing = {
  readonly title: string;
  readonly facts: readonly (readonly [string, string])[];
  readonly counts: string;
  readonly parts: readonly BriefingPart[];
  /** Releases between the two that could not be read. */
  readonly unread: string;
  /** What was not compared, a sentence each. */
  readonly skipped: readonly string[];
  readonly command: string;
};

export function briefingOf(review: ReleaseReview, coverage: Coverage): Briefing {
  const { from, to, kvm, hostState, disputed, command } = review;
  const findings = [...review.findings].filter(({ decided }) => decided === null).sort(compareFindings);
  const of = (question: Question): readonly Finding[] => findings.filter((finding) => questionOf(finding) === question);
  const isBetween = (release: string): boolean =>
    lineOf(release) === lineOf(to.name) &&
    compareVersions(release, to.name) < 0 &&
    compareVersions(from.name, release) < 0;
  const between = coverage.unread
    .map(({ release }) => release)
    .filter((release) => isBetween(release) || review.passed.includes(release));
  return {
    title: plain(releaseTitle(review)),
    facts: [
      ...(kvm === null ? [] : [['runs', plain(runsText(kvm.runs))] as const]),
      ['host state', plain(hostStateText(hostState, from.name, to.name, 3))],
      ...(kvm === null || kvm.standing.length === 0
        ? []
        : [['undecided', plain(`${placesText(kvm.standing)}: exposed in ${from.name} already`)] as const]),
      ...decidedLines(review).map((line) => ['decided', plain(line)] as const),
      ...disputed.map((each) => ['disputed', plain(disputedText(each))] as const),
    ],
    counts: tallyText(tallyOf(findings)),
    parts: QUESTIONS.flatMap((question) => partOf(question, of(question))),
    unread: plain(between.join(', ')),
    skipped: review.diff.coverage.unknown.map(plain),
    command: plain(command),
  };
}

/** What people decided, a line each with its reason; where it is much, how much. */
function decidedLines({ findings, kvm }: ReleaseReview): readonly string[] {
  const lines = [
    ...findings.flatMap((finding) =>
      finding.decided === null || finding.level === 'info' ? [] : [decidedText(finding, finding.decided)],
    ),
    ...(kvm?.settled ?? []).map(({ decided, ...place }) => `${placesText([place])}: ${personText(decided)}`),
  ];
  return lines.length > MOST_DECIDED ? [`${lines.length} findings; --verbose tells them`] : lines;
}

const MOST_DECIDED = 4;
const decidedText = (finding: Finding, decided: Decided): string =>
  `${finding.places.length === 0 ? wordsOf(finding).headline : placesText(finding.places)}: ${personText(decided)}`;
/** Who decided, and why. */
export const personText = ({ reason, by, until }: Decided): string =>
  `${reason} (${by}${until === null ? '' : `, until ${until}`})`;

/** What a finding asks; from its level and facts, never from its rule. */
function questionOf({ level, facts, verdict }: Finding): Question {
  if (level === 'error') return 'lost';
  switch (facts.kind) {
    case 'configurable':
      if (verdict === 'exposed') return facts.clobbers.length > 0 ? 'lost' : 'decide';
      if (verdict === 'needs-optin') return 'optin';
      if (verdict === null) return level === 'info' ? 'told' : 'new';
      return facts.backing?.kind === 'caps' ? 'confirm' : 'told';
    case 'not-configurable':
      return level === 'info' ? 'told' : 'gone';
    case 'decider':
      return level === 'info' ? 'told' : 'changed';
    default:
      return level === 'info' ? 'told' : 'stops';
  }
}

function partOf(question: Question, findings: readonly Finding[]): readonly BriefingPart[] {
  if (findings.length === 0) return [];
  const title = TITLES[question];
  if (question === 'told') return [{ title, places: [], sentences: [plain(`${mentionsText(findings)}.`)] }];
  const [whole, apart] = [findings.filter(isWhole), findings.filter((finding) => !isWhole(finding))];
  const places = apart.flatMap((finding) => placeLines(finding.places)).map(plainLine);
  const sentences = [...whole.map((finding) => `${wordsOf(finding).headline}.`), ...sentencesOf(question, apart)];
  return [{ title, places, sentences: sentences.map(plain) }];
}

/** Told by its headline alone: it has no bits, or is of all those of a leaf. */
const isWhole = ({ places, facts }: Finding): boolean => places.length === 0 || facts.kind === 'leaf';

const plainLine = (line: PlaceLine): PlaceLine => ({ ...line, names: plain(line.names) });

/** What the bits alone do not say. */
function sentencesOf(question: Question, findings: readonly Finding[]): readonly string[] {
  if (question === 'changed')
    return findings.map((finding) => {
      const { headline, todo } = wordsOf(finding);
      return `${headline.slice(headline.indexOf(': ') + 2)}. ${todo}`;
    });
  if (question === 'lost' || question === 'stops')
    return findings.map((finding) => {
      const { headline } = wordsOf(finding);
      return `${headline.slice(headline.lastIndexOf(': ') + 2)}.`;
    });
  return [];
}

const bitsIn = (findings: readonly Finding[]): number =>
  findings.reduce((sum, { places }) => sum + places.reduce((all, { mask }) => all + countBits(mask), 0), 0);

/** How much of each kind a review has: findings that lose something or are to be looked at, bits, and registers that are gone. */
export type Tally = Readonly<Record<'lost' | 'decide' | 'confirm' | 'changed' | 'gone' | 'look', number>>;

/** What is not decided yet, in numbers. */
export function tallyOf(findings: readonly Finding[]): Tally {
  const open = findings.filter(({ decided }) => decided === null);
  const of = (question: Question): readonly Finding[] => open.filter((finding) => questionOf(finding) === question);
  return {
    lost: of('lost').length,
    decide: bitsIn(of('decide')) + bitsIn(of('new')) + bitsIn(of('optin')),
    confirm: bitsIn(of('confirm')),
    changed: bitsIn(of('changed')),
    gone: of('gone').flatMap((finding) => placeLines(finding.places)).length,
    look: of('stops').length,
  };
}

const TALLY_TEXT = {
  lost: 'host state',
  decide: 'decide',
  confirm: 'confirm',
  changed: 'changed meaning',
  gone: 'gone',
  look: 'to look at',
} as const satisfies Record<keyof Tally, string>;
const TALLIES = ['lost', 'decide', 'confirm', 'changed', 'gone', 'look'] as const;

/** `decide 1, confirm 5, changed meaning 4, gone 1`. */
const tallyText = (tally: Tally): string =>
  TALLIES.filter((name) => tally[name] > 0 || name === 'decide')
    .map((name) => `${TALLY_TEXT[name]} ${tally[name]}`)
    .join(', ');
