import { DataError } from '../../model/errors.ts';
import type { Expr, Stmt } from './ast.ts';
import { conditionText } from './conditionals.ts';
import { type Cursor, fail, isText, peek, skipBrackets } from './cursor.ts';
import type { Token } from './token.ts';

/** One branch of a conditional: its tokens from `from` up to `to`. */
type Branch = { readonly condition: string; readonly from: number; readonly to: number };
type Group = { readonly branches: readonly Branch[]; readonly hasElse: boolean; readonly end: number };
/** A branch read together with what stands around the conditional. */
type Variant = { readonly branch: Branch; readonly cursor: Cursor; readonly body: Stmt[]; readonly offset: number };

/** Tokens behind a conditional that its statement may still take. */
const MAX_REST = 20_000;

const isOpening = (token: Token | undefined): boolean => token?.kind === 'directive' && token.text.startsWith('if');

/** The conditional that parts an `else` at the cursor from its `if`, which the statement at `start` holds; else null. */
export function cutBefore(cursor: Cursor, start: number): number | null {
  if (startsWithElse(cursor)) return cursor.at;
  return isText(peek(cursor), 'else') && isOpening(cursor.tokens[start]) ? start : null;
}

/** True at a conditional one of whose branches begins with `else`. */
function startsWithElse(cursor: Cursor): boolean {
  if (!isOpening(peek(cursor))) return false;
  let depth = 0;
  for (let at = cursor.at; at < cursor.tokens.length; at += 1) {
    const token = cursor.tokens[at];
    if (token?.kind !== 'directive') continue;
    if (isOpening(token)) depth += 1;
    if (depth === 1 && token.text !== 'endif' && isText(cursor.tokens[at + 1], 'else')) return true;
    if (token.text === 'endif') depth -= 1;
    if (depth === 0) return false;
  }
  return false;
}

/**
 * One statement. Where a conditional cuts through it (`#ifdef X`, `if (a)`, `#endif`, `{ … }`), it is read as `readCut`
 * does.
 */
export function withVariants(cursor: Cursor, parse: (cursor: Cursor) => readonly Stmt[]): readonly Stmt[] {
  const { at, depth, height } = cursor;
  try {
    return parse(cursor);
  } catch (error) {
    const cut = isOpening(cursor.tokens[at]) ? at : cursor.at;
    const isCut = cursor.tokens[cursor.at]?.kind === 'directive' && isOpening(cursor.tokens[cut]);
    if (!(error instanceof DataError) || !isCut || cursor.cuts.left <= 0) throw error;
    Object.assign(cursor, { at, depth, height });
    return [readCut(cursor, cut)];
  }
}

/**
 * Reads the statements that begin at the cursor and that the conditional at `cut` cuts through: once for each branch, as
 * a compiler would see them. The readings are the branches of the conditional that is returned.
 */
export function readCut(cursor: Cursor, cut: number): Stmt {
  const { tokens, at: start } = cursor;
  const group = groupAt(cursor, cut);
  const branches = group.hasElse ? group.branches : [...group.branches, { condition: '', from: cut, to: cut }];
  cursor.cuts.left -= branches.length;
  if (cursor.cuts.left < 0)
    return fail(cursor.file, tokens[cut] ?? peek(cursor), 'fewer statements that conditionals cut through');
  const after = tokens.slice(group.end + 1, group.end + 1 + MAX_REST);
  const variants = branches.map((branch): Variant => {
    const before = tokens.slice(start, cut).concat(tokens.slice(branch.from, branch.to));
    return {
      branch,
      cursor: { ...cursor, tokens: before.concat(after), at: 0 },
      body: [],
      offset: group.end + 1 - before.length,
    };
  });
  cursor.at = readTogether(variants, group.end + 1);
  cursor.height = variants.reduce((most, variant) => Math.max(most, variant.cursor.height), cursor.height);
  return {
    kind: 'conditional',
    branches: variants.map(({ branch, body }) => ({ condition: branch.condition, body })),
    at: tokens[cut] ?? peek(cursor),
  };
}

/** Reads until all variants end behind the same token, at or behind `least`; one that ends earlier goes on. */
function readTogether(variants: readonly Variant[], least: number): number {
  let end = least;
  while (variants.some((variant) => endOf(variant) !== end)) {
    for (const variant of variants) {
      const more = variant.cursor.grammar.statements(variant.cursor, () => endOf(variant) >= end);
      for (const statement of more) variant.body.push(statement);
      end = Math.max(end, endOf(variant));
    }
  }
  return end;
}

/** `#ifdef X`, `else …`, `#endif`, with a whole statement between: its condition, and where that statement starts and ends. */
export function conditionalElse(
  cursor: Cursor,
): { readonly condition: string; readonly from: number; readonly to: number } | null {
  const { file, tokens } = cursor;
  if (!isOpening(peek(cursor)) || !isText(peek(cursor, 1), 'else')) return null;
  const [branch, ...more] = groupAt(cursor, cursor.at).branches;
  if (branch === undefined || more.length > 0 || !isText(tokens[branch.from + 1], '{')) return null;
  const isWhole = skipBrackets(file, tokens, branch.from + 1) === branch.to;
  return isWhole ? { ...branch, from: branch.from + 1 } : null;
}

/**
 * `(a #ifdef X && b #endif)`, `(a #if X && b #else && c #endif)`: a choice between the conditions with either part, null
 * for anything else.
 */
export function splitCondition(cursor: Cursor, read: (part: Cursor) => Expr): Expr | null {
  const { file, tokens, at: open } = cursor;
  if (!isText(peek(cursor), '(')) return null;
  const behind = skipBrackets(file, tokens, open);
  let start = open;
  while (start < behind && tokens[start]?.kind !== 'directive') start += 1;
  const first = tokens[start];
  if (first === undefined || start === behind || !isOpening(first)) return null;
  const { branches, hasElse, end } = groupAt(cursor, start);
  const [yes, no = { from: end, to: end }, ...more] = branches;
  const rest = tokens.slice(end + 1, behind);
  if (yes === undefined || more.length > 0 || (branches.length === 2 && !hasElse)) return null;
  if (end >= behind || rest.some(({ kind }) => kind === 'directive')) return null;
  const parts = [yes, no].map(({ from, to }) => tokens.slice(from, to));
  if (parts.flat().some(({ kind }) => kind === 'directive')) return null;
  const [then, otherwise] = parts.map((part) => {
    const inner: Cursor = { ...cursor, tokens: [...tokens.slice(open, start), ...part, ...rest], at: 0 };
    const expr = read(inner);
    cursor.height = Math.max(cursor.height, inner.height + 1);
    return expr;
  });
  if (then === undefined || otherwise === undefined) return null;
  cursor.at = behind;
  const test: Expr = { kind: 'id', name: conditionText(first), at: first };
  return { kind: 'ternary', test, then, otherwise, at: first };
}

/** Where a reading stands in the tokens that it was made from. */
const endOf = (variant: Variant): number => variant.cursor.at + variant.offset;

function groupAt(cursor: Cursor, cut: number): Group {
  const { tokens } = cursor;
  const branches: Branch[] = [];
  let depth = 0;
  let opener = tokens[cut];
  let from = cut + 1;
  let hasElse = false;
  for (let at = cut; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.kind !== 'directive') continue;
    if (isOpening(token)) depth += 1;
    else if (depth === 1 && opener !== undefined && ['else', 'elif', 'endif'].includes(token.text)) {
      branches.push({ condition: conditionText(opener), from, to: at });
      if (token.text === 'endif') return { branches, hasElse, end: at };
      hasElse ||= token.text === 'else';
      [opener, from] = [token, at + 1];
    } else if (token.text === 'endif') depth -= 1;
  }
  return fail(cursor.file, tokens[cut] ?? peek(cursor), 'a conditional that ends');
}
