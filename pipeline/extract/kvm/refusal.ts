import type { Expr, Stmt } from '../c/ast.ts';

const isError = (expr: Expr | null): boolean => expr?.kind === 'unary' && expr.op === '-';

/** `return -EINVAL;`, or `ret = -EINVAL;` with a jump, whatever is said before. */
export const returnsError = (body: readonly Stmt[]): boolean =>
  body.some((each) => each.kind === 'return' && isError(each.value)) ||
  (body.some((each) => each.kind === 'expr' && each.expr.kind === 'assign' && isError(each.expr.value)) &&
    body.some((each) => each.kind === 'jump' && each.form === 'goto'));
