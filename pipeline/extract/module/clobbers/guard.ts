import type { Expr } from '../../c/ast.ts';
import { bare, show } from './expression.ts';
import { constantOf, type Tree } from './tree.ts';

/** A condition that a statement stands under. `#if` conditions have a text and no expression. */
export type Guard = { readonly expr: Expr | null; readonly negated: boolean; readonly text: string };

export const preprocessorGuard = (condition: string): Guard => ({
  expr: null,
  negated: false,
  text: `#if ${condition}`,
});

/** The conjuncts of a condition in canonical form: `x != 0`, `1 == x` and `!!x` are `x`. */
export function guardsOf(tree: Tree, expr: Expr, negated = false): readonly Guard[] {
  const inner = bare(expr);
  if (inner.kind === 'unary' && inner.op === '!') return guardsOf(tree, inner.operand, !negated);
  if (inner.kind === 'call' && /^(RARE_COND|COMMON_COND|likely|unlikely|__builtin_expect)$/.test(show(inner.callee))) {
    const [condition] = inner.args;
    if (condition !== undefined) return guardsOf(tree, condition, negated);
  }
  if (inner.kind === 'binary') {
    if (inner.op === (negated ? '||' : '&&'))
      return [...guardsOf(tree, inner.left, negated), ...guardsOf(tree, inner.right, negated)];
    const truth = truthTest(tree, inner, negated);
    if (truth !== null) return truth;
  }
  const value = fold(tree, inner);
  if (value !== null) return value === negated ? [{ expr: inner, negated, text: 'false' }] : [];
  if (inner.kind === 'binary' && negated && (inner.op === '==' || inner.op === '!=')) {
    const flipped: Expr = { ...inner, op: inner.op === '==' ? '!=' : '==' };
    return [{ expr: flipped, negated: false, text: show(flipped) }];
  }
  const text = inner.kind === 'binary' && negated ? `(${show(inner)})` : show(inner);
  return [{ expr: inner, negated, text: negated ? `!${text}` : text }];
}

/** `x == 0` and `x != 1` and their mirrors, as tests of a flag, where `x` is no constant. */
function truthTest(tree: Tree, expr: Extract<Expr, { kind: 'binary' }>, negated: boolean): readonly Guard[] | null {
  if (expr.op !== '==' && expr.op !== '!=') return null;
  for (const [side, other] of [
    [expr.left, expr.right],
    [expr.right, expr.left],
  ] as const) {
    const value = literalTruth(side);
    if (value === null || constantOf(tree, other) !== null || other.kind === 'binary') continue;
    return guardsOf(tree, other, negated !== ((expr.op === '==') !== value));
  }
  return null;
}

function literalTruth(expr: Expr): boolean | null {
  if (expr.kind === 'id' && expr.name === 'true') return true;
  if (expr.kind === 'id' && expr.name === 'false') return false;
  if (expr.kind !== 'num') return null;
  const text = show(expr);
  return text === '0' ? false : text === '1' ? true : null;
}

/** An index never runs over more MSRs than this: the largest bank of counters of the SDM is far smaller. */
const MAX_RANGE = 64n;

/** True, false, or null where the condition is not constant. */
export function fold(tree: Tree, expr: Expr): boolean | null {
  const inner = bare(expr);
  const literal = literalTruth(inner);
  if (literal !== null) return literal;
  if (inner.kind === 'unary' && inner.op === '!') {
    const value = fold(tree, inner.operand);
    return value === null ? null : !value;
  }
  const constant = constantOf(tree, inner);
  if (constant !== null) return constant !== 0n;
  if (inner.kind !== 'binary') return null;
  if (inner.op === '&&' || inner.op === '||') {
    const sides = [fold(tree, inner.left), fold(tree, inner.right)];
    if (sides.includes(inner.op === '||')) return inner.op === '||';
    return sides.includes(null) ? null : inner.op === '&&';
  }
  if (inner.op !== '==' && inner.op !== '!=') return null;
  if (isOtherName(tree, inner.left) && constantOf(tree, inner.right) !== null) return inner.op === '!=';
  const [base, other] = [rangeBase(tree, inner.left), constantOf(tree, inner.right)];
  if (base === null || other === null || (other >= base && other < base + MAX_RANGE)) return null;
  return inner.op === '!=';
}

/** A constant's name that the tree does not define, alone or with an index: it is not compiled, and no other name's value. */
function isOtherName(tree: Tree, expr: Expr): boolean {
  const inner = bare(expr);
  if (inner.kind === 'binary' && inner.op === '+') return isOtherName(tree, inner.left);
  return inner.kind === 'id' && /^[A-Z][A-Z0-9]*_[A-Z]\w*$/.test(inner.name) && !tree.macros.has(inner.name);
}

/** The constant of `BASE + i`, null where the expression is no such sum. */
export function rangeBase(tree: Tree, expr: Expr): bigint | null {
  const inner = bare(expr);
  if (inner.kind !== 'binary' || inner.op !== '+') return null;
  return constantOf(tree, inner.left) ?? constantOf(tree, inner.right);
}

/** A condition under known truths of some texts; null where they do not settle it. */
export function truthOf(expr: Expr, known: (expr: Expr) => boolean | null): boolean | null {
  const inner = bare(expr);
  if (inner.kind === 'unary' && inner.op === '!') {
    const value = truthOf(inner.operand, known);
    return value === null ? null : !value;
  }
  if (inner.kind === 'binary' && (inner.op === '&&' || inner.op === '||')) {
    const sides = [truthOf(inner.left, known), truthOf(inner.right, known)];
    if (sides.includes(inner.op === '||')) return inner.op === '||';
    return sides.includes(null) ? null : inner.op === '&&';
  }
  return known(inner);
}
