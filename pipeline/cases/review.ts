import type { ClassedRelease } from '../model/class.ts';
import type { Policy } from '../model/policy.ts';
import type { ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { coverageOf } from './coverage.ts';
import { withDecisions } from './decisions.ts';
import { releaseSteps } from './release-steps.ts';
import { releaseReview } from './reviews.ts';

/** What is reviewed: a release against the one that it follows or `since`, and under these policies; null for none. */
export type ReviewScope = {
  readonly release: ClassedRelease;
  readonly since: ClassedRelease | null;
  readonly policies: readonly (Policy | null)[];
};

/** The facts of a release review. */
export function reviewFacts(specs: Specs, { release, since, policies }: ReviewScope, today: string): ReportFacts {
  const name = release.module.release;
  // The oldest release follows none: held against itself it says what KVM makes of it.
  const from = since ?? releaseSteps(specs).find(({ to }) => to === release)?.from ?? release;
  const reviews = policies.map((policy) => releaseReview(specs, { from, to: release, policy }));
  const coverage = {
    ...coverageOf(specs, reviews),
    releases: from === release ? [name] : [from.module.release, name],
    policies: policies.flatMap((policy) => (policy === null ? [] : [policy.version])),
  };
  return withDecisions({ reviews, coverage }, specs, today);
}

export const reviewTitle = (release: string): string => `bitwatch: review of TDX module ${release}`;
