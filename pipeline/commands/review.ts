import { specsOf } from '../cases/context.ts';
import { coverageOf } from '../cases/coverage.ts';
import { newerThan } from '../cases/newer.ts';
import { findPolicy, findRelease } from '../cases/operand.ts';
import { releaseSteps } from '../cases/release-steps.ts';
import { clobbersByRelease, releaseReview, stepReview } from '../cases/reviews.ts';
import { withWaivers } from '../cases/waivers.ts';
import { wholeReport } from '../cases/whole-report.ts';
import type { ClobbersByRelease } from '../judge/judge.ts';
import { gating } from '../judge/waivers.ts';
import type { ClassedRelease } from '../model/class.ts';
import { EXIT } from '../model/errors.ts';
import type { Level } from '../model/finding.ts';
import type { Policy } from '../model/policy.ts';
import type { ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { printReport } from './output.ts';

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

/** `bitwatch review RELEASE`: against the release before it (or `--since`) and under one policy or all. */
export async function reviewCommand(
  context: Context,
  name: string,
  options: { readonly kvm: string | null; readonly since: string | null },
): Promise<void> {
  const specs = await specsOf(context);
  const scope = {
    release: findRelease(specs, name),
    since: options.since === null ? null : findRelease(specs, options.since),
    policies: options.kvm === null ? specs.policies : [findPolicy(specs, options.kvm)],
  };
  const report = reviewFacts(specs, clobbersByRelease(specs), scope, context.today());
  printReport(context, report, specs, reviewTitle(name));
}

/** `bitwatch check`: the gate. 100 where a finding that is not waived reaches the level; --strict also counts warnings on waivers. */
export async function checkCommand(
  context: Context,
  options: { readonly failOn: Level; readonly strict: boolean; readonly base: string | null },
): Promise<number> {
  const specs = await specsOf(context);
  const whole = wholeReport(specs, clobbersByRelease(specs), context.today());
  const report = await newerThan(context, whole, options.base);
  printReport(context, report, specs, options.base === null ? 'bitwatch: check' : 'bitwatch: what is new');
  const findings = report.reviews.flatMap((review) => review.findings);
  const strict = options.strict
    ? findings.filter((finding) => finding.rule === 'waiver-unmatched' || finding.rule === 'waiver-expired')
    : [];
  return gating(findings, options.failOn).length > 0 || strict.length > 0 ? EXIT.findings : EXIT.clean;
}
