import { skipBrackets } from '../c/cursor.ts';
import { readFeatures } from './features.ts';
import { findInit, findRefusals } from './find.ts';
import { TDX_PATH } from './paths.ts';
import type { KernelTree } from './tree.ts';

/** The lines of tdx.c where a denial would go, 1-based: each is the line that the new text is put before. */
export type DenialPlaces = {
  /** The first line of the function that fills an entry: helpers go before it. */
  readonly helpers: number;
  /** The closing brace of that function: bits are cleared before it. */
  readonly clear: number;
  /** The `if` that makes a TD's setup fail, null where the tree has none. */
  readonly refuse: number | null;
  /** The names of the entry in both functions. */
  readonly entries: { readonly clear: string; readonly refuse: string };
};

/** Finds the places by what the functions do, as the filter is found. Throws a DataError where they are not there. */
export function findDenialPlaces(tree: KernelTree): DenialPlaces {
  const unit = tree.unit(TDX_PATH);
  const program = { tree, unit, scope: tree.scope(TDX_PATH), features: readFeatures(tree), path: TDX_PATH };
  const init = findInit(program);
  const [refusal] = findRefusals(program);
  const close = skipBrackets(unit.file, unit.tokens, init.open) - 1;
  let first = init.open;
  while (
    first > 0 &&
    !['}', ';'].includes(unit.tokens[first - 1]?.text ?? '}') &&
    unit.tokens[first - 1]?.kind !== 'directive'
  )
    first -= 1;
  return {
    helpers: unit.tokens[first]?.line ?? init.line,
    clear: unit.tokens[close]?.line ?? init.line,
    refuse: refusal === undefined ? null : refusal.line,
    entries: { clear: init.params[0] ?? 'entry', refuse: refusal?.entry ?? 'entry' },
  };
}
