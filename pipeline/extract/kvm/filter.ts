import { DataError } from '../../model/errors.ts';
import { hex } from '../../model/mask.ts';
import { comparePlaces, type Place, REGISTERS, type Register } from '../../model/place.ts';
import { type Disagreement, type Generation, holdsAt, type PolicyMask } from '../../model/policy.ts';
import type { At } from '../machine/memory.ts';
import { disagreementsOf, everySubleafNotes, isNamed, type Pair, unlikeSubleaf0 } from './disagreements.ts';
import { ALL, blank, type Entry, type Leaf, NO_SUBLEAF } from './inputs.ts';
import { allRegisters, ComparedLeaves, comparedLeaves, isUnheard, type Masks, probe, UNHEARD } from './probe.ts';
import type { Program } from './program.ts';
import { findRoots, mentionsMember } from './roots.ts';
import { checkOrder, type Supported, setUpSide, shownSide, takenField, WIDTH } from './sides.ts';
import { hasParam, type Root } from './trial.ts';
import { worldOf } from './world.ts';

/** What KVM does to the entries that the module reports as configurable. */
export type Filter = {
  readonly generation: Generation;
  readonly deny: readonly PolicyMask[];
  readonly allow: readonly PolicyMask[];
  readonly adds: readonly PolicyMask[];
  readonly disagreements: readonly Disagreement[];
  readonly notes: readonly string[];
  /** What the set-up lets user space ask for; null where it does not look at it. */
  readonly attributes: bigint | null;
  readonly xfam: bigint | null;
};

/**
 * Derives the filter by running KVM's own functions on entries: for every leaf that the code tells apart, with nothing, with
 * each bit alone and with all. What KVM_TDX_INIT_VM takes is what a TD may have; where KVM_TDX_CAPABILITIES reports
 * something else, both are told.
 */
export function readEntryFilter(program: Program, supported: Supported): Filter {
  const { unit } = program;
  const roots = findRoots(unit);
  const world = worldOf(program.tree, program);
  if (roots.shown === null) throw noForm(program, roots.setUp.line);
  const shownRoot: Root = { world, unit, fn: roots.shown };
  const setUpRoot: Root = { world, unit, fn: roots.setUp };
  const compared = new ComparedLeaves();
  const shown = shownSide(shownRoot, supported);
  const setUp = setUpSide(setUpRoot, supported, shown);
  const pairs = new Map<string, Pair>();
  const leaves = comparedLeaves(compared, unit.file, roots.setUp.line, (leaf) => {
    const own = probe(shown, leaf, compared);
    pairs.set(`${leaf.function}.${leaf.index}`, { leaf, shown: own, taken: probe(setUp, leaf, compared) });
  });
  checkOrder(setUp);
  const all = leaves.flatMap((leaf) => pairs.get(`${leaf.function}.${leaf.index}`) ?? []);
  for (const pair of all) checkPassedOn(setUpRoot, pair, setUp.base?.(pair.leaf) ?? blank(pair.leaf));
  const asks = (field: string): boolean =>
    hasParam(setUpRoot, 'kvm_tdx_init_vm') && mentionsMember(unit, roots.setUp, field);
  return {
    ...filterOf(program, setUpRoot, all),
    attributes: asks('attributes') ? takenField(setUp, 'attributes') : null,
    xfam: asks('xfam') ? takenField(setUp, 'xfam') : null,
  };
}

const noForm = ({ path }: Program, line: number): DataError =>
  new DataError({
    where: { file: path, line },
    expected: 'a function that copies the module’s configurable CPUID values into a kvm_cpuid_entry2',
    found: 'none',
    hint: 'declare the policy by hand in specs/kvm/ where the code is of another kind',
  });

/** A bit that user space did not set would be set for every TD: nothing here says so. */
function checkPassedOn(root: Root, { leaf, taken }: Pair, base: Entry): void {
  for (const register of REGISTERS) {
    const more = taken.added[register] & ~base[register];
    if (more === 0n) continue;
    throw new DataError({
      where: { file: root.unit.file, line: root.fn.line },
      expected: 'a set-up that only passes on what user space set',
      found: `${register} 0x${more.toString(16)} of leaf 0x${leaf.function.toString(16)}, which it sets by itself`,
    });
  }
}

function filterOf(program: Program, root: Root, pairs: readonly Pair[]): Omit<Filter, 'attributes' | 'xfam'> {
  for (const pair of pairs) checkNoSubleaf(root, pair, pairs);
  const others = pairs.filter(({ leaf }) => isUnheard(leaf));
  const openSetUp = sameEverywhere(root, others, 'KVM_TDX_INIT_VM', ({ taken }) => taken.passed);
  const openShown = sameEverywhere(root, others, 'KVM_TDX_CAPABILITIES', ({ shown }) => shown.passed);
  for (const { leaf, shown } of others)
    if (REGISTERS.some((register) => shown.added[register] !== 0n))
      throw new DataError({
        where: { file: root.unit.file, line: root.fn.line },
        expected: 'a KVM that names the leaves that it adds bits to',
        found: `bits of its own in every leaf, such as 0x${leaf.function.toString(16)}`,
      });
  const adds = addsOf(program, pairs);
  const refused = !openSetUp ? [] : places(root, pairs, adds, ({ taken }, register) => ALL & ~taken.passed[register]);
  const allowed = openSetUp ? [] : places(root, pairs, adds, ({ taken }, register) => taken.passed[register]);
  const disagreements = disagreementsOf(program, pairs, { openSetUp, openShown });
  const hostNotes = [...pairs.flatMap((pair) => hostNote(pair)), ...everySubleafNotes(program, pairs, disagreements)];
  const isList = openSetUp
    ? refused.length > 0 || disagreements.some(({ kind }) => kind === 'hidden-not-refused')
    : false;
  return {
    generation: openSetUp ? (isList ? 'denylist' : 'none') : 'allowlist',
    deny: openSetUp ? refused.flatMap((each) => byLine(program, each, pairs)).sort(byPlaceAndLine) : [],
    allow: openSetUp
      ? []
      : allowed.map(({ place, mask, everySubleafBut }) => ({
          ...place,
          mask: Number(mask),
          path: program.path,
          line: root.fn.line,
          ...(everySubleafBut === undefined ? {} : { everySubleafBut }),
        })),
    adds,
    disagreements,
    notes: [...new Set(hostNotes)],
  };
}

const byPlaceAndLine = (a: PolicyMask, b: PolicyMask): number => comparePlaces(a, b) || a.line - b.line;

/** The module reports a leaf without sub-leaves by a number of its own: such a leaf must be treated as sub-leaf 0. */
function checkNoSubleaf(root: Root, { leaf, shown, taken }: Pair, pairs: readonly Pair[]): void {
  // Where KVM leaves the number as it is, it stays a sub-leaf like any other that no code names.
  if (leaf.index !== NO_SUBLEAF || shown.index === NO_SUBLEAF) return;
  const zero = pairs.find((other) => other.leaf.function === leaf.function && other.leaf.index === 0n);
  if (zero === undefined) return;
  for (const [name, own, other] of [
    ['KVM_TDX_CAPABILITIES', shown, zero.shown],
    ['KVM_TDX_INIT_VM', taken, zero.taken],
  ] as const)
    for (const register of REGISTERS)
      if (
        own.passed[register] !== other.passed[register] ||
        (name !== 'KVM_TDX_INIT_VM' && own.added[register] !== other.added[register])
      )
        throw new DataError({
          where: { file: root.unit.file, line: root.fn.line },
          expected: `a filter that treats leaf 0x${leaf.function.toString(16)} without sub-leaves as its sub-leaf 0`,
          found: `another mask of ${register} in ${name}`,
        });
}

/** Whether leaves that no code names are let through; the same for all of them, or it is no list of bits. */
function sameEverywhere(
  root: Root,
  others: readonly Pair[],
  command: string,
  passedOf: (pair: Pair) => Masks,
): boolean {
  const masks = new Set(others.flatMap((pair) => REGISTERS.map((register) => passedOf(pair)[register])));
  if (masks.size === 1 && masks.has(ALL)) return true;
  if (masks.size === 1 && masks.has(0n)) return false;
  throw new DataError({
    where: { file: root.unit.file, line: root.fn.line },
    expected: `a filter that names the leaves and sub-leaves whose bits ${command} refuses`,
    found: `a mask of every leaf: ${[...masks].map((mask) => hex(mask)).join(', ')} let through`,
  });
}

type Placed = {
  readonly place: Place;
  readonly leaf: Leaf;
  readonly mask: bigint;
  readonly everySubleafBut?: readonly number[];
};

/**
 * Masks with their places. The sub-leaf that no code names stands for all others: where it has a mask, that is the one of
 * sub-leaf 0, and named sub-leaves are told apart only where they differ.
 */
function places(
  root: Root,
  pairs: readonly Pair[],
  adds: readonly PolicyMask[],
  maskOf: (pair: Pair, register: Register) => bigint,
): readonly Placed[] {
  const named = pairs.filter(({ leaf }) => !isUnheard(leaf) && leaf.index !== NO_SUBLEAF);
  return named.flatMap((pair) =>
    REGISTERS.flatMap((register): readonly Placed[] => {
      const { leaf } = pair;
      const maskAt = (each: Pair): bigint => maskOf(each, register) & ~addedAt(adds, each.leaf, register);
      const own = maskAt(pair);
      const siblings = named.filter((other) => other.leaf.function === leaf.function);
      const rest = siblings.find((other) => other.leaf.index === UNHEARD.index);
      const every = rest === undefined ? 0n : maskAt(rest);
      if (leaf.index === 0n && every !== 0n && every !== own)
        throw new DataError({
          where: { file: root.unit.file, line: root.fn.line },
          expected: `a filter that names the sub-leaves of leaf 0x${leaf.function.toString(16)} that it treats unlike sub-leaf 0`,
          found: `a mask of ${register} for all others`,
        });
      if (own === 0n || leaf.index === UNHEARD.index || (leaf.index !== 0n && own === every)) return [];
      const place = { leaf: Number(leaf.function), subleaf: Number(leaf.index), register };
      if (leaf.index !== 0n || every === 0n) return [{ place, leaf, mask: own }];
      const differing = siblings.filter(
        (other) => ![0n, UNHEARD.index].includes(other.leaf.index) && maskAt(other) !== every,
      );
      return [{ place, leaf, mask: own, everySubleafBut: differing.map((other) => Number(other.leaf.index)) }];
    }),
  );
}

/** What KVM adds at a sub-leaf; the width of addresses is of a leaf that has none. */
function addedAt(adds: readonly PolicyMask[], { function: fn, index }: Leaf, register: Register): bigint {
  const subleaf = fn === WIDTH.function ? 0 : Number(index);
  const here = adds.filter((each) => holdsAt(each, { leaf: Number(fn), subleaf, register }));
  return here.reduce((mask, each) => mask | BigInt(each.mask), 0n);
}

/** Bits that no input had and the entry has all the same. */
function addsOf(program: Program, pairs: readonly Pair[]): readonly PolicyMask[] {
  const adds: PolicyMask[] = [];
  for (const { leaf, shown } of pairs) {
    if (isUnheard(leaf) || leaf.index === UNHEARD.index || leaf.index === NO_SUBLEAF) continue;
    const rest = pairs.find((other) => other.leaf.function === leaf.function && other.leaf.index === UNHEARD.index);
    for (const register of REGISTERS) {
      const mask = shown.added[register];
      // Where no sub-leaf is asked for, sub-leaf 0 stands for the leaf.
      if (mask === 0n || (leaf.index !== 0n && mask === rest?.shown.added[register])) continue;
      const at = shown.lines[register].find((line) => line !== null && line !== undefined);
      const isEvery = mask === rest?.shown.added[register] && leaf.function !== WIDTH.function;
      const others = pairs.filter((other) => other.leaf.function === leaf.function && isNamed(other.leaf));
      const differing = others.filter((other) => other.shown.added[register] !== mask);
      if (leaf.index === 0n && (rest?.shown.added[register] ?? mask) !== mask) checkAdds(program, leaf, register, rest);
      adds.push({
        leaf: Number(leaf.function),
        subleaf: Number(leaf.index),
        register,
        mask: Number(mask),
        path: at?.file ?? program.path,
        line: at?.line ?? 1,
        ...(isEvery ? { everySubleafBut: differing.map((other) => Number(other.leaf.index)) } : {}),
      });
    }
  }
  return adds.sort(comparePlaces);
}

/** Bits that are added to other sub-leaves than are named have no place. */
function checkAdds(program: Program, leaf: Leaf, register: Register, rest: Pair | undefined): void {
  const mask = rest?.shown.added[register] ?? 0n;
  if (mask !== 0n) throw unlikeSubleaf0(program, leaf, register);
}

/** A mask by the lines that take its bits away: where they are hidden, else where they are refused. */
function byLine(
  program: Program,
  { place, leaf, mask, ...every }: Placed,
  pairs: readonly Pair[],
): readonly PolicyMask[] {
  const pair = pairs.find((each) => each.leaf === leaf);
  const lines = new Map<string, { readonly at: At; mask: bigint }>();
  for (let bit = 0n; bit < 32n; bit += 1n) {
    if (((mask >> bit) & 1n) === 0n) continue;
    const isHidden = pair !== undefined && ((pair.shown.passed[place.register] >> bit) & 1n) === 0n;
    const source = isHidden ? pair.shown : pair?.taken;
    const at = source?.lines[place.register][Number(bit)] ?? { file: program.path, line: 1 };
    const key = `${at.file}:${at.line}`;
    const known = lines.get(key) ?? { at, mask: 0n };
    known.mask |= 1n << bit;
    lines.set(key, known);
  }
  return [...lines.values()].map(({ at, mask: part }) => ({
    ...place,
    mask: Number(part),
    path: at.file,
    line: at.line,
    ...(every.everySubleafBut === undefined ? {} : { everySubleafBut: every.everySubleafBut }),
  }));
}

function hostNote({ leaf, shown, taken }: Pair): readonly string[] {
  return (
    [
      ['KVM_TDX_CAPABILITIES', shown],
      ['KVM_TDX_INIT_VM', taken],
    ] as const
  ).flatMap(([command, own]) => {
    const masks = allRegisters((register) => own.byHost[register]);
    return REGISTERS.filter((register) => masks[register] !== 0n && leaf.index !== NO_SUBLEAF).map(
      (register) =>
        `${command} lets ${register} ${hex(masks[register])} of leaf 0x${leaf.function.toString(16)}, sub-leaf ${leaf.index}, through on some hosts only: ${own.choices.join(', ')}`,
    );
  });
}
