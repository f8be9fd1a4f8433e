import type { Expr } from '../c/ast.ts';
import type { Frame } from './world.ts';

/** The argument that a macro's parameter stands for, with what is bound around the call. */
export function boundTo(name: string, frame: Frame): { readonly expr: Expr; readonly outer: Frame['bindings'] } | null {
  // Only the innermost macro's parameters are in its text; what an argument says is bound further out.
  const { bindings } = frame;
  const expr = bindings?.args.get(name);
  return bindings === null || expr === undefined ? null : { expr, outer: bindings.outer };
}

/** Does something with an argument of a macro as the text around the call means it. */
export function inCall<T>(outer: Frame['bindings'], frame: Frame, action: (frame: Frame) => T): T {
  const inside = frame.bindings;
  frame.bindings = outer;
  try {
    return action(frame);
  } finally {
    frame.bindings = inside;
  }
}

/** A name in a macro's text where C takes no expression: a member, a declared name. */
export function wordOf(name: string, frame: Frame): string {
  const bound = boundTo(name, frame);
  if (bound?.expr.kind !== 'id') return name;
  const { expr, outer } = bound;
  return inCall(outer, frame, (inner) => wordOf(expr.name, inner));
}
