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
  const { frame, guards, tail } = here;
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
    case 'binary': {
      const left = walkExpr(walk, expr.left, { ...here, tail: false });
      if (!left.has('fall')) return left;
      const isLazy = expr.op === '&&' || expr.op === '||';
      const own = isLazy ? guardsOf(walk.tree, resolved(walk, frame, expr.left), expr.op === '||') : [];
      const right = walkExpr(walk, expr.right, { frame, guards: [...guards, ...own], tail });
      return isLazy ? new Set([...left, ...right]) : right;
    }
    case 'ternary': {
      walkExpr(walk, expr.test, { ...here, tail: false });
      const test = resolved(walk, frame, expr.test);
      const flows = alternatives(walk, frame, expr.at.line, [
        (inner) => walkExpr(walk, expr.then, { frame: inner, guards: [...guards, ...guardsOf(walk.tree, test)], tail }),
        (inner) =>
          walkExpr(walk, expr.otherwise, {
            frame: inner,
            guards: [...guards, ...guardsOf(walk.tree, test, true)],
            tail,
          }),
      ]);
      return new Set(flows.flatMap((way) => [...way]));
    }
    case 'member':
      return walkExpr(walk, expr.object, here);
    case 'index':
      walkExpr(walk, expr.index, { ...here, tail: false });
      return walkExpr(walk, expr.object, here);
    case 'comma':
    case 'init': {
      const parts = expr.kind === 'comma' ? expr.items : expr.items.map(({ value }) => value);
      for (const part of parts) {
        const flow = walkExpr(walk, part, { ...here, tail: false });
        if (!flow.has('fall')) return flow;
      }
      return new Set(['fall']);
    }
    case 'statements':
      return walk.list(expr.body, here);
    default:
      return new Set(['fall']);
  }
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
