import { diffClobbers } from '../diff/clobbers.ts';
import { diffPolicies, disagreementsAsWide } from '../diff/policy.ts';
import { diffReleases } from '../diff/release.ts';
import type { ReleaseDiff } from '../model/change.ts';
import type { ClassedRelease } from '../model/class.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { Cpuid2Knowledge } from '../model/cpuid2.ts';
import type { Finding } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { without } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { once } from '../model/once.ts';
import type { Policy } from '../model/policy.ts';
import type { HostState, Runs, UnderKvm } from '../model/review.ts';
import type { PolicyChanges } from '../model/series-effect.ts';
import { assemble, compareFindings, type Drafted } from './assemble.ts';
import { RULE_IDS, RULES } from './catalogue.ts';
import { cpuid2Of } from './cpuid2.ts';
import { fieldChanges } from './fields.ts';
import { hostStateOf } from './host-state.ts';
import { configurableAt, placeMask, tdChanges } from './lookup.ts';
import type { ProjectContext } from './project.ts';
import type { Draft, KvmContext, PlaceVerdict, ReleaseContext, Rule } from './rule.ts';
import { runsOn } from './runs.ts';
import { countVerdicts, verdictsOf } from './verdict.ts';

export type ClobbersByRelease = ReadonlyMap<string, ClobberFacts>;

/** What every judgement rests on. */
export type Ground = {
  readonly releases: readonly ClassedRelease[];
  readonly clobbers: ClobbersByRelease;
  readonly knowledge: Knowledge;
  /** What kernels ask of KVM_SET_CPUID2. */
  readonly cpuid2: Cpuid2Knowledge;
  /** What the shipped kernels were written against: a tree that names no base is taken for one of theirs. */
  readonly base: string | null;
};

/** A release, what it is held against, and the KVM version that it runs on. */
export type Pair = { readonly from: ClassedRelease; readonly to: ClassedRelease; readonly policy: Policy | null };

export type ReleaseJudgement = {
  readonly diff: ReleaseDiff;
  readonly findings: readonly Finding[];
  readonly kvm: UnderKvm | null;
  readonly verdicts: readonly PlaceVerdict[];
  readonly hostState: HostState;
};

/** One release against another, under one KVM version or none. */
export function judgeRelease(pair: Pair, ground: Ground): ReleaseJudgement {
  const { judgements } = resultsOf(pair, ground);
  const known = judgements.get(pair.policy ?? NO_KVM) ?? judged(pair, ground);
  judgements.set(pair.policy ?? NO_KVM, known);
  return known;
}

function judged({ from, to, policy }: Pair, ground: Ground): ReleaseJudgement {
  const { diff, changes } = stepOf(from, to);
  const kvm = policy === null ? null : kvmContext(to, policy, ground);
  const context: ReleaseContext = {
    from,
    to,
    diff,
    changes,
    clobbers: clobbersOfPair(from, to, ground.clobbers),
    kvm,
    promisedAt: policy?.base?.release ?? ground.base,
    knowledge: ground.knowledge,
  };
  const subject = { from: from.module.release, to: to.module.release, policy: policy?.version ?? null };
  const findings = assemble(draftedOf(context, ground), { subject, knowledge: ground.knowledge });
  return {
    diff,
    // Where KVM refuses the release no TD of it runs: nobody has to decide anything.
    findings: findings
      .map((finding) => withFields(told(finding, kvm?.runs.kind), from, to, ground.knowledge))
      .sort(compareFindings),
    kvm: kvm === null ? null : underKvm(from, kvm, ground),
    verdicts: kvm?.verdicts ?? [],
    hostState: hostStateOf(context),
  };
}

/** What two releases differ in is the same under every KVM. */
const stepOf = once((from: ClassedRelease, to: ClassedRelease): Pick<ReleaseContext, 'diff' | 'changes'> => {
  const diff = diffReleases(from, to);
  return { diff, changes: tdChanges(from, to, diff.changes) };
});
const clobberChanges = once(diffClobbers);

/** What is kept of two releases: what rules drafted without asking for KVM, and what was judged under each KVM. */
type PairResults = {
  readonly ground: Ground;
  readonly drafts: Map<Rule, readonly Draft[]>;
  /** Forgotten with the policy: a run over an archive reads thousands. */
  readonly judgements: WeakMap<Policy | typeof NO_KVM, ReleaseJudgement>;
};
/** Stands for no KVM. */
const NO_KVM = {};
const resultsOnce = once((_from: ClassedRelease, _to: ClassedRelease): { results?: PairResults } => ({}));

/** It holds for the ground that it was judged on. */
function resultsOf({ from, to }: Pick<Pair, 'from' | 'to'>, ground: Ground): PairResults {
  const of = resultsOnce(from, to);
  if (of.results?.ground !== ground) of.results = { ground, drafts: new Map(), judgements: new WeakMap() };
  return of.results;
}

/** What every rule drafts. One that did not ask for KVM has nothing else to say of the pair under another KVM, and is not asked again. */
function draftedOf(context: ReleaseContext, ground: Ground): readonly Drafted[] {
  const kept = resultsOf(context, ground);
  let isAsked = false;
  const watched: ReleaseContext = {
    ...context,
    get kvm() {
      isAsked = true;
      return context.kvm;
    },
    get promisedAt() {
      isAsked = true;
      return context.promisedAt;
    },
  };
  return RULES.flatMap((rule) => {
    if (rule.scope !== 'release') return [];
    isAsked = false;
    const drafts = kept.drafts.get(rule) ?? rule.judge(watched);
    if (!isAsked) kept.drafts.set(rule, drafts);
    return [{ rule, drafts }];
  });
}

function withFields(finding: Finding, from: ClassedRelease, to: ClassedRelease, knowledge: Knowledge): Finding {
  const fields = fieldChanges(finding, from, to, knowledge);
  return fields.length === 0 ? finding : { ...finding, fields };
}

/** No level is louder than what is known of whether anything runs at all. */
function told(finding: Finding, runs: Runs['kind'] | undefined): Finding {
  if (runs === 'no') return { ...finding, level: 'info' };
  return runs === 'unknown' && finding.level === 'error' ? { ...finding, level: 'warning' } : finding;
}

function clobbersOfPair(from: ClassedRelease, to: ClassedRelease, all: ClobbersByRelease): ReleaseContext['clobbers'] {
  const [before, after] = [all.get(from.module.release) ?? null, all.get(to.module.release) ?? null];
  const changes = before === null || after === null ? null : clobberChanges(before, after);
  return { from: before, to: after, changes };
}

/** The release that a KVM was written against; null where none is known that was read. */
export const baseOf = (policy: Policy, { base, releases }: Pick<Ground, 'base' | 'releases'>): ClassedRelease | null =>
  releases.find(({ module }) => module.release === (policy.base?.release ?? base)) ?? null;

/** Contexts by release and KVM, each for the base and the knowledge that it was made with: reviews and matrices ask for the same. */
const contextsOf = once(
  (
    _release: ClassedRelease,
    _policy: Policy,
  ): { made?: { base: unknown; knowledge: Knowledge; context: KvmContext } } => ({}),
);

/** What a KVM version makes of a release; no verdicts where it refuses it. */
export function kvmContext(release: ClassedRelease, policy: Policy, ground: Ground): KvmContext {
  const base = baseOf(policy, ground);
  const { knowledge } = ground;
  const known = contextsOf(release, policy);
  if (known.made?.base === base && known.made?.knowledge === knowledge) return known.made.context;
  const runs = runsOn(release, policy);
  const verdicts = runs.kind === 'no' ? [] : verdictsOf(release, policy, base, knowledge);
  const context = { policy, runs, verdicts, base: base?.module.release ?? null };
  known.made = { base, knowledge, context };
  return context;
}

function underKvm(from: ClassedRelease, { runs, verdicts }: KvmContext, { knowledge }: Ground): UnderKvm {
  const standing = verdicts.flatMap((judged) => {
    const fresh = without(judged.mask, configurableAt(from, judged));
    const mask = judged.verdict === 'exposed' && !judged.isField ? without(judged.mask, fresh) : 0;
    return mask === 0 ? [] : [{ ...placeMask(judged, mask), bits: namedBits(knowledge.names, judged, mask) }];
  });
  return { runs, verdicts: countVerdicts(verdicts), standing, settled: [] };
}

/** A policy against all releases that were read: it stands in two steps and in a review of its own. */
export const judgePolicy = once((policy: Policy, ground: Ground): readonly Finding[] => {
  const { releases, clobbers, cpuid2, knowledge } = ground;
  const subject = { from: null, to: policy.version, policy: policy.version };
  const context = {
    policy,
    releases,
    clobbers: [...clobbers.values()],
    cpuid2: { questions: cpuid2.questions, kernel: cpuid2Of(cpuid2, policy) },
    knowledge,
  };
  const drafted = RULES.flatMap((rule) => (rule.scope === 'policy' ? [{ rule, drafts: rule.judge(context) }] : []));
  return assemble(drafted, { subject, knowledge });
});

/** Where a KVM disagrees with itself, or acts on what a VMM may make up. */
const faultsOf = (policy: Policy, ground: Ground): readonly Finding[] =>
  judgePolicy(policy, ground).filter(({ facts }) => facts.kind === 'split' || facts.kind === 'set-cpuid2');

/** One KVM version against the one before it. */
export function judgePolicyStep(
  from: Policy,
  to: Policy,
  ground: Ground,
): { readonly changes: PolicyChanges; readonly findings: readonly Finding[] } {
  const { clobbers, knowledge } = ground;
  const changes = diffPolicies(from, to, knowledge.names);
  const context = { from, to, changes, clobbers: [...clobbers.values()], knowledge };
  const drafted = RULES.flatMap((rule) =>
    rule.scope === 'policy-step' ? [{ rule, drafts: rule.judge(context) }] : [],
  );
  const subject = { from: from.version, to: to.version, policy: null };
  // A step that makes KVM disagree with itself, or act on what nothing checks, brings the finding on its own state with it.
  const before = { ...from, disagreements: disagreementsAsWide(from, to) };
  const had = new Set(faultsOf(before, ground).map(({ facts, places }) => JSON.stringify([facts, places])));
  const faults = faultsOf(to, ground).filter(({ facts, places }) => !had.has(JSON.stringify([facts, places])));
  return { changes, findings: [...faults, ...assemble(drafted, { subject, knowledge })].sort(compareFindings) };
}

/** The facts and decisions themselves. */
export function judgeProject(context: Omit<ProjectContext, 'rules'>): readonly Finding[] {
  const whole = { ...context, rules: RULE_IDS };
  const drafted = RULES.flatMap((rule) => (rule.scope === 'project' ? [{ rule, drafts: rule.judge(whole) }] : []));
  return assemble(drafted, { subject: { from: null, to: 'specs', policy: null }, knowledge: context.knowledge });
}
