import { DataError } from '../../model/errors.ts';
import { REGISTERS, type Register } from '../../model/place.ts';
import { valueFor } from '../machine/group.ts';
import type { At } from '../machine/memory.ts';
import { ALL, blank, type Entry, full, type Inputs, type Leaf, NO_SUBLEAF } from './inputs.ts';
import { type Choices, explore, type Outcome, type Result, type Root } from './trial.ts';

export type Masks = Readonly<Record<Register, bigint>>;
/** Of each bit, by register and position, where it was decided on; null where nothing was. */
type Lines = Readonly<Record<Register, readonly (At | null)[]>>;
/** What one side does with the bits of a leaf: those that it lets through, and those that it adds. */
export type Probe = {
  readonly passed: Masks;
  readonly added: Masks;
  /** Bits that some hosts let through and others do not, by what the host decides. */
  readonly byHost: Masks;
  readonly lines: Lines;
  readonly choices: readonly string[];
  /** The sub-leaf that the entry comes out with. */
  readonly index: bigint;
};

/** A leaf that no code names: what happens to it happens to all that KVM has never heard of. */
export const UNHEARD: Leaf = { function: 0x12345678n, index: 0x77n };
export const isUnheard = (leaf: Leaf): boolean => leaf.function === UNHEARD.function;

/** The numbers of leaves and sub-leaves that the code compared an entry's with. */
export class ComparedLeaves {
  readonly functions = new Set<bigint>();
  readonly #indexes = new Map<bigint, Set<bigint>>();
  note(leaf: Leaf, { compared }: Result): void {
    for (const value of compared.function) this.functions.add(value);
    const indexes = this.#indexes.get(leaf.function) ?? new Set<bigint>();
    for (const value of compared.index) indexes.add(value);
    this.#indexes.set(leaf.function, indexes);
  }
  indexesOf(fn: bigint): readonly bigint[] {
    return [...(this.#indexes.get(fn) ?? [])];
  }
}

/** One side of the filter: how a run is made from a leaf and the bits of it that are tried. */
export type Side = {
  readonly root: Root;
  readonly isShown: boolean;
  readonly inputs: (leaf: Leaf, bits: Entry) => Inputs;
  /** What the host decides where anything is let through at all. */
  readonly given: Choices;
  /** Bits that an entry must have for anything to be taken, which are no part of what is tried. */
  readonly base?: (leaf: Leaf) => Entry;
};

/** Every bit of the four registers. */
export const ALL_BITS = (1n << 128n) - 1n;

/** Runs a side on a leaf: with nothing, with each bit alone, and with all that is let through alone. */
export function probe(side: Side, leaf: Leaf, compared: ComparedLeaves): Probe {
  const base = side.base?.(leaf) ?? blank(leaf);
  const run = (bits: Entry, members = 0n): readonly Outcome[] => {
    const tried = { of: side.isShown ? ('config' as const) : ('user' as const), members };
    const inputs = side.inputs(leaf, bits);
    const outcomes = explore(side.root, members === 0n ? inputs : { ...inputs, tried }, side.given, side.isShown);
    for (const { result } of outcomes) compared.note(leaf, result);
    return outcomes;
  };
  const texts = new Set<string>();
  const none = run(base);
  const added = allRegisters((register) => none.reduce((mask, { result }) => mask | result.registers[register], 0n));
  const passed = { eax: 0n, ebx: 0n, ecx: 0n, edx: 0n };
  const byHost = { eax: 0n, ebx: 0n, ecx: 0n, edx: 0n };
  const lines: Record<Register, (At | null)[]> = { eax: [], ebx: [], ecx: [], edx: [] };
  const alone = run(base, ALL_BITS);
  for (const [at, register] of REGISTERS.entries()) {
    for (let position = 0n; position < 32n; position += 1n) {
      const bit = 1n << position;
      const member = bit << BigInt(32 * at);
      const outcomes = alone.filter(({ members }) => (members & member) !== 0n);
      const kinds = outcomes.map(({ result }) => isPassed(side, leaf, { register, bit, member }, result, added));
      // What some hosts let through is let through.
      if (kinds.includes(true)) passed[register] |= bit;
      if (kinds.includes(true) && kinds.includes(false)) {
        byHost[register] |= bit;
        for (const { choices } of outcomes)
          for (const text of choices.keys()) if (!side.given.has(text)) texts.add(text);
      }
      const first = outcomes[kinds.indexOf(false)] ?? outcomes[0];
      lines[register].push(
        (first?.result.isRefused ? first.result.refusedAt : first?.result.changedAt[register]) ?? null,
      );
    }
  }
  checkTogether(side, leaf, { passed, byHost, base, added }, run);
  const index = none[0]?.result.index ?? leaf.index;
  return { passed, added, byHost, lines, choices: [...texts], index };
}

type Tried = { readonly register: Register; readonly bit: bigint; readonly member: bigint };

/** Whether a bit comes out where it went in; what comes out elsewhere is no filter. */
// biome-ignore lint/complexity/useMaxParams: a run, what it was given, and what came of it.
function isPassed(side: Side, leaf: Leaf, { register, bit, member }: Tried, result: Result, added: Masks): boolean {
  if (result.isRefused) return false;
  for (const each of REGISTERS) {
    const own = each === register ? bit : 0n;
    const value = valueFor(result.numbers[each], member);
    if ((value & ~(own | added[each])) !== 0n)
      throw new DataError({
        where: { file: side.root.unit.file, line: result.changedAt[each]?.line ?? side.root.fn.line },
        expected: `code that ${side.isShown ? 'reports' : 'only passes on'} each bit of leaf 0x${leaf.function.toString(16)} where it is`,
        found: `${register} bit ${position(bit)}, which gives ${each} 0x${value.toString(16)}`,
      });
  }
  return (valueFor(result.numbers[register], member) & bit) !== 0n;
}

const position = (bit: bigint): number => bit.toString(2).length - 1;

type Alone = { readonly passed: Masks; readonly byHost: Masks; readonly base: Entry; readonly added: Masks };

/** What is let through bit by bit must be let through together: else it is no mask of bits. */
function checkTogether(
  side: Side,
  leaf: Leaf,
  { passed, byHost, base, added }: Alone,
  run: (bits: Entry) => readonly Outcome[],
): void {
  const bits = { ...base };
  // What is shown is shown of all bits; a set-up gives up on the first that it refuses.
  for (const register of REGISTERS) bits[register] |= side.isShown ? ALL : passed[register] & ~byHost[register];
  for (const { result } of run(side.isShown ? full(leaf) : bits)) {
    for (const register of REGISTERS) {
      const wrong =
        (result.isRefused ? passed[register] : result.registers[register] ^ passed[register]) &
        ~byHost[register] &
        ~added[register] &
        ~base[register];
      if (wrong === 0n) continue;
      throw new DataError({
        where: { file: side.root.unit.file, line: result.refusedAt?.line ?? side.root.fn.line },
        expected: 'a filter that treats each bit alone',
        found: `leaf 0x${leaf.function.toString(16)} ${register} bit ${position(wrong & -wrong)}, treated otherwise together with others`,
      });
    }
  }
}

export const allRegisters = (maskOf: (register: Register) => bigint): Masks => ({
  eax: maskOf('eax'),
  ebx: maskOf('ebx'),
  ecx: maskOf('ecx'),
  edx: maskOf('edx'),
});

/** Each new constant may lead to a path that compares with another; code of this kind ends after two or three. */
const MAX_LEAVES = 512;

/**
 * Every leaf that the code tells apart, and one that it does not, each by the sub-leaves that are told apart in it, by one
 * that is not, and by none; `probe` runs one and notes what it compares.
 */
export function comparedLeaves(
  compared: ComparedLeaves,
  file: string,
  line: number,
  run: (leaf: Leaf) => void,
): readonly Leaf[] {
  const done = new Map<string, Leaf>();
  for (;;) {
    const fresh = [...compared.functions, UNHEARD.function]
      .flatMap((fn) =>
        [...new Set([0n, UNHEARD.index, NO_SUBLEAF, ...compared.indexesOf(fn)])].map((index) => ({
          function: fn,
          index,
        })),
      )
      .filter((leaf) => !done.has(`${leaf.function}.${leaf.index}`));
    if (fresh.length === 0) break;
    for (const leaf of fresh) {
      done.set(`${leaf.function}.${leaf.index}`, leaf);
      run(leaf);
    }
    if (done.size > MAX_LEAVES)
      throw new DataError({
        where: { file, line },
        expected: 'a filter that compares with a fixed set of leaves',
        found: 'comparisons that lead to ever more',
      });
  }
  return [...done.values()].sort((a, b) => Number(a.function - b.function) || Number(a.index - b.index));
}
