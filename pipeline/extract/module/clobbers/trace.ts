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
    list: (stmts, frame, guards, tail) => walkList(walk, stmts, frame, guards, tail),
    expression: (expr, frame, guards, tail) => walkExpr(walk, expr, frame, guards, tail),
    call: (expr, frame, guards, tail) => walkCall(walk, expr, frame, guards, tail),
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
    walk.list(context.bodies.of(root), frame, [], true);
    walk.active.pop();
  }
  return { events: walk.events, called: walk.called, notes: [...walk.notes] };
}
