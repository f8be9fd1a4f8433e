import type { Expr } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate, type Scope } from '../c/evaluate.ts';
import { bodyOf, initialiserOf } from '../c/unit.ts';
import { expressionsIn } from '../c/walk.ts';
import { featureScope, memoOf, type Program } from './program.ts';

/**
 * A table of what a TD may have, by CPUID word: `[CPUID_7_1_EAX] = F(A) | F(B)` in an initialiser, or calls such as
 * `…_cap_init(CPUID_7_1_EAX, F(A), F(B), 0x10)` that fill an array of capabilities. Null where the name is no such table.
 */
export function capabilityTable(program: Program, name: string): ReadonlyMap<bigint, bigint> | null {
  const { tables } = memoOf(program);
  const known = tables.get(name);
  if (known !== undefined) return known;
  const table = readCapabilityTable(program, name);
  tables.set(name, table);
  return table;
}

function readCapabilityTable(program: Program, name: string): ReadonlyMap<bigint, bigint> | null {
  const scope = featureScope(program);
  const object = program.unit.objects.get(name);
  if (object !== undefined) return initialisedTable(program, initialiserOf(program.unit, object), scope);
  if (!/caps?$/.test(name)) return null;
  const table = new Map<bigint, bigint>();
  for (const expr of [...program.unit.functions.values()]
    .flat()
    .flatMap((fn) => [...expressionsIn(bodyOf(program.unit, fn))])) {
    if (expr.kind !== 'call' || expr.callee.kind !== 'id' || !/tdx\w*_caps?_(init|set|mask)$/.test(expr.callee.name))
      continue;
    const [word, ...masks] = expr.args;
    if (word === undefined) continue;
    const index = evaluate(word, scope).value;
    for (const mask of masks) table.set(index, (table.get(index) ?? 0n) | evaluate(mask, scope).value);
  }
  return table.size === 0 ? null : table;
}

function initialisedTable(program: Program, value: Expr, scope: Scope): ReadonlyMap<bigint, bigint> | null {
  if (value.kind !== 'init') return null;
  const table = new Map<bigint, bigint>();
  let index = 0n;
  for (const item of value.items) {
    const [designator] = item.designators;
    if (
      designator !== undefined &&
      (designator.kind !== 'index' || designator.last !== null || item.designators.length > 1)
    )
      return fail(program.path, item.at, 'a mask by CPUID word');
    if (designator?.kind === 'index') index = evaluate(designator.index, scope).value;
    table.set(index, BigInt.asUintN(32, evaluate(item.value, scope).value));
    index += 1n;
  }
  return table;
}
