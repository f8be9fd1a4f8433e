import type { Cursor, Grammar } from './cursor.ts';
import { nested, parseAssignment, parseExpression, parsePostfix, parseTernary } from './expr.ts';
import { parseBlock, parseStatements } from './statement.ts';
import type { Token } from './token.ts';

const C: Grammar = {
  assignment: parseAssignment,
  ternary: parseTernary,
  expression: parseExpression,
  nested,
  postfix: parsePostfix,
  block: parseBlock,
  statements: parseStatements,
};

/** A body with more statements that conditionals cut through would take too many readings. */
const MAX_CUTS = 50;

/** A cursor at a token of a list, with the grammar that it is read by. */
export function cursorOf(file: string, tokens: readonly Token[], at = 0): Cursor {
  return { file, grammar: C, tokens, at, depth: 0, height: 0, cuts: { left: MAX_CUTS } };
}
