import type { ClassedRelease } from '../model/class.ts';
import type { Policy } from '../model/policy.ts';
import type { ReleaseReview, ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { coverageOf } from './coverage.ts';
import { withDecisions } from './decisions.ts';
import { releaseSteps } from './release-steps.ts';
import { quoteArgument, releaseReview } from './reviews.ts';

/** What is reviewed: a release against the one that it follows or `since`, and under these policies; null for none. */
export type ReviewScope = {
  readonly release: ClassedRelease;
  readonly since: ClassedRelease | null;
  readonly policies: readonly (Policy | null)[];
  /** How a person named what was read from a disk; null for what the specifications hold. */
  readonly operands?: Operands;
};

type Operands = Readonly<Record<'release' | 'from', string | null>>;

/** The facts of a release review. */
export function reviewFacts(
  specs: Specs,
  { release, since, policies, operands }: ReviewScope,
  today: string,
): ReportFacts {
  const name = release.module.release;
  // The oldest release follows none: held against itself it says what KVM makes of it.
  const from = since ?? releaseSteps(specs).find(({ to }) => to === release)?.from ?? release;
  const reviews = policies.map((policy) => {
    const review = releaseReview(specs, { from, to: release, policy });
    return operands === undefined
      ? review
      : namedReview(review, release, { ...operands, kvm: policy?.operand ?? null });
  });
  const coverage = {
    ...coverageOf(specs, reviews),
    releases: from === release ? [name] : [from.module.release, name],
    policies: policies.flatMap((policy) => (policy === null ? [] : [policy.version])),
  };
  return withDecisions({ reviews, coverage }, specs, today);
}

type OperandsAndKvm = Operands & { readonly kvm: string | null };

/** A review of what a person named: the command reads the same again, and what was taken from elsewhere is said. */
function namedReview(review: ReleaseReview, { rules }: ClassedRelease, operands: OperandsAndKvm): ReleaseReview {
  const { diff, to } = review;
  const [base, own] = to.name.split('+');
  const taken =
    own === undefined || rules === undefined
      ? []
      : [`who decides the bits of ${to.name}: the rules of ${base} were taken`];
  const coverage = { ...diff.coverage, unknown: [...diff.coverage.unknown, ...taken] };
  return { ...review, diff: { ...diff, coverage }, command: commandOf(review, operands) };
}

/** The command that reads the same again. */
function commandOf({ from, to, policy, command }: ReleaseReview, operands: OperandsAndKvm): string {
  if (Object.values(operands).every((text) => text === null)) return command;
  const on = operands.kvm ?? policy?.name ?? null;
  const words = ['review', operands.release ?? to.name];
  if (from.name !== to.name) words.push('--from', operands.from ?? from.name);
  return ['bitwatch', ...[...words, ...(on === null ? [] : ['--kvm', on])].map(quoteArgument)].join(' ');
}

export const reviewTitle = (release: string): string => `bitwatch: review of TDX module ${release}`;
