import type { ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { coverageOf } from './coverage.ts';
import { factsReview, idleDecisions, withDecisions } from './decisions.ts';
import { releaseSteps } from './release-steps.ts';
import { groundOf, policyReview, policyStepReview, releaseReview } from './reviews.ts';

/**
 * What the whole project says, each change once: every release against the one that it follows under the newest KVM version, every KVM
 * version against the one before it, the newest one's own lists, and the facts themselves.
 */
export function wholeReport(specs: Specs, today: string): ReportFacts {
  const ground = groundOf(specs);
  const newest = specs.policies.at(-1) ?? null;
  const steps = releaseSteps(specs).map(({ from, to }) => releaseReview(specs, { from, to, policy: newest }, ground));
  const policySteps = specs.policies
    .slice(1)
    .map((to, index) => policyStepReview(specs.policies[index] ?? to, to, ground));
  const judged: ReportFacts = {
    reviews: [...steps, ...policySteps, ...(newest === null ? [] : [policyReview(newest, ground)])],
    coverage: coverageOf(specs, steps),
  };
  const facts = factsReview(specs, idleDecisions(judged, specs, today));
  return withDecisions({ ...judged, reviews: [...judged.reviews, facts] }, specs, today);
}
