import type { Expr } from './ast.ts';
import { typeText } from './cast.ts';
import { accept, type Cursor, enter, expect, fail, isText, leave, next, peek } from './cursor.ts';
import { parseInitialiser } from './initialiser.ts';
import type { Token } from './token.ts';
import { isStatementWord, isTypeWord } from './types.ts';

/** A name, a literal, a parenthesised expression, a braced list or a statement expression. */
export function parsePrimary(cursor: Cursor): Expr {
  const token = peek(cursor);
  switch (token.kind) {
    case 'num':
    case 'char':
      next(cursor);
      return { kind: 'num', text: token.text, at: token };
    case 'str':
      return parseString(cursor);
    case 'id':
      if (isStatementWord(token)) break;
      if (peek(cursor, 1).kind === 'str') return parseString(cursor);
      next(cursor);
      return { kind: 'id', name: token.text, at: token };
    default:
  }
  if (isText(token, '{')) return parseInitialiser(cursor);
  if (isText(token, '(')) return parseParenthesised(cursor);
  return fail(cursor.file, token, 'an expression');
}

/** Neighbouring strings are one; a name between them is a format macro such as PRIx64. */
function parseString(cursor: Cursor): Expr {
  const token = next(cursor);
  const parts = [token.text];
  while (continuesString(cursor)) parts.push(next(cursor).text);
  return { kind: 'str', text: parts.join(''), at: token };
}

/** A string, or a name that a string follows or precedes: both are parts of one literal. */
function continuesString(cursor: Cursor): boolean {
  const token = peek(cursor);
  if (token.kind === 'str') return true;
  const behind = peek(cursor, 1);
  return token.kind === 'id' && (behind.kind === 'str' || isText(behind, ')') || isText(behind, ','));
}

function parseParenthesised(cursor: Cursor): Expr {
  const token = next(cursor);
  if (isText(peek(cursor), '{')) {
    const outer = enter(cursor);
    const body = cursor.grammar.block(cursor);
    leave(cursor, outer);
    expect(cursor, ')', 'behind a statement expression');
    return { kind: 'statements', body, at: token };
  }
  const inner = cursor.grammar.expression(cursor);
  expect(cursor, ')', 'behind an expression');
  return { ...inner, parens: true };
}

/** `(a, b)` behind a callee. */
export function parseArguments(cursor: Cursor): Expr[] {
  expect(cursor, '(', 'before arguments');
  const args: Expr[] = [];
  while (!isText(peek(cursor), ')')) {
    args.push(parseArgument(cursor));
    // Kernel macros are called with a trailing comma; C forbids it, the field writes it.
    if (accept(cursor, ',') === null) break;
  }
  expect(cursor, ')', 'behind arguments');
  return args;
}

const TAGGED = new Set(['struct', 'union', 'enum']);

/** Macros take types and nothing at all where functions take values. */
function parseArgument(cursor: Cursor): Expr {
  const token = peek(cursor);
  if (isText(token, ',')) return { kind: 'type', type: '', at: token };
  let length = 0;
  while (isTypePart(peek(cursor, length), length > 0 ? peek(cursor, length - 1) : null)) length += 1;
  if (length > 0) {
    while (isText(peek(cursor, length), '*')) length += 1;
    const behind = peek(cursor, length);
    if (isText(behind, ',') || isText(behind, ')')) return { kind: 'type', type: typeText(cursor, length), at: token };
  }
  return cursor.grammar.assignment(cursor);
}

const isTypePart = (token: Token, before: Token | null): boolean =>
  token.kind === 'id' && (isTypeWord(token.text) || (before !== null && TAGGED.has(before.text)));
