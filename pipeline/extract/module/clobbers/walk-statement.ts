import type { Expr, Stmt } from '../../c/ast.ts';
import { alternatives } from './alternatives.ts';
import { spend } from './budget.ts';
import { extentOf } from './expression.ts';
import { fold, type Guard, guardsOf, preprocessorGuard } from './guard.ts';
import { resolved, setLocal } from './locals.ts';
import { assignedNames, callNames, segmentsOf } from './syntax.ts';
import { constantOf } from './tree.ts';
import type { Flow, Frame, Standing, Walk } from './walk.ts';

/** How control leaves a statement, and what then holds for those behind it. */
type Step = { readonly flow: Set<Flow>; readonly after: readonly Guard[] };
const step = (flow: Set<Flow>, after: readonly Guard[] = []): Step => ({ flow, after });

/** Walks statements in order; the `tail` of a path is walked up to the statement that holds its end. */
export function walkList(walk: Walk, stmts: readonly Stmt[], here: Standing): Set<Flow> {
  const { frame, guards, tail } = here;
  const flow = new Set<Flow>();
  let own = guards;
  let last = stmts.length - 1;
  if (tail) {
    while (last >= 0 && !mentionsEnd(walk, stmts.slice(last, last + 1))) last -= 1;
    if (last < 0) return new Set(['left']);
  }
  for (let at = 0; at <= last; at += 1) {
    const stmt = stmts[at];
    if (stmt === undefined) break;
    const mark = walk.events.length;
    const { flow: out, after } = walkStmt(walk, stmt, { frame, guards: own, tail: tail && at === last });
    const falls = out.has('fall');
    for (const way of out) if (way !== 'fall') flow.add(way);
    if (!falls) {
      // A label may be jumped to from before: what stands behind it is reached all the same.
      if (!out.has('end') && out.has('left') && out.size === 1 && !frame.onSpine) walk.events.length = mark;
      const next = stmts.slice(at + 1, last + 1).findIndex((item) => item.kind === 'label');
      if (next < 0 || out.has('end')) return flow;
      at += next;
      continue;
    }
    own = [...own, ...after];
  }
  flow.add('fall');
  return flow;
}

function walkStmt(walk: Walk, stmt: Stmt, here: Standing): Step {
  const { frame, guards } = here;
  spend(walk.tree.budget, 1 + guards.length, { file: frame.file, line: stmt.at.line });
  switch (stmt.kind) {
    case 'expr':
      return step(walk.expression(stmt.expr, here));
    case 'decl': {
      frame.locals.add(stmt.name);
      if (stmt.type.includes('*')) frame.pointers.add(stmt.name);
      if (stmt.init === null) {
        frame.env.delete(stmt.name);
        return step(new Set(['fall']));
      }
      const flow = walk.expression(stmt.init, here);
      setLocal(walk, frame, stmt.name, resolved(walk, frame, stmt.init));
      return step(flow);
    }
    case 'if':
      return walkIf(walk, stmt, here);
    case 'conditional':
      return walkConditional(walk, stmt, here);
    case 'loop':
      return step(walkLoop(walk, stmt, here));
    case 'switch':
      return step(walkSwitch(walk, stmt, here));
    case 'block':
      return step(walkList(walk, stmt.body, here));
    case 'return':
      if (stmt.value !== null) {
        const flow = walk.expression(stmt.value, here);
        if (!flow.has('fall')) return step(flow);
      }
      return step(new Set(['return']));
    case 'jump':
      return step(new Set([stmt.form === 'goto' ? 'goto' : 'break']));
    case 'asm':
      if (/\b(wrmsr|xrstors?)\b/.test(stmt.text))
        walk.notes.add(`${frame.file}:${stmt.at.line}: inline assembly on the path of ${walk.spec.root}() is not read`);
      return step(new Set(['fall']));
    default:
      return step(new Set(['fall']));
  }
}

function walkIf(walk: Walk, stmt: Extract<Stmt, { kind: 'if' }>, here: Standing): Step {
  const { frame, guards, tail } = here;
  const inTest = walk.expression(stmt.test, { ...here, tail: false });
  if (!inTest.has('fall')) return step(inTest);
  const test = resolved(walk, frame, stmt.test);
  const value = fold(walk.tree, test);
  const yes = guardsOf(walk.tree, test);
  const no = guardsOf(walk.tree, test, true);
  const branches = [
    { body: stmt.then, guards: yes, taken: value !== false },
    { body: stmt.otherwise, guards: no, taken: value !== true },
  ].filter(({ body, taken }) => taken && (!tail || mentionsEnd(walk, body)));
  const flows = alternatives(
    walk,
    frame,
    stmt.at.line,
    branches.map(
      (branch) => (inner: Frame) =>
        walkList(walk, branch.body, { frame: inner, guards: [...guards, ...branch.guards], tail }),
    ),
  );
  const flow = new Set<Flow>(flows.flatMap((way) => [...way]));
  if (tail || frame.onSpine) return step(flow);
  // `if (x) return;`: what follows stands under !x.
  const leaving = branches
    .map((branch, at) => ({ branch, out: flows[at] }))
    .filter(({ out }) => out !== undefined && !out.has('fall') && !(out.size === 1 && out.has('left')));
  const after = leaving.length === 1 && leaving[0] !== undefined ? (leaving[0].branch.guards === yes ? no : yes) : [];
  return step(flow, after);
}

function walkConditional(walk: Walk, stmt: Extract<Stmt, { kind: 'conditional' }>, here: Standing): Step {
  const { frame, guards, tail } = here;
  const seen: string[] = [];
  const branches = stmt.branches.map(({ condition, body }) => {
    const text = [...seen.map((other) => `!(${other})`), ...(condition === '' ? [] : [condition])].join(' && ');
    if (condition !== '') seen.push(condition);
    return { body, guard: preprocessorGuard(text) };
  });
  const complete = stmt.branches.some(({ condition }) => condition === '');
  const flows = alternatives(walk, frame, stmt.at.line, [
    ...branches.map(
      ({ body, guard }) =>
        (inner: Frame) =>
          walkList(walk, body, { frame: inner, guards: [...guards, guard], tail: tail && mentionsEnd(walk, body) }),
    ),
    ...(complete ? [] : [() => new Set<Flow>(['fall'])]),
  ]);
  return step(new Set(flows.flatMap((way) => [...way])));
}

function walkLoop(walk: Walk, stmt: Extract<Stmt, { kind: 'loop' }>, here: Standing): Set<Flow> {
  const { frame, guards, tail } = here;
  walkList(walk, stmt.head, { ...here, tail: false });
  for (const name of assignedNames([
    ...stmt.body,
    ...(stmt.step === null ? [] : [{ kind: 'expr' as const, expr: stmt.step, at: stmt.at }]),
  ]))
    frame.env.delete(name);
  const test = stmt.test === null ? null : resolved(walk, frame, stmt.test);
  const isCounted = test?.kind === 'binary' && constantOf(walk.tree, test.right) !== null;
  const own = test === null || isCounted || fold(walk.tree, test) !== null ? [] : guardsOf(walk.tree, test);
  const flow = walkList(walk, stmt.body, { frame, guards: [...guards, ...own], tail });
  for (const name of assignedNames(stmt.body)) frame.env.delete(name);
  const out = new Set(flow);
  out.delete('break');
  out.add('fall');
  return out;
}

function walkSwitch(walk: Walk, stmt: Extract<Stmt, { kind: 'switch' }>, here: Standing): Set<Flow> {
  const { frame, guards, tail } = here;
  walk.expression(stmt.subject, { ...here, tail: false });
  const subject = resolved(walk, frame, stmt.subject);
  const segments = segmentsOf(stmt.body);
  // What falls through is walked again for each case before it.
  const labels = segments.reduce((sum, { values, body }) => sum + values.length + body.length, 0);
  spend(walk.tree.budget, labels * (1 + extentOf(subject).size), { file: frame.file, line: stmt.at.line });
  const chosen = segments.filter(({ body }) => !tail || mentionsEnd(walk, body));
  const all = segments.flatMap(({ values }) => values);
  const test = (value: Expr): Expr => ({ kind: 'binary', op: '==', left: subject, right: value, at: value.at });
  const flows = alternatives(
    walk,
    frame,
    stmt.at.line,
    chosen.map(({ values, isDefault, body }) => (inner: Frame) => {
      const [first, ...rest] = values.map(test);
      // The interface that leads to the path's end is no condition of the path.
      const own = tail
        ? []
        : isDefault
          ? all.flatMap((value) => guardsOf(walk.tree, test(value), true))
          : first === undefined
            ? []
            : guardsOf(walk.tree, resolved(walk, frame, rest.reduce(either, first)));
      return walkList(walk, body, { frame: inner, guards: [...guards, ...own], tail });
    }),
  );
  const out = new Set<Flow>(flows.flatMap((way) => [...way]));
  if (out.delete('break') || !tail) out.add('fall');
  return out;
}

const either = (left: Expr, right: Expr): Expr => ({ kind: 'binary', op: '||', left, right, at: left.at });

function mentionsEnd(walk: Walk, stmts: readonly Stmt[]): boolean {
  return stmts.some((stmt) => callNames(stmt).some((name) => walk.spine.has(name)));
}
