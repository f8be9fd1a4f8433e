import type { Expr } from '../../c/ast.ts';
import { partsOf } from '../../c/walk.ts';
import { spendOn } from './budget.ts';
import type { Primitive } from './call-graph.ts';
import { extentOf, substitute } from './expression.ts';
import type { Frame, Walk } from './walk.ts';

/** An expression with what the frame knows of its names in their place. Throws a DataError where that grows out of bounds. */
export function resolved(walk: Walk, frame: Frame, expr: Expr): Expr {
  const value = substitute(expr, frame.env);
  spendOn(walk.tree.budget, extentOf(value), { file: frame.file, line: expr.at.line });
  return value;
}

/** What a call computes is known by the local's own name; an access path, a getter or a read MSR stands for the local. */
export function setLocal(walk: Walk, frame: Frame, name: string, value: Expr): void {
  if (isTransparent(value, walk.primitives)) frame.env.set(name, value);
  else frame.env.delete(name);
}

function isTransparent(expr: Expr, primitives: ReadonlyMap<string, Primitive>): boolean {
  if (expr.kind === 'id') return expr.name !== 'NULL';
  if (expr.kind === 'call') {
    const name = expr.callee.kind === 'id' ? expr.callee.name : '';
    return expr.args.length === 0 || primitives.has(name) || /^[A-Z_]+$|^__modified$/.test(name);
  }
  return partsOf(expr).every((part) => isTransparent(part, primitives));
}

/** What the parameters of a callee stand for. */
export function bind(params: readonly string[], args: readonly Expr[]): Map<string, Expr> {
  return new Map(params.flatMap((param, at) => (args[at] === undefined ? [] : [[param, args[at]] as const])));
}

/** A union whose whole value is known: `{ .raw = value }`. */
export const rawInit = (value: Expr): Expr => ({
  kind: 'init',
  items: [{ designators: [{ kind: 'field', name: 'raw', at: value.at }], value, at: value.at }],
  at: value.at,
});

/** The value of a union that is known as a whole, else the expression itself. */
export const rawOf = (expr: Expr): Expr =>
  expr.kind === 'init' && expr.items[0] !== undefined && expr.items.length === 1 ? expr.items[0].value : expr;

/** The local variable (no pointer) that a target is a part of, with the name of the part. */
export function localOf(target: Expr, frame: Frame): { readonly name: string; readonly field: string } | null {
  for (let expr = target; expr.kind === 'member' && !expr.arrow; expr = expr.object)
    if (expr.object.kind === 'id' && frame.locals.has(expr.object.name) && !frame.pointers.has(expr.object.name))
      return {
        name: expr.object.name,
        field: target.kind === 'member' && target.object === expr.object ? target.name : '',
      };
  return null;
}
