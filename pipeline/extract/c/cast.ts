import type { Expr } from './ast.ts';
import { type Cursor, expect, isText, next, peek } from './cursor.ts';
import { parseInitialiser } from './initialiser.ts';
import type { Token } from './token.ts';
import { isTypeWord, typeLength } from './types.ts';

/** `sizeof value`, `sizeof(type)`. */
export function parseSizeof(cursor: Cursor): Expr {
  const token = next(cursor);
  const length = isText(peek(cursor), '(') ? typeLength(cursor, 1, false) : 0;
  if (length === 0) return { kind: 'unary', op: token.text, operand: cursor.grammar.nested(cursor), at: token };
  next(cursor);
  const type = typeText(cursor, length);
  expect(cursor, ')', `behind the type of ${token.text}`);
  return { kind: 'unary', op: token.text, operand: { kind: 'type', type, at: token }, at: token };
}

/** The next `length` tokens as the text of a type. */
export function typeText(cursor: Cursor, length: number): string {
  const words: string[] = [];
  for (let count = 0; count < length; count += 1) words.push(next(cursor).text);
  return words.join(' ');
}

/** `(type) value` and `(type){ … }`, null where the parenthesis holds no type. */
export function parseCast(cursor: Cursor): Expr | null {
  const open = peek(cursor);
  if (!isText(open, '(')) return null;
  const length = typeLength(cursor, 1, true);
  if (length === 0) return null;
  const isSure = length > 1 || isTypeWord(peek(cursor, 1).text);
  if (!startsOperand(peek(cursor, length + 2), isSure)) return null;
  next(cursor);
  const type = typeText(cursor, length);
  expect(cursor, ')', 'behind the type of a cast');
  if (isText(peek(cursor), '{'))
    return cursor.grammar.postfix(cursor, { kind: 'cast', type, operand: parseInitialiser(cursor), at: open });
  return { kind: 'cast', type, operand: cursor.grammar.nested(cursor), at: open };
}

/** Behind a lone unknown name, `(`, `-`, `&` and `*` could as well be a call or a binary operator: only a sure type makes a cast. */
function startsOperand(token: Token, isSure: boolean): boolean {
  if (token.kind !== 'punct') return token.kind !== 'end' && token.kind !== 'directive';
  return (isSure ? ['(', '~', '!', '-', '+', '&', '*', '{', '++', '--'] : ['{', '~', '!']).includes(token.text);
}
