import type { ReportFacts, Review } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { coverageOf } from './coverage.ts';
import { decisionsOf, factsReview, idleDecisions, withDecisions } from './decisions.ts';
import { releaseSteps } from './release-steps.ts';
import { groundOf, policyReview, policyStepReview, releaseReview } from './reviews.ts';

/** Every release under every KVM version, and what the whole report says beside: all that a decision may be about. */
export function everyReview(specs: Specs): readonly Review[] {
  const ground = groundOf(specs);
  const pairs = releaseSteps(specs).flatMap(({ from, to }) =>
    [null, ...specs.policies].map((policy) => releaseReview(specs, { from, to, policy }, ground)),
  );
  const policies = specs.policies.map((policy) => policyReview(policy, ground));
  const steps = specs.policies.slice(1).map((to, index) => policyStepReview(specs.policies[index] ?? to, to, ground));
  return [...pairs, ...policies, ...steps, factsReview(specs, [])];
}

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
  // A decision may be about an older kernel than the newest: it is held against all of them.
  const isDecided = specs.decisions.length + specs.waivers.length > 0;
  const facts = factsReview(specs, isDecided ? idleDecisions(everyReview(specs), decisionsOf(specs), today) : []);
  return withDecisions({ ...judged, reviews: [...judged.reviews, facts] }, specs, today);
}
