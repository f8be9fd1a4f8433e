import type { Expr, Stmt } from './ast.ts';
import { conditionText } from './conditionals.ts';
import {
  accept,
  type Cursor,
  enter,
  expect,
  expectId,
  fail,
  isText,
  leave,
  next,
  peek,
  skipBrackets,
} from './cursor.ts';
import { conditionalElse, cutBefore, readCut, splitCondition, withVariants } from './cut.ts';
import { looksLikeDeclaration, parseDeclaration, skipAttribute } from './declaration.ts';
import { parseAssignment, parseExpression } from './expr.ts';
import type { Token } from './token.ts';

const ASM = new Set(['asm', '__asm', '__asm__', 'asm_inline']);

/** `asm`, `__asm__ volatile`, or a macro of such a name, with a parenthesis behind it. */
function isAsm(cursor: Cursor): boolean {
  let ahead = 1;
  while (peek(cursor, ahead).kind === 'id') ahead += 1;
  if (!isText(peek(cursor, ahead), '(')) return false;
  return ahead > 1 || ASM.has(peek(cursor).text) || peek(cursor, 2).kind === 'str';
}

/** Inline assembly: its tokens as text. */
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

/** `{ … }`: the statements between braces. */
export function parseBlock(cursor: Cursor): readonly Stmt[] {
  expect(cursor, '{', 'before statements');
  const body = parseUntil(cursor, (token) => isText(token, '}'));
  expect(cursor, '}', 'behind statements');
  return body;
}

function parseUntil(cursor: Cursor, stop: (token: Token) => boolean): readonly Stmt[] {
  const outer = enter(cursor);
  const body = parseStatements(cursor, () => stop(peek(cursor)));
  leave(cursor, outer);
  return body;
}

/** Statements until `isDone`, which is asked between them. */
export function parseStatements(cursor: Cursor, isDone: () => boolean): readonly Stmt[] {
  const body: Stmt[] = [];
  let last = { at: cursor.at, length: 0 };
  while (!isDone()) {
    if (peek(cursor).kind === 'end') return fail(cursor.file, peek(cursor), 'the end of a block');
    const cut = body.length > last.length ? cutBefore(cursor, last.at) : null;
    if (cut !== null) {
      // The `if` that this `else` belongs to is read again, in each of its branches.
      body.length = last.length;
      cursor.at = last.at;
      body.push(readCut(cursor, cut));
      continue;
    }
    last = { at: cursor.at, length: body.length };
    for (const statement of withVariants(cursor, parseStatement)) body.push(statement);
  }
  return body;
}

/** One statement; a declaration of several names is several, an empty one none. */
function parseStatement(cursor: Cursor): readonly Stmt[] {
  const token = peek(cursor);
  if (token.kind === 'directive') return parseDirective(cursor);
  if (accept(cursor, ';') !== null) return [];
  if (isText(token, '{')) return [{ kind: 'block', body: parseBlock(cursor), at: token }];
  if (token.kind === 'id') {
    const keyword = KEYWORDS.get(token.text);
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
      return { kind: 'loop', form: 'macro', head: [head], test: null, step: null, body: parseBlock(cursor), at };
    if (/for_each|foreach/i.test(at.text))
      return { kind: 'loop', form: 'macro', head: [head], test: null, step: null, body: parseBody(cursor), at };
    // A macro that brings its own semicolon.
    if (peek(cursor).line > at.line || isText(peek(cursor), '}')) return head;
  }
  return fail(cursor.file, peek(cursor), '`;` behind an expression');
}

/** The body of `if`, `for` and the like: a block or one statement, as a list. */
function parseBody(cursor: Cursor): readonly Stmt[] {
  if (isText(peek(cursor), '{')) return parseBlock(cursor);
  // A directive here would be the whole body, and the statement behind it unconditional.
  if (peek(cursor).kind === 'directive') return fail(cursor.file, peek(cursor), 'a statement');
  const outer = enter(cursor);
  const body = parseStatement(cursor);
  leave(cursor, outer);
  return body;
}

function parenthesised(cursor: Cursor): Expr {
  const split = splitCondition(cursor, parenthesised);
  if (split !== null) return split;
  expect(cursor, '(', 'before a condition');
  const expr = parseExpression(cursor);
  expect(cursor, ')', 'behind a condition');
  return expr;
}

const KEYWORDS: ReadonlyMap<string, (cursor: Cursor) => Stmt> = new Map<string, (cursor: Cursor) => Stmt>([
  ['if', parseIf],
  ['for', parseFor],
  ['while', parseWhile],
  ['do', parseDo],
  ['switch', parseSwitch],
  ['case', parseCase],
  ['default', parseDefault],
  ['return', parseReturn],
  ['goto', parseGoto],
  ['break', (cursor) => parseJump(cursor, 'break')],
  ['continue', (cursor) => parseJump(cursor, 'continue')],
]);

function parseIf(cursor: Cursor): Stmt {
  const at = next(cursor);
  return finishIf(cursor, parenthesised(cursor), at);
}

function finishIf(cursor: Cursor, test: Expr, at: Token): Stmt {
  const then = parseBody(cursor);
  return { kind: 'if', test, then, otherwise: parseElse(cursor), at };
}

function parseElse(cursor: Cursor): readonly Stmt[] {
  if (accept(cursor, 'else') !== null) return parseBody(cursor);
  const at = peek(cursor);
  const conditional = conditionalElse(cursor);
  if (conditional === null) return [];
  cursor.at = conditional.from;
  const body = parseBody(cursor);
  cursor.at = conditional.to + 1;
  return [{ kind: 'conditional', branches: [{ condition: conditional.condition, body }], at }];
}

function parseFor(cursor: Cursor): Stmt {
  const at = next(cursor);
  expect(cursor, '(', 'behind `for`');
  const head = parseForHead(cursor);
  const test = isText(peek(cursor), ';') ? null : parseExpression(cursor);
  expect(cursor, ';', 'in the head of `for`');
  const step = isText(peek(cursor), ')') ? null : parseExpression(cursor);
  expect(cursor, ')', 'behind the head of `for`');
  return { kind: 'loop', form: 'for', head, test, step, body: parseBody(cursor), at };
}

function parseForHead(cursor: Cursor): readonly Stmt[] {
  if (accept(cursor, ';') !== null) return [];
  if (looksLikeDeclaration(cursor)) return parseDeclaration(cursor);
  const at = peek(cursor);
  const expr = parseExpression(cursor);
  expect(cursor, ';', 'in the head of `for`');
  return [{ kind: 'expr', expr, at }];
}

function parseWhile(cursor: Cursor): Stmt {
  const at = next(cursor);
  const test = parenthesised(cursor);
  return { kind: 'loop', form: 'while', head: [], test, step: null, body: parseBody(cursor), at };
}

function parseDo(cursor: Cursor): Stmt {
  const at = next(cursor);
  const body = parseBody(cursor);
  expect(cursor, 'while', 'behind the body of `do`');
  const test = parenthesised(cursor);
  // A macro's body ends here without its semicolon.
  accept(cursor, ';');
  return { kind: 'loop', form: 'do', head: [], test, step: null, body, at };
}

function parseSwitch(cursor: Cursor): Stmt {
  const at = next(cursor);
  return { kind: 'switch', subject: parenthesised(cursor), body: parseBody(cursor), at };
}

function parseCase(cursor: Cursor): Stmt {
  const at = next(cursor);
  const value = parseAssignment(cursor);
  const last = accept(cursor, '...') === null ? null : parseAssignment(cursor);
  expect(cursor, ':', 'behind `case`');
  return { kind: 'case', value, last, at };
}

function parseDefault(cursor: Cursor): Stmt {
  const at = next(cursor);
  expect(cursor, ':', 'behind `default`');
  return { kind: 'case', value: null, last: null, at };
}

function parseReturn(cursor: Cursor): Stmt {
  const at = next(cursor);
  const value = isText(peek(cursor), ';') ? null : parseExpression(cursor);
  expect(cursor, ';', 'behind `return`');
  return { kind: 'return', value, at };
}

function parseGoto(cursor: Cursor): Stmt {
  const at = next(cursor);
  const label = expectId(cursor, 'a label').text;
  expect(cursor, ';', 'behind `goto`');
  return { kind: 'jump', form: 'goto', label, at };
}

function parseJump(cursor: Cursor, form: 'break' | 'continue'): Stmt {
  const at = next(cursor);
  expect(cursor, ';', `behind \`${form}\``);
  return { kind: 'jump', form, label: null, at };
}

const isBranchEnd = (token: Token): boolean =>
  token.kind === 'directive' && ['else', 'elif', 'endif'].includes(token.text);

/** A directive between statements: a conditional keeps its branches, the rest says nothing at run time. */
function parseDirective(cursor: Cursor): readonly Stmt[] {
  if (isBranchEnd(peek(cursor))) return fail(cursor.file, peek(cursor), 'a statement');
  const at = next(cursor);
  if (!at.text.startsWith('if')) return [];
  const branches: { condition: string; body: readonly Stmt[] }[] = [];
  let condition = conditionText(at);
  for (;;) {
    branches.push({ condition, body: parseUntil(cursor, isBranchEnd) });
    const end = next(cursor);
    if (end.text === 'endif') return [{ kind: 'conditional', branches, at }];
    condition = conditionText(end);
  }
}
