import type { Expr } from '../c/ast.ts';
import { binaryPower, POWER } from '../c/operators.ts';
import { boundTo, inCall } from './bindings.ts';
import { type Frame, lookUp } from './world.ts';

/** How tightly the text of an expression binds. */
export function powerOf(expr: Expr, frame: Frame): number {
  if (expr.parens === true) return POWER.primary;
  if (expr.kind === 'id') {
    const bound = boundTo(expr.name, frame);
    if (bound !== null) return inCall(bound.outer, frame, (inner) => powerOf(bound.expr, inner));
    const macro =
      lookUp(frame.scope, expr.name) === undefined ? frame.run.world.macro(frame.file, expr.name) : undefined;
    return macro === undefined || macro.params !== null ? POWER.primary : knownPower(macro.body);
  }
  if (expr.kind === 'binary') return binaryPower(expr.op) ?? POWER.list;
  if (expr.kind === 'ternary') return POWER.choice;
  if (expr.kind === 'assign' || expr.kind === 'comma') return POWER.list;
  return expr.kind === 'unary' || expr.kind === 'cast' ? POWER.unary : POWER.primary;
}

/** The weakest operator of a macro's text outside of its brackets. */
const powers = new WeakMap<object, number>();

function knownPower(body: Parameters<typeof textPower>[0]): number {
  const power = powers.get(body) ?? textPower(body);
  powers.set(body, power);
  return power;
}

function textPower(body: readonly { readonly kind: string; readonly text: string }[]): number {
  let [depth, weakest] = [0, POWER.primary as number];
  for (const [index, { kind, text }] of body.entries()) {
    if (kind !== 'punct') continue;
    if (text === '(' || text === '[' || text === '{') depth += 1;
    else if (text === ')' || text === ']' || text === '}') depth -= 1;
    else if (depth === 0 && text === '?') weakest = Math.min(weakest, POWER.choice);
    else if (depth === 0 && index > 0) {
      const before = body[index - 1];
      const isOperator = before?.kind !== 'punct' || before.text === ')' || before.text === ']';
      weakest = Math.min(weakest, isOperator ? (binaryPower(text) ?? POWER.primary) : POWER.unary);
    } else if (depth === 0) weakest = Math.min(weakest, POWER.unary);
  }
  return weakest;
}
