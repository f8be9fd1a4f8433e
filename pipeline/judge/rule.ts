import type { ClobberChanges } from '../diff/clobbers.ts';
import type { ClassChange, ReleaseDiff } from '../model/change.ts';
import type { ClassedRelease } from '../model/class.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { Cpuid2Facts, Cpuid2Question } from '../model/cpuid2.ts';
import type { Audience, Backing, FindingFacts, Level, Verdict } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import type { Place } from '../model/place.ts';
import type { Policy } from '../model/policy.ts';
import type { Runs } from '../model/review.ts';
import type { PolicyChanges } from '../model/series-effect.ts';
import type { Evidence } from '../model/source.ts';
import type { ProjectContext } from './project.ts';

export type PlaceMask = Place & { readonly mask: number };

/** What a rule finds, before level overrides, names, fingerprint and decisions. Drafts of a rule with one story are one finding. */
export type Draft = {
  /** What else than the rule tells stories apart; drafts without one are told together. */
  readonly story?: string;
  readonly places?: readonly PlaceMask[];
  readonly facts: FindingFacts;
  readonly verdict?: Verdict;
  /** Only where it differs from the rule's own. */
  readonly level?: Level;
  readonly for?: readonly Audience[];
  readonly evidence?: readonly Evidence[];
};

/** The verdict on bits of one register that share it. Only bits that a VMM may set have one. */
export type PlaceVerdict = PlaceMask & {
  readonly verdict: Verdict;
  readonly class: 'config-direct' | 'allow-direct';
  /** Only with `passed`. */
  readonly backing: Backing | null;
  /** True for bits of a number or of a register that never holds features. */
  readonly isField: boolean;
};

/** A KVM version under which a release is judged. */
export type KvmContext = {
  readonly policy: Policy;
  readonly runs: Runs;
  /** Empty where KVM refuses the release. */
  readonly verdicts: readonly PlaceVerdict[];
  /** The release that KVM's code was written against. */
  readonly base: string | null;
};

/** A release and the one it is held against, under a KVM version or none. */
export type ReleaseContext = {
  readonly from: ClassedRelease;
  readonly to: ClassedRelease;
  readonly diff: ReleaseDiff;
  /** The class changes of the diff that a TD can see. */
  readonly changes: readonly ClassChange[];
  /** What each leaves behind, `null` where that was not examined; `changes` where both were. */
  readonly clobbers: {
    readonly from: ClobberFacts | null;
    readonly to: ClobberFacts | null;
    readonly changes: ClobberChanges | null;
  };
  readonly kvm: KvmContext | null;
  /** The release that KVM was written against, of the kernel's own file or of the shipped ones: promises bind what comes after. */
  readonly promisedAt: string | null;
  readonly knowledge: Knowledge;
};

/** A KVM policy against all releases. */
export type PolicyContext = {
  readonly policy: Policy;
  readonly releases: readonly ClassedRelease[];
  /** What every release leaves behind, where that is known. */
  readonly clobbers: readonly ClobberFacts[];
  /** What KVM asks of KVM_SET_CPUID2: the questions, and what was read of this kernel; null where it was not read for it. */
  readonly cpuid2: { readonly questions: readonly Cpuid2Question[]; readonly kernel: Cpuid2Facts | null };
  readonly knowledge: Knowledge;
};

/** Two KVM policies, the older one first. */
export type PolicyStepContext = {
  readonly from: Policy;
  readonly to: Policy;
  readonly changes: PolicyChanges;
  /** What every release leaves behind, where that is known. */
  readonly clobbers: readonly ClobberFacts[];
  readonly knowledge: Knowledge;
};

type Judge =
  | { readonly scope: 'release'; readonly judge: (context: ReleaseContext) => readonly Draft[] }
  | { readonly scope: 'policy'; readonly judge: (context: PolicyContext) => readonly Draft[] }
  | { readonly scope: 'policy-step'; readonly judge: (context: PolicyStepContext) => readonly Draft[] }
  | { readonly scope: 'project'; readonly judge: (context: ProjectContext) => readonly Draft[] };

/** A rule; its id is kebab-case, never reused. */
export type Rule = {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly for: readonly Audience[];
  /** The rule of the opposite change, or null with the reason. */
  readonly mirror: string | null;
  readonly noMirror?: string;
  /** It says no more than that something changed: no line where a more urgent rule tells the bits. */
  readonly isPlain?: true;
  /** Why it matters. */
  readonly why: string;
  /** What a reader must do. */
  readonly action: string;
} & Judge;
