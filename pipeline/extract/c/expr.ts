import type { Expr } from './ast.ts';
import { parseCast, parseSizeof } from './cast.ts';
import { accept, type Cursor, enter, expect, expectId, grow, isText, leave, next, peek } from './cursor.ts';
import { ASSIGN, binaryPower, POWER, PREFIX } from './operators.ts';
import { parseArguments, parsePrimary } from './primary.ts';

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
  const outer = enter(cursor);
  const left = parseTernary(cursor);
  const op = peek(cursor);
  const isAssign = op.kind === 'punct' && ASSIGN.has(op.text);
  if (isAssign) next(cursor);
  const expr: Expr = isAssign
    ? { kind: 'assign', op: op.text, target: left, value: parseAssignment(cursor), at: op }
    : left;
  leave(cursor, outer);
  return expr;
}

/** An expression without assignment, as in an array index or a `case`. */
export function parseTernary(cursor: Cursor): Expr {
  const test = parseBinary(cursor, POWER.weakest);
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
    const power = op.kind === 'punct' ? binaryPower(op.text) : undefined;
    if (power === undefined || power < least) return left;
    next(cursor);
    left = { kind: 'binary', op: op.text, left, right: parseBinary(cursor, power + 1), at: op };
    grow(cursor);
  }
}

/** An operand with its prefixes, casts and postfixes. */
function parseUnary(cursor: Cursor): Expr {
  const token = peek(cursor);
  if (token.kind === 'punct' && PREFIX.has(token.text)) {
    next(cursor);
    return { kind: 'unary', op: token.text, operand: nested(cursor), at: token };
  }
  if (isText(token, 'sizeof') || isText(token, '_Alignof') || isText(token, '__alignof__')) return parseSizeof(cursor);
  return parseCast(cursor) ?? parsePostfix(cursor, parsePrimary(cursor));
}

/** A unary operand one level deeper: a chain of prefixes must not exhaust the stack either. */
export function nested(cursor: Cursor): Expr {
  const outer = enter(cursor);
  const operand = parseUnary(cursor);
  leave(cursor, outer);
  return operand;
}

/** Calls, indices and members behind an operand. */
export function parsePostfix(cursor: Cursor, start: Expr): Expr {
  let left = start;
  for (;;) {
    const more = parseStep(cursor, left);
    if (more === null) return left;
    left = more;
    grow(cursor);
  }
}

function parseStep(cursor: Cursor, left: Expr): Expr | null {
  const token = peek(cursor);
  if (token.kind !== 'punct') return null;
  switch (token.text) {
    case '(':
      return { kind: 'call', callee: left, args: parseArguments(cursor), at: left.at };
    case '[': {
      next(cursor);
      const index = parseExpression(cursor);
      expect(cursor, ']', 'behind an index');
      return { kind: 'index', object: left, index, at: token };
    }
    case '.':
    case '->': {
      next(cursor);
      const { text } = expectId(cursor, 'a member name');
      return { kind: 'member', object: left, name: text, arrow: token.text === '->', at: token };
    }
    case '++':
    case '--':
      next(cursor);
      return { kind: 'postfix', op: token.text, operand: left, at: token };
    default:
      return null;
  }
}
