import type { Expr } from '../../c/ast.ts';
import { show } from './expression.ts';
import type { Flow, Frame, Walk } from './walk.ts';

/** Walks alternatives from one state; names that end up different stand for themselves afterwards. */
export function alternatives(
  walk: Walk,
  frame: Frame,
  walks: readonly ((frame: Frame) => Set<Flow>)[],
): readonly Set<Flow>[] {
  const before = new Map(frame.env);
  const results: { flow: Set<Flow>; env: Map<string, Expr> }[] = [];
  for (const run of walks) {
    const branch: Frame = { ...frame, env: new Map(before) };
    const mark = walk.events.length;
    const flow = run(branch);
    // A way out of the path, such as the report of a fault, is no part of it.
    const leaves = !flow.has('fall') && !flow.has('end') && !flow.has('break');
    if (leaves && (frame.onSpine || (flow.size === 1 && flow.has('left')))) walk.events.length = mark;
    results.push({ flow, env: branch.env });
  }
  const going = results.filter(({ flow }) => flow.has('fall') || flow.has('break'));
  frame.env.clear();
  const [first, ...rest] = going;
  for (const [name, value] of first?.env ?? before)
    if (rest.every(({ env }) => env.get(name) === value || same(env.get(name), value))) frame.env.set(name, value);
  return results.map(({ flow }) => flow);
}

const same = (a: Expr | undefined, b: Expr | undefined): boolean =>
  a !== undefined && b !== undefined && show(a) === show(b);
