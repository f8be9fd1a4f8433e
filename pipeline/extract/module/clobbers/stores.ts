import type { Expr } from '../../c/ast.ts';
import { allStatements } from '../../c/walk.ts';
import type { Primitive } from './call-graph.ts';
import { bare, leavesOf, show } from './expression.ts';
import { featureOf } from './features.ts';
import { rangeBase } from './guard.ts';
import { type Bodies, constantOf, type Tree } from './tree.ts';
import type { Site, TraceEvent } from './walk.ts';

/** A field that was stored, with its place in the order of the path. */
export type Store = Extract<TraceEvent, { kind: 'store' }> & { readonly order: number };

/** What is known of fields: stores on the way in and on the way out in order, and stores elsewhere in the tree by name. */
export type Stores = {
  readonly entry: readonly Store[];
  readonly exit: readonly Store[];
  readonly elsewhere: (name: string) => readonly { readonly value: Expr; readonly site: Site }[];
  /** What `resolveText` has found before. */
  readonly resolved: Map<string, string>;
};

export function collectStores(
  tree: Tree,
  bodies: Bodies,
  entry: readonly TraceEvent[],
  exit: readonly TraceEvent[],
): Stores {
  const inOrder = (events: readonly TraceEvent[]): readonly Store[] =>
    events.flatMap((event, order) => (event.kind === 'store' ? [{ ...event, order }] : []));
  const kept = new Map<string, ReturnType<typeof findStores>>();
  const elsewhere = (name: string): ReturnType<typeof findStores> => {
    const found = kept.get(name) ?? findStores(tree, bodies, name);
    kept.set(name, found);
    return found;
  };
  return { entry: inOrder(entry), exit: inOrder(exit), elsewhere, resolved: new Map() };
}

/** Assignments to a member of that name in all functions of the tree; values are as written, in terms of their function. */
function findStores(tree: Tree, bodies: Bodies, name: string) {
  return [...tree.functions.values()].flat().flatMap((fn) => {
    const end = fn.unit.tokens.length;
    let isNamed = false;
    for (let at = fn.fn.open, depth = 0; at < end; at += 1) {
      const token = fn.unit.tokens[at];
      if (token?.text === '{') depth += 1;
      if (token?.text === '}') depth -= 1;
      if (depth === 0) break;
      isNamed ||= token?.text === name && fn.unit.tokens[at + 1]?.text === '=';
    }
    if (!isNamed) return [];
    return [...allStatements(bodies.of(fn))].flatMap((stmt) => {
      if (stmt.kind !== 'expr' || stmt.expr.kind !== 'assign' || stmt.expr.target.kind !== 'member') return [];
      if (stmt.expr.target.name !== name) return [];
      return [{ value: stmt.expr.value, site: { path: fn.unit.file, line: stmt.at.line } }];
    });
  });
}

/** The text of an access path with what was stored in it on the way in: `vp_ctx.xfd_supported` is the TD's flag. */
export function resolveText(stores: Stores, text: string): string {
  const known = stores.resolved.get(text) ?? resolveFrom(stores, text, 0);
  stores.resolved.set(text, known);
  return known;
}

function resolveFrom(stores: Stores, text: string, depth: number): string {
  const found = stores.entry.filter(({ path }) => text === path || text.startsWith(`${path}.`));
  const longest = found.reduce((best, { path }) => Math.max(best, path.length), 0);
  const values = new Set(found.filter(({ path }) => path.length === longest).map(({ value }) => show(value)));
  const [value] = values;
  if (depth < 4 && values.size === 1 && value !== undefined && /^[\w.[\]()]+$/.test(value))
    return resolveFrom(stores, `${value}${text.slice(longest)}`, depth + 1);
  if (depth > 0 || featureOf(text) !== null || !/^[\w.]+$/.test(text) || !/_supported$/.test(text)) return text;
  // A flag that is copied where this path does not pass, such as in a helper.
  const copies = new Set(
    stores.elsewhere(text.split('.').at(-1) ?? '').map(({ value: copy }) => featureOf(show(copy)) ?? ''),
  );
  const [copy] = copies;
  return copies.size === 1 && copy !== undefined && copy !== '' ? copy : text;
}

/** True where the value is RDMSR of the MSR at that address. */
export function isReadOf(
  tree: Tree,
  primitives: ReadonlyMap<string, Primitive>,
  value: Expr,
  address: number,
): boolean {
  const inner = unwrapped(value);
  if (inner.kind !== 'call' || inner.callee.kind !== 'id') return false;
  const primitive = primitives.get(inner.callee.name);
  const arg = inner.args[primitive?.address ?? -1];
  if (primitive?.kind !== 'read' || arg === undefined) return false;
  const read = constantOf(tree, arg) ?? rangeBase(tree, arg);
  return read !== null && Number(read) === address;
}

/** `{ .raw = x }` is x. */
function unwrapped(expr: Expr): Expr {
  const inner = bare(expr);
  const [item] = inner.kind === 'init' ? inner.items : [];
  return inner.kind === 'init' && inner.items.length === 1 && item !== undefined ? unwrapped(item.value) : inner;
}

/** True where every part of the value is the TD's own state, also by way of a field that was stored on the way in. */
export function isOfTd(tree: Tree, stores: Stores, value: Expr): boolean {
  const leaves = leavesOf(tree, value);
  return leaves.length > 0 && leaves.every((leaf) => /^(tdvps|tdcs|tdr)\./.test(resolveText(stores, show(leaf))));
}
