import type { Expr } from '../../c/ast.ts';
import { alternatives } from './alternatives.ts';
import { spend } from './budget.ts';
import { modified, show } from './expression.ts';
import { type Guard, guardsOf } from './guard.ts';
import { localOf, rawInit, rawOf, resolved, setLocal } from './locals.ts';
import { nameOf } from './syntax.ts';
import type { Flow, Frame, Standing, Walk } from './walk.ts';

/** Walks an expression in the order of its evaluation: calls are entered, assignments noted. */
export function walkExpr(walk: Walk, expr: Expr, here: Standing): Set<Flow> {
  const { frame, guards } = here;
  spend(walk.tree.budget, 1, { file: frame.file, line: expr.at.line });
  switch (expr.kind) {
    case 'call':
      return walk.call(expr, here);
    case 'assign': {
      const flow = walkExpr(walk, expr.value, here);
      if (flow.has('fall')) assign(walk, expr, frame, guards);
      return flow;
    }
    case 'unary':
    case 'postfix':
      if (expr.op === '++' || expr.op === '--') {
        const name = nameOf(expr.operand);
        if (name !== null) frame.env.delete(name);
      }
      return walkExpr(walk, expr.operand, here);
    case 'cast':
      return walkExpr(walk, expr.operand, here);
    case 'binary':
      return walkBinary(walk, expr, here);
    case 'ternary':
      return walkTernary(walk, expr, here);
    case 'member':
      return walkExpr(walk, expr.object, here);
    case 'index':
      walkExpr(walk, expr.index, { ...here, tail: false });
      return walkExpr(walk, expr.object, here);
    case 'comma':
      return walkParts(walk, expr.items, here);
    case 'init':
      return walkParts(
        walk,
        expr.items.map(({ value }) => value),
        here,
      );
    case 'statements':
      return walk.list(expr.body, here);
    default:
      return new Set(['fall']);
  }
}

function walkBinary(walk: Walk, expr: Extract<Expr, { kind: 'binary' }>, here: Standing): Set<Flow> {
  const { frame, guards, tail } = here;
  const left = walkExpr(walk, expr.left, { ...here, tail: false });
  if (!left.has('fall')) return left;
  const isLazy = expr.op === '&&' || expr.op === '||';
  const own = isLazy ? guardsOf(walk.tree, resolved(walk, frame, expr.left), expr.op === '||') : [];
  const right = walkExpr(walk, expr.right, { frame, guards: [...guards, ...own], tail });
  return isLazy ? new Set([...left, ...right]) : right;
}

function walkTernary(walk: Walk, expr: Extract<Expr, { kind: 'ternary' }>, here: Standing): Set<Flow> {
  const { frame, guards, tail } = here;
  walkExpr(walk, expr.test, { ...here, tail: false });
  const test = resolved(walk, frame, expr.test);
  const under = (inner: Frame, negated: boolean): Standing => ({
    frame: inner,
    guards: [...guards, ...guardsOf(walk.tree, test, negated)],
    tail,
  });
  const flows = alternatives(walk, frame, expr.at.line, [
    (inner) => walkExpr(walk, expr.then, under(inner, false)),
    (inner) => walkExpr(walk, expr.otherwise, under(inner, true)),
  ]);
  return new Set(flows.flatMap((way) => [...way]));
}

/** One after the other, up to one that does not come back. */
function walkParts(walk: Walk, parts: readonly Expr[], here: Standing): Set<Flow> {
  for (const part of parts) {
    const flow = walkExpr(walk, part, { ...here, tail: false });
    if (!flow.has('fall')) return flow;
  }
  return new Set(['fall']);
}

function assign(walk: Walk, expr: Extract<Expr, { kind: 'assign' }>, frame: Frame, guards: readonly Guard[]): void {
  const value = resolved(walk, frame, expr.value);
  const name = nameOf(expr.target);
  if (name !== null) {
    const before = frame.env.get(name);
    if (expr.op === '=') setLocal(walk, frame, name, value);
    else if (before === undefined) frame.env.delete(name);
    else frame.env.set(name, modified(before, value));
    return;
  }
  const local = localOf(expr.target, frame);
  if (local !== null) {
    const before = frame.env.get(local.name) ?? { kind: 'id' as const, name: local.name, at: expr.at };
    const isWhole = expr.op === '=' && local.field === 'raw';
    frame.env.set(local.name, isWhole ? rawInit(value) : rawInit(modified(rawOf(before), value)));
    return;
  }
  const path = show(resolved(walk, frame, expr.target));
  walk.events.push({
    kind: 'store',
    path,
    value: expr.op === '=' ? value : modified(resolved(walk, frame, expr.target), value),
    guards,
    site: { path: frame.file, line: expr.at.line },
  });
}
