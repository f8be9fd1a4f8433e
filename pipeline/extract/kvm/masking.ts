import { REGISTERS } from '../../model/place.ts';
import type { Expr } from '../c/ast.ts';
import { bodyOf, type CFunction, functionsNaming, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsOf } from '../c/walk.ts';
import type { Program } from './program.ts';
import { ask } from './view.ts';

/** A function that cuts each register of one structure down to what another one has. */
export type Masking = {
  readonly fn: CFunction;
  readonly line: number;
  /** `value->eax = entry->eax & config->eax` gives user space's values, `config->eax &= entry->eax` the module's. */
  readonly cuts: 'values' | 'config';
};

/** Registers that a function has cut so far, by the names of both sides; `line` of the first. */
type Cut = { readonly registers: Set<string>; readonly line: number; readonly cuts: Masking['cuts'] };

/**
 * Functions that look a CPUID entry up and cut all four registers of it, or by it, down to what both sides have: in the
 * older generations KVM refuses nothing, and what a TD gets is what such a function leaves.
 */
export function findMaskings(program: Program): readonly Masking[] {
  const masking = ask(program.unit, 'functions that cut the registers of an entry', (unit) =>
    functionsNaming(unit, namesLookUp).filter((fn) => maskingOf(unit, fn) !== null),
  );
  return masking.flatMap((fn) => maskingOf(program.unit, fn) ?? []);
}

function maskingOf(unit: Unit, fn: CFunction): Masking | null {
  const entries = new Set<string>();
  const cuts = new Map<string, Cut>();
  for (const statement of allStatements(bodyOf(unit, fn))) {
    if (statement.kind === 'decl' && statement.init !== null && looksUp(statement.init)) entries.add(statement.name);
    for (const expr of expressionsOf(statement))
      for (const part of allExpressions(expr)) {
        if (part.kind === 'assign' && part.target.kind === 'id' && looksUp(part.value)) entries.add(part.target.name);
        note(cuts, part, entries);
      }
  }
  const whole = [...cuts.values()].find(({ registers }) => registers.size === REGISTERS.length);
  return whole === undefined ? null : { fn, line: whole.line, cuts: whole.cuts };
}

/** A call that finds the entry of a leaf. */
export const looksUp = (expr: Expr): boolean =>
  expr.kind === 'call' && expr.callee.kind === 'id' && namesLookUp(expr.callee.name);
export const namesLookUp = (name: string): boolean => name.includes('find_cpuid_entry');

function note(cuts: Map<string, Cut>, expr: Expr, entries: ReadonlySet<string>): void {
  if (expr.kind !== 'assign' || expr.target.kind !== 'member') return;
  const register = expr.target.name;
  const owner = ownerOf(expr.target, register);
  if (owner === null) return;
  const sides = sidesOf(expr, register);
  if (sides === null || !sides.some((side) => entries.has(side))) return;
  const key = [owner, ...[...sides].sort()].join(' ');
  const cut = cuts.get(key) ?? {
    registers: new Set<string>(),
    line: expr.at.line,
    cuts: expr.op === '&=' ? ('config' as const) : ('values' as const),
  };
  cut.registers.add(register);
  cuts.set(key, cut);
}

/** What both sides of the cut are called; null where it is none. */
function sidesOf(expr: Expr & { readonly kind: 'assign' }, register: string): readonly string[] | null {
  const parts =
    expr.op === '&='
      ? [expr.target, expr.value]
      : expr.op === '=' && expr.value.kind === 'binary' && expr.value.op === '&'
        ? [expr.value.left, expr.value.right]
        : [];
  const sides = parts.flatMap((part) => ownerOf(part, register) ?? []);
  return sides.length === 2 ? sides : null;
}

/** The variable whose register an expression names, such as `entry` of `entry->eax`. */
function ownerOf(expr: Expr, register: string): string | null {
  if (!REGISTERS.some((name) => name === register) || expr.kind !== 'member' || expr.name !== register) return null;
  return expr.object.kind === 'id' ? expr.object.name : null;
}
