import { DataError } from '../../model/errors.ts';
import type { Expr } from '../c/ast.ts';
import { bodyOf, type CFunction, functionsNaming, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn, expressionsOf } from '../c/walk.ts';
import { looksUp, namesLookUp } from './masking.ts';
import type { Program } from './program.ts';
import { returnsError } from './refusal.ts';
import { ask } from './view.ts';

/** The condition under which a TD's setup fails, with the name that stands for the entry in it. */
export type Refusal = { readonly test: Expr; readonly entry: string; readonly line: number };

/** The functions that fill an entry from the module's `cpuid_config_values`. */
export function findInits(program: Program): readonly CFunction[] {
  return ask(program.unit, 'functions that fill an entry which they are given', (unit) =>
    functionsNaming(unit, isConfig).filter((fn) => hasEntryParameter(fn) && fillsEntry(unit, fn)),
  );
}

const isConfig = (name: string): boolean => /cpuid_config_values|cpuid_config$|cpuid_configs/.test(name);

function fillsEntry(unit: Unit, fn: CFunction): boolean {
  let [writes, reads] = [false, false];
  for (const expr of expressionsIn(bodyOf(unit, fn))) {
    if ((expr.kind === 'member' || expr.kind === 'id') && isConfig(expr.name)) reads = true;
    if (expr.kind === 'assign' && expr.target.kind === 'member' && expr.target.name === 'eax') writes = true;
  }
  return writes && reads;
}

/** The function that fills an entry from the module's `cpuid_config_values`. */
export function findInit(program: Program): CFunction {
  const [fn, ...more] = findInits(program);
  if (fn !== undefined && more.length === 0) return fn;
  throw new DataError({
    where: { file: program.path, line: more[0]?.line ?? 1 },
    expected: 'one function that copies the module’s configurable CPUID values into a kvm_cpuid_entry2',
    found: fn === undefined ? 'none' : [fn, ...more].map(({ name }) => name).join(', '),
  });
}

function hasEntryParameter(fn: CFunction): boolean {
  const { tokens } = fn;
  for (let at = fn.open; at > 0 && tokens[at]?.text !== fn.name; at -= 1)
    if (tokens[at]?.text === 'kvm_cpuid_entry2') return true;
  return false;
}

/** `entry = kvm_find_cpuid_entry2(…)` followed by `if (f(entry)) return -EINVAL;` in the function that sets a TD up. */
export function findRefusals(program: Program): readonly Refusal[] {
  return functionsNaming(program.unit, namesLookUp).flatMap((fn) => {
    const body = bodyOf(program.unit, fn);
    const entries = new Set<string>();
    const refusals: Refusal[] = [];
    for (const statement of allStatements(body)) {
      if (statement.kind === 'decl' && statement.init !== null && looksUp(statement.init)) entries.add(statement.name);
      for (const expr of expressionsOf(statement))
        for (const part of allExpressions(expr))
          if (part.kind === 'assign' && part.target.kind === 'id' && looksUp(part.value)) entries.add(part.target.name);
      if (statement.kind !== 'if' || !returnsError(statement.then)) continue;
      const entry = [...entries].find((name) => usesAsArgument(statement.test, name));
      if (entry !== undefined) refusals.push({ test: statement.test, entry, line: statement.at.line });
    }
    return refusals;
  });
}

/** True where the entry is handed on or looked into; `!entry` alone asks whether there is one. */
function usesAsArgument(test: Expr, name: string): boolean {
  for (const part of allExpressions(test)) {
    if (part.kind === 'call' && part.args.some((arg) => arg.kind === 'id' && arg.name === name)) return true;
    if (part.kind === 'member' && part.object.kind === 'id' && part.object.name === name) return true;
  }
  return false;
}
