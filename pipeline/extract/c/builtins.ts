import { type CInteger, wrap } from './integer.ts';

type Builtin = (args: readonly CInteger[]) => CInteger | undefined;

/** `BIT(n)`: one bit of a type of `bits` bits. The values are made once: running code asks for them again and again. */
function bit(bits: number): Builtin {
  const values = positions(bits).map((at) => wrap(1n << BigInt(at), bits, false));
  return ([n, ...more]) => (n === undefined || more.length > 0 ? undefined : at(values, n));
}

/** `GENMASK(high, low)`: both bits included. */
function genmask(bits: number): Builtin {
  const values = positions(bits).map((low) =>
    positions(bits).map((high) =>
      high < low ? undefined : wrap((2n << BigInt(high)) - (1n << BigInt(low)), bits, false),
    ),
  );
  return ([high, low, ...more]) => {
    if (high === undefined || low === undefined || more.length > 0) return undefined;
    return at(at(values, low) ?? [], high);
  };
}

const positions = (bits: number): readonly number[] => [...Array(bits).keys()];

/** What stands at a bit's position; undefined where the type has no such bit. */
const at = <T>(values: readonly T[], { value }: CInteger): T | undefined => values[Number(value)];

const BIT_64 = bit(64);
const GENMASK_64 = genmask(64);

/** Macros of the kernel's and the module's headers that are not read with each file. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map([
  ...['BIT', 'BIT_ULL', '_BITUL', '_BITULL'].map((name) => [name, BIT_64] as const),
  ...['BITS', 'GENMASK', 'GENMASK_ULL'].map((name) => [name, GENMASK_64] as const),
  ['BIT_U32', bit(32)] as const,
  ['GENMASK_U32', genmask(32)] as const,
]);
