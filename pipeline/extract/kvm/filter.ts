import { DataError } from '../../model/errors.ts';
import { bitsOf, or, without } from '../../model/mask.ts';
import { comparePlaces, type Place, REGISTERS, type Register } from '../../model/place.ts';
import type { Generation, PolicyMask } from '../../model/policy.ts';
import type { CFunction } from '../c/unit.ts';
import { checkAgreement, checkRefusal, refusedMasks } from './agreement.ts';
import { findRefusals } from './find.ts';
import { runFunction } from './interpret.ts';
import { blank, isUnheard, type LeafInput, leavesTold, UNHEARD } from './leaves.ts';
import { ALL, isAllowing, type Probe, probe } from './probe.ts';
import type { Program } from './program.ts';

/** What KVM does to the entries that the module reports as configurable. */
export type Filter = {
  readonly generation: Generation;
  readonly deny: readonly PolicyMask[];
  readonly allow: readonly PolicyMask[];
  readonly adds: readonly PolicyMask[];
  readonly notes: readonly string[];
};

/**
 * Derives the filter by running KVM's own functions on entries: for every leaf that the code names, each register with
 * all bits set and with each bit alone. Which functions they are follows from what they do: one copies the module's
 * configurable values into an entry, the other refuses entries of user space.
 */
export function readEntryFilter(program: Program, init: CFunction): Filter {
  const refusals = findRefusals(program);
  const leaves = leavesTold(program, init, refusals);
  const cleared = probe(program, leaves, (entry) => runFunction(program, init, entry).entry);
  const refused = refusedMasks(program, refusals, leaves);
  checkSubleaves(program, init, cleared, isAllowing(cleared) ? Number(ALL) : 0);
  const adds = addsOf(program, init, leaves);
  if (isAllowing(cleared)) {
    checkRefusal(program, init, cleared, refused);
    return { generation: 'allowlist', deny: [], allow: allowed(program, init, cleared), adds, notes: [] };
  }
  const deny = masksOf(program, init, cleared);
  if (deny.length === 0 && isAllowing(refused)) return allowedBySetUp(program, init, refused, adds);
  checkAgreement(program, init, cleared, refused);
  return { generation: deny.length === 0 ? 'none' : 'denylist', deny, allow: [], adds, notes: [] };
}

/** An allowlist that only the set-up follows: KVM_TDX_CAPABILITIES reports more than a TD may have. */
function allowedBySetUp(program: Program, init: CFunction, refused: Probe, adds: readonly PolicyMask[]): Filter {
  checkSubleaves(program, init, refused, Number(ALL));
  const notes = ['KVM_TDX_CAPABILITIES also reports bits that KVM_TDX_INIT_VM refuses'];
  return { generation: 'allowlist', deny: [], allow: allowed(program, init, refused), adds, notes };
}

/** What marks the functions that the filter is made of: where it starts, and where tables of capabilities are filled. */
export const FILTER_TEXT = /find_cpuid_entry|supported_cpuid|cpuid_config|_caps?_(?:init|set|mask)/;

/** Sub-leaves that no code names must be as sub-leaf 0, or untouched: a mask for "all but some" has no place to stand at. */
function checkSubleaves(program: Program, init: CFunction, cleared: Probe, untouched: number): void {
  for (const [leaf, taken] of cleared) {
    if (leaf.index !== UNHEARD.index || isUnheard(leaf)) continue;
    const zero = [...cleared].find(([other]) => other.function === leaf.function && other.index === 0n)?.[1];
    for (const register of REGISTERS)
      if (taken[register] !== untouched && taken[register] !== zero?.[register])
        throw new DataError({
          where: { file: program.path, line: init.line },
          expected: `a filter that names the sub-leaves of leaf 0x${leaf.function.toString(16)} that it treats unlike sub-leaf 0`,
          found: `a mask of ${register} for all others`,
        });
  }
}

const placeOf = (leaf: LeafInput, register: Register): Place => ({
  leaf: Number(leaf.function),
  subleaf: Number(leaf.index),
  register,
});

/** What is taken away by leaf. */
function masksOf(program: Program, init: CFunction, cleared: Probe): readonly PolicyMask[] {
  for (const [leaf, taken] of cleared)
    if (isUnheard(leaf) && REGISTERS.some((register) => taken[register] !== 0))
      throw new DataError({
        where: { file: program.path, line: init.line },
        expected: 'a filter that names the leaves it denies',
        found: 'bits that are cleared in every leaf',
      });
  const masks = placesOf(cleared, (mask) => mask).flatMap(({ place, leaf, mask, ...every }) =>
    byLine(program, init, leaf, place.register, mask).map((part) => ({
      ...place,
      ...part,
      path: program.path,
      ...every,
    })),
  );
  return masks.sort((a, b) => comparePlaces(a, b) || a.line - b.line);
}

type Placed = {
  readonly place: Place;
  readonly leaf: LeafInput;
  readonly mask: number;
  readonly everySubleafBut?: readonly number[];
};

/**
 * Masks with their places. The sub-leaf that no code names stands for all others: where it has a mask, that is the one of
 * sub-leaf 0, and named sub-leaves are told apart only where they differ.
 */
function placesOf(probe: Probe, maskOf: (taken: number) => number): readonly Placed[] {
  const leaves = [...probe];
  return leaves.flatMap(([leaf, taken]) =>
    REGISTERS.flatMap((register): readonly Placed[] => {
      const mask = maskOf(taken[register]);
      const siblings = leaves.filter(([other]) => other.function === leaf.function);
      const rest = siblings.find(([other]) => other.index === UNHEARD.index);
      const every = rest === undefined ? 0 : maskOf(rest[1][register]);
      if (mask === 0 || leaf.index === UNHEARD.index || (leaf.index !== 0n && mask === every)) return [];
      const placed = { place: placeOf(leaf, register), leaf, mask };
      if (leaf.index !== 0n || every === 0) return [placed];
      const others = siblings.filter(([other, masks]) => other !== rest?.[0] && maskOf(masks[register]) !== every);
      return [{ ...placed, everySubleafBut: others.map(([other]) => Number(other.index)) }];
    }),
  );
}

/** The line that clears each bit. */
function byLine(
  program: Program,
  init: CFunction,
  leaf: LeafInput,
  register: Register,
  mask: number,
): readonly { readonly mask: number; readonly line: number }[] {
  const lines = new Map<number, number>();
  for (const bit of bitsOf(mask)) {
    const { lines: hit } = runFunction(program, init, { ...blank(leaf), [register]: 1n << BigInt(bit) });
    const line = hit.get(register) ?? init.line;
    lines.set(line, or(lines.get(line) ?? 0, Number(1n << BigInt(bit))));
  }
  return [...lines].map(([line, part]) => ({ mask: part, line }));
}

/** Bits that no input had and the entry has all the same. */
function addsOf(program: Program, init: CFunction, leaves: readonly LeafInput[]): readonly PolicyMask[] {
  const adds: PolicyMask[] = [];
  for (const leaf of leaves) {
    if (isUnheard(leaf) || leaf.index === UNHEARD.index) continue;
    const { entry, lines } = runFunction(program, init, blank(leaf));
    // Where no sub-leaf is asked for, sub-leaf 0 stands for the leaf.
    const other = runFunction(program, init, blank({ ...leaf, index: UNHEARD.index })).entry;
    for (const register of REGISTERS)
      if (entry[register] !== 0n && (leaf.index === 0n || entry[register] !== other[register]))
        adds.push({
          ...placeOf(leaf, register),
          mask: Number(entry[register]),
          path: program.path,
          line: lines.get(register) ?? init.line,
        });
  }
  return adds.sort(comparePlaces);
}

/** What survives an allowlist, per leaf that the code names. */
function allowed(program: Program, init: CFunction, cleared: Probe): readonly PolicyMask[] {
  return placesOf(cleared, (taken) => without(Number(ALL), taken))
    .filter(({ leaf }) => !isUnheard(leaf))
    .map(({ place, mask, leaf: _, ...every }) => ({
      ...place,
      mask,
      path: program.path,
      line: init.line,
      ...every,
    }));
}
