import { type CInteger, wrap } from './integer.ts';

/** `BIT(n)`: one bit of a type of `bits` bits. */
const bit =
  (bits: number) =>
  (args: readonly CInteger[]): CInteger | undefined => {
    const [n, ...more] = args;
    return n !== undefined && more.length === 0 && isBit(n, bits) ? wrap(1n << n.value, bits, false) : undefined;
  };

/** `GENMASK(high, low)`: both bits included. */
const genmask =
  (bits: number) =>
  (args: readonly CInteger[]): CInteger | undefined => {
    const [high, low, ...more] = args;
    if (high === undefined || low === undefined || more.length > 0) return undefined;
    if (!isBit(high, bits) || !isBit(low, bits) || high.value < low.value) return undefined;
    return wrap(((1n << (high.value - low.value + 1n)) - 1n) << low.value, bits, false);
  };

const isBit = ({ value }: CInteger, bits: number): boolean => value >= 0n && value < BigInt(bits);

/** Macros of the kernel's and the module's headers that are not read with each file. */
export const BUILTINS: ReadonlyMap<string, (args: readonly CInteger[]) => CInteger | undefined> = new Map([
  ...['BIT', 'BIT_ULL', '_BITUL', '_BITULL'].map((name) => [name, bit(64)] as const),
  ...['BITS', 'GENMASK', 'GENMASK_ULL'].map((name) => [name, genmask(64)] as const),
  ['BIT_U32', bit(32)] as const,
  ['GENMASK_U32', genmask(32)] as const,
]);
