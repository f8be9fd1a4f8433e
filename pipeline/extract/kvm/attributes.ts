import { DataError } from '../../model/errors.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { evaluate64, evaluateMacro, type Scope } from '../c/evaluate.ts';
import { bodyOf, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn } from '../c/walk.ts';
import { TDX_PATH } from './paths.ts';
import { returnsError } from './refusal.ts';

const ATTRIBUTE_MACROS = ['KVM_SUPPORTED_TDX_TD_ATTRS', 'KVM_SUPPORTED_TD_ATTRS'];
const ALL = 0xffff_ffff_ffff_ffffn;

export type Attributes = { readonly mask: bigint; readonly notes: readonly string[] };

/**
 * The TD attributes that KVM supports: its macro, or all that it does not refuse where it hands the attributes of user space
 * on, as the older generations do. Throws a DataError where neither is there.
 */
export function readAttributes(unit: Unit, scope: Scope): Attributes {
  for (const name of ATTRIBUTE_MACROS) {
    const macro = scope.macro(name);
    if (macro === undefined) continue;
    const { value } = evaluateMacro(macro, { ...scope, file: macro.file ?? TDX_PATH });
    return { mask: BigInt.asUintN(64, value), notes: [] };
  }
  const bodies = [...unit.functions.values()].flat().map((fn) => bodyOf(unit, fn));
  if (!bodies.some(handsOn))
    throw new DataError({
      where: { file: TDX_PATH, line: 1 },
      expected: `a definition of ${ATTRIBUTE_MACROS.join(' or ')}`,
      found: 'none',
    });
  const refused = bodies.reduce((mask, body) => mask | refusedBits(body, 'attributes', scope), 0n);
  return {
    mask: ALL & ~refused,
    notes: [
      `KVM has no list of attributes: it hands on what user space asks for${refused === 0n ? '' : `, but for 0x${refused.toString(16)}, which it refuses`}`,
    ],
  };
}

/** `params->attributes = init->attributes`. */
function handsOn(body: readonly Stmt[]): boolean {
  for (const expr of expressionsIn(body))
    if (
      expr.kind === 'assign' &&
      expr.op === '=' &&
      isMember(expr.target, 'attributes') &&
      isMember(expr.value, 'attributes')
    )
      return true;
  return false;
}

const isMember = (expr: Expr, name: string): boolean => expr.kind === 'member' && expr.name === name;

/** The bits of a field that make a set-up fail: `if (params->xfam & MASK) return -EOPNOTSUPP;`. */
export function refusedBits(body: readonly Stmt[], field: string, scope: Scope): bigint {
  let refused = 0n;
  for (const statement of allStatements(body)) {
    if (statement.kind !== 'if' || !returnsError(statement.then)) continue;
    for (const part of allExpressions(statement.test)) {
      if (part.kind !== 'binary' || part.op !== '&' || !isMember(part.left, field)) continue;
      // A mask that the module gives is no mask of KVM's.
      if (![...allExpressions(part.right)].some((inner) => inner.kind === 'member'))
        refused |= evaluate64(part.right, scope);
    }
  }
  return refused;
}
