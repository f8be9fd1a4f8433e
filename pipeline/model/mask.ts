/** 32-bit register masks as unsigned numbers, 64-bit masks as bigint. `>>> 0` lives in this folder only. */

/** All 32 bits of a register. */
export const FULL = 0xffffffff;

export const and = (a: number, b: number): number => (a & b) >>> 0;
export const or = (a: number, b: number): number => (a | b) >>> 0;
export const xor = (a: number, b: number): number => (a ^ b) >>> 0;
export const not = (a: number): number => ~a >>> 0;
/** The bits of `a` that are not in `b`. */
export const without = (a: number, b: number): number => (a & ~b) >>> 0;
export const hasBit = (mask: number, bit: number): boolean => ((mask >>> bit) & 1) === 1;
export const bitMask = (bit: number): number => (1 << bit) >>> 0;
/** The mask of bits `high` to `low`, both included. */
export const rangeMask = (high: number, low: number): number => ((FULL >>> (31 - high)) & (FULL << low)) >>> 0;

/** The positions of the set bits, lowest first. */
export function bitsOf(mask: number): readonly number[] {
  const bits: number[] = [];
  for (let bit = 0; bit < 32; bit += 1) if (hasBit(mask, bit)) bits.push(bit);
  return bits;
}

export const countBits = (mask: number): number => bitsOf(mask).length;

/** Runs of neighbouring set bits, lowest first. */
export function runsOf(mask: number): readonly { readonly high: number; readonly low: number }[] {
  const runs: { high: number; low: number }[] = [];
  for (const bit of bitsOf(mask)) {
    const last = runs.at(-1);
    if (last !== undefined && last.high === bit - 1) last.high = bit;
    else runs.push({ high: bit, low: bit });
  }
  return runs;
}

/** `[19]`, `[23:16]`, `[7,19,23]`: the bits of a mask as the manuals write them. */
export function formatBits(mask: number): string {
  const runs = [...runsOf(mask)].reverse();
  const parts = runs.map(({ high, low }) =>
    high === low ? `${high}` : high === low + 1 ? `${high},${low}` : `${high}:${low}`,
  );
  return `[${parts.join(',')}]`;
}

/** A 32-bit mask, lower case, padded to 8 digits. */
export const hex32 = (mask: number): string => `0x${(mask >>> 0).toString(16).padStart(8, '0')}`;
/** A number in unpadded lower-case hex, as leaves and sub-leaves are written. */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** The set bits of a 64-bit mask, lowest first. */
export function bitsOf64(mask: bigint): readonly number[] {
  const bits: number[] = [];
  for (let bit = 0; bit < 64; bit += 1) if ((mask >> BigInt(bit)) & 1n) bits.push(bit);
  return bits;
}
