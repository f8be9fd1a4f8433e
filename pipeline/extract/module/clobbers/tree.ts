import { DataError } from '../../../model/errors.ts';
import type { Expr, Stmt } from '../../c/ast.ts';
import { evaluate, type Scope } from '../../c/evaluate.ts';
import { cursorOf } from '../../c/grammar.ts';
import { parseBlock } from '../../c/statement.ts';
import type { Token } from '../../c/token.ts';
import { bodyOf, type CFunction, type Macro, readUnit, type Unit } from '../../c/unit.ts';
import { isClobberSource } from '../clobber-source.ts';
import { type Budget, BudgetError, newBudget, spend } from './budget.ts';

/** The text of one file of a revision, with its blob id where it is known. */
export type TreeFile = { readonly text: string; readonly blob: string | null };

/** A function with the file that defines it; `names` are all names that stand before a parenthesis in its body. */
export type TreeFunction = {
  readonly name: string;
  readonly unit: Unit;
  readonly fn: CFunction;
  readonly calls: ReadonlySet<string>;
};
export type TreeMacro = Macro & { readonly file: string };

/** The definitions of a module revision by name. */
export type Tree = {
  readonly units: ReadonlyMap<string, Unit>;
  readonly functions: ReadonlyMap<string, readonly TreeFunction[]>;
  readonly macros: ReadonlyMap<string, TreeMacro>;
  readonly scope: Scope;
  /** What may still be spent on a derivation from this tree. */
  readonly budget: Budget;
};

/** Indexes the wanted files. Throws a DataError where a file is no C. */
export function readTree(files: ReadonlyMap<string, TreeFile>): Tree {
  const units = new Map<string, Unit>();
  const functions = new Map<string, TreeFunction[]>();
  const macros = new Map<string, TreeMacro>();
  for (const path of [...files.keys()].filter(isClobberSource).sort()) {
    const unit = readUnit(path, files.get(path)?.text ?? '');
    units.set(path, unit);
    for (const [name, fns] of unit.functions)
      functions.set(name, [
        ...(functions.get(name) ?? []),
        ...fns.map((fn) => ({ name, unit, fn, calls: calledNames(unit.tokens, fn.open) })),
      ]);
    for (const macro of unit.macros.values())
      if (!macros.has(macro.name)) macros.set(macro.name, { ...macro, file: path });
  }
  const budget = newBudget();
  const macro = (name: string): TreeMacro | undefined => {
    const found = macros.get(name);
    spend(budget, 1, { file: found?.file ?? 'the module source', line: found?.line ?? 1 });
    return found;
  };
  return { units, functions, macros, scope: { file: 'the module', macro }, budget };
}

/** Names before a parenthesis between the brace at `open` and its end. */
function calledNames(tokens: readonly Token[], open: number): ReadonlySet<string> {
  const names = new Set<string>();
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (token.text === '{' && token.kind === 'punct') depth += 1;
    else if (token.text === '}' && token.kind === 'punct') {
      depth -= 1;
      if (depth === 0) break;
    } else if (token.kind === 'id' && tokens[at + 1]?.text === '(') names.add(token.text);
  }
  return names;
}

/** The names that a macro's body puts before a parenthesis. */
export const macroCalls = (macro: Macro): ReadonlySet<string> =>
  new Set(
    macro.body.flatMap((token, at) =>
      token.kind === 'id' && macro.body[at + 1]?.text === '(' && !(macro.params ?? []).includes(token.text)
        ? [token.text]
        : [],
    ),
  );

/** Parsed bodies, kept for one derivation. */
export type Bodies = { readonly of: (fn: TreeFunction) => readonly Stmt[] };
export function bodies(): Bodies {
  const kept = new Map<CFunction, readonly Stmt[]>();
  return {
    of: (fn) => {
      const body = kept.get(fn.fn) ?? bodyOf(fn.unit, fn.fn);
      kept.set(fn.fn, body);
      return body;
    },
  };
}

/** A macro's body as statements: `do { … } while (0)`, a block, or one expression. */
export function macroStatements(macro: TreeMacro): readonly Stmt[] {
  const [first] = macro.body;
  const at = { line: macro.line, column: 1 };
  const punct = (text: string): Token => ({ kind: 'punct', text, ...at });
  const tail = macro.body.at(-1)?.text === '}' || first === undefined ? [] : [punct(';')];
  return parseBlock(cursorOf(macro.file, [punct('{'), ...macro.body, ...tail, punct('}')]));
}

/** The value of a constant expression, null where it is none. */
export function constantOf(tree: Tree, expr: Expr): bigint | null {
  if (!mayBeConstant(tree, expr)) return null;
  try {
    return BigInt.asUintN(64, evaluate(expr, tree.scope).value);
  } catch (error) {
    if (error instanceof DataError && !(error instanceof BudgetError)) return null;
    throw error;
  }
}

/** A quick no for what no constant holds, since most expressions are none. */
function mayBeConstant(tree: Tree, expr: Expr): boolean {
  switch (expr.kind) {
    case 'num':
      return true;
    case 'id':
      return tree.macros.has(expr.name);
    case 'cast':
    case 'unary':
      return mayBeConstant(tree, expr.operand);
    case 'binary':
      return mayBeConstant(tree, expr.left) && mayBeConstant(tree, expr.right);
    case 'ternary':
      return [expr.test, expr.then, expr.otherwise].every((part) => mayBeConstant(tree, part));
    case 'call':
      return expr.args.every((arg) => mayBeConstant(tree, arg));
    default:
      return false;
  }
}
