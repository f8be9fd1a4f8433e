import { type Place, samePlace } from '../../model/place.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import type { Token } from '../c/token.ts';
import { bodyOf, type CFunction, initialiserOf, type Unit } from '../c/unit.ts';
import { allStatements, expressionsIn } from '../c/walk.ts';
import type { FeatureTable } from './features.ts';

/** A place of the file where more bits could be written: behind the character before `column` of `line`, both 1-based. */
export type OptInPlace = {
  readonly line: number;
  readonly column: number;
  /** Whether an operator or a comma joins what is added, and how the code around names a feature: `F`, `feature_bit`. */
  readonly joins: '|' | ',';
  readonly macro: string | null;
};

/**
 * Where an allowlist could let more bits of a register through: the register's word in a table, the call that fills it, and
 * every mask that a function assigns or returns. Which of them does it, running the changed code tells.
 */
export function optInPlaces(unit: Unit, features: FeatureTable, place: Place): readonly OptInPlace[] {
  const words = [...features.words].filter(([, word]) => samePlace(word, place)).map(([name]) => name);
  const functions = [...unit.functions.values()].flat();
  return [
    ...[...unit.objects.values()].flatMap((object) => inTable(unit, initialiserOf(unit, object), words)),
    ...functions.flatMap((fn) => inCalls(unit, fn, words)),
    ...functions.flatMap((fn) => inMasks(unit, fn)),
  ];
}

/** `[CPUID_7_1_EAX] = F(A) | F(B)`. */
function inTable(unit: Unit, value: Expr, words: readonly string[]): readonly OptInPlace[] {
  if (value.kind !== 'init') return [];
  return value.items.flatMap((item): readonly OptInPlace[] => {
    const [designator] = item.designators;
    const isWord =
      designator?.kind === 'index' && designator.index.kind === 'id' && words.includes(designator.index.name);
    return isWord ? behind(unit, item.value.at, '|') : [];
  });
}

/** `…_cap_init(CPUID_7_1_EAX, F(A), F(B))`. */
function inCalls(unit: Unit, fn: CFunction, words: readonly string[]): readonly OptInPlace[] {
  return [...expressionsIn(bodyOf(unit, fn))].flatMap((expr): readonly OptInPlace[] => {
    if (expr.kind !== 'call') return [];
    const [word, ...masks] = expr.args;
    const last = masks.at(-1) ?? word;
    return word?.kind === 'id' && words.includes(word.name) && last !== undefined ? behind(unit, last.at, ',') : [];
  });
}

/** `eax = MASK`, `entry->eax &= MASK`, `return MASK`. */
function inMasks(unit: Unit, fn: CFunction): readonly OptInPlace[] {
  return [...allStatements(bodyOf(unit, fn))].flatMap((statement) => {
    const mask = maskOf(statement);
    return mask === null ? [] : behind(unit, mask.at, '|');
  });
}

function maskOf(statement: Stmt): Expr | null {
  if (statement.kind === 'return') return statement.value;
  if (statement.kind === 'decl') return statement.init;
  return statement.kind === 'expr' && statement.expr.kind === 'assign' ? statement.expr.value : null;
}

/** The place behind the expression that `at` is in: before the next token that ends it. */
function behind(unit: Unit, at: Token, joins: OptInPlace['joins']): readonly OptInPlace[] {
  const { tokens } = unit;
  const start = tokens.indexOf(at);
  if (start === -1) return [];
  let depth = 0;
  let macro: string | null = null;
  for (let index = start; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token === undefined || token.kind === 'directive') return [];
    const { text } = token;
    if (depth === 0 && [',', ';', '}', ')', ']'].includes(text)) {
      const last = tokens[index - 1];
      return last === undefined ? [] : [{ line: last.line, column: last.column + last.text.length, joins, macro }];
    }
    if (['(', '[', '{'].includes(text)) depth += 1;
    else if ([')', ']', '}'].includes(text)) depth -= 1;
    else if (/^F$|feature_bit$/.test(text)) macro = text;
  }
  return [];
}
