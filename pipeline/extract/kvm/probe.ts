import { DataError } from '../../model/errors.ts';
import { REGISTERS, type Register } from '../../model/place.ts';
import type { At } from '../machine/memory.ts';
import {
  ALL,
  blank,
  type Choices,
  type Entry,
  explore,
  full,
  type Inputs,
  type Leaf,
  NO_SUBLEAF,
  type Result,
  type Root,
} from './trial.ts';

export type Masks = Readonly<Record<Register, bigint>>;
/** Of each bit, by register and position, where it was decided on; null where nothing was. */
export type Lines = Readonly<Record<Register, readonly (At | null)[]>>;
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

/** Numbers that the code told leaves apart by. */
export class Told {
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

/** Runs a side on a leaf: with nothing, with each bit alone, and with all that is let through alone. */
export function probe(side: Side, leaf: Leaf, told: Told): Probe {
  const base = side.base?.(leaf) ?? blank(leaf);
  const run = (bits: Entry) => {
    const outcomes = explore(side.root, side.inputs(leaf, bits), side.given, side.isShown);
    for (const { result } of outcomes) told.note(leaf, result);
    return outcomes;
  };
  const plain = probePlain(leaf, base, run);
  if (plain !== null) return plain;
  const texts = new Set<string>();
  const none = run(base);
  const added = allRegisters((register) => none.reduce((mask, { result }) => mask | result.registers[register], 0n));
  const passed = { eax: 0n, ebx: 0n, ecx: 0n, edx: 0n };
  const byHost = { eax: 0n, ebx: 0n, ecx: 0n, edx: 0n };
  const lines: Record<Register, (At | null)[]> = { eax: [], ebx: [], ecx: [], edx: [] };
  for (const register of REGISTERS) {
    for (let position = 0n; position < 32n; position += 1n) {
      const bit = 1n << position;
      const outcomes = run({ ...base, [register]: base[register] | bit });
      const kinds = outcomes.map(({ result }) => isPassed(side, leaf, register, bit, result, added));
      // What some hosts let through is let through.
      if (kinds.includes(true)) passed[register] |= bit;
      if (kinds.includes(true) && kinds.includes(false)) {
        byHost[register] |= bit;
        for (const { choices } of outcomes)
          for (const text of choices.keys()) if (!side.given.has(text)) texts.add(text);
      }
      const first = outcomes[kinds.indexOf(false)] ?? outcomes[0];
      const at = first?.result.isRefused ? first.result.refusedAt : (first?.result.changedAt[register] ?? null);
      lines[register].push(at);
    }
  }
  checkTogether(side, leaf, { passed, byHost, base, added }, run);
  const index = none[0]?.result.index ?? leaf.index;
  return { passed, added, byHost, lines, choices: [...texts], index };
}

/** Numbers of 128 bits whose bits tell any two positions apart. */
const PATTERNS: readonly bigint[] = Array.from({ length: 7 }, (_, digit) => {
  let pattern = 0n;
  for (let at = 0n; at < 128n; at += 1n) if (((at >> BigInt(digit)) & 1n) === 1n) pattern |= 1n << at;
  return pattern;
}).flatMap((pattern) => [pattern, BigInt.asUintN(128, ~pattern)]);

function entryOf(base: Entry, bits: bigint): Entry {
  const at = (index: bigint): bigint => (bits >> (index * 32n)) & ALL;
  return { ...base, eax: base.eax | at(0n), ebx: base.ebx | at(1n), ecx: base.ecx | at(2n), edx: base.edx | at(3n) };
}

/**
 * Where the code treats each bit by itself, without a condition on any, and lets all through or none, a few patterns show
 * that it does: no bit needs to be tried alone. Null where it is not so.
 */
function probePlain(
  leaf: Leaf,
  base: Entry,
  run: (bits: Entry) => readonly { readonly result: Result }[],
): Probe | null {
  const only = (bits: Entry): Result | null => {
    const [first, ...more] = run(bits);
    return first === undefined || more.length > 0 || first.result.isMixed || first.result.isRefused
      ? null
      : first.result;
  };
  const none = only(base);
  const all = none === null ? null : only({ ...full(leaf), function: base.function, index: base.index });
  if (none === null || all === null) return null;
  const isOpen = REGISTERS.every((register) => all.registers[register] === ALL);
  const isClosed = REGISTERS.every((register) => all.registers[register] === 0n);
  if (!isOpen && !isClosed) return null;
  for (const pattern of PATTERNS) {
    const bits = entryOf(base, pattern);
    const result = only(bits);
    if (result === null) return null;
    for (const register of REGISTERS)
      if (result.registers[register] !== (isOpen ? bits[register] | none.registers[register] : 0n)) return null;
  }
  const passed = allRegisters(() => (isOpen ? ALL : 0n));
  const lines = (register: Register) => Array.from({ length: 32 }, () => all.changedAt[register]);
  return {
    passed,
    added: none.registers,
    byHost: allRegisters(() => 0n),
    lines: { eax: lines('eax'), ebx: lines('ebx'), ecx: lines('ecx'), edx: lines('edx') },
    choices: [],
    index: none.index,
  };
}

/** Whether a bit comes out where it went in; what comes out elsewhere is no filter. */
function isPassed(side: Side, leaf: Leaf, register: Register, bit: bigint, result: Result, added: Masks): boolean {
  if (result.isRefused) return false;
  for (const each of REGISTERS) {
    const own = each === register ? bit : 0n;
    if ((result.registers[each] & ~(own | added[each])) !== 0n)
      throw new DataError({
        where: { file: side.root.unit.file, line: result.changedAt[each]?.line ?? side.root.fn.line },
        expected: `code that ${side.isShown ? 'reports' : 'only passes on'} each bit of leaf 0x${leaf.function.toString(16)} where it is`,
        found: `${register} bit ${position(bit)}, which gives ${each} 0x${result.registers[each].toString(16)}`,
      });
  }
  return (result.registers[register] & bit) !== 0n;
}

const position = (bit: bigint): number => bit.toString(2).length - 1;

type Alone = { readonly passed: Masks; readonly byHost: Masks; readonly base: Entry; readonly added: Masks };

/** What is let through bit by bit must be let through together: else it is no mask of bits. */
function checkTogether(
  side: Side,
  leaf: Leaf,
  { passed, byHost, base, added }: Alone,
  run: (bits: Entry) => readonly { readonly result: Result }[],
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
export function leavesTold(told: Told, file: string, line: number, run: (leaf: Leaf) => void): readonly Leaf[] {
  const done = new Map<string, Leaf>();
  for (;;) {
    const fresh = [...told.functions, UNHEARD.function]
      .flatMap((fn) =>
        [...new Set([0n, UNHEARD.index, NO_SUBLEAF, ...told.indexesOf(fn)])].map((index) => ({ function: fn, index })),
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
