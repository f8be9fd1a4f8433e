import { DataError } from '../../model/errors.ts';
import { bitsOf } from '../../model/mask.ts';
import { REGISTERS, type Register } from '../../model/place.ts';
import { blank, isUnheard, type LeafInput } from './leaves.ts';
import type { Program } from './program.ts';
import type { Entry } from './values.ts';

export const ALL = 0xffffffffn;
export const full = (leaf: LeafInput): Entry => ({ ...leaf, eax: ALL, ebx: ALL, ecx: ALL, edx: ALL });

/** Which bits of each register a step takes away, by leaf. */
export type Probe = ReadonlyMap<LeafInput, Readonly<Record<Register, number>>>;

export function probe(program: Program, leaves: readonly LeafInput[], step: (entry: Entry) => Entry): Probe {
  return new Map(
    leaves.map((leaf) => {
      const all = step(full(leaf));
      const taken = Object.fromEntries(REGISTERS.map((register) => [register, Number(ALL & ~all[register])])) as Record<
        Register,
        number
      >;
      for (const register of REGISTERS) checkSingly(program, leaf, register, taken[register], step);
      return [leaf, taken];
    }),
  );
}

/** A bit must be taken away alone as it is together with all others: else it is no mask of bits. */
function checkSingly(
  program: Program,
  leaf: LeafInput,
  register: Register,
  taken: number,
  step: (entry: Entry) => Entry,
): void {
  for (const bit of bitsOf(taken)) {
    const alone = step({ ...blank(leaf), [register]: 1n << BigInt(bit) });
    if (((alone[register] >> BigInt(bit)) & 1n) === 0n) continue;
    throw new DataError({
      where: { file: program.path },
      expected: 'a filter that treats each bit alone',
      found: `leaf 0x${leaf.function.toString(16)} ${register} bit ${bit}, cleared only together with others`,
    });
  }
}

/** An allowlist takes away what it has never heard of, whatever the sub-leaf. */
export const isAllowing = (cleared: Probe): boolean =>
  [...cleared].every(
    ([leaf, taken]) => !isUnheard(leaf) || REGISTERS.every((register) => taken[register] === Number(ALL)),
  );
