import type { Designator, Expr, InitItem } from './ast.ts';
import { accept, type Cursor, expect, expectId, fail, isText, next, peek } from './cursor.ts';
import { parseBlock } from './statement.ts';
import { isTypeWord, typeLength } from './types.ts';

const BINARY: Readonly<Record<string, number>> = {
  '*': 10,
  '/': 10,
  '%': 10,
  '+': 9,
  '-': 9,
  '<<': 8,
  '>>': 8,
  '<': 7,
  '>': 7,
  '<=': 7,
  '>=': 7,
  '==': 6,
  '!=': 6,
  '&': 5,
  '^': 4,
  '|': 3,
  '&&': 2,
  '||': 1,
};
const ASSIGN = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);
const PREFIX = new Set(['!', '~', '-', '+', '*', '&', '++', '--']);
/** Nesting beyond this is no source that a person or a generator of tables writes, and would exhaust the stack. */
const MAX_DEPTH = 200;
let depth = 0;

/** An expression with commas: `a = 1, b`. */
export function parseExpression(cursor: Cursor): Expr {
  const first = parseAssignment(cursor);
  if (!isText(peek(cursor), ',')) return first;
  const items = [first];
  while (accept(cursor, ',') !== null) items.push(parseAssignment(cursor));
  return { kind: 'comma', items, at: first.at };
}

/** An expression without top-level commas, as in argument lists and initialisers. */
export function parseAssignment(cursor: Cursor): Expr {
  depth += 1;
  try {
    if (depth > MAX_DEPTH) return fail(cursor.file, peek(cursor), `an expression of at most ${MAX_DEPTH} levels`);
    const left = parseTernary(cursor);
    const op = peek(cursor);
    if (op.kind !== 'punct' || !ASSIGN.has(op.text)) return left;
    next(cursor);
    return { kind: 'assign', op: op.text, target: left, value: parseAssignment(cursor), at: op };
  } finally {
    depth -= 1;
  }
}

function parseTernary(cursor: Cursor): Expr {
  const test = parseBinary(cursor, 1);
  const mark = accept(cursor, '?');
  if (mark === null) return test;
  // GNU C: `a ?: b` is `a ? a : b`.
  const then = isText(peek(cursor), ':') ? test : parseExpression(cursor);
  expect(cursor, ':', 'in a conditional expression');
  return { kind: 'ternary', test, then, otherwise: parseAssignment(cursor), at: mark };
}

function parseBinary(cursor: Cursor, least: number): Expr {
  let left = parseUnary(cursor);
  for (;;) {
    const op = peek(cursor);
    const power = op.kind === 'punct' ? BINARY[op.text] : undefined;
    if (power === undefined || power < least) return left;
    next(cursor);
    left = { kind: 'binary', op: op.text, left, right: parseBinary(cursor, power + 1), at: op };
  }
}

function parseUnary(cursor: Cursor): Expr {
  const token = peek(cursor);
  if (token.kind === 'punct' && PREFIX.has(token.text)) {
    next(cursor);
    return { kind: 'unary', op: token.text, operand: nested(cursor), at: token };
  }
  if (isText(token, 'sizeof') || isText(token, '_Alignof') || isText(token, '__alignof__')) return parseSizeof(cursor);
  const cast = parseCast(cursor);
  return cast ?? parsePostfix(cursor, parsePrimary(cursor));
}

/** A unary operand one level deeper: a chain of prefixes must not exhaust the stack either. */
function nested(cursor: Cursor): Expr {
  depth += 1;
  try {
    if (depth > MAX_DEPTH) return fail(cursor.file, peek(cursor), `an expression of at most ${MAX_DEPTH} levels`);
    return parseUnary(cursor);
  } finally {
    depth -= 1;
  }
}

function parseSizeof(cursor: Cursor): Expr {
  const token = next(cursor);
  if (!isText(peek(cursor), '(')) return { kind: 'unary', op: token.text, operand: nested(cursor), at: token };
  const length = typeLength(cursor, 1, false);
  if (length === 0) return { kind: 'unary', op: token.text, operand: nested(cursor), at: token };
  next(cursor);
  const type = typeText(cursor, length);
  expect(cursor, ')', `behind the type of ${token.text}`);
  return { kind: 'unary', op: token.text, operand: { kind: 'type', type, at: token }, at: token };
}

function typeText(cursor: Cursor, length: number): string {
  const words: string[] = [];
  for (let count = 0; count < length; count += 1) words.push(next(cursor).text);
  return words.join(' ');
}

function parseCast(cursor: Cursor): Expr | null {
  const open = peek(cursor);
  if (!isText(open, '(')) return null;
  const length = typeLength(cursor, 1, true);
  if (length === 0) return null;
  const behind = peek(cursor, length + 2);
  const single = length === 1 && !isTypeWord(peek(cursor, 1).text);
  const operand =
    behind.kind === 'id' ||
    behind.kind === 'num' ||
    behind.kind === 'str' ||
    behind.kind === 'char' ||
    // Behind a lone unknown name these could as well be a call or a binary operator: only a sure type makes a cast.
    (!single && behind.kind === 'punct' && ['(', '~', '!', '-', '&', '*', '{'].includes(behind.text)) ||
    (single && behind.kind === 'punct' && ['{', '~', '!'].includes(behind.text));
  if (!operand) return null;
  next(cursor);
  const type = typeText(cursor, length);
  expect(cursor, ')', 'behind the type of a cast');
  if (isText(peek(cursor), '{')) {
    const literal: Expr = { kind: 'cast', type, operand: parseInitialiser(cursor), at: open };
    return parsePostfix(cursor, literal);
  }
  return { kind: 'cast', type, operand: nested(cursor), at: open };
}

function parsePrimary(cursor: Cursor): Expr {
  const token = next(cursor);
  switch (token.kind) {
    case 'num':
    case 'char':
      return { kind: 'num', text: token.text, at: token };
    case 'str': {
      let text = token.text;
      // Neighbouring strings are one; a name between them is a format macro such as PRIx64.
      while (continuesString(cursor)) text += next(cursor).text;
      return { kind: 'str', text, at: token };
    }
    case 'id': {
      if (peek(cursor).kind !== 'str') return { kind: 'id', name: token.text, at: token };
      let text = token.text;
      while (continuesString(cursor)) text += next(cursor).text;
      return { kind: 'str', text, at: token };
    }
    default:
  }
  if (token.text === '{') {
    cursor.at -= 1;
    return parseInitialiser(cursor);
  }
  if (token.text === '(' && isText(peek(cursor), '{')) {
    const body = parseBlock(cursor);
    expect(cursor, ')', 'behind a statement expression');
    return { kind: 'statements', body, at: token };
  }
  if (token.text !== '(') return fail(cursor.file, token, 'an expression');
  const inner = parseExpression(cursor);
  expect(cursor, ')', 'behind an expression');
  return inner;
}

/** A string, or a name that a string follows or precedes: both are parts of one literal. */
function continuesString(cursor: Cursor): boolean {
  const token = peek(cursor);
  if (token.kind === 'str') return true;
  const behind = peek(cursor, 1);
  return token.kind === 'id' && (behind.kind === 'str' || isText(behind, ')') || isText(behind, ','));
}

function parsePostfix(cursor: Cursor, start: Expr): Expr {
  let left = start;
  for (;;) {
    const token = peek(cursor);
    if (token.kind !== 'punct') return left;
    if (token.text === '(') left = { kind: 'call', callee: left, args: parseArguments(cursor), at: left.at };
    else if (token.text === '[') {
      next(cursor);
      const index = parseExpression(cursor);
      expect(cursor, ']', 'behind an index');
      left = { kind: 'index', object: left, index, at: token };
    } else if (token.text === '.' || token.text === '->') {
      next(cursor);
      left = {
        kind: 'member',
        object: left,
        name: expectId(cursor, 'a member name').text,
        arrow: token.text === '->',
        at: token,
      };
    } else if (token.text === '++' || token.text === '--') {
      next(cursor);
      left = { kind: 'postfix', op: token.text, operand: left, at: token };
    } else return left;
  }
}

function parseArguments(cursor: Cursor): Expr[] {
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

/** Macros take types and nothing at all where functions take values. */
function parseArgument(cursor: Cursor): Expr {
  const token = peek(cursor);
  if (isText(token, ',')) return { kind: 'type', type: '', at: token };
  let length = 0;
  while (
    peek(cursor, length).kind === 'id' &&
    (isTypeWord(peek(cursor, length).text) ||
      (length > 0 && ['struct', 'union', 'enum'].includes(peek(cursor, length - 1).text)))
  )
    length += 1;
  if (length > 0) {
    while (isText(peek(cursor, length), '*')) length += 1;
    const behind = peek(cursor, length);
    if (isText(behind, ',') || isText(behind, ')')) return { kind: 'type', type: typeText(cursor, length), at: token };
  }
  return parseAssignment(cursor);
}

/** `{ 1, .eax = 2, [3] = { … }, }`. */
export function parseInitialiser(cursor: Cursor): Expr {
  const at = expect(cursor, '{', 'before an initialiser');
  const items: InitItem[] = [];
  while (!isText(peek(cursor), '}')) {
    const first = peek(cursor);
    const designators = parseDesignators(cursor);
    const value = isText(peek(cursor), '{') ? parseInitialiser(cursor) : parseAssignment(cursor);
    items.push({ designators, value, at: first });
    if (accept(cursor, ',') === null) break;
  }
  expect(cursor, '}', 'or `,` in an initialiser');
  return { kind: 'init', items, at };
}

function parseDesignators(cursor: Cursor): readonly Designator[] {
  const designators: Designator[] = [];
  for (;;) {
    const token = peek(cursor);
    if (isText(token, '.') && peek(cursor, 1).kind === 'id') {
      next(cursor);
      designators.push({ kind: 'field', name: next(cursor).text, at: token });
    } else if (isText(token, '[')) {
      next(cursor);
      const index = parseTernary(cursor);
      const last = accept(cursor, '...') === null ? null : parseTernary(cursor);
      expect(cursor, ']', 'behind an array index');
      designators.push({ kind: 'index', index, last, at: token });
    } else break;
  }
  if (designators.length > 0) expect(cursor, '=', 'behind a designator');
  return designators;
}
