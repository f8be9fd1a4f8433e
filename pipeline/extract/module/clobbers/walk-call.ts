import type { Expr } from '../../c/ast.ts';
import { spend } from './budget.ts';
import { bare, show } from './expression.ts';
import { preprocessorGuard } from './guard.ts';
import { bind, resolved } from './locals.ts';
import { nameOf, rootName } from './syntax.ts';
import { constantOf, macroStatements, type Tree } from './tree.ts';
import type { Flow, Frame, Site, Standing, Walk } from './walk.ts';

/** Calls deeper than this are taken for a recursion. */
const MAX_DEPTH = 40;

/** Walks the arguments of a call, then what it calls: a primitive, the path's end, or a function or macro of the tree. */
export function walkCall(walk: Walk, expr: Extract<Expr, { kind: 'call' }>, here: Standing): Set<Flow> {
  const { frame } = here;
  for (const arg of expr.args) {
    const flow = walk.expression(arg, { ...here, tail: false });
    if (!flow.has('fall')) return flow;
  }
  const name = nameOf(expr.callee);
  if (name === null) {
    walk.notes.add(`${frame.file}:${expr.at.line}: a call through \`${show(expr.callee)}\` is not followed`);
    return new Set(['fall']);
  }
  const args = expr.args.map((arg) => resolved(walk, frame, arg));
  const flow = call(walk, { name, args, expr }, here);
  // What a callee may write through a pointer is no longer known.
  for (const arg of expr.args)
    if (arg.kind === 'unary' && arg.op === '&') {
      const root = rootName(arg.operand);
      if (root !== null && frame.locals.has(root) && (arg.operand.kind === 'id' || !frame.pointers.has(root)))
        frame.env.delete(root);
    }
  return flow;
}

/** A call by name, with its arguments as they are known here. */
type Called = {
  readonly name: string;
  readonly args: readonly Expr[];
  readonly expr: Extract<Expr, { kind: 'call' }>;
};

function call(walk: Walk, { name, args, expr }: Called, here: Standing): Set<Flow> {
  const { frame, guards } = here;
  walk.called.add(name);
  const primitive = walk.primitives.get(name);
  const site = { path: frame.file, line: expr.at.line };
  if (primitive !== undefined) {
    const address = primitive.register === undefined ? args[primitive.address] : named(primitive.register, expr);
    const value = args[primitive.value ?? -1];
    if (primitive.kind === 'write' && address !== undefined && value !== undefined)
      walk.events.push({ kind: 'write', address, value, by: name, guards, site: siteOf(walk, frame, site, address) });
    return new Set(['fall']);
  }
  if (walk.spec.ends.has(name)) {
    walk.events.push({ kind: 'end', args, guards, site });
    return new Set(['end']);
  }
  if (walk.spec.stops.has(name)) return new Set(['left']);
  if (!walk.graph.touchesMsrs(name) && !walk.spine.has(name)) return new Set(['fall']);
  if (walk.active.includes(name) || frame.depth > MAX_DEPTH) {
    walk.notes.add(`${frame.file}:${expr.at.line}: the recursive call of ${name}() is not followed`);
    return new Set(['fall']);
  }
  const calls = [...frame.calls, { site, args }];
  const onSpine = walk.spine.has(name);
  walk.active.push(name);
  try {
    return descend(walk, { name, args, calls, onSpine }, here);
  } finally {
    walk.active.pop();
  }
}

/** The number of a register that the instruction itself names. */
const named = (register: number, { at }: Expr): Expr => ({ kind: 'num', text: `${register}`, at });

/** What a call leads into: the calls behind it, and whether the path's end is reached from there. */
type Entered = Omit<Called, 'expr'> & Pick<Frame, 'calls' | 'onSpine'>;

function descend(walk: Walk, { name, args, calls, onSpine }: Entered, here: Standing): Set<Flow> {
  const { frame, guards, tail } = here;
  const functions = walk.tree.functions.get(name) ?? [];
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
    for (const way of walk.list(walk.bodies.of(target), {
      frame: inner,
      guards: [...guards, ...own],
      tail: onSpine && tail,
    }))
      flow.add(way);
  }
  const macro = walk.tree.macros.get(name);
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
    spend(walk.tree.budget, frame.env.size + macro.body.length, { file: macro.file, line: macro.line });
    for (const [local, value] of frame.env) if (!inner.env.has(local)) inner.env.set(local, value);
    for (const way of walk.list(macroStatements(macro), { frame: inner, guards, tail: onSpine && tail })) flow.add(way);
  }
  if (flow.has('return') || flow.has('goto') || flow.has('break')) flow.add('fall');
  for (const way of ['return', 'goto', 'break'] as const) flow.delete(way);
  return flow.size === 0 ? new Set(['fall']) : flow;
}

/** Where an MSR's address is named: the outermost call that hands it on, else the place of the write. */
function siteOf(walk: Walk, frame: Frame, site: Site, address: Expr): Site {
  const outer = frame.calls.find(({ args }) => args.some((arg) => sameAddress(walk.tree, arg, address)));
  return outer?.site ?? site;
}

/** True where both are the same constant, or sums over the same base. */
function sameAddress(tree: Tree, a: Expr, b: Expr): boolean {
  const [left, right] = [constantOf(tree, a), constantOf(tree, b)];
  if (left !== null || right !== null) return left === right && left !== null && /[A-Za-z_]{4}/.test(show(a));
  return show(a) === show(b) && bare(a).kind === 'binary';
}
