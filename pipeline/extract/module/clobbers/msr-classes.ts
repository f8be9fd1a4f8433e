import type { Expr } from '../../c/ast.ts';
import { initialiserOf } from '../../c/unit.ts';
import { constantOf, type Tree } from './tree.ts';

/** A range of MSRs with the class that decides over a TD's access to it, such as `PERFMON`, `XFAM_LBR`, `UMWAIT`. */
export type MsrClass = { readonly first: number; readonly last: number; readonly name: string };

/** Reads `msr_lookup[]`: the ranges whose access depends on the TD's configuration (`MSR_BITMAP_DYN_*`). */
export function readMsrClasses(tree: Tree): readonly MsrClass[] {
  for (const unit of tree.units.values()) {
    const object = unit.objects.get('msr_lookup');
    if (object === undefined) continue;
    const table = initialiserOf(unit, object);
    if (table.kind !== 'init') continue;
    return table.items.flatMap(({ value }) => rangeOf(tree, value));
  }
  return [];
}

function rangeOf(tree: Tree, entry: Expr): readonly MsrClass[] {
  if (entry.kind !== 'init') return [];
  const field = (name: string, position: number): Expr | undefined =>
    entry.items.find(({ designators: [first] }) => first?.kind === 'field' && first.name === name)?.value ??
    (entry.items[position]?.designators.length === 0 ? entry.items[position]?.value : undefined);
  const [first, last] = [field('start_address', 0), field('end_address', 1)];
  const meanings = [field('rd_bit_meaning', 2), field('wr_bit_meaning', 4)];
  const names = meanings.flatMap((meaning) =>
    meaning?.kind === 'id' ? (/^MSR_BITMAP_DYN_(\w+)$/.exec(meaning.name)?.[1] ?? []) : [],
  );
  const [from, to] = [first, last].map((expr) => (expr === undefined ? null : constantOf(tree, expr)));
  const [name] = names;
  if (from == null || to == null || name === undefined) return [];
  return [{ first: Number(from), last: Number(to), name }];
}

export const classOf = (classes: readonly MsrClass[], address: number | null): string | null =>
  address === null ? null : (classes.find(({ first, last }) => first <= address && address <= last)?.name ?? null);
