import type { Stmt } from './ast.ts';
import { accept, type Cursor, fail, isText, next, peek, skipBrackets } from './cursor.ts';

const ASM = new Set(['asm', '__asm', '__asm__', 'asm_inline']);

/** `asm`, `__asm__ volatile`, or a macro of such a name, with a parenthesis behind it. */
export function isAsm(cursor: Cursor): boolean {
  let ahead = 1;
  while (peek(cursor, ahead).kind === 'id') ahead += 1;
  if (!isText(peek(cursor, ahead), '(')) return false;
  return ahead > 1 || ASM.has(peek(cursor).text) || peek(cursor, 2).kind === 'str';
}

/** Inline assembly: its tokens as text. */
export function parseAsm(cursor: Cursor): Stmt {
  const at = next(cursor);
  const start = cursor.at;
  while (peek(cursor).kind === 'id') next(cursor);
  if (!isText(peek(cursor), '(')) return fail(cursor.file, peek(cursor), '`(` behind asm');
  cursor.at = skipBrackets(cursor.file, cursor.tokens, cursor.at);
  const text = cursor.tokens
    .slice(start, cursor.at)
    .map((token) => token.text)
    .join(' ');
  accept(cursor, ';');
  return { kind: 'asm', text, at };
}
