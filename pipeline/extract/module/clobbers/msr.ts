import type { Expr } from '../../c/ast.ts';
import { bare, show } from './expression.ts';
import { rangeBase } from './guard.ts';
import { constantOf, type Tree } from './tree.ts';

/** An MSR as a write names it: the tree's own name, its address, and whether an index is added to it. */
export type Msr = { readonly name: string; readonly address: number | null; readonly isRange: boolean };

const plain = (name: string): string => name.replace(/_MSR_ADDR$/, '').replace(/_MSR$/, '');

/** The MSR of an address expression: a constant, or a constant with an index. */
export function msrOf(tree: Tree, names: ReadonlyMap<number, string>, address: Expr): Msr | null {
  const inner = bare(address);
  const base = rangeBase(tree, inner);
  const whole = constantOf(tree, inner);
  const value = whole ?? base;
  if (value === null) return null;
  const number = Number(value);
  const named = namedIn(tree, inner);
  const sum = named === null ? null : constantOf(tree, named);
  // The name stands for the address only where nothing constant was added to it.
  const name = named !== null && sum === value ? plain(show(named)) : (names.get(number) ?? `0x${number.toString(16)}`);
  return { name, address: number, isRange: whole === null };
}

function namedIn(tree: Tree, expr: Expr): Expr | null {
  const inner = bare(expr);
  if (inner.kind === 'id') return tree.macros.get(inner.name)?.params === null ? inner : null;
  if (inner.kind === 'binary') return namedIn(tree, inner.left) ?? namedIn(tree, inner.right);
  return null;
}

/** The tree's names of MSR addresses (`#define IA32_X_MSR_ADDR 0x…`), the first by name where an address has several. */
export function msrNames(tree: Tree): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const name of [...tree.macros.keys()].filter((key) => /_MSR_ADDR$/.test(key)).sort()) {
    const value = constantOf(tree, { kind: 'id', name, at: { kind: 'id', text: name, line: 1, column: 1 } });
    if (value !== null && !names.has(Number(value))) names.set(Number(value), plain(name));
  }
  return names;
}
