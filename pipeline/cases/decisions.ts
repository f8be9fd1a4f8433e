import { applyDecisions, applyToStanding, type Decision } from '../judge/decisions.ts';
import { judgeProject } from '../judge/judge.ts';
import type { IdleDecision } from '../judge/project.ts';
import { parseBit } from '../model/bit-text.ts';
import { DataError } from '../model/errors.ts';
import type { ReleaseReview, ReportFacts, Review } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { unreadOf } from './coverage.ts';

/** Decisions apply to all findings at once: only so can one that matches nothing be told. */
export function withDecisions(report: ReportFacts, specs: Specs, today: string): ReportFacts {
  const decisions = decisionsOf(specs);
  const { findings } = applyDecisions(
    report.reviews.flatMap((review) => review.findings),
    decisions,
    today,
  );
  let next = 0;
  const reviews = report.reviews.map((review): Review => {
    const own = findings.slice(next, next + review.findings.length);
    next += own.length;
    if (review.kind !== 'release' || review.kvm === null) return { ...review, findings: own };
    return { ...review, findings: own, kvm: { ...review.kvm, ...standingOf(review, decisions, today) } };
  });
  return { ...report, reviews };
}

/** The decisions that decide nothing in any of the reviews: no finding, and nothing that a release has from the one before. */
export const idleDecisions = (
  reviews: readonly Review[],
  decisions: readonly Decision[],
  today: string,
): readonly IdleDecision[] =>
  applyDecisions(
    reviews.flatMap((review) => review.findings),
    decisions.filter((decision) => !reviews.some((review) => settles(decision, review, today))),
    today,
  ).idle;

/** Whether a decision covers something that stood before the release of a review, which has not met any decision yet. */
const settles = (decision: Decision, review: Review, today: string): boolean =>
  review.kind === 'release' && standingOf(review, [decision], today).settled.length > 0;

/** What stood before the release of a review and nobody decided on, and what somebody did; nothing where no KVM is judged. */
const standingOf = ({ to, policy, kvm }: ReleaseReview, decisions: readonly Decision[], today: string) =>
  applyToStanding(kvm?.standing ?? [], { release: to.name, policy: policy?.name ?? '' }, decisions, today);

/** The facts and decisions themselves: releases without tables, sources that disagree, decisions that decide nothing. */
export function factsReview(specs: Specs, idle: readonly IdleDecision[]): Review {
  return {
    kind: 'facts',
    id: 'specs',
    findings: judgeProject({
      releases: specs.releases,
      published: specs.known,
      unread: unreadOf(specs).map(({ release }) => release),
      clobbers: specs.clobbers,
      registers: specs.registers,
      decisions: idle,
      knowledge: specs.knowledge,
    }),
    command: 'bitwatch check',
  };
}

/** The decisions of the specs, as the judge takes them: those of `decisions.yaml`, then those of the older `waivers.yaml`. */
export function decisionsOf(specs: Pick<Specs, 'decisions' | 'waivers'>): readonly Decision[] {
  return [...specs.decisions.map(decisionOf), ...specs.waivers.map(waiverOf)];
}

/** One entry of `specs/decisions.yaml`. */
export function decisionOf(plain: Specs['decisions'][number]): Decision {
  const person = { reason: plain.because, by: plain.by, until: plain.until ?? null };
  if ('finding' in plain) return { ...person, selector: { fingerprint: plain.finding } };
  const bit = 'bits' in plain ? decidedPlace(plain.bits, 'specs/decisions.yaml') : null;
  return {
    ...person,
    selector: {
      rule: plain.rule ?? null,
      bits: bit === null ? null : { ...bit.place, mask: bit.mask },
      release: plain.releases ?? null,
      policy: plain.kernels ?? null,
    },
  };
}

function waiverOf(plain: Specs['waivers'][number]): Decision {
  const person = { reason: plain.reason, by: plain.by, until: plain.until ?? null };
  if ('fingerprint' in plain) return { ...person, selector: { fingerprint: plain.fingerprint } };
  const bit = decidedPlace(plain.bit, 'specs/waivers.yaml');
  return {
    ...person,
    selector: {
      rule: plain.rule,
      bits: bit === null ? null : { ...bit.place, mask: bit.mask },
      release: plain.release ?? null,
      policy: plain.policy ?? null,
    },
  };
}

/** The bits that a decision of a file names, as a place; a text that is no bit is an error. */
export function decidedPlace(text: string | undefined, file: string): ReturnType<typeof parseBit> {
  if (text === undefined) return null;
  const bit = parseBit(text);
  if (bit === null) throw new DataError({ where: { file }, expected: 'a bit such as 7.1.EAX[19]', found: `"${text}"` });
  return bit;
}
