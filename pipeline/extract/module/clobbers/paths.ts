import { DataError } from '../../../model/errors.ts';
import { isText } from '../../c/cursor.ts';
import type { CallGraph } from './call-graph.ts';
import type { Tree, TreeFunction } from './tree.ts';
import type { PathSpec } from './walk.ts';

/** The two ways that host state goes: into a TD (TDH.VP.ENTER to VM entry) and back out to the VMM (to SEAMRET). */
export type Paths = { readonly entry: PathSpec; readonly exit: PathSpec };

/**
 * Finds both paths by role: the SEAMCALL dispatcher is the function with the case of TDH.VP.ENTER, VM entry and SEAMRET are
 * assembly that C calls and does not define, the exit is what besides the dispatcher runs the common code before SEAMRET.
 */
export function findPaths(tree: Tree, graph: CallGraph): Paths {
  const functions = [...tree.functions.values()].flat();
  const called = new Set(functions.flatMap((fn) => [...fn.calls]));
  const assembly = (pattern: RegExp): ReadonlySet<string> =>
    new Set(
      [...called].filter((name) => pattern.test(name) && !tree.functions.has(name) && !tree.macros.has(name)).sort(),
    );
  const vmEntry = need(assembly(/tdentry_to_td|vmlaunch|vmresume/i), 'a call of the assembly that enters a TD');
  const seamret = need(assembly(/seamret/i), 'a call of the assembly that executes SEAMRET');
  const dispatcher = one(
    functions.filter((fn) => hasEnterCase(fn)).map(({ name }) => name),
    'one function with `case TDH_VP_ENTER_LEAF`, the SEAMCALL dispatcher',
  );
  const common = new Set(
    functions.filter(({ calls }) => [...calls].some((name) => seamret.has(name))).map(({ name }) => name),
  );
  common.delete(dispatcher);
  const exits = functions
    .filter(
      ({ name, calls }) => name !== dispatcher && !common.has(name) && [...calls].some((callee) => common.has(callee)),
    )
    .map(({ name }) => name);
  const exit = one(exits.length > 0 ? exits : [...common], 'one function beside the dispatcher that leaves to the VMM');
  if (!graph.reaching(vmEntry, new Set([exit, ...common])).has(dispatcher))
    throw missing('a way from TDH.VP.ENTER to VM entry');
  return {
    entry: { root: dispatcher, ends: vmEntry, stops: new Set([exit, ...common]) },
    exit: { root: exit, ends: seamret, stops: new Set() },
  };
}

function hasEnterCase(fn: TreeFunction): boolean {
  const { tokens } = fn.unit;
  let depth = 0;
  for (let at = fn.fn.open; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (isText(token, '{')) depth += 1;
    if (isText(token, '}')) depth -= 1;
    if (depth === 0) return false;
    // The leaf's number may be switched on elsewhere too: the dispatcher is where its handler is called.
    if (
      isText(token, 'case') &&
      /^TDH_?VP_?ENTER_LEAF$/.test(tokens[at + 1]?.text ?? '') &&
      fn.calls.has('tdh_vp_enter')
    )
      return true;
  }
  return false;
}

const missing = (expected: string, found = 'none'): DataError =>
  new DataError({ where: { file: 'the module source' }, expected, found, hint: 'is this a tree of the TDX module?' });

function need(names: ReadonlySet<string>, what: string): ReadonlySet<string> {
  if (names.size === 0) throw missing(what);
  return names;
}

function one(names: readonly string[], what: string): string {
  const distinct = [...new Set(names)].sort();
  const [first, second] = distinct;
  if (first === undefined || second !== undefined) throw missing(what, distinct.join(', ') || 'none');
  return first;
}
