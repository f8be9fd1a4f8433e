import type { MaskAt, VmcallCheck } from '../../model/policy.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate64, type Scope } from '../c/evaluate.ts';
import { bodyOf, type CFunction, functionsNaming, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn, expressionsOf } from '../c/walk.ts';

/**
 * KVM's own check of the register mask that a guest gives TDG.VP.VMCALL in RCX: none, with the line of the function that
 * takes the exit, or the mask of a condition on it. Null where no function takes the exit. Throws a DataError for a
 * condition on RCX that is no mask.
 */
export function readVmcallCheck(unit: Unit, scope: Scope): VmcallCheck | null {
  const handlers = handlersOf(unit);
  const handler = handlers.find((fn) => choosesByLeaf(bodyOf(unit, fn))) ?? handlers[0];
  if (handler === undefined) return null;
  for (const fn of functionsNaming(unit, (name) => name === 'vp_enter_args')) {
    const body = bodyOf(unit, fn);
    const names = copiesOf(body);
    for (const statement of allStatements(body)) {
      if (statement.kind !== 'if' && statement.kind !== 'switch') continue;
      const test = statement.kind === 'if' ? statement.test : statement.subject;
      if (!mentionsMask(test, names)) continue;
      const mask = maskOf(test, names);
      if (mask === null) return fail(unit.file, test.at, 'a condition that masks RCX of TDG.VP.VMCALL with a constant');
      return { check: 'mask', mask: evaluate64(mask, scope), path: unit.file, line: statement.at.line };
    }
  }
  return { check: 'none', mask: null, path: unit.file, line: handler.line };
}

/** A switch on the leaf of the call: `case TDVMCALL_MAP_GPA:`. */
function choosesByLeaf(body: readonly Stmt[]): boolean {
  for (const statement of allStatements(body))
    if (statement.kind === 'case' && statement.value?.kind === 'id' && /^TDVMCALL_/.test(statement.value.name))
      return true;
  return false;
}

/** Variables that are set to the register mask. */
function copiesOf(body: readonly Stmt[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const statement of allStatements(body))
    if (statement.kind === 'decl' && statement.init !== null && isMask(statement.init)) names.add(statement.name);
  for (const expr of expressionsIn(body))
    if (expr.kind === 'assign' && expr.target.kind === 'id' && isMask(expr.value)) names.add(expr.target.name);
  return names;
}

/** The function behind `case EXIT_REASON_TDCALL:`, and those of the file that it calls; the one that takes it comes first. */
function handlersOf(unit: Unit): readonly CFunction[] {
  const found: CFunction[] = [];
  const take = (name: string): void => {
    for (const fn of unit.functions.get(name) ?? []) {
      if (found.includes(fn)) continue;
      found.push(fn);
    }
  };
  for (const fn of functionsNaming(unit, (name) => name === 'EXIT_REASON_TDCALL'))
    for (const statement of allStatements(bodyOf(unit, fn)))
      if (statement.kind === 'switch') for (const name of calledFor(statement.body)) take(name);
  for (const fn of found)
    for (const expr of expressionsIn(bodyOf(unit, fn)))
      if (expr.kind === 'call' && expr.callee.kind === 'id') take(expr.callee.name);
  return found;
}

/** The functions called under `case EXIT_REASON_TDCALL:`, up to the next case that does something else. */
function calledFor(body: readonly Stmt[]): readonly string[] {
  const start = body.findIndex(
    (each) => each.kind === 'case' && each.value?.kind === 'id' && each.value.name === 'EXIT_REASON_TDCALL',
  );
  if (start === -1) return [];
  const behind = body.slice(start).findIndex((each) => each.kind !== 'case');
  const rest = behind === -1 ? [] : body.slice(start + behind);
  const end = rest.findIndex((each) => each.kind === 'case');
  return (
    rest
      .slice(0, end === -1 ? rest.length : end)
      // What only looks at the exit decides on it in a condition.
      .filter((each) => each.kind === 'return' || each.kind === 'expr')
      .flatMap((each) => expressionsOf(each).flatMap((expr) => [...allExpressions(expr)]))
      .flatMap((expr) => (expr.kind === 'call' && expr.callee.kind === 'id' ? [expr.callee.name] : []))
  );
}

const isMask = (expr: Expr): boolean =>
  expr.kind === 'member' &&
  expr.name === 'rcx' &&
  expr.object.kind === 'member' &&
  expr.object.name === 'vp_enter_args';

const isMaskOr = (expr: Expr, names: ReadonlySet<string>): boolean =>
  isMask(expr) || (expr.kind === 'id' && names.has(expr.name));

function mentionsMask(test: Expr, names: ReadonlySet<string>): boolean {
  for (const part of allExpressions(test)) if (isMaskOr(part, names)) return true;
  return false;
}

/** The mask of `rcx & MASK`, `(rcx & MASK) != …`, `!(rcx & MASK)`. */
function maskOf(test: Expr, names: ReadonlySet<string>): Expr | null {
  for (const part of allExpressions(test)) {
    if (part.kind !== 'binary' || part.op !== '&') continue;
    if (isMaskOr(part.left, names)) return part.right;
    if (isMaskOr(part.right, names)) return part.left;
  }
  return null;
}

/** The bits that KVM sets in a TD's CONFIG_FLAGS, each place that does so. */
export function readConfigFlags(unit: Unit, scope: Scope): readonly MaskAt[] {
  const flags: MaskAt[] = [];
  for (const fn of functionsNaming(unit, (name) => name === 'config_flags'))
    for (const expr of expressionsIn(bodyOf(unit, fn)))
      if (
        expr.kind === 'assign' &&
        (expr.op === '=' || expr.op === '|=') &&
        expr.target.kind === 'member' &&
        expr.target.name === 'config_flags'
      )
        flags.push({ mask: evaluate64(expr.value, scope), path: unit.file, line: expr.at.line });
  return flags;
}
