import {
  type ClobbersByRelease,
  type Ground,
  judgePolicy,
  judgePolicyStep,
  judgeRelease,
  type Pair,
} from '../judge/judge.ts';
import type { ClassedRelease } from '../model/class.ts';
import { disputedFeatures, type ModuleRelease } from '../model/module.ts';
import { onceFor } from '../model/once.ts';
import type { Policy } from '../model/policy.ts';
import type { Participant, ReleaseReview, Review } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { followsOf, passedBetween } from './release-steps.ts';

const participantOf = (release: ClassedRelease): Participant => ({
  name: release.module.release,
  source: release.module.source,
  notes: release.module.notes,
});

const policyParticipant = (policy: Policy): Participant => ({
  name: policy.version,
  ...(policy.operand === undefined ? {} : { operand: policy.operand }),
  source: policy.source,
  notes: policy.notes,
});

/** What is known of the host state that each release leaves behind. */
const clobbersByRelease = (specs: Specs): ClobbersByRelease =>
  new Map(specs.clobbers.map((facts) => [facts.release, facts]));

/**
 * What every judgement rests on, the same object for the same facts: what is judged on it is kept by it. A tree that names no base release
 * is taken for one of the newest shipped kernel's.
 */
export const groundOf = onceFor(
  (specs: Specs): Ground => ({
    releases: specs.releases,
    clobbers: clobbersByRelease(specs),
    knowledge: specs.knowledge,
    cpuid2: specs.cpuid2,
    base: specs.policies.findLast(({ base }) => base !== undefined)?.base?.release ?? null,
  }),
);

/** A release name with a blank must be quoted where a reader pastes the command. */
export const quoteArgument = (text: string): string =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** One release against another, under one KVM version or none. */
export function releaseReview(specs: Specs, pair: Pair, ground = groundOf(specs)): ReleaseReview {
  const { from, to, policy } = pair;
  const { diff, findings, kvm, hostState } = judgeRelease(pair, ground);
  const lineage = followsOf(specs, to.module.release);
  const [before, name] = [from.module.release, to.module.release];
  const isAlone = lineage === null && before === name;
  const on = policy === null ? '' : ` --kvm ${quoteArgument(policy.operand ?? policy.version)}`;
  return {
    kind: 'release',
    id: `${before}..${name}${policy === null ? '' : ` on ${policy.version}`}`,
    from: participantOf(from),
    to: participantOf(to),
    policy: policy === null ? null : policyParticipant(policy),
    diff,
    lineage: lineage?.follows === before ? lineage : null,
    passed: passedBetween(specs, before, name),
    isOldest: lineage === null,
    disputed: [...new Set([from, to])].flatMap(
      ({ module }) => disputedFeatures(module, publishedOf(specs, module)) ?? [],
    ),
    kvm,
    hostState,
    findings,
    command: `bitwatch review ${quoteArgument(name)}${isAlone ? '' : ` --from ${quoteArgument(before)}`}${on}`,
  };
}

/** TDX_FEATURES0 as mapping_file.json has it. */
const publishedOf = ({ known }: Specs, { release }: ModuleRelease): bigint | null =>
  known.find((each) => each.release === release)?.features0 ?? null;

/** A policy on its own. */
export const policyReview = (policy: Policy, ground: Ground): Review => ({
  kind: 'policy',
  id: policy.version,
  policy: policyParticipant(policy),
  findings: judgePolicy(policy, ground),
  command: 'bitwatch report',
});

/** Two successive KVM versions. */
export const policyStepReview = (
  from: Policy,
  to: Policy,
  ground: Ground,
): Extract<Review, { kind: 'policy-step' }> => ({
  kind: 'policy-step',
  id: `${from.version}..${to.version}`,
  from: policyParticipant(from),
  to: policyParticipant(to),
  findings: judgePolicyStep(from, to, ground).findings,
  command: `bitwatch diff ${quoteArgument(from.version)} ${quoteArgument(to.version)}`,
});
