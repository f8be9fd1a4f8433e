import type { TdControl } from '../model/decider-rules.ts';
import type { Guest, TdParams } from './case.ts';
import type { Processor } from './host.ts';

/** What the module knows of a host after its start: TDH.SYS.INIT, TDH.SYS.LP.INIT and the CPUID part of TDH.SYS.CONFIG. */
export type Platform = {
  /** Four registers of each row of the table, with the table's fixed bits. */
  readonly native: Uint32Array;
  readonly fms: number;
  readonly maxPa: number;
  /** XSAVE components that the host has and the module knows. */
  readonly components: bigint;
  /** Components that fault by XFD. */
  readonly xfdFaulting: number;
  readonly hasLass: boolean;
};

/** A TD while its CPUID is worked out: `values` are the four registers of each row, 0 until the code reaches the row. */
export type TdState = {
  readonly platform: Platform;
  readonly processor: Processor;
  readonly params: TdParams;
  readonly guest: Guest;
  readonly xfamBits: readonly boolean[];
  readonly attributeBits: readonly boolean[];
  readonly flagBits: readonly boolean[];
  readonly values: Uint32Array;
  /** TD_CTLS bits that are set. */
  readonly controls: ReadonlySet<TdControl>;
};

/** The bits of a 64-bit number, so that asking for one costs nothing. */
export function bitsOf64(value: bigint): readonly boolean[] {
  const low = Number(value & 0xffffffffn);
  const high = Number((value >> 32n) & 0xffffffffn);
  return Array.from({ length: 64 }, (_, bit) => (((bit < 32 ? low : high) >>> (bit % 32)) & 1) === 1);
}

export const GPAW = 0;
export const FLEXIBLE_PENDING_VE = 1;
export const MAXPA_VIRT = 3;
export const MAXGPA_VIRT = 4;

/** The widest physical address that a TD may have, by GPAW. */
export const widestAddress = ({ flagBits }: Pick<TdState, 'flagBits'>): number => (flagBits[GPAW] === true ? 52 : 48);
