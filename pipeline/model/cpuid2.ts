import type { Source } from './source.ts';

/** A word in a function of a kernel: a name that is asked, or that guards. `isCall`: it need not stand in a condition that leaves. */
export type Cpuid2Site = {
  readonly path: string;
  readonly function: string;
  readonly word: string;
  readonly isCall: boolean;
};

/**
 * A place where KVM asks its own view of a vCPU, which KVM_SET_CPUID2 made, on a path of a TD: a row of `specs/cpuid2.md`.
 * Sites of different kernels are alternatives.
 */
export type Cpuid2Question = {
  readonly id: string;
  readonly asks: readonly Cpuid2Site[];
  /** What keeps the answer from a TD, in alternatives of sites that all have to be there; empty where nothing does. */
  readonly guards: readonly (readonly Cpuid2Site[])[];
  /** What the answer decides on: state of the host, what the guest is told, or whether KVM goes on. */
  readonly about: 'host' | 'guest' | 'kvm';
  /** MSRs of the host that the answer decides on, by their names without prefix; empty where it decides on something else. */
  readonly msrs: readonly string[];
  readonly decides: string;
  /** What comes of it where KVM_TDX_INIT_VM was told otherwise. */
  readonly differs: string;
};

export type Cpuid2Place = { readonly path: string; readonly function: string; readonly line: number };
export type Cpuid2Ask = {
  readonly question: string;
  readonly at: Cpuid2Place;
  readonly guard: Cpuid2Place | null;
};

/** What one kernel asks. */
export type Cpuid2Facts = {
  readonly version: string;
  readonly source: Source;
  readonly asks: readonly Cpuid2Ask[];
  /** Asks in KVM's own file for TDs that no question names: nobody has said yet what they decide. */
  readonly unlisted: readonly (Cpuid2Place & { readonly word: string })[];
};

/** The questions, and what each kernel that was read answers. */
export type Cpuid2Knowledge = {
  readonly questions: readonly Cpuid2Question[];
  readonly kernels: readonly Cpuid2Facts[];
};
