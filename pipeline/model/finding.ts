import type { CellClass } from './class.ts';
import type { GateId } from './gate.ts';
import type { Place } from './place.ts';
import type { Evidence } from './source.ts';

export const LEVELS = ['info', 'warning', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** What KVM's policy does with a bit that the module offers, or that every TD gets. */
export const VERDICTS = ['allowed', 'denied', 'exposed', 'needs-optin', 'unreachable', 'known', 'unknown'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const RULE_IDS = [
  'configurable-added',
  'configurable-added-clobbers-host',
  'configurable-removed',
  'fixed1-added',
  'fixed1-removed',
  'fixed0-added',

  'native-added',
  'leaf-added',
  'leaf-removed',
  've-removed',
  've-added',
  'gate-changed',
  'unfixed-not-configurable',
  'fixed-change-without-feature',
  'required-bit-lost',
  'static-leaf-extended',
  'register-mask-mismatch',
  'attribute-added',
  'attribute-removed',
  'xfam-added',
  'xfam-removed',
  'feature-added',
  'feature-removed',
  'feature-renumbered',
  'clobber-added',
  'clobber-removed',
  'clobber-undocumented',
  'clobber-unsupported',
  'cpuid-flag-added',
  'cpuid-flag-removed',
  'config-slots-near-limit',
  'needs-optin',
  'exposed-unreviewed',
  'exposed-clobbers-host',
  'allow-stale',
  'deny-stale',
  'policy-allow-added',
  'policy-allow-removed',
  'policy-deny-added',
  'policy-deny-removed',
  'restore-added',
  'restore-removed',
  'waiver-unmatched',
  'waiver-expired',
  'facts-missing',
  'sources-disagree',
] as const;
export type RuleId = (typeof RULE_IDS)[number];

/** A clobbered MSR with what is known of its way out of the module and of KVM's restore. */
export type ClobberFact = {
  readonly feature: string;
  readonly msr: string;
  readonly exit: 'none' | 'init' | 'restored' | 'unknown';
  readonly restoredByKvm: boolean | null;
};

/** The facts of a finding by kind: text is made from them in one place, the report. */
export type FindingFacts =
  | {
      readonly kind: 'class-change';
      readonly from: CellClass;
      readonly to: CellClass /** Gates that decide over the bits in the newer release. */;
      readonly gates: readonly GateId[];
    }
  | {
      readonly kind: 'clobber';
      readonly from: CellClass | null;
      readonly to: CellClass;
      readonly clobbers: readonly ClobberFact[];
    }
  | {
      readonly kind: 'leaf';
      readonly from: 'absent' | 'present';
      readonly to: 'absent' | 'present';
      readonly fixed1: boolean;
      readonly known: boolean;
    }
  | { readonly kind: 'gate'; readonly gate: GateId; readonly opened: boolean }
  | { readonly kind: 'promise'; readonly from: CellClass; readonly to: CellClass }
  | { readonly kind: 'required'; readonly from: CellClass; readonly to: CellClass; readonly reason: string }
  | { readonly kind: 'static-leaf'; readonly from: CellClass; readonly to: CellClass; readonly reason: string }
  | { readonly kind: 'attribute'; readonly bit: number; readonly name: string | null }
  | { readonly kind: 'xfam'; readonly bit: number; readonly name: string | null }
  | { readonly kind: 'feature'; readonly bit: number; readonly name: string | null }
  | { readonly kind: 'feature-moved'; readonly name: string; readonly fromBit: number; readonly toBit: number }
  | { readonly kind: 'feature-renamed'; readonly bit: number; readonly from: string; readonly to: string }
  | { readonly kind: 'cpuid-flag'; readonly flag: string }
  | { readonly kind: 'msr'; readonly msr: string; readonly exit: string; readonly openers: readonly string[] }
  | { readonly kind: 'clobber-row'; readonly feature: string; readonly msr: string }
  | { readonly kind: 'config-slots'; readonly used: number; readonly limit: number }
  | {
      readonly kind: 'register-mask';
      readonly interface: string;
      readonly register: string;
      readonly documented: string;
      readonly enforced: string;
      readonly validated: string;
    }
  | {
      readonly kind: 'verdict';
      readonly class: CellClass;
      readonly since: string;
      /** Features among the bits that clobber nothing and need the VMM's help. */
      readonly functional: readonly string[];
    }
  | { readonly kind: 'stale'; readonly list: 'allow' | 'deny' }
  | { readonly kind: 'policy'; readonly list: 'allow' | 'deny' }
  | { readonly kind: 'restore'; readonly msr: string }
  | { readonly kind: 'waiver'; readonly selector: string; readonly reason: string; readonly until: string | null }
  | { readonly kind: 'missing'; readonly what: string }
  | { readonly kind: 'disagreement'; readonly what: string; readonly left: string; readonly right: string };

export type Waiver = { readonly reason: string; readonly by: string; readonly until: string | null };

/** A named bit or field of a register. */
export type NamedBit = { readonly bit: number; readonly name: string | null };

export type Finding = {
  /** 16 hex digits over rule, place and arguments: never wording, level or line numbers. */
  readonly fingerprint: string;
  readonly rule: RuleId;
  readonly level: Level;
  /** The release or KVM version that is judged, and what it is held against. */
  readonly subject: { readonly from: string | null; readonly to: string; readonly policy: string | null };
  readonly place: Place | null;
  readonly mask: number;
  readonly bits: readonly NamedBit[];
  readonly verdict: Verdict | null;
  readonly facts: FindingFacts;
  readonly evidence: readonly Evidence[];
  readonly waived: Waiver | null;
};
