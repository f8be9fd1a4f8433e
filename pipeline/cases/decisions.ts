import { applyDecisions, type Decision } from '../judge/decisions.ts';
import { judgeProject } from '../judge/judge.ts';
import type { IdleDecision } from '../judge/project.ts';
import type { ReportFacts, Review } from '../model/review.ts';
import { type Specs, waiverPlace } from '../specs/store.ts';
import { unreadOf } from './coverage.ts';

/** Decisions apply to all findings at once: only so can one that matches nothing be told. */
export function withDecisions(report: ReportFacts, specs: Specs, today: string): ReportFacts {
  const { findings } = applyDecisions(
    report.reviews.flatMap((review) => review.findings),
    decisionsOf(specs),
    today,
  );
  let next = 0;
  const reviews = report.reviews.map((review): Review => {
    const own = findings.slice(next, next + review.findings.length);
    next += own.length;
    return { ...review, findings: own };
  });
  return { ...report, reviews };
}

/** The decisions that decide nothing in a report of the whole project. */
export const idleDecisions = (report: ReportFacts, specs: Specs, today: string): readonly IdleDecision[] =>
  applyDecisions(
    report.reviews.flatMap((review) => review.findings),
    decisionsOf(specs),
    today,
  ).idle;

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

/** The decisions of the specs, as the judge takes them. */
export function decisionsOf(specs: Specs): readonly Decision[] {
  return specs.waivers.map((plain) => {
    const person = { reason: plain.reason, by: plain.by, until: plain.until ?? null };
    if ('fingerprint' in plain) return { ...person, selector: { fingerprint: plain.fingerprint } };
    const bit = waiverPlace(plain.bit);
    return {
      ...person,
      selector: {
        rule: plain.rule,
        bits: bit === null ? null : { ...bit.place, mask: bit.mask },
        release: plain.release ?? null,
        policy: plain.policy ?? null,
      },
    };
  });
}
