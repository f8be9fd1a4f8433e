import type { Expr, Stmt } from './ast.ts';
import { accept, type Cursor, expect, expectId, fail, isText, next, peek, skipBrackets } from './cursor.ts';
import { parseAssignment, parseExpression } from './expr.ts';
import type { Token } from './lex.ts';
import { isTypeWord } from './types.ts';

/** Blocks beyond this depth are no function that is read here. */
const MAX_DEPTH = 100;
let depth = 0;

/** `{ … }`: the statements between braces. */
export function parseBlock(cursor: Cursor): readonly Stmt[] {
  expect(cursor, '{', 'before statements');
  const body = parseUntil(cursor, (token) => isText(token, '}'));
  expect(cursor, '}', 'behind statements');
  return body;
}

function parseUntil(cursor: Cursor, stop: (token: Token) => boolean): readonly Stmt[] {
  depth += 1;
  try {
    if (depth > MAX_DEPTH) return fail(cursor.file, peek(cursor), `at most ${MAX_DEPTH} nested blocks`);
    const body: Stmt[] = [];
    while (!stop(peek(cursor))) {
      if (peek(cursor).kind === 'end') return fail(cursor.file, peek(cursor), 'the end of a block');
      body.push(...parseStatement(cursor));
    }
    return body;
  } finally {
    depth -= 1;
  }
}

/** One statement; a declaration of several names is several, an empty one none. */
function parseStatement(cursor: Cursor): readonly Stmt[] {
  const token = peek(cursor);
  if (token.kind === 'directive') return parseDirective(cursor);
  if (accept(cursor, ';') !== null) return [];
  if (isText(token, '{')) return [{ kind: 'block', body: parseBlock(cursor), at: token }];
  if (token.kind === 'id') {
    const keyword = KEYWORDS[token.text];
    if (keyword !== undefined) return [keyword(cursor)];
    if (isText(peek(cursor, 1), ':') && !isText(peek(cursor, 2), ':')) {
      cursor.at += 2;
      return [{ kind: 'label', name: token.text, at: token }];
    }
    if (/asm/i.test(token.text) && isAsm(cursor)) return [parseAsm(cursor)];
    skipAttribute(cursor);
    if (looksLikeDeclaration(cursor)) return parseDeclaration(cursor);
  }
  return [parseExpressionStatement(cursor)];
}

function parseExpressionStatement(cursor: Cursor): Stmt {
  const at = peek(cursor);
  const expr = parseExpression(cursor);
  if (accept(cursor, ';') !== null) return { kind: 'expr', expr, at };
  // `for_each_x(…) { … }` and `scoped_guard(…) { … }`: a macro that heads a statement.
  if (expr.kind === 'call') {
    const head: Stmt = { kind: 'expr', expr, at };
    const [test] = expr.args;
    if (/^IF_/.test(at.text) && test !== undefined) return finishIf(cursor, test, at);
    if (isText(peek(cursor), '{'))
      return { kind: 'loop', head: [head], test: null, step: null, body: parseBlock(cursor), at };
    if (/for_each|foreach/i.test(at.text))
      return { kind: 'loop', head: [head], test: null, step: null, body: parseBody(cursor), at };
    // A macro that brings its own semicolon.
    if (peek(cursor).line > at.line || isText(peek(cursor), '}')) return head;
  }
  return fail(cursor.file, peek(cursor), '`;` behind an expression');
}

/** `ALIGN(64) type name …`: a macro with arguments before a declaration adds an attribute and no fact. */
function skipAttribute(cursor: Cursor): void {
  if (!isText(peek(cursor, 1), '(')) return;
  const behind = skipBrackets(cursor.file, cursor.tokens, cursor.at + 1);
  const [type, name] = [cursor.tokens[behind], cursor.tokens[behind + 1]];
  if (type?.kind === 'id' && name?.kind === 'id' && type.line === peek(cursor).line) cursor.at = behind;
}

/** `asm`, `__asm__ volatile`, or a macro of that name, with a parenthesis behind it. */
function isAsm(cursor: Cursor): boolean {
  let ahead = 1;
  while (peek(cursor, ahead).kind === 'id') ahead += 1;
  return isText(peek(cursor, ahead), '(') && (peek(cursor, ahead + 1).kind === 'str' || ahead > 1);
}

/** The body of `if`, `for` and the like: a block or one statement, as a list. */
function parseBody(cursor: Cursor): readonly Stmt[] {
  if (isText(peek(cursor), '{')) return parseBlock(cursor);
  depth += 1;
  try {
    if (depth > MAX_DEPTH) return fail(cursor.file, peek(cursor), `at most ${MAX_DEPTH} nested statements`);
    return parseStatement(cursor);
  } finally {
    depth -= 1;
  }
}

function parenthesised(cursor: Cursor): Expr {
  const split = splitCondition(cursor);
  if (split !== null) return split;
  expect(cursor, '(', 'before a condition');
  const expr = parseExpression(cursor);
  expect(cursor, ')', 'behind a condition');
  return expr;
}

/** `if (a #ifdef X && b #endif)`: a choice between the condition with and without the part; null where there is none. */
function splitCondition(cursor: Cursor): Expr | null {
  if (!isText(peek(cursor), '(')) return null;
  const behind = skipBrackets(cursor.file, cursor.tokens, cursor.at);
  const inside = cursor.tokens.slice(cursor.at, behind);
  const marks = inside.flatMap((token, index) => (token.kind === 'directive' ? [index] : []));
  const [start, end] = [marks[0] ?? 0, marks.at(-1) ?? 0];
  const [first, last] = [inside[start], inside[end]];
  const middle = marks.length === 3 ? marks[1] : end;
  if (marks.length < 2 || marks.length > 3 || first === undefined || middle === undefined) return null;
  if (!first.text.startsWith('if') || last?.text !== 'endif') return null;
  if (marks.length === 3 && inside[middle]?.text !== 'else') return null;
  const [before, rest] = [inside.slice(0, start), inside.slice(end + 1)];
  const read = (part: readonly Token[]): Expr =>
    parenthesised({ file: cursor.file, tokens: [...before, ...part, ...rest], at: 0 });
  const then = read(inside.slice(start + 1, middle));
  const otherwise = read(middle === end ? [] : inside.slice(middle + 1, end));
  cursor.at = behind;
  return { kind: 'ternary', test: { kind: 'id', name: conditionText(first), at: first }, then, otherwise, at: first };
}

const KEYWORDS: Readonly<Record<string, ((cursor: Cursor) => Stmt) | undefined>> = Object.assign(Object.create(null), {
  if: parseIf,
  for: parseFor,
  while: parseWhile,
  do: parseDo,
  switch: (cursor: Cursor): Stmt => {
    const at = next(cursor);
    return { kind: 'switch', subject: parenthesised(cursor), body: parseBody(cursor), at };
  },
  case: parseCase,
  default: (cursor: Cursor): Stmt => {
    const at = next(cursor);
    expect(cursor, ':', 'behind `default`');
    return { kind: 'case', value: null, last: null, at };
  },
  return: (cursor: Cursor): Stmt => {
    const at = next(cursor);
    const value = isText(peek(cursor), ';') ? null : parseExpression(cursor);
    expect(cursor, ';', 'behind `return`');
    return { kind: 'return', value, at };
  },
  goto: (cursor: Cursor): Stmt => {
    const at = next(cursor);
    const label = expectId(cursor, 'a label').text;
    expect(cursor, ';', 'behind `goto`');
    return { kind: 'jump', form: 'goto', label, at };
  },
  break: (cursor: Cursor) => parseJump(cursor, 'break'),
  continue: (cursor: Cursor) => parseJump(cursor, 'continue'),
});

function parseJump(cursor: Cursor, form: 'break' | 'continue'): Stmt {
  const at = next(cursor);
  expect(cursor, ';', `behind \`${form}\``);
  return { kind: 'jump', form, label: null, at };
}

function parseIf(cursor: Cursor): Stmt {
  const at = next(cursor);
  return finishIf(cursor, parenthesised(cursor), at);
}

function finishIf(cursor: Cursor, test: Expr, at: Token): Stmt {
  const then = parseBody(cursor);
  const otherwise = parseConditionalElse(cursor) ?? (accept(cursor, 'else') === null ? [] : parseBody(cursor));
  return { kind: 'if', test, then, otherwise, at };
}

/** `#ifdef X`, `else { … }`, `#endif` behind an if: an else that is there under the condition. Null for anything else. */
function parseConditionalElse(cursor: Cursor): readonly Stmt[] | null {
  const at = peek(cursor);
  if (at.kind !== 'directive' || !at.text.startsWith('if') || !isText(peek(cursor, 1), 'else')) return null;
  cursor.at += 2;
  const body = parseBody(cursor);
  const end = next(cursor);
  if (end.kind !== 'directive' || end.text !== 'endif')
    return fail(cursor.file, end, '#endif behind an else under #if');
  return [{ kind: 'conditional', branches: [{ condition: conditionText(at), body }], at }];
}

function parseFor(cursor: Cursor): Stmt {
  const at = next(cursor);
  expect(cursor, '(', 'behind `for`');
  const head =
    accept(cursor, ';') !== null
      ? []
      : looksLikeDeclaration(cursor)
        ? parseDeclaration(cursor)
        : [parseExpressionStatement(cursor)];
  const test = isText(peek(cursor), ';') ? null : parseExpression(cursor);
  expect(cursor, ';', 'in the head of `for`');
  const step = isText(peek(cursor), ')') ? null : parseExpression(cursor);
  expect(cursor, ')', 'behind the head of `for`');
  return { kind: 'loop', head, test, step, body: parseBody(cursor), at };
}

function parseWhile(cursor: Cursor): Stmt {
  const at = next(cursor);
  const test = parenthesised(cursor);
  return { kind: 'loop', head: [], test, step: null, body: parseBody(cursor), at };
}

function parseDo(cursor: Cursor): Stmt {
  const at = next(cursor);
  const body = parseBody(cursor);
  expect(cursor, 'while', 'behind the body of `do`');
  const test = parenthesised(cursor);
  accept(cursor, ';');
  return { kind: 'loop', head: [], test, step: null, body, at };
}

function parseCase(cursor: Cursor): Stmt {
  const at = next(cursor);
  const value = parseAssignment(cursor);
  const last = accept(cursor, '...') === null ? null : parseAssignment(cursor);
  expect(cursor, ':', 'behind `case`');
  return { kind: 'case', value, last, at };
}

function parseAsm(cursor: Cursor): Stmt {
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

/** `type name`, `type *name`, `struct x y`: what no expression can begin with. */
function looksLikeDeclaration(cursor: Cursor): boolean {
  const [first, second, third] = [peek(cursor), peek(cursor, 1), peek(cursor, 2)];
  if (first.kind !== 'id') return false;
  if (isTypeWord(first.text) && !isText(second, '(')) return true;
  if (second.kind === 'id') return true;
  if (!isText(second, '*')) return false;
  let ahead = 2;
  while (isText(peek(cursor, ahead), '*')) ahead += 1;
  const behind = peek(cursor, ahead + 1);
  return (
    (third.kind === 'id' || ahead > 2) &&
    (isText(behind, '=') || isText(behind, ';') || isText(behind, ',') || isText(behind, '['))
  );
}

function parseDeclaration(cursor: Cursor): readonly Stmt[] {
  const at = peek(cursor);
  const words: string[] = [];
  const declared: Stmt[] = [];
  // The last name before `=`, `,`, `;`, `[` or an attribute is the declared one; what stands before it is the type.
  for (;;) {
    const token = next(cursor);
    if (token.kind === 'end' || token.kind === 'directive') return fail(cursor.file, token, 'the end of a declaration');
    const behind = peek(cursor);
    if (token.kind === 'id' && endsName(behind)) {
      declared.push(finishDeclarator(cursor, token, words.join(' ')));
      if (accept(cursor, ',') !== null) continue;
      expect(cursor, ';', 'behind a declaration');
      return declared;
    }
    if (isText(token, '{')) {
      cursor.at = skipBrackets(cursor.file, cursor.tokens, cursor.at - 1);
      if (accept(cursor, ';') !== null) return declared;
      continue;
    }
    if (isText(token, '(')) {
      // A function pointer, a nested prototype or an attribute: its name is not needed, its initialiser is no fact.
      cursor.at = skipBrackets(cursor.file, cursor.tokens, cursor.at - 1);
      if (accept(cursor, ';') !== null) return declared;
      continue;
    }
    if (isText(token, ';')) return declared;
    if (isText(token, '=')) {
      declared.push({ kind: 'decl', name: '', type: words.join(' '), init: parseAssignment(cursor), at });
      continue;
    }
    words.push(token.text);
  }
}

const endsName = (token: Token): boolean => ['=', ',', ';', '['].some((text) => isText(token, text));

function finishDeclarator(cursor: Cursor, name: Token, type: string): Stmt {
  while (isText(peek(cursor), '[')) cursor.at = skipBrackets(cursor.file, cursor.tokens, cursor.at);
  const init = accept(cursor, '=') === null ? null : parseAssignment(cursor);
  return { kind: 'decl', name: name.text, type, init, at: name };
}

/** `#ifdef X`, `if (a)`, `#endif`, `{ … }`: the block stands under the condition, or alone. Null for anything else. */
function parseConditionalHead(cursor: Cursor, at: Token, condition: string): Stmt | null {
  if (!isText(peek(cursor), 'if') || !isText(peek(cursor, 1), '(')) return null;
  const behind = skipBrackets(cursor.file, cursor.tokens, cursor.at + 1);
  const end = cursor.tokens[behind];
  if (end?.kind !== 'directive' || end.text !== 'endif') return null;
  const head = next(cursor);
  const test = parenthesised(cursor);
  next(cursor);
  const body = parseBody(cursor);
  const guarded: Stmt = finishIfWith(test, body, head);
  const branches = [
    { condition, body: [guarded] },
    { condition: '', body },
  ];
  return { kind: 'conditional', branches, at };
}

const finishIfWith = (test: Expr, then: readonly Stmt[], at: Token): Stmt => ({
  kind: 'if',
  test,
  then,
  otherwise: [],
  at,
});

/** A directive between statements: a conditional keeps its branches, the rest says nothing at run time. */
function parseDirective(cursor: Cursor): readonly Stmt[] {
  const at = next(cursor);
  if (!at.text.startsWith('if')) {
    if (['else', 'elif', 'endif'].includes(at.text)) return fail(cursor.file, at, 'a statement');
    return [];
  }
  const branches: { condition: string; body: readonly Stmt[] }[] = [];
  let condition = conditionText(at);
  const headless = parseConditionalHead(cursor, at, condition);
  if (headless !== null) return [headless];
  for (;;) {
    const body = parseUntil(
      cursor,
      (token) => token.kind === 'directive' && ['else', 'elif', 'endif'].includes(token.text),
    );
    branches.push({ condition, body });
    const end = next(cursor);
    if (end.text === 'endif') return [{ kind: 'conditional', branches, at }];
    condition = end.text === 'else' ? '' : conditionText(end);
  }
}

/** `#ifdef X` reads `defined(X)`, `#ifndef X` reads `!defined(X)`, `#if` its own text. */
export function conditionText(directive: Token): string {
  const text = (directive.tokens ?? []).map((token) => token.text).join(' ');
  if (directive.text === 'ifdef') return `defined(${text})`;
  if (directive.text === 'ifndef') return `!defined(${text})`;
  return text;
}
