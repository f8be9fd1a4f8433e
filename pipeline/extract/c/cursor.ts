import { DataError } from '../../model/errors.ts';
import type { Token } from './lex.ts';

/** A position in a token list; parsers advance it. */
export type Cursor = { readonly file: string; readonly tokens: readonly Token[]; at: number };

export function cursorOf(file: string, tokens: readonly Token[], at = 0): Cursor {
  return { file, tokens, at };
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

export const isText = (token: Token, text: string): boolean =>
  token.text === text && (token.kind === 'punct' || token.kind === 'id');

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

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/**
 * The index behind the bracket that closes the one at `open`. Branches of `#if` that each open or close the same bracket
 * count once: the depth at `#if` is taken up again at `#else` and `#elif`.
 */
export function skipBrackets(file: string, tokens: readonly Token[], open: number): number {
  const stack: string[] = [];
  const saved: string[][] = [];
  for (let at = open; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (token.kind === 'directive') {
      if (token.text.startsWith('if')) saved.push([...stack]);
      else if (token.text === 'else' || token.text === 'elif') stack.splice(0, stack.length, ...(saved.at(-1) ?? []));
      else if (token.text === 'endif') saved.pop();
      continue;
    }
    if (token.kind !== 'punct') continue;
    const closer = CLOSERS[token.text];
    if (closer !== undefined) stack.push(closer);
    else if (token.text === ')' || token.text === ']' || token.text === '}') {
      if (stack.pop() !== token.text) fail(file, token, 'balanced brackets');
      if (stack.length === 0) return at + 1;
    }
  }
  const opener = tokens[open];
  return fail(
    file,
    tokens.at(-1) ?? { kind: 'end', text: '', line: 1, column: 1 },
    `the end of the bracket opened in line ${opener?.line ?? 1}`,
  );
}
