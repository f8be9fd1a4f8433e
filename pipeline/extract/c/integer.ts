/** An integer of C: its value and its type's width and sign. */
export type CInteger = { readonly value: bigint; readonly bits: number; readonly signed: boolean };

/** The value in a type, as two's complement wraps it. */
export const wrap = (value: bigint, bits: number, signed: boolean): CInteger => ({
  value: signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value),
  bits,
  signed,
});
export const truth = (value: boolean): CInteger => ({ value: value ? 1n : 0n, bits: 32, signed: true });

/** Types narrower than `int` become `int` in an expression. */
const promote = (value: CInteger): CInteger =>
  value.bits < 32 ? { value: value.value, bits: 32, signed: true } : value;

/** A constant that comes from outside: int if it fits, else 64 bits. */
export function integerOf(value: bigint): CInteger {
  if (value >= -(1n << 31n) && value < 1n << 31n) return { value, bits: 32, signed: true };
  return { value, bits: 64, signed: value < 0n };
}

/** An integer literal or a character constant with the type that C gives it on a 64-bit target. */
export function literal(text: string): CInteger | undefined {
  if (text.startsWith("'"))
    return /^'[ -&(-[\]-~]'$/.test(text) ? wrap(BigInt(text.charCodeAt(1)), 32, true) : undefined;
  const match = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlL]*)$/.exec(text);
  const [, digits, suffix] = match ?? [];
  // No integer type of C holds more digits.
  if (digits === undefined || suffix === undefined || digits.length > 80) return undefined;
  if (!/^(?:u?(?:ll?)?|ll?u)$/i.test(suffix)) return undefined;
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

/** Spellings of the integer types, by width and sign; those of the kernel and the module beside C's own. */
const WIDTHS: ReadonlyMap<string, readonly [number, boolean]> = new Map(
  (
    [
      [8, false, 'u8|__u8|uint8_t|unsigned char'],
      [8, true, 's8|__s8|int8_t|signed char'],
      [16, false, 'u16|__u16|uint16_t|unsigned short'],
      [16, true, 's16|__s16|int16_t|short'],
      [32, false, 'u32|__u32|uint32_t|unsigned int|unsigned'],
      [32, true, 's32|__s32|int32_t|int'],
      [64, false, 'u64|__u64|uint64_t|unsigned long|unsigned long int|unsigned long long|size_t|gpa_t'],
      [64, true, 's64|__s64|int64_t|long|long int|long long'],
    ] as const
  ).flatMap(([bits, signed, names]) => names.split('|').map((name) => [name, [bits, signed] as const] as const)),
);

/** The width in bits and the sign of an integer type's name, undefined where it is none that is known. */
export const widthOf = (name: string): readonly [number, boolean] | undefined => WIDTHS.get(name);

/** The value converted to a type, undefined where the type is no integer that is known. */
export function cast(type: string, value: CInteger): CInteger | undefined {
  const name = type
    .split(' ')
    .filter((word) => !['const', 'volatile', '__force'].includes(word))
    .join(' ');
  const width = WIDTHS.get(name);
  return width === undefined ? undefined : wrap(value.value, width[0], width[1]);
}

/** `~`, `-`, `+` or `!` of a value, undefined for another operator. */
export function unary(op: string, value: CInteger): CInteger | undefined {
  const operand = promote(value);
  switch (op) {
    case '!':
      return truth(operand.value === 0n);
    case '~':
      return wrap(~operand.value, operand.bits, operand.signed);
    case '-':
      return wrap(-operand.value, operand.bits, operand.signed);
    case '+':
      return operand;
    default:
      return undefined;
  }
}

/** Both values in the type that C's usual conversions give an operator's operands. */
export function balance(one: CInteger, other: CInteger): readonly [CInteger, CInteger] {
  const [left, right] = [promote(one), promote(other)];
  const bits = Math.max(left.bits, right.bits);
  const wide = left.bits > right.bits ? left : right;
  const signed = left.bits === right.bits ? left.signed && right.signed : wide.signed;
  return [wrap(left.value, bits, signed), wrap(right.value, bits, signed)];
}

/** The result of a binary operator other than `&&` and `||`, or what the operator asks of its operands. */
export function binary(op: string, one: CInteger, other: CInteger): CInteger | string {
  if (op === '<<' || op === '>>') return shift(op, promote(one), promote(other));
  const [left, right] = balance(one, other);
  if ((op === '/' || op === '%') && right.value === 0n) return 'a divisor that is not 0';
  const arithmetic = ARITHMETIC.get(op);
  if (arithmetic !== undefined) return wrap(arithmetic(left.value, right.value), left.bits, left.signed);
  const comparison = COMPARISON.get(op);
  return comparison === undefined ? 'a constant expression' : truth(comparison(left.value, right.value));
}

function shift(op: '<<' | '>>', left: CInteger, right: CInteger): CInteger | string {
  if (right.value < 0n || right.value >= BigInt(left.bits)) return `a shift by 0 to ${left.bits - 1} bits`;
  return wrap(op === '<<' ? left.value << right.value : left.value >> right.value, left.bits, left.signed);
}

const ARITHMETIC: ReadonlyMap<string, (a: bigint, b: bigint) => bigint> = new Map([
  ['|', (a: bigint, b: bigint) => a | b],
  ['&', (a, b) => a & b],
  ['^', (a, b) => a ^ b],
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
  ['%', (a, b) => a % b],
]);
const COMPARISON: ReadonlyMap<string, (a: bigint, b: bigint) => boolean> = new Map([
  ['==', (a: bigint, b: bigint) => a === b],
  ['!=', (a, b) => a !== b],
  ['<', (a, b) => a < b],
  ['>', (a, b) => a > b],
  ['<=', (a, b) => a <= b],
  ['>=', (a, b) => a >= b],
]);
