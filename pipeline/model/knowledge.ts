import type { BitName } from './field.ts';
import type { Level } from './finding.ts';
import type { LeafKey, Place, Register } from './place.ts';

/** A bit that KVM's own logic needs in every TD, from `specs/required.md`. */
export type RequiredBit = Place & { readonly mask: number; readonly name: string; readonly reason: string };

/** Registers that never hold features, from `specs/leaves.md`; `null` stands for all sub-leaves or registers. */
export type StaticRegister = {
  readonly leaf: number;
  readonly subleaf: number | null;
  readonly register: Register | null;
  readonly reason: string;
};

/** What a row of `specs/clobbers.md` says of its feature. */
export const CLOBBER_KINDS = ['clobber', 'handled', 'functional', 'harmless'] as const;

/** A row of `specs/clobbers.md`: a feature with what opens it and the host state that it touches. */
export type ClobberRow = {
  readonly feature: string;
  /**
   * `handled`: leaves host state, and KVM brings it back by other means than its named restores, or has no use for it.
   * `harmless`: neither leaves host state nor needs the VMM's help; `source` says why.
   */
  readonly kind: (typeof CLOBBER_KINDS)[number];
  readonly bits: readonly (Place & { readonly mask: number })[];
  readonly attributes: readonly number[];
  readonly xfam: readonly number[];
  /** MSRs without the `MSR_` or `IA32_` prefix of either tree, such as `UMWAIT_CONTROL`. */
  readonly msrs: readonly string[];
  /** What the row rests on, in words. */
  readonly source: string;
  readonly line: number;
};

/** A level that a rule has in this project, everywhere or in one leaf, from `specs/levels.yaml`. */
export type LevelOverride = {
  readonly rule: string;
  readonly leaf: LeafKey | null;
  readonly level: Level;
  readonly reason: string;
};

/** What people argued and the kernel names, as far as judging needs it. */
export type Knowledge = {
  readonly required: readonly RequiredBit[];
  readonly staticRegisters: readonly StaticRegister[];
  readonly clobbers: readonly ClobberRow[];
  readonly names: readonly BitName[];
  readonly levels: readonly LevelOverride[];
};
