import type { CellClass } from './class.ts';
import type { Decider } from './decider.ts';
import type { GateId } from './gate.ts';
import type { LeafKey, Place } from './place.ts';

/** Bits of one register that went from one class to another between two releases. */
export type ClassChange = Place & { readonly from: CellClass; readonly to: CellClass; readonly mask: number };

/** Bits of one register that a gate took up (`added`) or let go (`removed`), in leaves that both releases have. */
export type GateChange = Place & { readonly gate: GateId; readonly added: number; readonly removed: number };

/** Bits of one register that another decider gives their value, in leaves whose code was examined in both releases. */
export type DeciderChange = Place & { readonly mask: number; readonly from: Decider; readonly to: Decider };

/** Bits of a 64-bit mask that were set (`added`) or cleared (`removed`); `null` where one side is not known. */
export type MaskChange = {
  readonly from: bigint | null;
  readonly to: bigint | null;
  readonly added: bigint;
  readonly removed: bigint;
};

/** A feature whose TDX_FEATURES0 bit number moved. */
export type FeatureMove = { readonly name: string; readonly from: number; readonly to: number };
/** A TDX_FEATURES0 bit whose name changed. */
export type FeatureRename = { readonly bit: number; readonly from: string; readonly to: string };

/** What differs between two releases, unjudged, each list in total order. Empty lists and masks where nothing differs. */
export type ReleaseDiff = {
  readonly from: string;
  readonly to: string;
  readonly changes: readonly ClassChange[];
  readonly gates: readonly GateChange[];
  readonly deciders: readonly DeciderChange[];
  readonly fixed0Leaves: { readonly added: readonly number[]; readonly removed: readonly number[] };
  readonly attributes: { readonly fixed0: MaskChange; readonly fixed1: MaskChange };
  readonly xfam: { readonly fixed0: MaskChange; readonly fixed1: MaskChange };
  readonly features0: MaskChange & {
    readonly moved: readonly FeatureMove[];
    readonly renamed: readonly FeatureRename[];
  };
  readonly cpuidFlags: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly configSlots: { readonly from: number; readonly to: number };
  readonly leaves: { readonly added: readonly LeafKey[]; readonly removed: readonly LeafKey[] };
  /** Cells that were compared, and facts that one side does not know, each a sentence. */
  readonly coverage: { readonly cells: number; readonly unknown: readonly string[] };
};
