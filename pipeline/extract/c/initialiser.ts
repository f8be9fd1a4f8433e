import type { Designator, Expr, InitItem } from './ast.ts';
import { accept, type Cursor, enter, expect, isText, leave, next, peek } from './cursor.ts';

/** `{ 1, .eax = 2, [3] = { … }, }`. */
export function parseInitialiser(cursor: Cursor): Expr {
  const outer = enter(cursor);
  const at = expect(cursor, '{', 'before an initialiser');
  const items: InitItem[] = [];
  for (skipDefinitions(cursor); !isText(peek(cursor), '}'); skipDefinitions(cursor)) {
    const first = peek(cursor);
    const designators = parseDesignators(cursor);
    const value = isText(peek(cursor), '{')
      ? parseInitialiser(cursor)
      : (literalAlone(cursor) ?? cursor.grammar.assignment(cursor));
    items.push({ designators, value, at: first });
    if (accept(cursor, ',') === null) break;
  }
  expect(cursor, '}', 'or `,` in an initialiser');
  leave(cursor, outer);
  return { kind: 'init', items, at };
}

/** A number with nothing behind it, which tables are made of: it needs none of the levels of an expression. */
function literalAlone(cursor: Cursor): Expr | null {
  const token = peek(cursor);
  const after = peek(cursor, 1);
  if (token.kind !== 'num' || (!isText(after, ',') && !isText(after, '}'))) return null;
  next(cursor);
  return { kind: 'num', text: token.text, at: token };
}

/** Between elements: a list may be written with a macro that is defined for it alone. */
function skipDefinitions(cursor: Cursor): void {
  while (peek(cursor).kind === 'directive' && ['define', 'undef'].includes(peek(cursor).text)) next(cursor);
}

function parseDesignators(cursor: Cursor): readonly Designator[] {
  const designators: Designator[] = [];
  for (;;) {
    const token = peek(cursor);
    if (isText(token, '.') && peek(cursor, 1).kind === 'id') {
      next(cursor);
      designators.push({ kind: 'field', name: next(cursor).text, at: token });
    } else if (isText(token, '[')) {
      const outer = enter(cursor);
      next(cursor);
      const index = cursor.grammar.ternary(cursor);
      const last = accept(cursor, '...') === null ? null : cursor.grammar.ternary(cursor);
      expect(cursor, ']', 'behind an array index');
      leave(cursor, outer);
      designators.push({ kind: 'index', index, last, at: token });
    } else break;
  }
  if (designators.length > 0) expect(cursor, '=', 'behind a designator');
  return designators;
}
