import { DataError } from '../../model/errors.ts';
import type { Expr, Stmt } from './ast.ts';
import type { Token } from './token.ts';

/**
 * The rules of C's grammar that others stand on and that hold those in turn: an operand may hold an expression, and an
 * expression statements. A part asks the cursor for a rule above it, and imports those below.
 */
export type Grammar = {
  readonly assignment: (cursor: Cursor) => Expr;
  readonly ternary: (cursor: Cursor) => Expr;
  readonly expression: (cursor: Cursor) => Expr;
  /** A unary operand one level deeper. */
  readonly nested: (cursor: Cursor) => Expr;
  readonly postfix: (cursor: Cursor, start: Expr) => Expr;
  readonly block: (cursor: Cursor) => readonly Stmt[];
  readonly statements: (cursor: Cursor, isDone: () => boolean) => readonly Stmt[];
};

/** A position in a token list, which parsers advance, with what bounds their recursion. */
export type Cursor = {
  readonly file: string;
  readonly grammar: Grammar;
  readonly tokens: readonly Token[];
  at: number;
  /** Open levels of nesting. */
  depth: number;
  /** Height of the tree that the current level has built so far. */
  height: number;
  /** How many more statements may be read once per branch of a conditional that cuts through them; shared by all readings. */
  readonly cuts: { left: number };
};

/** Nesting beyond this is no source that a person or a generator of tables writes, and would exhaust the stack. */
const MAX_DEPTH = 200;
/** A tree higher than this would exhaust the stack of who walks it: a chain of 1000 operators is one. */
const MAX_HEIGHT = 1000;

/** Starts a level of nesting; what it returns is for `leave`. A cursor that has thrown is not used again. */
export function enter(cursor: Cursor): number {
  cursor.depth += 1;
  if (cursor.depth > MAX_DEPTH) return fail(cursor.file, peek(cursor), `at most ${MAX_DEPTH} nested levels`);
  const outer = cursor.height;
  cursor.height = 0;
  return outer;
}

/** Ends the level whose `enter` returned `outer`: its tree stands beside what the outer level has built. */
export function leave(cursor: Cursor, outer: number): void {
  cursor.depth -= 1;
  grow(cursor);
  cursor.height = Math.max(outer, cursor.height);
}

/** Puts one more node on top of what the level has built: an operator takes what stands before it as its operand. */
export function grow(cursor: Cursor): void {
  cursor.height += 1;
  if (cursor.height > MAX_HEIGHT) fail(cursor.file, peek(cursor), `at most ${MAX_HEIGHT} operators in a row`);
}

/** The end of every list, also of one that was cut out of the middle of a file. */
function endToken(cursor: Cursor): Token {
  const last = cursor.tokens.at(-1);
  return { kind: 'end', text: '', line: last?.line ?? 1, column: (last?.column ?? 0) + (last?.text.length ?? 0) };
}

export function peek(cursor: Cursor, ahead = 0): Token {
  return cursor.tokens[cursor.at + ahead] ?? endToken(cursor);
}

export function next(cursor: Cursor): Token {
  const token = peek(cursor);
  cursor.at += 1;
  return token;
}

export const isText = (token: Token | undefined, text: string): boolean =>
  token !== undefined && token.text === text && (token.kind === 'punct' || token.kind === 'id');

/** Takes the token if it is next. */
export function accept(cursor: Cursor, text: string): Token | null {
  const token = peek(cursor);
  if (!isText(token, text)) return null;
  cursor.at += 1;
  return token;
}

export function expect(cursor: Cursor, text: string, inside: string): Token {
  return accept(cursor, text) ?? fail(cursor.file, peek(cursor), `\`${text}\` ${inside}`);
}

export function expectId(cursor: Cursor, what: string): Token {
  const token = peek(cursor);
  if (token.kind !== 'id') return fail(cursor.file, token, what);
  cursor.at += 1;
  return token;
}

/** Throws the DataError of a syntax that was not expected. */
export function fail(file: string, token: Token, expected: string, hint?: string): never {
  const found =
    token.kind === 'end' ? 'the end' : token.kind === 'directive' ? `#${token.text}` : `\`${token.text.slice(0, 40)}\``;
  throw new DataError({
    where: { file, line: token.line, column: token.column },
    expected,
    found,
    ...(hint === undefined ? {} : { hint }),
  });
}

const closerOf = (text: string): string | undefined =>
  text === '(' ? ')' : text === '{' ? '}' : text === '[' ? ']' : undefined;
/** Open brackets, innermost first; a list, since `#if` keeps many of them at once. */
type Open = { readonly closer: string; readonly outer: Open } | null;

export const isCloser = (token: Token): boolean =>
  token.kind === 'punct' && (token.text === ')' || token.text === ']' || token.text === '}');

/**
 * The index behind the bracket that closes the one at `open`. Branches of `#if` that each open or close the same bracket
 * count once: the depth at `#if` is taken up again at `#else` and `#elif`.
 */
export function skipBrackets(file: string, tokens: readonly Token[], open: number): number {
  let stack: Open = null;
  const saved: Open[] = [];
  for (let at = open; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (token.kind === 'directive') {
      if (token.text.startsWith('if')) saved.push(stack);
      else if (token.text === 'else' || token.text === 'elif') stack = saved.at(-1) ?? null;
      else if (token.text === 'endif') saved.pop();
      continue;
    }
    if (token.kind !== 'punct') continue;
    const closer = closerOf(token.text);
    if (closer !== undefined) stack = { closer, outer: stack };
    else if (isCloser(token)) {
      if (stack?.closer !== token.text) return fail(file, token, 'balanced brackets');
      stack = stack.outer;
      if (stack === null) return at + 1;
    }
  }
  const opener = tokens[open];
  return fail(
    file,
    tokens.at(-1) ?? { kind: 'end', text: '', line: 1, column: 1 },
    `the end of the bracket opened in line ${opener?.line ?? 1}`,
  );
}
