import type { GateKind } from './gate.ts';
import { bitsOf } from './mask.ts';
import { formatPlace, type Place } from './place.ts';
import type { RegisterCheck } from './register-mask.ts';
import type { Source } from './source.ts';

/** Where a register is written, and the conditions that the write stands under, outermost first; a null line is not known. */
export type EntrySite = { readonly path: string; readonly line: number | null; readonly guards: readonly string[] };

/** How a way was learnt: derived from the tree by the program, read in it by a person, or inferred from other releases. */
export type Learnt =
  | { readonly how: 'derived' | 'read' }
  | { readonly how: 'inferred'; readonly from: readonly string[] };

/** What writes a register that no WRMSR writes. */
export const WRITTEN_BY = ['vmcs', 'xsetbv', 'xrstors', 'mov'] as const;
export type WrittenBy = (typeof WRITTEN_BY)[number];

/** What opens a guarded write: a CPUID bit, an attribute bit or an XFAM bit. */
export type Opener =
  | ({ readonly kind: 'cpuid'; readonly mask: number; readonly flag: string } & Place)
  | { readonly kind: GateKind; readonly bit: number; readonly name: string };

/** `7.0.ECX[5]`, `attributes:63` or `xfam:15`. */
export const openerName = (opener: Opener): string =>
  opener.kind === 'cpuid'
    ? `${formatPlace(opener)}[${[...bitsOf(opener.mask)].reverse().join(',')}]`
    : `${opener.kind}:${opener.bit}`;

/**
 * How the module leaves an MSR at TD exit: never written, written with its INIT constant, restored to the host's value,
 * or not settled by the syntax (with the reason): never a silent `restored`.
 */
export type ExitKind = 'none' | 'init' | 'restored' | 'unknown';

export type MsrTransition = {
  /** The tree's own name without `_MSR_ADDR`, such as `IA32_UMWAIT_CONTROL`; a register that is no MSR by its own: `DR7`. */
  readonly msr: string;
  readonly address: number | null;
  /** Set where an index is added to the address: the name is the first of a range. */
  readonly range?: true;
  /** The class that `msr_config_lookup.c` gives the address, such as `PERFMON` or `UMWAIT`; absent where it gives none. */
  readonly class?: string;
  /**
   * What the TD's configuration decides, in canonical form: `cpuid_flags.waitpkg_supported`, `!attributes.perfmon`, several
   * joined by ` && `; null where the write does not depend on it. One MSR has one transition for each such context.
   */
  readonly guard: string | null;
  readonly entry: readonly EntrySite[];
  readonly exit: ExitKind;
  /** The constant of an `init`, in hex such as `0x0`. */
  readonly exitValue?: string;
  /** Bits of an `init` that keep the host's value all the same, in hex. */
  readonly keepsBits?: string;
  /** What writes the register on the way out, where it is no WRMSR: the VMCS that SEAMRET loads, XSETBV, XRSTORS, MOV. */
  readonly by?: WrittenBy;
  /** How each way was learnt; absent where the program derived both from the tree. */
  readonly learnt?: { readonly entry: Learnt; readonly exit: Learnt };
  readonly exitAt: readonly EntrySite[];
  /** Set where `exit` is `unknown`, or where some paths differ. */
  readonly reason: string | null;
  readonly openers: readonly Opener[];
};

/** What a member of the module's `cpuid_flags` is set from when a TD is created. */
export type FlagBits = {
  readonly flag: string;
  readonly openers: readonly Opener[];
  readonly path: string;
  readonly line: number;
};

export type ClobberFacts = {
  readonly release: string;
  readonly source: Source;
  readonly msrs: readonly MsrTransition[];
  /** The tracked CPUID flags with the bits behind them, in the order of their assignment. */
  readonly flags?: readonly FlagBits[];
  /** Which bits of a register the module's code refuses; absent where the revision's check was not read. */
  readonly registerChecks?: readonly RegisterCheck[];
  readonly notes: readonly string[];
};
