import { DataError } from '../../model/errors.ts';
import { hex } from '../../model/mask.ts';
import { REGISTERS, type Register } from '../../model/place.ts';
import type { Disagreement } from '../../model/policy.ts';
import { ALL, type Leaf, NO_SUBLEAF } from './inputs.ts';
import { isUnheard, type Probe, UNHEARD } from './probe.ts';
import type { Program } from './program.ts';

/** Both sides of one leaf. */
export type Pair = { readonly leaf: Leaf; readonly shown: Probe; readonly taken: Probe };

export const isNamed = ({ index }: Leaf): boolean => ![0n, UNHEARD.index, NO_SUBLEAF].includes(index);

/** A mask of the sub-leaves that no code names, which is none of sub-leaf 0, has no place. */
export const unlikeSubleaf0 = (program: Program, leaf: Leaf, register: Register): DataError =>
  new DataError({
    where: { file: program.path },
    expected: `a filter that names the sub-leaves of leaf 0x${leaf.function.toString(16)} that it treats unlike sub-leaf 0`,
    found: `a mask of ${register} for all others`,
  });

/** Bits that one side lets through and the other does not, with the lines of both. */
export function disagreementsOf(
  program: Program,
  pairs: readonly Pair[],
  { openSetUp, openShown }: { readonly openSetUp: boolean; readonly openShown: boolean },
): readonly Disagreement[] {
  const all: Disagreement[] = [];
  const unheard = pairs.find(({ leaf }) => isUnheard(leaf));
  if (openSetUp !== openShown && unheard !== undefined)
    all.push({
      kind: openSetUp ? 'hidden-not-refused' : 'shown-but-refused',
      leaf: null,
      subleaf: null,
      register: null,
      mask: Number(ALL),
      // What happens to all four registers alike is told of the first.
      shown: firstLine(program, unheard.shown, 'eax', ALL),
      setUp: firstLine(program, unheard.taken, 'eax', ALL),
    });
  for (const pair of pairs) {
    const { leaf, shown, taken } = pair;
    if (isUnheard(leaf) || leaf.index === UNHEARD.index || leaf.index === NO_SUBLEAF) continue;
    const others = pairs.filter((other) => other.leaf.function === leaf.function);
    const rest = leaf.index === 0n ? others.find((other) => other.leaf.index === UNHEARD.index) : undefined;
    const named = others.flatMap((other) => (isNamed(other.leaf) ? [Number(other.leaf.index)] : []));
    for (const register of REGISTERS)
      for (const kind of KINDS) {
        const mask = differing(pair, kind, register);
        if (mask === 0n) continue;
        const isEvery = rest !== undefined && differing(rest, kind, register) === mask;
        all.push({
          kind,
          leaf: Number(leaf.function),
          subleaf: Number(leaf.index),
          register,
          mask: Number(mask),
          shown: firstLine(program, shown, register, mask),
          setUp: firstLine(program, taken, register, mask),
          // Each that the code names has an entry of its own where its sides differ.
          ...(isEvery ? { everySubleafBut: named } : {}),
        });
      }
  }
  return all;
}

const KINDS = ['hidden-not-refused', 'shown-but-refused'] as const;

/** The bits of a leaf's register that only one side lets through; what KVM adds by itself is none of them. */
function differing({ shown, taken }: Pair, kind: (typeof KINDS)[number], register: Register): bigint {
  const [lets, keeps] = kind === 'hidden-not-refused' ? [taken, shown] : [shown, taken];
  return lets.passed[register] & ~keeps.passed[register] & ~shown.added[register];
}

/** What a disagreement on sub-leaf 0 says of the sub-leaves that no code names. Throws where they have one of their own. */
export function everySubleafNotes(
  program: Program,
  pairs: readonly Pair[],
  disagreements: readonly Disagreement[],
): readonly string[] {
  // Where every leaf differs, that is said of them all.
  if (disagreements.some((each) => each.leaf === null)) return [];
  return pairs.flatMap((pair): readonly string[] => {
    const { leaf } = pair;
    if (isUnheard(leaf) || leaf.index !== UNHEARD.index) return [];
    return REGISTERS.flatMap((register) => {
      const masks = KINDS.map((kind) => differing(pair, kind, register));
      for (const [at, mask] of masks.entries()) {
        const isTold = disagreements.some(
          (each) =>
            each.kind === KINDS[at] &&
            each.leaf === Number(leaf.function) &&
            each.register === register &&
            each.everySubleafBut !== undefined,
        );
        if (mask !== 0n && !isTold) throw unlikeSubleaf0(program, leaf, register);
      }
      const all = masks.reduce((one, other) => one | other, 0n);
      return all === 0n
        ? []
        : [
            `what is shown and what is taken of leaf 0x${leaf.function.toString(16)} differ in ${register} ${hex(all)} of every sub-leaf that no code names, as in sub-leaf 0`,
          ];
    });
  });
}

function firstLine(program: Program, { lines }: Probe, register: Register, mask: bigint) {
  const at = lines[register].find((line, bit) => line !== null && ((mask >> BigInt(bit)) & 1n) === 1n);
  return { path: at?.file ?? program.path, line: at?.line ?? 1 };
}
