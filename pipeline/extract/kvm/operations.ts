import { fail } from '../c/cursor.ts';
import { type ExprOf, type Frame, isTrue, MIXED, number, truth, UNKNOWN, type Value } from './values.ts';

/** A register against `~0` or -1 compares in 32 bits. */
const same = (a: bigint, b: bigint): boolean => BigInt.asUintN(32, a) === BigInt.asUintN(32, b);

/** Registers are unsigned and constants positive: 64 unsigned bits hold every value that occurs. */
export const OPERATIONS: Readonly<Record<string, ((a: bigint, b: bigint) => bigint) | undefined>> = {
  '|': (a, b) => a | b,
  '&': (a, b) => a & b,
  '^': (a, b) => a ^ b,
  '+': (a, b) => BigInt.asUintN(64, a + b),
  '-': (a, b) => BigInt.asUintN(64, a - b),
  '<<': (a, b) => BigInt.asUintN(64, a << (b & 63n)),
  '>>': (a, b) => a >> (b & 63n),
  '==': (a, b) => (same(a, b) ? 1n : 0n),
  '!=': (a, b) => (same(a, b) ? 0n : 1n),
  '<': (a, b) => (a < b ? 1n : 0n),
  '>': (a, b) => (a > b ? 1n : 0n),
  '<=': (a, b) => (a <= b ? 1n : 0n),
  '>=': (a, b) => (a >= b ? 1n : 0n),
};

/** An operator on values, the right one evaluated by the caller; `&&` and `||` are not among them. */
export function binaryOf(expr: ExprOf<'binary'>, left: Value, right: Value, frame: Frame): Value {
  if ((left.kind === 'number' && left.of !== undefined) || (right.kind === 'number' && right.of !== undefined))
    noteComparison(left, right, expr, frame);
  if (left.kind !== 'number' || right.kind !== 'number') return unknownOf(expr.op, left, right);
  const operation = OPERATIONS[expr.op];
  if (operation === undefined) return fail(frame.run.program.path, expr.at, 'an operator that can be followed');
  return number(operation(left.value, right.value));
}

/** The upper half of what the module gave is a value of the module; all else that an operator makes of it is its own. */
const unknownOf = (op: string, left: Value, right: Value): Value =>
  op === '>>' && left.kind === 'unknown' && left.mixed !== true && right.kind === 'number' ? UNKNOWN : MIXED;

/** Leaves are told apart by equality only: of a range or of a computed key, not every leaf could be tried. */
function noteComparison(left: Value, right: Value, expr: ExprOf<'binary'>, frame: Frame): void {
  const [key, other] = left.kind === 'number' && left.of !== undefined ? [left, right] : [right, left];
  if (
    key.kind !== 'number' ||
    key.of === undefined ||
    other.kind !== 'number' ||
    other.of !== undefined ||
    (expr.op !== '==' && expr.op !== '!=')
  )
    fail(frame.run.program.path, expr.at, 'the function or sub-leaf compared for equality with a constant');
  else frame.run.compared[key.of].add(BigInt.asUintN(32, other.value));
}

/** A key is compared, not computed with. */
export function checkWhole(value: Value, expr: { readonly at: ExprOf<'id'>['at'] }, frame: Frame): void {
  if (value.kind === 'number' && value.of !== undefined)
    fail(frame.run.program.path, expr.at, 'the function or sub-leaf compared for equality with a constant');
}

export function castOf(expr: ExprOf<'cast'>, value: Value, frame: Frame): Value {
  if (value.kind !== 'number') return value;
  const { type } = expr;
  if (value.of !== undefined && /64|long|32|int/.test(type)) return value;
  if (value.of !== undefined && !/bool/.test(type))
    return fail(frame.run.program.path, expr.at, 'the whole function or sub-leaf');
  if (value.of !== undefined) return truth(isTrue(value, frame));
  if (/64|long/.test(type)) return number(BigInt.asUintN(64, value.value));
  return /bool/.test(type) ? truth(value.value !== 0n) : number(BigInt.asUintN(32, value.value));
}

export function unaryOf(expr: ExprOf<'unary'>, value: Value, frame: Frame): Value {
  if (expr.op === '*' || expr.op === '&') return value;
  if (value.kind === 'entry' && expr.op === '!') return truth(false);
  if (value.kind !== 'number') return MIXED;
  if (expr.op === '!') return truth(!isTrue(value, frame));
  checkWhole(value, expr, frame);
  if (expr.op === '~') return number(BigInt.asUintN(64, ~value.value));
  if (expr.op === '-') return number(BigInt.asUintN(64, -value.value));
  return expr.op === '+' ? value : fail(frame.run.program.path, expr.at, 'an operator that can be followed');
}
