import {
  BASE_RELEASE,
  type ClobbersByRelease,
  judgePolicy,
  judgePolicyStep,
  judgeRelease,
  judgeStep,
} from '../judge/judge.ts';
import type { ClassedRelease } from '../model/class.ts';
import { UsageError } from '../model/errors.ts';
import type { Policy } from '../model/policy.ts';
import type { Participant, Review } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { followsOf } from './release-steps.ts';

const participantOf = (release: ClassedRelease): Participant => ({
  name: release.module.release,
  source: release.module.source,
  notes: release.module.notes,
});

const policyParticipant = (policy: Policy): Participant => ({
  name: policy.version,
  source: policy.source,
  notes: policy.notes,
});

/** The extracted transitions of each release that has them. */
export const clobbersByRelease = (specs: Specs): ClobbersByRelease =>
  new Map(specs.clobbers.map((facts) => [facts.release, facts]));

/** The release that KVM's code was written against. Throws a UsageError where the specs have none. */
export function baseOf(specs: Specs): ClassedRelease {
  const base = specs.releases.find(({ module }) => module.release === BASE_RELEASE);
  if (base === undefined)
    throw new UsageError(`specs/modules has no ${BASE_RELEASE}, the release that KVM's code was written against`);
  return base;
}

/** One successive pair. */
export function stepReview(
  specs: Specs,
  clobbers: ClobbersByRelease,
  from: ClassedRelease,
  to: ClassedRelease,
): Review {
  const { diff, findings } = judgeStep(from, to, clobbers, specs.knowledge);
  const lineage = followsOf(specs, to.module.release);
  return {
    id: `${from.module.release}..${to.module.release}`,
    from: participantOf(from),
    to: participantOf(to),
    policy: null,
    diff,
    lineage: lineage?.follows === from.module.release ? lineage : null,
    findings,
    command: `bitwatch review ${quoteArgument(to.module.release)} --since ${quoteArgument(from.module.release)}`,
  };
}

/** A release name with a blank must be quoted where a reader pastes the command. */
export const quoteArgument = (text: string): string =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A release under a policy. */
export function releaseReview(
  specs: Specs,
  clobbers: ClobbersByRelease,
  release: ClassedRelease,
  policy: Policy,
  since: ClassedRelease | null,
): Review {
  const { findings } = judgeRelease(release, policy, baseOf(specs), since, clobbers, specs.knowledge);
  const tail = since === null ? '' : ` --since ${quoteArgument(since.module.release)}`;
  return {
    id: `${release.module.release} on ${policy.version}`,
    from: since === null ? null : participantOf(since),
    to: participantOf(release),
    policy: policyParticipant(policy),
    diff: null,
    findings,
    command: `bitwatch review ${quoteArgument(release.module.release)} --kvm ${quoteArgument(policy.version)}${tail}`,
  };
}

/** A policy on its own. */
export function policyReview(specs: Specs, policy: Policy): Review {
  return {
    id: policy.version,
    from: null,
    to: policyParticipant(policy),
    policy: policyParticipant(policy),
    diff: null,
    findings: judgePolicy(policy, specs.releases, specs.knowledge),
    command: 'bitwatch report',
  };
}

/** Two successive KVM versions. */
export function policyStepReview(specs: Specs, from: Policy, to: Policy): Review {
  return {
    id: `${from.version}..${to.version}`,
    from: policyParticipant(from),
    to: policyParticipant(to),
    policy: null,
    diff: null,
    findings: judgePolicyStep(from, to, specs.knowledge),
    command: `bitwatch diff ${quoteArgument(from.version)} ${quoteArgument(to.version)}`,
  };
}
