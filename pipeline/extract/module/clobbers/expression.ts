import type { Expr } from '../../c/ast.ts';
import { partsOf } from '../../c/walk.ts';
import { constantOf, type Tree } from './tree.ts';

/** What local names stand for; a name without an entry stands for itself. */
export type Env = ReadonlyMap<string, Expr>;

/** The name of a call that says: this value, with some of its bits set elsewhere. */
const MODIFIED = '__modified';

/** A local whose bit-field or part was assigned after its value. */
export const modified = (before: Expr, part: Expr): Expr => ({
  kind: 'call',
  callee: { kind: 'id', name: MODIFIED, at: before.at },
  args: [before, part],
  at: before.at,
});

const isModified = (expr: Expr): boolean =>
  expr.kind === 'call' && expr.callee.kind === 'id' && expr.callee.name === MODIFIED;

/** Rebuilds an expression from its parts. */
function mapParts(expr: Expr, map: (part: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'call':
      return { ...expr, args: expr.args.map(map) };
    case 'member':
      return { ...expr, object: map(expr.object) };
    case 'index':
      return { ...expr, object: map(expr.object), index: map(expr.index) };
    case 'unary':
    case 'postfix':
    case 'cast':
      return { ...expr, operand: map(expr.operand) };
    case 'binary':
      return { ...expr, left: map(expr.left), right: map(expr.right) };
    case 'assign':
      return { ...expr, value: map(expr.value) };
    case 'ternary': {
      const [test, then, otherwise] = [map(expr.test), map(expr.then), map(expr.otherwise)];
      return { ...expr, test, then, otherwise };
    }
    case 'comma':
      return { ...expr, items: expr.items.map(map) };
    case 'init':
      return { ...expr, items: expr.items.map((item) => ({ ...item, value: map(item.value) })) };
    default:
      return expr;
  }
}

/** Puts what local names stand for in their place; `{ .raw = x }.raw` is x, `(&s)->m` is `s.m`. */
export function substitute(expr: Expr, env: Env): Expr {
  if (expr.kind === 'id') return env.get(expr.name) ?? expr;
  const inner = mapParts(expr, (part) => substitute(part, env));
  if (inner.kind !== 'member') return inner;
  const object = bare(inner.object);
  if (object.kind === 'init') {
    const item = object.items.find(({ designators: [first] }) => first?.kind === 'field' && first.name === inner.name);
    if (item !== undefined) return item.value;
  }
  return { ...inner, object };
}

/** Without casts, `&` and `*`: what an access path is about. */
export function bare(expr: Expr): Expr {
  if (expr.kind === 'cast') return bare(expr.operand);
  if (expr.kind === 'unary' && (expr.op === '&' || expr.op === '*')) return bare(expr.operand);
  return expr;
}

/** Names of the TD's control structures: what is reached through them is the TD's own state. */
const TD_ROOT = /^(tdvps|tdcs|tdr)(?:_ptr|_p)?$/;
/** A step of an access path, a name or a getter. It begins with a word, so that no name is read from each of its letters on. */
const STEP = /\b(\w+)(\(\))?\./g;

type Step = { readonly name: string; readonly isGetter: boolean; readonly start: number; readonly end: number };

/** The steps of a text that touch each other, in their order. */
function* pathsIn(text: string): Generator<readonly Step[]> {
  let steps: Step[] = [];
  for (const { 0: all, 1: name = '', 2: getter, index } of text.matchAll(STEP)) {
    if (steps.length > 0 && steps.at(-1)?.end !== index) {
      yield steps;
      steps = [];
    }
    steps.push({ name, isGetter: getter !== undefined, start: index, end: index + all.length });
  }
  if (steps.length > 0) yield steps;
}

/** A path from the TD's control structure on, where it passes one; without getters and the processor's local data. */
function shortened(path: readonly Step[]): string {
  const root = path.findLastIndex(({ name, isGetter }) => !isGetter && TD_ROOT.test(name));
  return path
    .slice(Math.max(0, root))
    .map(({ name, isGetter }, at) => {
      if (at === 0 && root >= 0) return `${TD_ROOT.exec(name)?.[1] ?? name}.`;
      if (isGetter) return name.includes('global') ? `${name}().` : '';
      return name.includes('local') ? '' : `${name}.`;
    })
    .join('');
}

/**
 * One text for equal meanings: `->` and `.` alike, without casts, numbers in decimal, access paths without the getter or
 * pointer that they start from (the processor's local data), and from the TD's control structure on where they pass one.
 */
export function show(expr: Expr): string {
  const text = spell(expr);
  let out = '';
  let at = 0;
  for (const path of pathsIn(text)) {
    out += text.slice(at, path[0]?.start) + shortened(path);
    at = path.at(-1)?.end ?? at;
  }
  return out + text.slice(at);
}

function spell(expr: Expr): string {
  switch (expr.kind) {
    case 'id':
      return expr.name;
    case 'num': {
      const digits = expr.text.replace(/[uUlL]+$/, '');
      return /^(0x[0-9a-f]+|\d+)$/i.test(digits) ? BigInt(digits).toString() : expr.text;
    }
    case 'str':
      return expr.text;
    case 'member':
      return `${spell(bare(expr.object))}.${expr.name}`;
    case 'index':
      return `${spell(bare(expr.object))}[${spell(expr.index)}]`;
    case 'cast':
      return spell(expr.operand);
    case 'unary':
      return expr.op === '&' || expr.op === '*' ? spell(expr.operand) : `${expr.op}${wrapped(expr.operand)}`;
    case 'postfix':
      return `${wrapped(expr.operand)}${expr.op}`;
    case 'binary':
      return `${wrapped(expr.left)} ${expr.op} ${wrapped(expr.right)}`;
    case 'call':
      return `${spell(expr.callee)}(${expr.args.map(spell).join(', ')})`;
    case 'ternary':
      return `${wrapped(expr.test)} ? ${wrapped(expr.then)} : ${wrapped(expr.otherwise)}`;
    case 'assign':
      return `${spell(expr.target)} ${expr.op} ${spell(expr.value)}`;
    case 'comma':
      return expr.items.map(spell).join(', ');
    case 'type':
      return expr.type;
    case 'init':
      return `{ ${expr.items.map((item) => spell(item.value)).join(', ')} }`;
    case 'statements':
      return '({ … })';
  }
}

const wrapped = (expr: Expr): string => {
  const inner = expr.kind === 'cast' ? bare(expr) : expr;
  return inner.kind === 'binary' || inner.kind === 'ternary' || inner.kind === 'assign'
    ? `(${spell(inner)})`
    : spell(inner);
};

/** The names, access paths and calls that an expression's value depends on; constants are none. */
export function leavesOf(tree: Tree, expr: Expr): readonly Expr[] {
  if (constantOf(tree, expr) !== null) return [];
  switch (expr.kind) {
    case 'id':
      return [expr];
    case 'member':
    case 'index': {
      // A part of a local's value depends on what the whole depends on.
      const object = bare(expr.object);
      return object.kind === 'init' || isModified(object) ? leavesOf(tree, object) : [expr];
    }
    case 'call':
      return isModified(expr) ? expr.args.flatMap((arg) => leavesOf(tree, arg)) : [expr];
    case 'cast':
    case 'unary':
    case 'postfix':
      return leavesOf(tree, expr.operand);
    case 'binary':
      return [...leavesOf(tree, expr.left), ...leavesOf(tree, expr.right)];
    case 'ternary':
      return [expr.test, expr.then, expr.otherwise].flatMap((part) => leavesOf(tree, part));
    case 'init':
      return expr.items.flatMap((item) => leavesOf(tree, item.value));
    default:
      return [expr];
  }
}

/** How many nodes an expression has when it is written out, and how high it is. */
export type Extent = { readonly size: number; readonly height: number };
const extents = new WeakMap<Expr, Extent>();

/** The extent of an expression: what is known of locals is shared, and may double at each step. */
export function extentOf(expr: Expr): Extent {
  const known = extents.get(expr);
  if (known !== undefined) return known;
  let [size, height] = [1, 0];
  for (const part of partsOf(expr)) {
    const own = extentOf(part);
    size += own.size;
    height = Math.max(height, own.height);
  }
  const extent = { size, height: height + 1 };
  extents.set(expr, extent);
  return extent;
}
