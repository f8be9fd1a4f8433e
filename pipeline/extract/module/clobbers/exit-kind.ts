import type { ExitKind } from '../../../model/clobber.ts';
import type { Expr } from '../../c/ast.ts';
import type { Primitive } from './call-graph.ts';
import { bare, leavesOf, show } from './expression.ts';
import type { Guard } from './guard.ts';
import type { Msr } from './msr.ts';
import { isOfTd, isReadOf, resolveText, type Store, type Stores } from './stores.ts';
import { constantOf, type Tree } from './tree.ts';
import type { TraceEvent } from './walk.ts';

/** A write of one MSR in the order of its path; `conditions` are its guards without optimisations, resolved. */
export type Write = {
  readonly order: number;
  readonly value: Expr;
  readonly guards: readonly Guard[];
  readonly site: { readonly path: string; readonly line: number };
};

/** What all questions about one MSR need. */
export type MsrView = {
  readonly tree: Tree;
  readonly primitives: ReadonlyMap<string, Primitive>;
  readonly stores: Stores;
  readonly msr: Msr;
  /** Arguments that the callers of the way out pass, by parameter. */
  readonly rootArguments: ReadonlyMap<string, readonly Expr[]>;
};

/** How one exit write leaves the MSR; `own` is a value of the TD itself, which brings nothing back. */
export type ValueKind = { readonly kind: ExitKind | 'own'; readonly reason: string | null };

/** Judges the value of an exit write against what happened on the way in, under the given entry writes and stores. */
export function valueKind(
  view: MsrView,
  write: Write,
  entry: readonly Write[],
  isActive: (store: Store) => boolean,
): ValueKind {
  const { tree, stores, msr } = view;
  if (constantOf(tree, write.value) !== null) return { kind: 'init', reason: null };
  const text = show(write.value);
  const saves = stores.entry.filter((store) => store.path === text && isActive(store));
  const last = saves.at(-1);
  if (last !== undefined) return savedKind(view, last, entry);
  if (isOfTd(tree, stores, write.value) || isOwnByCallers(view, write.value)) return { kind: 'own', reason: null };
  return (
    savedElsewhere(
      view,
      write.value,
      stores.exit.some(({ path }) => path === text),
    ) ?? {
      kind: 'unknown',
      reason: `written at exit with ${short(text)}, of which no save of ${msr.name} is found`,
    }
  );
}

const short = (text: string): string => `\`${text.length > 80 ? `${text.slice(0, 77)}…` : text}\``;

/** The field was stored on the way in: it is the host's value only if it was read from this MSR before the first write. */
function savedKind(view: MsrView, save: Store, entry: readonly Write[]): ValueKind {
  const { tree, primitives, msr } = view;
  const where = `${save.site.path}:${save.site.line}`;
  if (!isReadOf(tree, primitives, save.value, msr.address ?? -1))
    return {
      kind: constantOf(tree, save.value) === null ? 'unknown' : 'init',
      reason: `the field that is written back was stored at ${where} with ${short(show(save.value))}`,
    };
  const first = entry[0];
  if (first !== undefined && first.order < save.order)
    return { kind: 'unknown', reason: `the value was read at ${where}, behind the first write on the way in` };
  return { kind: 'restored', reason: null };
}

function savedElsewhere(view: MsrView, value: Expr, isStoredAtExit: boolean): ValueKind | null {
  const inner = bare(value);
  if (inner.kind !== 'member' || isStoredAtExit) return null;
  const stores = view.stores.elsewhere(inner.name);
  const [first] = stores;
  if (first === undefined) return null;
  const isSaved = stores.every(({ value: stored }) =>
    isReadOf(view.tree, view.primitives, stored, view.msr.address ?? -1),
  );
  if (!isSaved) return null;
  return {
    kind: 'restored',
    reason: `saved at ${first.site.path}:${first.site.line}, which is not on the way into a TD`,
  };
}

/** A parameter of the way out: what all its callers pass is the TD's own state. */
function isOwnByCallers(view: MsrView, value: Expr): boolean {
  const leaves = leavesOf(view.tree, value);
  return (
    leaves.length > 0 &&
    leaves.every((leaf) => {
      const passed = leaf.kind === 'id' ? view.rootArguments.get(leaf.name) : undefined;
      return passed?.every((arg) => isOfTd(view.tree, view.stores, arg)) ?? isOfTd(view.tree, view.stores, leaf);
    })
  );
}

/**
 * `if (new != current) write(new)`: skipping changes nothing, so it is no condition of meaning. It counts as such only where
 * the compared value is known to be what the MSR holds: read from it, or what an entry write put there.
 */
export function isOptimisation(view: MsrView, guard: Guard, value: Expr, entry: readonly Write[]): boolean {
  if (guard.expr === null) return false;
  const inner = bare(guard.expr);
  const zero: Expr = { kind: 'num', text: '0', at: inner.at };
  if (guard.negated) return false;
  const [left, right] =
    inner.kind === 'binary' && inner.op === '!='
      ? [inner.left, inner.right]
      : inner.kind === 'binary'
        ? []
        : [inner, zero];
  if (left === undefined || right === undefined) return false;
  const sides: readonly (readonly [Expr, Expr])[] = [
    [left, right],
    [right, left],
  ];
  return sides.some(([written, current]) => isSame(view, written, value) && isCurrent(view, current, entry));
}

const isSame = (view: MsrView, a: Expr, b: Expr): boolean => {
  const [left, right] = [constantOf(view.tree, a), constantOf(view.tree, b)];
  return left !== null || right !== null ? left === right : show(a) === show(b);
};

function isCurrent(view: MsrView, expr: Expr, entry: readonly Write[]): boolean {
  return isRead(view, expr) || entry.some(({ value }) => isSame(view, value, expr));
}

/** True where the expression is what was read from this MSR, on either path. */
function isRead(view: MsrView, expr: Expr): boolean {
  const { tree, primitives, stores, msr } = view;
  if (isReadOf(tree, primitives, expr, msr.address ?? -1)) return true;
  const text = show(expr);
  const saves = [...stores.entry, ...stores.exit].filter(({ path }) => path === text);
  return saves.some(({ value }) => isReadOf(tree, primitives, value, msr.address ?? -1));
}

/** A condition on nothing but the MSR's own former value. */
export function isOnOwnValue(view: MsrView, guard: Guard): boolean {
  if (guard.expr === null) return false;
  const leaves = leavesOf(view.tree, guard.expr);
  return leaves.length > 0 && leaves.every((leaf) => isRead(view, leaf));
}

export const resolveGuard = (stores: Stores, guard: Guard): string => {
  const inner = guard.expr === null ? null : bare(guard.expr);
  if (inner === null || (inner.kind !== 'member' && inner.kind !== 'id')) return guard.text;
  return `${guard.negated ? '!' : ''}${resolveText(stores, show(inner))}`;
};

export const asWrites = (
  events: readonly TraceEvent[],
): readonly (Write & { readonly address: Expr; readonly by: string })[] =>
  events.flatMap((event, order) => (event.kind === 'write' ? [{ ...event, order }] : []));
