import type { Frame, PathSpec, Trace, TraceContext, Walk } from './walk.ts';
import { walkCall } from './walk-call.ts';
import { walkExpr } from './walk-expression.ts';
import { walkList } from './walk-statement.ts';

/** Follows a path and returns what it does. Notes say where it could not be followed. */
export function trace(context: TraceContext, spec: PathSpec): Trace {
  const walk: Walk = {
    ...context,
    spec,
    spine: context.graph.reaching(spec.ends, spec.stops),
    events: [],
    notes: new Set(),
    called: new Set(),
    active: [],
    list: (stmts, here) => walkList(walk, stmts, here),
    expression: (expr, here) => walkExpr(walk, expr, here),
    call: (expr, here) => walkCall(walk, expr, here),
  };
  const roots = context.tree.functions.get(spec.root) ?? [];
  for (const root of roots) {
    const params = new Set(root.fn.params);
    const frame: Frame = {
      file: root.unit.file,
      env: new Map(),
      pointers: params,
      locals: new Set(params),
      depth: 0,
      onSpine: true,
      calls: [],
    };
    walk.active.push(spec.root);
    walk.list(context.bodies.of(root), { frame, guards: [], tail: true });
    walk.active.pop();
  }
  return { events: walk.events, called: walk.called, notes: [...walk.notes] };
}
