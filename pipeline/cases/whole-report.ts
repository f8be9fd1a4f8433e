import type { ClobbersByRelease } from '../judge/judge.ts';
import type { ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { coverageOf } from './coverage.ts';
import { factsReview } from './facts-review.ts';
import { releaseSteps } from './release-steps.ts';
import { policyReview, policyStepReview, releaseReview, stepReview } from './reviews.ts';
import { withWaivers } from './waivers.ts';

/** What the whole project says: every step, every release under every policy, every policy, what could not be read. */
export function wholeReport(specs: Specs, clobbers: ClobbersByRelease, today: string): ReportFacts {
  const steps = releaseSteps(specs).map(({ from, to }) => stepReview(specs, clobbers, from, to));
  const judged = specs.policies.flatMap((policy) =>
    specs.releases.map((release) => releaseReview(specs, clobbers, release, policy, null)),
  );
  const policies = specs.policies.map((policy) => policyReview(specs, policy));
  const policySteps = specs.policies
    .slice(1)
    .map((to, index) => policyStepReview(specs, specs.policies[index] ?? to, to));
  const reviews = [...steps, ...judged, ...policies, ...policySteps, factsReview(specs)];
  return withWaivers({ reviews, coverage: coverageOf(specs, steps) }, specs, today);
}
