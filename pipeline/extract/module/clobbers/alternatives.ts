import type { Expr } from '../../c/ast.ts';
import { spend } from './budget.ts';
import { extentOf, show } from './expression.ts';
import type { Flow, Frame, Walk } from './walk.ts';

/** Walks the alternatives of the statement in `line` from one state; names that end up different stand for themselves afterwards. */
export function alternatives(
  walk: Walk,
  frame: Frame,
  line: number,
  walks: readonly ((frame: Frame) => Set<Flow>)[],
): readonly Set<Flow>[] {
  const { budget } = walk.tree;
  const where = { file: frame.file, line };
  const before = new Map(frame.env);
  spend(budget, before.size * (walks.length + 1), where);
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
  const isSame = (a: Expr, b: Expr | undefined): boolean => {
    if (a === b) return true;
    if (b === undefined) return false;
    spend(budget, extentOf(a).size + extentOf(b).size, where);
    return show(a) === show(b);
  };
  for (const [name, value] of first?.env ?? before)
    if (rest.every(({ env }) => isSame(value, env.get(name)))) frame.env.set(name, value);
  return results.map(({ flow }) => flow);
}
