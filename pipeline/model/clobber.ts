import type { Place } from './place.ts';
import type { Source } from './source.ts';

export type Site = { readonly path: string; readonly line: number };

/** An entry write of an MSR, and the conditions that it stands under, outermost first. */
export type EntrySite = Site & { readonly guards: readonly string[] };

/** What opens a guarded write: a CPUID bit, an attribute bit or an XFAM bit. */
export type Opener =
  | ({ readonly kind: 'cpuid'; readonly mask: number; readonly flag: string } & Place)
  | { readonly kind: 'attributes'; readonly bit: number; readonly name: string }
  | { readonly kind: 'xfam'; readonly bit: number; readonly name: string };

/**
 * How the module leaves an MSR at TD exit: never written, written with its INIT constant, restored to the host's value,
 * or not settled by the syntax (with the reason): never a silent `restored`.
 */
export type ExitKind = 'none' | 'init' | 'restored' | 'unknown';

export type MsrTransition = {
  /** The tree's own name without `_MSR_ADDR`, such as `IA32_UMWAIT_CONTROL`. */
  readonly msr: string;
  readonly address: number | null;
  /** The innermost guard in canonical form, such as `cpuid_flags.waitpkg_supported`, `attributes.perfmon`, `xfam.lbr`. */
  readonly guard: string | null;
  readonly entry: readonly EntrySite[];
  readonly exit: ExitKind;
  readonly exitAt: readonly EntrySite[];
  /** Set where `exit` is `unknown`, or where some paths differ. */
  readonly reason: string | null;
  readonly openers: readonly Opener[];
};

export type ClobberFacts = {
  readonly release: string;
  readonly source: Source;
  readonly msrs: readonly MsrTransition[];
  readonly notes: readonly string[];
};
