import type { ClobberFacts, MsrTransition } from '../../../model/clobber.ts';
import { compareTexts } from '../../../model/order.ts';
import type { Source } from '../../../model/source.ts';
import type { Expr } from '../../c/ast.ts';
import { initialiserOf } from '../../c/unit.ts';
import { deriveBeside, withBeside } from './beside.ts';
import { callGraph, findPrimitives } from './call-graph.ts';
import { readFlagBits } from './cpuid-flags.ts';
import { asWrites, type MsrView, type Write } from './exit-kind.ts';
import { show } from './expression.ts';
import { type Msr, msrNames, msrOf } from './msr.ts';
import { findPaths, type Paths } from './paths.ts';
import { collectStores } from './stores.ts';
import { trace } from './trace.ts';
import { transitionsOf } from './transitions.ts';
import { constantOf, bodies as keepBodies, readTree, type Tree, type TreeFile } from './tree.ts';
import type { TraceContext } from './walk.ts';

/** A range of MSRs with the class that decides over a TD's access to it, such as `PERFMON`, `XFAM_LBR`, `UMWAIT`. */
type MsrClass = { readonly first: number; readonly last: number; readonly name: string };

/** Reads `msr_lookup[]`: the ranges whose access depends on the TD's configuration (`MSR_BITMAP_DYN_*`). */
function readMsrClasses(tree: Tree): readonly MsrClass[] {
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

const classOf = (classes: readonly MsrClass[], address: number | null): string | null =>
  address === null ? null : (classes.find(({ first, last }) => first <= address && address <= last)?.name ?? null);

/**
 * Derives from one revision of the module source which MSRs TDH.VP.ENTER writes on the way into a TD, under which of the
 * TD's features, and how the way out leaves them. `files` are those that `isClobberSource` wants, by path.
 * Throws a DataError where the source is no C, or a path's ends are not found.
 */
export function extractClobbers(input: {
  readonly release: string;
  readonly source: Source;
  readonly files: ReadonlyMap<string, TreeFile>;
}): ClobberFacts {
  const tree = readTree(input.files);
  const bodies = keepBodies();
  const { primitives, notes: odd } = findPrimitives(tree);
  const graph = callGraph(tree, primitives);
  const paths = findPaths(tree, graph);
  const context: TraceContext = { tree, bodies, graph, primitives };
  const entry = trace(context, paths.entry);
  const exit = trace(context, paths.exit);
  const { flags, notes: unset } = readFlagBits(tree, bodies);
  const stores = collectStores(tree, bodies, entry.events, exit.events);
  const rootArguments = argumentsOf(context, paths);
  const names = msrNames(tree);
  const grouped = byMsr(tree, names, asWrites(entry.events), asWrites(exit.events));
  const classes = readMsrClasses(tree);
  const msrs = grouped.msrs.flatMap(({ msr, entry: ins, exit: outs }) => {
    const view: MsrView = { tree, primitives, stores, msr, rootArguments };
    const name = classOf(classes, msr.address);
    return transitionsOf(view, flags, ins, outs).map(
      (item): MsrTransition => (name === null ? item : { ...item, class: name }),
    );
  });
  const beside = deriveBeside({ tree, bodies, paths, flags, msrPrimitives: primitives, rootArguments });
  const missing = graph.undefinedFrom([...entry.called, ...exit.called].sort(), paths.entry.stops);
  return {
    release: input.release,
    source: input.source,
    msrs: [...withBeside(msrs, beside)].sort(compareTransitions),
    flags,
    notes: [...new Set([...odd, ...entry.notes, ...exit.notes, ...grouped.notes, ...unset, ...standing(missing)])].sort(
      compareTexts,
    ),
  };
}

const compareTransitions = (a: MsrTransition, b: MsrTransition): number =>
  compareTexts(a.msr, b.msr) || compareTexts(a.guard ?? '', b.guard ?? '');

/** What no derivation along these two paths can see. */
const standing = (missing: readonly string[]): readonly string[] => [
  'Followed: TDH.VP.ENTER up to VM entry, and the way out up to SEAMRET; VM exits that the module handles itself are not.',
  'XSAVE state that XRSTORS loads and clears as XFAM says is not listed by MSR.',
  ...(missing.length === 0 ? [] : [`Called and not defined in the files that were read: ${missing.join(', ')}.`]),
];

type Grouped = { readonly msr: Msr; readonly entry: readonly Write[]; readonly exit: readonly Write[] };
type Addressed = Write & { readonly address: Expr };

function byMsr(
  tree: Tree,
  names: ReadonlyMap<number, string>,
  entry: readonly Addressed[],
  exit: readonly Addressed[],
): { readonly msrs: readonly Grouped[]; readonly notes: readonly string[] } {
  const groups = new Map<number, { msr: Msr; entry: Write[]; exit: Write[] }>();
  const notes: string[] = [];
  const put = (write: Addressed, way: 'entry' | 'exit') => {
    const msr = msrOf(tree, names, write.address);
    if (msr?.address == null) {
      notes.push(
        `${write.site.path}:${write.site.line}: the MSR at \`${show(write.address)}\` is not settled by the syntax`,
      );
      return;
    }
    const group = groups.get(msr.address) ?? { msr, entry: [], exit: [] };
    group.msr = { ...group.msr, isRange: group.msr.isRange || msr.isRange };
    group[way].push(write);
    groups.set(msr.address, group);
  };
  for (const write of entry) put(write, 'entry');
  for (const write of exit) put(write, 'exit');
  return { msrs: [...groups.values()], notes };
}

/** What the callers of the way out pass for each of its parameters. */
function argumentsOf(context: TraceContext, paths: Paths): ReadonlyMap<string, readonly Expr[]> {
  const { tree } = context;
  const [exit] = tree.functions.get(paths.exit.root) ?? [];
  const passed = new Map<string, Expr[]>();
  for (const fn of [...tree.functions.values()].flat()) {
    if (!fn.calls.has(paths.exit.root)) continue;
    const { events } = trace(context, { root: fn.name, ends: new Set([paths.exit.root]), stops: new Set() });
    for (const event of events)
      if (event.kind === 'end')
        exit?.fn.params.forEach((param, at) => {
          const arg = event.args[at];
          if (arg !== undefined) passed.set(param, [...(passed.get(param) ?? []), arg]);
        });
  }
  return passed;
}
