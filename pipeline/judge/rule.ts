import type { ReleaseDiff } from '../model/change.ts';
import type { ClassedRelease } from '../model/class.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { FindingFacts, Level, RuleId, Verdict } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import type { Place } from '../model/place.ts';
import type { Policy } from '../model/policy.ts';
import type { Evidence } from '../model/source.ts';

/** What a rule finds, before level overrides, names, fingerprint and waivers. */
export type Draft = {
  readonly place?: Place;
  readonly mask?: number;
  readonly facts: FindingFacts;
  readonly verdict?: Verdict;
  /** Only where it differs from the rule's own. */
  readonly level?: Level;
  readonly evidence?: readonly Evidence[];
};

/** Two releases, the older one first. */
export type StepContext = {
  readonly from: ClassedRelease;
  readonly to: ClassedRelease;
  readonly diff: ReleaseDiff;
  readonly clobbers: { readonly from: ClobberFacts | null; readonly to: ClobberFacts | null };
  readonly knowledge: Knowledge;
};

/** The verdict on bits of one register that share it. */
export type PlaceVerdict = Place & {
  readonly mask: number;
  readonly verdict: Verdict;
  readonly class: 'config-direct' | 'allow-direct' | 'fixed1' | 'native';
};

/** A release under a KVM policy. */
export type ReleaseContext = {
  readonly release: ClassedRelease;
  readonly policy: Policy;
  /** What the module's code leaves behind, `null` where its source was not read. */
  readonly clobbers: ClobberFacts | null;
  readonly verdicts: readonly PlaceVerdict[];
  /** Bits by place that were configurable in the base release that KVM's code was written against. */
  readonly base: { readonly release: string; readonly configurable: ReadonlyMap<string, number> };
  /** With `--since`: only bits that this release did not offer yet. */
  readonly since: { readonly release: string; readonly configurable: ReadonlyMap<string, number> } | null;
  readonly knowledge: Knowledge;
};

/** A KVM policy against all releases. */
export type PolicyContext = {
  readonly policy: Policy;
  readonly releases: readonly ClassedRelease[];
  readonly knowledge: Knowledge;
};

/** Two KVM policies, the older one first. */
export type PolicyStepContext = { readonly from: Policy; readonly to: Policy; readonly knowledge: Knowledge };

type Judge =
  | { readonly scope: 'step'; readonly judge: (context: StepContext) => readonly Draft[] }
  | { readonly scope: 'release'; readonly judge: (context: ReleaseContext) => readonly Draft[] }
  | { readonly scope: 'policy'; readonly judge: (context: PolicyContext) => readonly Draft[] }
  | { readonly scope: 'policy-step'; readonly judge: (context: PolicyStepContext) => readonly Draft[] }
  /** Drafted where the waivers or facts are read, not from a comparison. */
  | { readonly scope: 'project' };

export type Rule = {
  readonly id: RuleId;
  readonly title: string;
  readonly level: Level;
  /** The rule of the opposite change, or null with the reason. */
  readonly mirror: RuleId | null;
  readonly noMirror?: string;
  /** Why it matters. */
  readonly why: string;
  /** What a reader must do. */
  readonly action: string;
} & Judge;
