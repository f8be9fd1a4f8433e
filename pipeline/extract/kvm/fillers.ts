import type { Expr } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { bodyOf, type CFunction, namesAny, type Unit } from '../c/unit.ts';
import { expressionsIn } from '../c/walk.ts';
import { invoke } from '../machine/call.ts';
import type { Run } from '../machine/world.ts';
import { ask } from './view.ts';

const known = new WeakMap<Unit, Map<string, readonly CFunction[]>>();

/**
 * The functions without parameters that write to a file's own object, in the order of the file: a table is filled by an
 * init function, by helpers that it calls, or by macros that name the table.
 */
export const fillers = (unit: Unit, name: string): readonly CFunction[] =>
  ask(unit, `functions that fill ${name}`, (own) => {
    const found = known.get(own) ?? new Map<string, readonly CFunction[]>();
    known.set(own, found);
    const writers = found.get(name) ?? findFillers(own, name);
    found.set(name, writers);
    return writers;
  });

function findFillers(unit: Unit, name: string): readonly CFunction[] {
  const macros = new Set(
    [...unit.macros.values()].filter(({ body }) => writesIn(body, name)).map((macro) => macro.name),
  );
  const all = [...unit.functions.values()].flat();
  const writing = new Set([name, ...macros]);
  const writers = all.filter((fn) => namesAny(fn, writing) && writesTo(unit, fn, name, macros));
  const found = new Set<CFunction>();
  const seen = new Set<CFunction>();
  const take = (fn: CFunction): void => {
    if (seen.has(fn)) return;
    seen.add(fn);
    if (fn.params.length === 0) found.add(fn);
    else {
      const own = new Set([fn.name]);
      for (const caller of all) if (namesAny(caller, own) && callsIn(unit, caller).has(fn.name)) take(caller);
    }
  };
  for (const fn of writers) take(fn);
  return all.filter((fn) => found.has(fn));
}

const calls = new WeakMap<CFunction, ReadonlySet<string>>();

/** The names that a function calls or hands on. */
function callsIn(unit: Unit, fn: CFunction): ReadonlySet<string> {
  const made = calls.get(fn);
  if (made !== undefined) return made;
  const names = new Set<string>();
  for (const expr of expressionsIn(bodyOf(unit, fn)))
    if (expr.kind === 'call' && expr.callee.kind === 'id') names.add(expr.callee.name);
  calls.set(fn, names);
  return names;
}

/** Runs what fills an object. */
export function runFillers(unit: Unit, writers: readonly CFunction[], run: Run): void {
  for (const fn of writers)
    invoke({ unit, fn }, [], run, () =>
      fail(unit.file, { kind: 'id', text: fn.name, line: fn.line, column: 1 }, 'calls that end'),
    );
}

function writesTo(unit: Unit, fn: CFunction, name: string, macros: ReadonlySet<string>): boolean {
  for (const expr of expressionsIn(bodyOf(unit, fn))) if (writes(expr, name, macros)) return true;
  return false;
}

function writes(expr: Expr, name: string, macros: ReadonlySet<string>): boolean {
  if (expr.kind === 'assign') return rootOf(expr.target) === name;
  if (expr.kind === 'postfix' || (expr.kind === 'unary' && /^(?:\+\+|--)$/.test(expr.op)))
    return rootOf(expr.operand) === name;
  if (expr.kind !== 'call' || expr.callee.kind !== 'id') return false;
  if (macros.has(expr.callee.name)) return true;
  const [first] = expr.args;
  return /^(?:memset|memcpy|memmove)$/.test(expr.callee.name) && first !== undefined && rootOf(first) === name;
}

/** The name at the root of a place: `table` of `table[i].mask`. */
function rootOf(expr: Expr): string | null {
  if (expr.kind === 'id') return expr.name;
  if (expr.kind === 'member' || expr.kind === 'index') return rootOf(expr.object);
  return expr.kind === 'unary' || expr.kind === 'cast' ? rootOf(expr.operand) : null;
}

/** A macro's text that names the object before an assignment. */
function writesIn(body: readonly { readonly text: string }[], name: string): boolean {
  const at = body.findIndex(({ text }) => text === name);
  return at !== -1 && body.slice(at).some(({ text }) => /^(?:=|\|=|&=|\^=|\+\+)$/.test(text));
}
