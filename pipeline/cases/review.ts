import type { ClobbersByRelease } from '../judge/judge.ts';
import type { ClassedRelease } from '../model/class.ts';
import type { Policy } from '../model/policy.ts';
import type { ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { coverageOf } from './coverage.ts';
import { releaseSteps } from './release-steps.ts';
import { releaseReview, stepReview } from './reviews.ts';
import { withWaivers } from './waivers.ts';

/** What is reviewed: a release against the one before it or `since`, and under these policies. */
export type ReviewScope = {
  readonly release: ClassedRelease;
  readonly since: ClassedRelease | null;
  readonly policies: readonly Policy[];
};

/** The facts of a release review. */
export function reviewFacts(specs: Specs, clobbers: ClobbersByRelease, scope: ReviewScope, today: string): ReportFacts {
  const { release, since, policies } = scope;
  const from = since ?? releaseSteps(specs).find(({ to }) => to === release)?.from ?? null;
  const steps = from === null ? [] : [stepReview(specs, clobbers, from, release)];
  const judged = policies.map((policy) => releaseReview(specs, clobbers, release, policy, since));
  const name = release.module.release;
  const coverage = {
    ...coverageOf(specs, steps),
    releases: from === null ? [name] : [from.module.release, name],
    policies: policies.map(({ version }) => version),
  };
  return withWaivers({ reviews: [...steps, ...judged], coverage }, specs, today);
}

export const reviewTitle = (release: string): string => `bitwatch: review of TDX module ${release}`;
