import type { Expr } from './ast.ts';
import { cursorOf, fail, peek } from './cursor.ts';
import { parseExpression } from './expr.ts';
import type { Token } from './lex.ts';
import type { Macro } from './unit.ts';

/** An integer of C: its value and its type's width and sign. */
export type CInteger = { readonly value: bigint; readonly bits: number; readonly signed: boolean };

/** What names mean: macros by name, constants such as enumerators, and calls that the macros do not define. */
export type Scope = {
  readonly file: string;
  readonly macro: (name: string) => (Macro & { readonly file?: string }) | undefined;
  readonly constant?: (name: string) => bigint | undefined;
  /** A call whose meaning is built in, such as `__feature_bit(X86_FEATURE_HLE)`; undefined where it is not known. */
  readonly call?: (name: string, args: readonly Expr[], evaluate: (arg: Expr) => CInteger) => CInteger | undefined;
};

const MAX_DEPTH = 64;

/** The value of a C constant expression, in two's complement of its type. Throws a DataError naming what is no constant. */
export function evaluate(expr: Expr, scope: Scope): CInteger {
  return evaluateIn(expr, scope, new Map(), 0);
}

/** The value as an unsigned number of 32 bits: `~0x3` is 0xfffffffc. */
export const evaluate32 = (expr: Expr, scope: Scope): number => Number(BigInt.asUintN(32, evaluate(expr, scope).value));
/** The value as an unsigned bigint of 64 bits, sign-extended as C does. */
export const evaluate64 = (expr: Expr, scope: Scope): bigint => BigInt.asUintN(64, evaluate(expr, scope).value);

/** A macro's value. Throws a DataError where its body is no constant expression. */
export function evaluateMacro(macro: Macro, scope: Scope): CInteger {
  return evaluate(bodyExpression(macro, scope.file), scope);
}

function bodyExpression(macro: Macro, file: string): Expr {
  const cursor = cursorOf(file, macro.body);
  const expr = parseExpression(cursor);
  const rest = peek(cursor);
  if (rest.kind !== 'end') return fail(file, rest, `the macro ${macro.name} to be one expression`);
  return expr;
}

type Arguments = ReadonlyMap<string, CInteger>;

function evaluateIn(expr: Expr, scope: Scope, args: Arguments, depth: number): CInteger {
  if (depth > MAX_DEPTH) return fail(scope.file, expr.at, 'a constant that does not refer to itself');
  const sub = (inner: Expr): CInteger => evaluateIn(inner, scope, args, depth + 1);
  switch (expr.kind) {
    case 'num':
      return literal(expr.text) ?? fail(scope.file, expr.at, 'an integer literal');
    case 'id':
      return evaluateName(expr.name, expr.at, scope, args, depth);
    case 'unary':
      return unary(expr.op, sub, expr, scope);
    case 'binary':
      return binary(expr.op, sub, expr, scope);
    case 'ternary':
      return sub(expr.test).value !== 0n ? sub(expr.then) : sub(expr.otherwise);
    case 'cast':
      return cast(expr.type, sub(expr.operand)) ?? fail(scope.file, expr.at, 'a cast to an integer type');
    case 'call':
      return evaluateCall(expr, scope, args, depth);
    default:
      return fail(scope.file, expr.at, 'a constant expression');
  }
}

function evaluateName(name: string, at: Token, scope: Scope, args: Arguments, depth: number): CInteger {
  const bound = args.get(name);
  if (bound !== undefined) return bound;
  const constant = scope.constant?.(name);
  if (constant !== undefined) return integerOf(constant);
  const macro = scope.macro(name);
  if (macro === undefined || macro.params !== null)
    return fail(scope.file, at, `a constant, and \`${name}\` is not defined`);
  const inner: Scope = { ...scope, file: macro.file ?? scope.file };
  return evaluateIn(bodyExpression(macro, inner.file), inner, new Map(), depth + 1);
}

function evaluateCall(expr: Extract<Expr, { kind: 'call' }>, scope: Scope, args: Arguments, depth: number): CInteger {
  const { callee } = expr;
  if (callee.kind !== 'id') return fail(scope.file, expr.at, 'a call of a named macro');
  const sub = (inner: Expr): CInteger => evaluateIn(inner, scope, args, depth + 1);
  const known = scope.call?.(callee.name, expr.args, sub);
  if (known !== undefined) return known;
  const macro = scope.macro(callee.name);
  if (macro?.params != null) {
    const bound = new Map(
      macro.params
        .map((param, index) => [param, expr.args[index]] as const)
        .flatMap(([param, arg]) => (arg === undefined ? [] : [[param, sub(arg)] as const])),
    );
    const inner: Scope = { ...scope, file: macro.file ?? scope.file };
    return evaluateIn(bodyExpression(macro, inner.file), inner, bound, depth + 1);
  }
  const builtin = BUILTINS[callee.name];
  if (builtin === undefined) return fail(scope.file, expr.at, `a constant, and \`${callee.name}()\` is not defined`);
  return builtin(expr.args.map(sub)) ?? fail(scope.file, expr.at, `${callee.name}() with constant bits from 0 to 63`);
}

const ulong = (value: bigint): CInteger => ({ value: BigInt.asUintN(64, value), bits: 64, signed: false });
const isShift = (value: CInteger | undefined): value is CInteger =>
  value !== undefined && value.value >= 0n && value.value < 64n;

/** `BIT(n)`: one bit. */
function bit(args: readonly CInteger[]): CInteger | undefined {
  const [n] = args;
  return isShift(n) && args.length === 1 ? ulong(1n << n.value) : undefined;
}

/** `GENMASK(high, low)`: both bits included. */
function genmask(args: readonly CInteger[]): CInteger | undefined {
  const [high, low] = args;
  if (!isShift(high) || !isShift(low) || high.value < low.value || args.length !== 2) return undefined;
  return ulong(((1n << (high.value - low.value + 1n)) - 1n) << low.value);
}

/** Macros of the kernel's and the module's headers that are not read with each file. */
const BUILTINS: Readonly<Record<string, ((args: readonly CInteger[]) => CInteger | undefined) | undefined>> =
  Object.assign(Object.create(null), {
    BIT: bit,
    BIT_ULL: bit,
    _BITUL: bit,
    _BITULL: bit,
    BITS: genmask,
    GENMASK: genmask,
    GENMASK_ULL: genmask,
    GENMASK_U32: genmask,
    BIT_U32: bit,
  });

/** An integer literal or a character constant with the type that C gives it. */
function literal(text: string): CInteger | undefined {
  if (text.startsWith("'"))
    return text.length === 3 ? { value: BigInt(text.charCodeAt(1)), bits: 32, signed: true } : undefined;
  const match = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlL]*)$/.exec(text);
  const [, digits, suffix] = match ?? [];
  if (digits === undefined || suffix === undefined || !/^(u?l{0,2}|l{1,2}u)$/i.test(suffix)) return undefined;
  const isOctal = /^0[0-9]+$/.test(digits);
  if (isOctal && /[89]/.test(digits)) return undefined;
  const value = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  const isDecimal = /^[1-9]/.test(digits);
  const isUnsigned = /u/i.test(suffix);
  for (const bits of /l/i.test(suffix) ? [64] : [32, 64]) {
    if (!isUnsigned && value < 1n << BigInt(bits - 1)) return { value, bits, signed: true };
    if ((isUnsigned || !isDecimal) && value < 1n << BigInt(bits)) return { value, bits, signed: false };
  }
  return undefined;
}

/** A constant that comes from outside: int if it fits, else 64 bits. */
function integerOf(value: bigint): CInteger {
  if (value >= -(1n << 31n) && value < 1n << 31n) return { value, bits: 32, signed: true };
  return { value, bits: 64, signed: value < 0n };
}

const wrap = (value: bigint, bits: number, signed: boolean): CInteger => ({
  value: signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value),
  bits,
  signed,
});

const WIDTHS: Readonly<Record<string, readonly [number, boolean] | undefined>> = Object.assign(Object.create(null), {
  u8: [8, false],
  __u8: [8, false],
  uint8_t: [8, false],
  u16: [16, false],
  __u16: [16, false],
  uint16_t: [16, false],
  u32: [32, false],
  __u32: [32, false],
  uint32_t: [32, false],
  'unsigned int': [32, false],
  unsigned: [32, false],
  s32: [32, true],
  __s32: [32, true],
  int32_t: [32, true],
  int: [32, true],
  u64: [64, false],
  __u64: [64, false],
  uint64_t: [64, false],
  'unsigned long': [64, false],
  'unsigned long long': [64, false],
  size_t: [64, false],
  gpa_t: [64, false],
  s64: [64, true],
  __s64: [64, true],
  int64_t: [64, true],
  long: [64, true],
  'long long': [64, true],
});

function cast(type: string, value: CInteger): CInteger | undefined {
  const width = WIDTHS[type.replace(/\bconst\b/g, '').trim()];
  return width === undefined ? undefined : wrap(value.value, width[0], width[1]);
}

function unary(
  op: string,
  sub: (inner: Expr) => CInteger,
  expr: Extract<Expr, { kind: 'unary' }>,
  scope: Scope,
): CInteger {
  if (!['~', '-', '+', '!'].includes(op)) return fail(scope.file, expr.at, 'a constant expression');
  const operand = promote(sub(expr.operand));
  if (op === '!') return { value: operand.value === 0n ? 1n : 0n, bits: 32, signed: true };
  const value = op === '~' ? ~operand.value : op === '-' ? -operand.value : operand.value;
  return wrap(value, operand.bits, operand.signed);
}

const promote = (value: CInteger): CInteger =>
  value.bits < 32 ? { value: value.value, bits: 32, signed: true } : value;

function binary(
  op: string,
  sub: (inner: Expr) => CInteger,
  expr: Extract<Expr, { kind: 'binary' }>,
  scope: Scope,
): CInteger {
  const left = promote(sub(expr.left));
  const truth = (value: boolean): CInteger => ({ value: value ? 1n : 0n, bits: 32, signed: true });
  // The side that C does not evaluate need not be a constant.
  if (op === '&&') return truth(left.value !== 0n && sub(expr.right).value !== 0n);
  if (op === '||') return truth(left.value !== 0n || sub(expr.right).value !== 0n);
  const right = promote(sub(expr.right));
  if (op === '<<' || op === '>>') {
    if (right.value < 0n || right.value >= BigInt(left.bits))
      return fail(scope.file, expr.at, `a shift by 0 to ${left.bits - 1} bits`);
    return wrap(op === '<<' ? left.value << right.value : left.value >> right.value, left.bits, left.signed);
  }
  const bits = Math.max(left.bits, right.bits);
  const signed =
    left.bits === right.bits ? left.signed && right.signed : left.bits > right.bits ? left.signed : right.signed;
  const [a, b] = [wrap(left.value, bits, signed).value, wrap(right.value, bits, signed).value];
  if ((op === '/' || op === '%') && b === 0n) return fail(scope.file, expr.at, 'a divisor that is not 0');
  const arithmetic = ARITHMETIC[op];
  if (arithmetic !== undefined) return wrap(arithmetic(a, b), bits, signed);
  const comparison = COMPARISON[op];
  return comparison === undefined ? fail(scope.file, expr.at, 'a constant expression') : truth(comparison(a, b));
}

const ARITHMETIC: Readonly<Record<string, ((a: bigint, b: bigint) => bigint) | undefined>> = {
  '|': (a, b) => a | b,
  '&': (a, b) => a & b,
  '^': (a, b) => a ^ b,
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};
const COMPARISON: Readonly<Record<string, ((a: bigint, b: bigint) => boolean) | undefined>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
};
