import type { Expr, Stmt } from '../../c/ast.ts';
import type { Token } from '../../c/lex.ts';
import { partsOf } from '../../c/walk.ts';
import type { CallGraph, Primitive } from './call-graph.ts';
import { bare, modified, show, substitute } from './expression.ts';
import { fold, type Guard, guardsOf, preprocessorGuard } from './guard.ts';
import { assignedNames, callNames, rootName, segmentsOf } from './syntax.ts';
import { type Bodies, constantOf, macroStatements, type Tree } from './tree.ts';

export type Site = { readonly path: string; readonly line: number };

/** What a path does, in order: an MSR is written, a field is stored, or the path's end is reached with these arguments. */
export type TraceEvent = { readonly guards: readonly Guard[]; readonly site: Site } & (
  | { readonly kind: 'write'; readonly address: Expr; readonly value: Expr }
  | { readonly kind: 'store'; readonly path: string; readonly value: Expr }
  | { readonly kind: 'end'; readonly args: readonly Expr[] }
);

/** A path through the module: from a function to calls of `ends`; a call of a `stops` name leaves it. */
export type PathSpec = {
  readonly root: string;
  readonly ends: ReadonlySet<string>;
  readonly stops: ReadonlySet<string>;
};

export type TraceContext = {
  readonly tree: Tree;
  readonly bodies: Bodies;
  readonly graph: CallGraph;
  readonly primitives: ReadonlyMap<string, Primitive>;
};

/** How control leaves a statement: to the next one, out of the function, to a label, out of a loop, or at the path's end. */
type Flow = 'fall' | 'return' | 'goto' | 'break' | 'end' | 'left';

type Frame = {
  readonly file: string;
  readonly env: Map<string, Expr>;
  readonly pointers: Set<string>;
  readonly locals: Set<string>;
  readonly depth: number;
  readonly onSpine: boolean;
  /** The call that led here, with its arguments as the caller sees them, innermost last. */
  readonly calls: readonly { readonly site: Site; readonly args: readonly Expr[] }[];
};

/** What a path does, the names that it calls, and sentences on what could not be followed. */
export type Trace = {
  readonly events: readonly TraceEvent[];
  readonly called: ReadonlySet<string>;
  readonly notes: readonly string[];
};

const MAX_DEPTH = 40;

/** Follows a path and returns what it does. Notes say where it could not be followed. */
export function trace(context: TraceContext, spec: PathSpec): Trace {
  const { tree, graph, primitives } = context;
  const spine = graph.reaching(spec.ends, spec.stops);
  const events: TraceEvent[] = [];
  const notes = new Set<string>();
  const called = new Set<string>();
  const active: string[] = [];

  const nameOf = (expr: Expr): string | null => (expr.kind === 'id' ? expr.name : null);

  function mentionsEnd(stmts: readonly Stmt[]): boolean {
    return stmts.some((stmt) => callNames(stmt).some((name) => spine.has(name)));
  }

  function siteOf(frame: Frame, at: Token, address: Expr | null): Site {
    if (address === null) return { path: frame.file, line: at.line };
    const outer = frame.calls.find(({ args }) => args.some((arg) => sameAddress(tree, arg, address)));
    return outer?.site ?? { path: frame.file, line: at.line };
  }

  function walkList(stmts: readonly Stmt[], frame: Frame, guards: readonly Guard[], tail: boolean): Set<Flow> {
    const flow = new Set<Flow>();
    let own = guards;
    let last = stmts.length - 1;
    if (tail) {
      while (last >= 0 && !mentionsEnd(stmts.slice(last, last + 1))) last -= 1;
      if (last < 0) return new Set(['left']);
    }
    for (let at = 0; at <= last; at += 1) {
      const stmt = stmts[at];
      if (stmt === undefined) break;
      const mark = events.length;
      const { flow: out, after } = walkStmt(stmt, frame, own, tail && at === last);
      const falls = out.has('fall');
      for (const way of out) if (way !== 'fall') flow.add(way);
      if (!falls) {
        // A label may be jumped to from before: what stands behind it is reached all the same.
        if (!out.has('end') && out.has('left') && out.size === 1 && !frame.onSpine) events.length = mark;
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

  type Step = { readonly flow: Set<Flow>; readonly after: readonly Guard[] };
  const step = (flow: Set<Flow>, after: readonly Guard[] = []): Step => ({ flow, after });

  function walkStmt(stmt: Stmt, frame: Frame, guards: readonly Guard[], tail: boolean): Step {
    switch (stmt.kind) {
      case 'expr':
        return step(walkExpr(stmt.expr, frame, guards, tail));
      case 'decl': {
        frame.locals.add(stmt.name);
        if (stmt.type.includes('*')) frame.pointers.add(stmt.name);
        if (stmt.init === null) {
          frame.env.delete(stmt.name);
          return step(new Set(['fall']));
        }
        const flow = walkExpr(stmt.init, frame, guards, tail);
        setLocal(frame, stmt.name, substitute(stmt.init, frame.env));
        return step(flow);
      }
      case 'if':
        return walkIf(stmt, frame, guards, tail);
      case 'conditional':
        return walkConditional(stmt, frame, guards, tail);
      case 'loop':
        return step(walkLoop(stmt, frame, guards, tail));
      case 'switch':
        return step(walkSwitch(stmt, frame, guards, tail));
      case 'block':
        return step(walkList(stmt.body, frame, guards, tail));
      case 'return':
        if (stmt.value !== null) {
          const flow = walkExpr(stmt.value, frame, guards, tail);
          if (!flow.has('fall')) return step(flow);
        }
        return step(new Set(['return']));
      case 'jump':
        return step(new Set([stmt.form === 'goto' ? 'goto' : 'break']));
      case 'asm':
        if (/\b(wrmsr|xrstors?)\b/.test(stmt.text))
          notes.add(`${frame.file}:${stmt.at.line}: inline assembly on the path of ${spec.root}() is not read`);
        return step(new Set(['fall']));
      default:
        return step(new Set(['fall']));
    }
  }

  /** Walks alternatives from one state; names that end up different stand for themselves afterwards. */
  function alternatives(frame: Frame, walks: readonly ((frame: Frame) => Set<Flow>)[]): readonly Set<Flow>[] {
    const before = new Map(frame.env);
    const results: { flow: Set<Flow>; env: Map<string, Expr> }[] = [];
    for (const walk of walks) {
      const branch: Frame = { ...frame, env: new Map(before) };
      const mark = events.length;
      const flow = walk(branch);
      // A way out of the path, such as the report of a fault, is no part of it.
      const leaves = !flow.has('fall') && !flow.has('end') && !flow.has('break');
      if (leaves && (frame.onSpine || (flow.size === 1 && flow.has('left')))) events.length = mark;
      results.push({ flow, env: branch.env });
    }
    const going = results.filter(({ flow }) => flow.has('fall') || flow.has('break'));
    frame.env.clear();
    const [first, ...rest] = going;
    for (const [name, value] of first?.env ?? before)
      if (rest.every(({ env }) => env.get(name) === value || same(env.get(name), value))) frame.env.set(name, value);
    return results.map(({ flow }) => flow);
  }

  function walkIf(stmt: Extract<Stmt, { kind: 'if' }>, frame: Frame, guards: readonly Guard[], tail: boolean): Step {
    const inTest = walkExpr(stmt.test, frame, guards, false);
    if (!inTest.has('fall')) return step(inTest);
    const test = substitute(stmt.test, frame.env);
    const value = fold(tree, test);
    const yes = guardsOf(tree, test);
    const no = guardsOf(tree, test, true);
    const branches = [
      { body: stmt.then, guards: yes, taken: value !== false },
      { body: stmt.otherwise, guards: no, taken: value !== true },
    ].filter(({ body, taken }) => taken && (!tail || mentionsEnd(body)));
    const flows = alternatives(
      frame,
      branches.map((branch) => (inner: Frame) => walkList(branch.body, inner, [...guards, ...branch.guards], tail)),
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

  function walkConditional(
    stmt: Extract<Stmt, { kind: 'conditional' }>,
    frame: Frame,
    guards: readonly Guard[],
    tail: boolean,
  ): Step {
    const seen: string[] = [];
    const branches = stmt.branches.map(({ condition, body }) => {
      const text = [...seen.map((other) => `!(${other})`), ...(condition === '' ? [] : [condition])].join(' && ');
      if (condition !== '') seen.push(condition);
      return { body, guard: preprocessorGuard(text) };
    });
    const complete = stmt.branches.some(({ condition }) => condition === '');
    const flows = alternatives(frame, [
      ...branches.map(
        ({ body, guard }) =>
          (inner: Frame) =>
            walkList(body, inner, [...guards, guard], tail && mentionsEnd(body)),
      ),
      ...(complete ? [] : [() => new Set<Flow>(['fall'])]),
    ]);
    return step(new Set(flows.flatMap((way) => [...way])));
  }

  function walkLoop(
    stmt: Extract<Stmt, { kind: 'loop' }>,
    frame: Frame,
    guards: readonly Guard[],
    tail: boolean,
  ): Set<Flow> {
    walkList(stmt.head, frame, guards, false);
    for (const name of assignedNames([
      ...stmt.body,
      ...(stmt.step === null ? [] : [{ kind: 'expr' as const, expr: stmt.step, at: stmt.at }]),
    ]))
      frame.env.delete(name);
    const test = stmt.test === null ? null : substitute(stmt.test, frame.env);
    const isCounted = test?.kind === 'binary' && constantOf(tree, test.right) !== null;
    const own = test === null || isCounted || fold(tree, test) !== null ? [] : guardsOf(tree, test);
    const flow = walkList(stmt.body, frame, [...guards, ...own], tail);
    for (const name of assignedNames(stmt.body)) frame.env.delete(name);
    const out = new Set(flow);
    out.delete('break');
    out.add('fall');
    return out;
  }

  function walkSwitch(
    stmt: Extract<Stmt, { kind: 'switch' }>,
    frame: Frame,
    guards: readonly Guard[],
    tail: boolean,
  ): Set<Flow> {
    walkExpr(stmt.subject, frame, guards, false);
    const subject = substitute(stmt.subject, frame.env);
    const segments = segmentsOf(stmt.body);
    const chosen = segments.filter(({ body }) => !tail || mentionsEnd(body));
    const all = segments.flatMap(({ values }) => values);
    const test = (value: Expr): Expr => ({ kind: 'binary', op: '==', left: subject, right: value, at: value.at });
    const flows = alternatives(
      frame,
      chosen.map(({ values, isDefault, body }) => (inner: Frame) => {
        const [first, ...rest] = values.map(test);
        // The interface that leads to the path's end is no condition of the path.
        const own = tail
          ? []
          : isDefault
            ? all.flatMap((value) => guardsOf(tree, test(value), true))
            : first === undefined
              ? []
              : guardsOf(
                  tree,
                  rest.reduce((left, right): Expr => ({ kind: 'binary', op: '||', left, right, at: left.at }), first),
                );
        return walkList(body, inner, [...guards, ...own], tail);
      }),
    );
    const out = new Set<Flow>(flows.flatMap((way) => [...way]));
    if (out.delete('break') || !tail) out.add('fall');
    return out;
  }

  function walkExpr(expr: Expr, frame: Frame, guards: readonly Guard[], tail: boolean): Set<Flow> {
    switch (expr.kind) {
      case 'call':
        return walkCall(expr, frame, guards, tail);
      case 'assign': {
        const flow = walkExpr(expr.value, frame, guards, tail);
        if (flow.has('fall')) assign(expr, frame, guards);
        return flow;
      }
      case 'unary':
      case 'postfix':
        if (expr.op === '++' || expr.op === '--') {
          const name = nameOf(expr.operand);
          if (name !== null) frame.env.delete(name);
        }
        return walkExpr(expr.operand, frame, guards, tail);
      case 'cast':
        return walkExpr(expr.operand, frame, guards, tail);
      case 'binary': {
        const left = walkExpr(expr.left, frame, guards, false);
        if (!left.has('fall')) return left;
        const isLazy = expr.op === '&&' || expr.op === '||';
        const own = isLazy ? guardsOf(tree, substitute(expr.left, frame.env), expr.op === '||') : [];
        const right = walkExpr(expr.right, frame, [...guards, ...own], tail);
        return isLazy ? new Set([...left, ...right]) : right;
      }
      case 'ternary': {
        walkExpr(expr.test, frame, guards, false);
        const test = substitute(expr.test, frame.env);
        const flows = alternatives(frame, [
          (inner) => walkExpr(expr.then, inner, [...guards, ...guardsOf(tree, test)], tail),
          (inner) => walkExpr(expr.otherwise, inner, [...guards, ...guardsOf(tree, test, true)], tail),
        ]);
        return new Set(flows.flatMap((way) => [...way]));
      }
      case 'member':
        return walkExpr(expr.object, frame, guards, tail);
      case 'index':
        walkExpr(expr.index, frame, guards, false);
        return walkExpr(expr.object, frame, guards, tail);
      case 'comma':
      case 'init': {
        const parts = expr.kind === 'comma' ? expr.items : expr.items.map(({ value }) => value);
        for (const part of parts) {
          const flow = walkExpr(part, frame, guards, false);
          if (!flow.has('fall')) return flow;
        }
        return new Set(['fall']);
      }
      case 'statements':
        return walkList(expr.body, frame, guards, tail);
      default:
        return new Set(['fall']);
    }
  }

  /** What a call computes is known by the local's own name; an access path, a getter or a read MSR stands for the local. */
  function setLocal(frame: Frame, name: string, value: Expr): void {
    if (isTransparent(value, primitives)) frame.env.set(name, value);
    else frame.env.delete(name);
  }

  function assign(expr: Extract<Expr, { kind: 'assign' }>, frame: Frame, guards: readonly Guard[]): void {
    const value = substitute(expr.value, frame.env);
    const name = nameOf(expr.target);
    if (name !== null) {
      const before = frame.env.get(name);
      if (expr.op === '=') setLocal(frame, name, value);
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
    const path = show(substitute(expr.target, frame.env));
    events.push({
      kind: 'store',
      path,
      value: expr.op === '=' ? value : modified(substitute(expr.target, frame.env), value),
      guards,
      site: siteOf(frame, expr.at, null),
    });
  }

  function walkCall(
    expr: Extract<Expr, { kind: 'call' }>,
    frame: Frame,
    guards: readonly Guard[],
    tail: boolean,
  ): Set<Flow> {
    for (const arg of expr.args) {
      const flow = walkExpr(arg, frame, guards, false);
      if (!flow.has('fall')) return flow;
    }
    const name = nameOf(expr.callee);
    if (name === null) {
      notes.add(`${frame.file}:${expr.at.line}: a call through \`${show(expr.callee)}\` is not followed`);
      return new Set(['fall']);
    }
    const args = expr.args.map((arg) => substitute(arg, frame.env));
    const flow = call(name, expr, args, frame, guards, tail);
    // What a callee may write through a pointer is no longer known.
    for (const arg of expr.args)
      if (arg.kind === 'unary' && arg.op === '&') {
        const root = rootName(arg.operand);
        if (root !== null && frame.locals.has(root) && (arg.operand.kind === 'id' || !frame.pointers.has(root)))
          frame.env.delete(root);
      }
    return flow;
  }

  function call(
    name: string,
    expr: Extract<Expr, { kind: 'call' }>,
    args: readonly Expr[],
    frame: Frame,
    guards: readonly Guard[],
    tail: boolean,
  ): Set<Flow> {
    called.add(name);
    const primitive = primitives.get(name);
    const site = { path: frame.file, line: expr.at.line };
    if (primitive !== undefined) {
      const [address, value] = [args[primitive.address], args[primitive.value ?? -1]];
      if (primitive.kind === 'write' && address !== undefined && value !== undefined)
        events.push({ kind: 'write', address, value, guards, site: siteOf(frame, expr.at, address) });
      return new Set(['fall']);
    }
    if (spec.ends.has(name)) {
      events.push({ kind: 'end', args, guards, site });
      return new Set(['end']);
    }
    if (spec.stops.has(name)) return new Set(['left']);
    if (!graph.touchesMsrs(name) && !spine.has(name)) return new Set(['fall']);
    if (active.includes(name) || frame.depth > MAX_DEPTH) {
      notes.add(`${frame.file}:${expr.at.line}: the recursive call of ${name}() is not followed`);
      return new Set(['fall']);
    }
    const calls = [...frame.calls, { site, args }];
    const onSpine = spine.has(name);
    active.push(name);
    try {
      return descend(name, args, calls, frame, guards, tail, onSpine);
    } finally {
      active.pop();
    }
  }

  function descend(
    name: string,
    args: readonly Expr[],
    calls: Frame['calls'],
    frame: Frame,
    guards: readonly Guard[],
    tail: boolean,
    onSpine: boolean,
  ): Set<Flow> {
    const functions = tree.functions.get(name) ?? [];
    const flow = new Set<Flow>();
    for (const target of functions) {
      const env = bind(target.fn.params, args);
      const inner: Frame = {
        file: target.unit.file,
        env,
        pointers: new Set(target.fn.params),
        locals: new Set(target.fn.params),
        depth: frame.depth + 1,
        onSpine,
        calls,
      };
      // Two definitions of a name stand under opposite `#if` conditions.
      const own = functions.length > 1 ? target.fn.conditions.map(preprocessorGuard) : [];
      for (const way of walkList(context.bodies.of(target), inner, [...guards, ...own], onSpine && tail)) flow.add(way);
    }
    const macro = tree.macros.get(name);
    if (functions.length === 0 && macro?.params != null) {
      const inner: Frame = {
        file: macro.file,
        env: bind(macro.params, args),
        pointers: new Set(macro.params),
        locals: new Set(macro.params),
        depth: frame.depth + 1,
        onSpine,
        calls,
      };
      // A macro's body sees the caller's names.
      for (const [local, value] of frame.env) if (!inner.env.has(local)) inner.env.set(local, value);
      for (const way of walkList(macroStatements(macro), inner, guards, onSpine && tail)) flow.add(way);
    }
    if (flow.has('return') || flow.has('goto') || flow.has('break')) flow.add('fall');
    for (const way of ['return', 'goto', 'break'] as const) flow.delete(way);
    return flow.size === 0 ? new Set(['fall']) : flow;
  }

  const roots = tree.functions.get(spec.root) ?? [];
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
    active.push(spec.root);
    walkList(context.bodies.of(root), frame, [], true);
    active.pop();
  }
  return { events, called, notes: [...notes] };
}

function isTransparent(expr: Expr, primitives: ReadonlyMap<string, Primitive>): boolean {
  if (expr.kind === 'id') return expr.name !== 'NULL';
  if (expr.kind === 'call') {
    const name = expr.callee.kind === 'id' ? expr.callee.name : '';
    return expr.args.length === 0 || primitives.has(name) || /^[A-Z_]+$|^__modified$/.test(name);
  }
  return partsOf(expr).every((part) => isTransparent(part, primitives));
}

const same = (a: Expr | undefined, b: Expr | undefined): boolean =>
  a !== undefined && b !== undefined && show(a) === show(b);

function bind(params: readonly string[], args: readonly Expr[]): Map<string, Expr> {
  return new Map(params.flatMap((param, at) => (args[at] === undefined ? [] : [[param, args[at]] as const])));
}

/** True where both are the same constant, or sums over the same base. */
function sameAddress(tree: Tree, a: Expr, b: Expr): boolean {
  const [left, right] = [constantOf(tree, a), constantOf(tree, b)];
  if (left !== null || right !== null) return left === right && left !== null && /[A-Za-z_]{4}/.test(show(a));
  return show(a) === show(b) && bare(a).kind === 'binary';
}

const rawInit = (value: Expr): Expr => ({
  kind: 'init',
  items: [{ designators: [{ kind: 'field', name: 'raw', at: value.at }], value, at: value.at }],
  at: value.at,
});
const rawOf = (expr: Expr): Expr =>
  expr.kind === 'init' && expr.items[0] !== undefined && expr.items.length === 1 ? expr.items[0].value : expr;

/** The local variable (no pointer) that a target is a part of, with the name of the part. */
function localOf(target: Expr, frame: Frame): { readonly name: string; readonly field: string } | null {
  for (let expr = target; expr.kind === 'member' && !expr.arrow; expr = expr.object)
    if (expr.object.kind === 'id' && frame.locals.has(expr.object.name) && !frame.pointers.has(expr.object.name))
      return {
        name: expr.object.name,
        field: target.kind === 'member' && target.object === expr.object ? target.name : '',
      };
  return null;
}
