import type { ZeroLeaves } from './beyond-tables.ts';
import type { CellClass } from './class.ts';
import type { Decider } from './decider.ts';
import type { CodeChange, GuestControl } from './decider-rules.ts';
import type { FieldChange } from './field.ts';
import type { GateId } from './gate.ts';
import type { Place } from './place.ts';
import type { Evidence } from './source.ts';

export const LEVELS = ['info', 'warning', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** Who has to act on a finding, or to know it. */
export const AUDIENCES = ['kernel', 'userspace', 'vendor', 'operator'] as const;
export type Audience = (typeof AUDIENCES)[number];

/**
 * What KVM's policy does with a feature bit that a VMM may set. `exposed`: let through and nobody decided so. `needs-optin`: an
 * allowlist does not name it. `passed`: let through, and somebody stands behind it. `allowed`: an allowlist names it. `denied`:
 * KVM refuses it. `closed`: KVM never opens its gate.
 */
export const VERDICTS = ['exposed', 'needs-optin', 'passed', 'allowed', 'denied', 'closed'] as const;
export type Verdict = (typeof VERDICTS)[number];

/**
 * Who stands behind a bit that is passed. `base`: the release that KVM's code was written against offers it. `fixed1-before`: every
 * TD of that release had it. `field`: no feature but a number, or a register that never holds features. `caps`: KVM gives it to
 * ordinary VMs.
 */
export type Backing =
  | { readonly kind: 'base' | 'fixed1-before'; readonly release: string }
  | { readonly kind: 'field' | 'caps' };

/** A clobbered MSR with what is known of its way out of the module and of KVM's restore. */
export type ClobberFact = {
  readonly feature: string;
  readonly msr: string;
  readonly exit: 'none' | 'init' | 'restored' | 'unknown';
  readonly restoredByKvm: boolean | null;
};

/** How bits went from one class to another. */
export type ClassStep = { readonly from: CellClass; readonly to: CellClass };
/** A bit of ATTRIBUTES, XFAM, TDX_FEATURES0, CONFIG_FLAGS or TD_CTLS. */
export type ControlBit = {
  readonly bit: number;
  readonly name: string | null;
  /** There where the module sets the bit only on some platforms: the release alone does not tell whether a host has it. */
  readonly platform?: true;
};
export type ControlKind = 'attributes' | 'xfam' | 'features0' | 'config-flags' | 'td-ctls';
type Change = 'added' | 'removed';

/** The facts of a finding by kind: text is made from them in one place, the report, and from nothing else. */
export type FindingFacts =
  /** Bits that a VMM may newly set. `backing` only with the verdict `passed`. */
  | {
      readonly kind: 'configurable';
      readonly steps: readonly ClassStep[];
      readonly verdict: Verdict | null;
      readonly backing: Backing | null;
      readonly clobbers: readonly ClobberFact[];
      /** Features among the bits that clobber nothing and need the VMM's help. */
      readonly functional: readonly string[];
      /** Features among the bits that are argued to leave nothing, with the reason; only where nobody decided on the bits. */
      readonly harmless?: readonly { readonly feature: string; readonly reason: string }[];
      /** The release that KVM's code was written against, where a verdict was given. */
      readonly base: string | null;
    }
  | { readonly kind: 'not-configurable'; readonly steps: readonly ClassStep[] }
  /** Bits whose class changed otherwise: `fixed1-added`, `fixed0-added`, `fixed1-removed`, `native-added`, fields. */
  | {
      readonly kind: 'class';
      readonly to: 'fixed1' | 'fixed0' | 'not-fixed1' | 'native' | 'gated' | 'choice';
      readonly steps: readonly ClassStep[];
      readonly gates: readonly GateId[];
      readonly clobbers: readonly ClobberFact[];
    }
  /** A text in registers that hold one value in every TD, in their order; the places are those that changed. */
  | {
      readonly kind: 'constant';
      readonly before: readonly number[];
      readonly after: readonly number[];
      /** Guest controls without which the leaf injects #VE all the same. */
      readonly guest: readonly GuestControl[];
    }
  | {
      readonly kind: 'leaf';
      readonly leaf: number;
      readonly change: 'added' | 'removed' | 've-added' | 've-removed';
      readonly fixed1: boolean;
      readonly known: boolean;
      /** Guest controls without which the leaf injects #VE all the same. */
      readonly guest: readonly GuestControl[];
    }
  /** Leaves that are in no table and read as 0, or no longer; `asked`: once the guest has set `guest`; `rest`: so does each other one. */
  | ({ readonly kind: 'zero-leaves'; readonly change: Change } & ZeroLeaves)
  /** Bits that somebody else decides, beyond the tables. */
  | { readonly kind: 'decider'; readonly steps: readonly { readonly from: Decider; readonly to: Decider }[] }
  /** The deciding code is not that of the release whose rules this one would have; lines are for people, and no part of what was found. */
  | { readonly kind: 'deciding-code'; readonly changes: readonly CodeChange[] }
  | { readonly kind: 'gate'; readonly added: readonly GateId[]; readonly removed: readonly GateId[] }
  | { readonly kind: 'promise'; readonly promise: 'unfixed' | 'feature-bit'; readonly steps: readonly ClassStep[] }
  | { readonly kind: 'required'; readonly reasons: readonly string[]; readonly steps: readonly ClassStep[] }
  | { readonly kind: 'static-leaf'; readonly reasons: readonly string[]; readonly steps: readonly ClassStep[] }
  | {
      readonly kind: 'control';
      readonly control: ControlKind;
      readonly change: Change;
      readonly bits: readonly ControlBit[];
    }
  | {
      readonly kind: 'features-renumbered';
      readonly moved: readonly { readonly name: string; readonly from: number; readonly to: number }[];
      readonly renamed: readonly { readonly bit: number; readonly from: string; readonly to: string }[];
    }
  | { readonly kind: 'cpuid-flags'; readonly change: Change; readonly flags: readonly string[] }
  /** MSRs that the module newly leaves changed, or no longer; `isKept` where KVM keeps the host from harm. */
  | {
      readonly kind: 'host-state';
      readonly change: Change;
      readonly msrs: readonly {
        readonly msr: string;
        readonly exit: ClobberFact['exit'];
        readonly openers: readonly string[];
        readonly kvm: 'restores' | 'closes' | 'nothing' | null;
      }[];
    }
  | {
      readonly kind: 'clobber-rows';
      readonly problem: 'undocumented' | 'unsupported';
      readonly rows: readonly { readonly feature: string; readonly msr: string }[];
    }
  | { readonly kind: 'config-slots'; readonly used: number; readonly limit: number }
  | {
      readonly kind: 'register-mask';
      readonly interface: string;
      readonly register: string;
      readonly documented: string;
      readonly enforced: string;
      readonly validated: string;
    }
  /** What KVM shows and takes differ; `isNamed` where the bits are known, else all that its code does not name. */
  | { readonly kind: 'split'; readonly side: 'hidden-not-refused' | 'shown-but-refused'; readonly isNamed: boolean }
  /** An answer of KVM_SET_CPUID2 on which KVM acts for a TD unguarded; `lost` is the host's state behind it, where that is shown. */
  | {
      readonly kind: 'set-cpuid2';
      readonly question: string;
      readonly about: 'host' | 'kvm';
      readonly decides: string;
      /** What would keep a TD from it and was not found: `file function word`. */
      readonly guards: readonly string[];
      readonly lost: readonly ClobberFact[];
    }
  /** What of KVM_SET_CPUID2 was not judged: asks that no question names, questions that were not found; neither where nothing was read. */
  | { readonly kind: 'set-cpuid2-open'; readonly unlisted: readonly string[]; readonly unfound: readonly string[] }
  | { readonly kind: 'stale'; readonly list: 'allow' | 'deny' }
  | { readonly kind: 'policy-list'; readonly list: 'allow' | 'deny' | 'adds'; readonly change: Change }
  | {
      readonly kind: 'policy-control';
      readonly control: 'attributes' | 'xfam';
      readonly change: Change;
      readonly bits: readonly ControlBit[];
      /** Host state behind these bits, on some release that was read. */
      readonly clobbers: readonly ClobberFact[];
    }
  | { readonly kind: 'restore'; readonly change: Change; readonly msrs: readonly string[] }
  | {
      readonly kind: 'decision';
      readonly problem: 'unmatched' | 'expired';
      readonly selector: string;
      readonly reason: string;
      readonly until: string | null;
    }
  | { readonly kind: 'override'; readonly rule: string }
  | { readonly kind: 'missing'; readonly releases: readonly string[] }
  | { readonly kind: 'not-examined'; readonly what: 'host-state' | 'deciders'; readonly releases: readonly string[] }
  | { readonly kind: 'disagreement'; readonly what: string; readonly left: string; readonly right: string };

/** What a person decided on a finding: it stays in the report and counts no more. */
export type Decided = { readonly reason: string; readonly by: string; readonly until: string | null };

/** A named bit or field of a register. */
export type NamedBit = { readonly bit: number; readonly name: string | null };

/** The bits of one register that a finding is about, with their names. */
export type FoundPlace = Place & { readonly mask: number; readonly bits: readonly NamedBit[] };

/** One change, or one state that somebody must know: everything that it touches together. */
export type Finding = {
  /** 16 hex digits over rule, subject, places and arguments: never wording, level or line numbers. */
  readonly fingerprint: string;
  /** An id of the catalogue of rules. */
  readonly rule: string;
  readonly level: Level;
  readonly for: readonly Audience[];
  /** The release or KVM version that is judged, what it is held against, and the KVM version it runs on. */
  readonly subject: { readonly from: string | null; readonly to: string; readonly policy: string | null };
  /** In total order, each register once. */
  readonly places: readonly FoundPlace[];
  readonly verdict: Verdict | null;
  /** Numbers of several bits among the places, with what each held and holds now; absent where there are none. */
  readonly fields?: readonly FieldChange[];
  readonly facts: FindingFacts;
  /** Less urgent rules that match some of the same bits, and what they found. */
  readonly also: readonly { readonly rule: string; readonly facts: FindingFacts }[];
  readonly evidence: readonly Evidence[];
  readonly decided: Decided | null;
};
