import { DataError } from '../../model/errors.ts';
import { REGISTERS } from '../../model/place.ts';
import type { Expr } from '../c/ast.ts';
import { evaluate } from '../c/evaluate.ts';
import { bodyOf, type CFunction } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn } from '../c/walk.ts';
import type { Refusal } from './find.ts';
import { runCondition, runFunction } from './interpret.ts';
import { featureScope, type Program } from './program.ts';
import type { Compared, Entry } from './values.ts';

export type LeafInput = { readonly function: bigint; readonly index: bigint };

/** A leaf that no code names: what happens to it happens to all that KVM has never heard of. */
export const UNHEARD: LeafInput = { function: 0x12345678n, index: 0x77n };
export const isUnheard = (leaf: LeafInput): boolean => leaf.function === UNHEARD.function;
export const blank = (leaf: LeafInput): Entry => ({ ...leaf, eax: 0n, ebx: 0n, ecx: 0n, edx: 0n });

/** Each new constant may lead to a path that compares with another; code of this kind ends after two or three. */
const MAX_ROUNDS = 16;

/**
 * Every leaf that the code tells apart, and one that it does not, by function and sub-leaf: what its text names and what
 * its runs compare with, until a round of runs finds nothing new.
 */
export function leavesTold(program: Program, init: CFunction, refusals: readonly Refusal[]): readonly LeafInput[] {
  const keys = keysNamed(program, init, refusals);
  const told = leavesCompared(program, init.line, keys, (entry) => compare(program, init, refusals, entry, keys));
  return ownLeaves(program, init, told);
}

/** Every leaf of `keys` after the runs have added to it what they compare with. */
export function leavesCompared(
  program: Program,
  line: number,
  keys: Compared,
  run: (entry: Entry) => void,
): readonly LeafInput[] {
  const done = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const fresh = product(keys).filter((leaf) => !done.has(`${leaf.function}.${leaf.index}`));
    if (fresh.length === 0) return product(keys);
    for (const leaf of fresh) {
      done.add(`${leaf.function}.${leaf.index}`);
      for (const entry of samples(leaf)) run(entry);
    }
  }
  throw new DataError({
    where: { file: program.path, line },
    expected: 'a filter that compares with a fixed set of leaves',
    found: 'comparisons that lead to ever more',
  });
}

const product = (keys: Compared): readonly LeafInput[] =>
  [...keys.function, UNHEARD.function].flatMap((fn) =>
    [...keys.index, UNHEARD.index].map((index) => ({ function: fn, index })),
  );

/** Nothing set, everything set, and each bit alone: a path may depend on a bit before it asks for the leaf. */
function samples(leaf: LeafInput): readonly Entry[] {
  const none = blank(leaf);
  const all = 0xffffffffn;
  const single = REGISTERS.flatMap((register) =>
    Array.from({ length: 32 }, (_, bit): Entry => ({ ...none, [register]: 1n << BigInt(bit) })),
  );
  return [none, { ...leaf, eax: all, ebx: all, ecx: all, edx: all }, ...single];
}

function compare(program: Program, init: CFunction, refusals: readonly Refusal[], entry: Entry, keys: Compared): void {
  const { compared } = runFunction(program, init, entry);
  for (const { test, entry: name } of refusals) runCondition(program, test, name, entry, compared);
  for (const value of compared.function) keys.function.add(value);
  for (const value of compared.index) keys.index.add(value);
}

/** "No sub-leaf" that the code turns into sub-leaf 0 is no sub-leaf of its own. */
const ownLeaves = (program: Program, init: CFunction, leaves: readonly LeafInput[]): readonly LeafInput[] =>
  leaves
    .filter((leaf) => runFunction(program, init, blank(leaf)).entry.index === leaf.index)
    .sort((a, b) => Number(a.function - b.function) || Number(a.index - b.index));

/** All constants that the code's text compares functions and sub-leaves with, also where no run of it comes. */
function keysNamed(program: Program, init: CFunction, refusals: readonly Refusal[]): Compared {
  const functions = new Set<bigint>();
  const indexes = new Set<bigint>([0n]);
  const seen = new Set<string>();
  const scope = featureScope(program);
  const take = (expr: Expr, into: Set<bigint>): void => {
    try {
      into.add(BigInt.asUintN(32, evaluate(expr, scope).value));
    } catch (error) {
      // Compared with something that is no constant: the run itself reports it where it matters.
      if (!(error instanceof DataError)) throw error;
    }
  };
  const visit = (exprs: Iterable<Expr>): void => {
    for (const expr of exprs) {
      if (expr.kind === 'binary' && ['==', '!='].includes(expr.op)) {
        for (const [side, other] of [
          [expr.left, expr.right],
          [expr.right, expr.left],
        ] as const) {
          if (side.kind === 'member' && side.name === 'function') take(other, functions);
          if (side.kind === 'member' && side.name === 'index') take(other, indexes);
        }
      }
      if (expr.kind === 'call' && expr.callee.kind === 'id') follow(expr.callee.name);
    }
  };
  const follow = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const fn of program.unit.functions.get(name) ?? []) visitFunction(fn);
  };
  const visitFunction = (fn: CFunction): void => {
    const body = bodyOf(program.unit, fn);
    for (const statement of allStatements(body)) {
      if (statement.kind !== 'switch' || statement.subject.kind !== 'member') continue;
      const into =
        statement.subject.name === 'function' ? functions : statement.subject.name === 'index' ? indexes : null;
      for (const item of statement.body)
        if (into !== null && item.kind === 'case' && item.value !== null) take(item.value, into);
    }
    visit(expressionsIn(body));
  };
  visitFunction(init);
  for (const { test } of refusals) visit(allExpressions(test));
  return { function: functions, index: indexes };
}
