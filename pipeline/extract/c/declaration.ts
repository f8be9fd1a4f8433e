import type { Expr, Stmt } from './ast.ts';
import { accept, type Cursor, expect, fail, isText, next, peek, skipBrackets } from './cursor.ts';
import { parseAssignment, parseTernary } from './expr.ts';
import { pointerName } from './heads.ts';
import type { Token } from './token.ts';
import { isStatementWord, isTypeWord } from './types.ts';

/** `ALIGN(64) type name …`: a macro with arguments before a declaration adds an attribute and no fact. */
export function skipAttribute(cursor: Cursor): void {
  if (!isText(peek(cursor, 1), '(')) return;
  const behind = skipBrackets(cursor.file, cursor.tokens, cursor.at + 1);
  const [type, name] = [cursor.tokens[behind], cursor.tokens[behind + 1]];
  if (type?.kind === 'id' && name?.kind === 'id' && type.line === peek(cursor).line) cursor.at = behind;
}

/** `type name`, `type *name`, `struct x y`: what no expression can begin with. */
export function looksLikeDeclaration(cursor: Cursor): boolean {
  const [first, second, third] = [peek(cursor), peek(cursor, 1), peek(cursor, 2)];
  if (first.kind !== 'id') return false;
  if (/^(__)?typeof(__)?$/.test(first.text)) return true;
  if (isTypeWord(first.text) && (!isText(second, '(') || isText(third, '*'))) return true;
  if (second.kind === 'id') return true;
  if (!isText(second, '*')) return false;
  let ahead = 2;
  while (isText(peek(cursor, ahead), '*')) ahead += 1;
  const behind = peek(cursor, ahead + 1);
  return (third.kind === 'id' || ahead > 2) && endsName(behind);
}

/** Each declared name with its initialiser; what stands before the first name is the type of all. */
export function parseDeclaration(cursor: Cursor): readonly Stmt[] {
  const at = peek(cursor);
  const words: string[] = [];
  const declared: Stmt[] = [];
  let pointer: Token | null = null;
  for (;;) {
    const token = peek(cursor);
    if (token.kind === 'end' || token.kind === 'directive' || isStatementWord(token))
      return fail(cursor.file, token, 'the end of a declaration');
    if (isText(token, '{') || isText(token, '(')) {
      // A struct's body, a function pointer, a prototype or an attribute.
      pointer = pointerName(cursor.tokens, cursor.at) ?? pointer;
      cursor.at = skipBrackets(cursor.file, cursor.tokens, cursor.at);
      if (accept(cursor, ';') !== null) return declared;
      continue;
    }
    next(cursor);
    if (isText(token, ';')) return declared;
    if (token.kind === 'id' && endsName(peek(cursor))) {
      declared.push(finishDeclarator(cursor, token, words.join(' ')));
      if (accept(cursor, ',') === null) {
        expect(cursor, ';', 'behind a declaration');
        return declared;
      }
      // The pointers belong to the name, the rest to all.
      while (words.at(-1) === '*') words.pop();
    } else if (isText(token, '='))
      declared.push({
        kind: 'decl',
        name: pointer?.text ?? '',
        type: words.join(' '),
        dimensions: [],
        init: parseAssignment(cursor),
        at: pointer ?? at,
      });
    else words.push(token.text);
  }
}

const endsName = (token: Token): boolean => ['=', ',', ';', '['].some((text) => isText(token, text));

function finishDeclarator(cursor: Cursor, name: Token, type: string): Stmt {
  const dimensions: (Expr | null)[] = [];
  while (accept(cursor, '[') !== null) {
    dimensions.push(isText(peek(cursor), ']') ? null : parseTernary(cursor));
    expect(cursor, ']', 'behind the length of an array');
  }
  const init = accept(cursor, '=') === null ? null : parseAssignment(cursor);
  return { kind: 'decl', name: name.text, type, dimensions, init, at: name };
}
