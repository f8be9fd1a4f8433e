import { compareTexts } from '../../model/order.ts';
import type { Expr } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import type { CInteger, Scope } from '../c/evaluate.ts';
import type { Unit } from '../c/unit.ts';
import type { FeatureBit, FeatureTable } from './features.ts';
import { oneMeaning } from './meaning.ts';
import type { KernelTree } from './tree.ts';

/** What the code is run with: its file, the meaning of names, the tables of features. */
export type Program = {
  readonly tree: KernelTree;
  readonly unit: Unit;
  readonly scope: Scope;
  readonly features: FeatureTable;
  readonly path: string;
};

/** What a program's runs ask for again and again: its scope, and the constants and tables that its code names. */
type Memo = {
  readonly scope: Scope;
  /** What the build decides of the code that ran, by what stands under it. */
  readonly conditions: Map<string, string>;
};
const memos = new WeakMap<Program, Memo>();

export function memoOf(program: Program): Memo {
  const known = memos.get(program);
  if (known !== undefined) return known;
  const conditions = new Map<string, string>();
  const memo: Memo = {
    scope: newFeatureScope(program, conditions),
    conditions,
  };
  memos.set(program, memo);
  return memo;
}

/** The program's scope, in which `__feature_bit(X86_FEATURE_X)` and `feature_bit(X)` are the feature's bit in its register. */
export const featureScope = (program: Program): Scope => memoOf(program).scope;

/** Notes on what of the code that was run counts only in some builds. */
export const conditionNotes = (program: Program): readonly string[] =>
  [...memoOf(program).conditions]
    .map(([name, condition]) => `${name} is taken to be there, which it is only where ${condition}`)
    .sort(compareTexts);

/** Keeps in mind that a function or macro stands under `#if`. */
export function noteConditions(
  conditions: Map<string, string>,
  item: { readonly name: string; readonly conditions: readonly string[] },
): void {
  if (item.conditions.length > 0) conditions.set(item.name, item.conditions.join(' && '));
}

function newFeatureScope(program: Program, conditions: Map<string, string>): Scope {
  const scope = oneMeaning(program.unit, {
    ...program.scope,
    call: (name, args): CInteger | undefined => {
      const [arg] = args;
      if (!/^(__)?feature_bit$|^F$/.test(name) || arg === undefined) return undefined;
      return { value: 1n << BigInt(featureOf(program, arg).bit), bits: 32, signed: false };
    },
  });
  return {
    ...scope,
    macro: (name) => {
      const macro = scope.macro(name);
      if (macro !== undefined && program.unit.definitions.get(name)?.length === 1) noteConditions(conditions, macro);
      return macro;
    },
  };
}

/** The feature that an argument names: `X86_FEATURE_HLE`, `HLE`, or `3DNOW`, which C reads as a number. */
function featureOf(program: Program, arg: Expr): FeatureBit {
  const text = arg.kind === 'id' ? arg.name : arg.kind === 'num' ? arg.text : '';
  const feature = program.features.bits.get(text.replace(/^X86_FEATURE_/, ''));
  return feature ?? fail(program.path, arg.at, 'a feature with a place in CPUID', `\`${text}\` has none in this tree`);
}
