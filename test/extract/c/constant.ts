import fc from 'fast-check';

/** A constant expression of C with what a compiler of a 64-bit target makes of it. */
export type Constant = { readonly text: string; readonly power: number; readonly result: Typed };
/** A type, which every expression has, and the value: null where C defines none. */
type Typed = { readonly value: bigint | null; readonly bits: number; readonly signed: boolean };
type Type = Omit<Typed, 'value'>;

// The grammar of C11 6.5.5 to 6.5.15, loosest first; written down apart from the reader's own table.
const LEVELS = ['|| ', '&& ', '| ', '^ ', '& ', '== != ', '< > <= >= ', '<< >> ', '+ - ', '* / % '].map((level) =>
  level.trim().split(' '),
);
const TERNARY = -1;
const UNARY = LEVELS.length;
const PRIMARY = UNARY + 1;

const typed = (value: bigint | null, { bits, signed }: Type): Typed => ({
  value: value === null ? null : signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value),
  bits,
  signed,
});
const INT: Type = { bits: 32, signed: true };
const int = (value: boolean | null): Typed => typed(value === null ? null : value ? 1n : 0n, INT);
const promoted = (one: Typed): Typed => (one.bits < 32 ? typed(one.value, INT) : one);

/** C11 6.3.1.8: of two widths the wider type, of one width the unsigned one. */
function common(a: Typed, b: Typed): Type {
  const [x, y] = [promoted(a), promoted(b)];
  if (x.bits !== y.bits) return x.bits > y.bits ? x : y;
  return { bits: x.bits, signed: x.signed && y.signed };
}

/** Null for operands that C does not allow. */
function compute(op: string, x: bigint, y: bigint): bigint | boolean | null {
  switch (op) {
    case '|':
      return x | y;
    case '^':
      return x ^ y;
    case '&':
      return x & y;
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return y === 0n ? null : x / y;
    case '%':
      return y === 0n ? null : x % y;
    case '==':
      return x === y;
    case '!=':
      return x !== y;
    case '<':
      return x < y;
    case '>':
      return x > y;
    case '<=':
      return x <= y;
    default:
      return x >= y;
  }
}

function apply(op: string, a: Typed, b: Typed): Typed {
  if (op === '<<' || op === '>>') {
    const left = promoted(a);
    const [x, n] = [left.value, b.value];
    const isDefined = x !== null && n !== null && n >= 0n && n < BigInt(left.bits);
    return typed(isDefined ? (op === '<<' ? x << n : x >> n) : null, left);
  }
  const type = common(a, b);
  const [x, y] = [typed(a.value, type).value, typed(b.value, type).value];
  const result = x === null || y === null ? null : compute(op, x, y);
  if (['==', '!=', '<', '>', '<=', '>='].includes(op)) return int(result === null ? null : result === true);
  return typed(typeof result === 'bigint' ? result : null, type);
}

/** `&&` and `||`: the right side counts only where the left one does not decide. */
function logical(op: string, { value: x }: Typed, { value: y }: Typed): Typed {
  if (x === null) return int(null);
  if ((x !== 0n) === (op === '||')) return int(op === '||');
  return int(y === null ? null : y !== 0n);
}

const wrapped = (one: Constant, least: number): string => (one.power < least ? `(${one.text})` : one.text);

function binary(op: string, left: Constant, right: Constant): Constant {
  const power = LEVELS.findIndex((level) => level.includes(op));
  const text = `${wrapped(left, power)} ${op} ${wrapped(right, power + 1)}`;
  const isLogical = op === '&&' || op === '||';
  return { text, power, result: (isLogical ? logical : apply)(op, left.result, right.result) };
}

function prefix(op: string, one: Constant): Constant {
  const text = `${op}${op === '-' || op === '+' ? ' ' : ''}${wrapped(one, UNARY)}`;
  const operand = promoted(one.result);
  const { value } = operand;
  if (op === '!') return { text, power: UNARY, result: int(value === null ? null : value === 0n) };
  if (value === null) return { text, power: UNARY, result: operand };
  return { text, power: UNARY, result: typed(op === '-' ? -value : op === '~' ? ~value : value, operand) };
}

const TYPES: Readonly<Record<string, readonly [number, boolean]>> = {
  u8: [8, false],
  s16: [16, true],
  uint32_t: [32, false],
  int: [32, true],
  u64: [64, false],
  'long long': [64, true],
  'const unsigned int': [32, false],
};

function cast(type: string, one: Constant): Constant {
  const [bits, signed] = TYPES[type] ?? [32, true];
  return {
    text: `(${type})${wrapped(one, UNARY)}`,
    power: UNARY,
    result: typed(one.result.value, { bits, signed }),
  };
}

function ternary(test: Constant, then: Constant, otherwise: Constant): Constant {
  const text = `${wrapped(test, 0)} ? ${then.text} : ${wrapped(otherwise, TERNARY)}`;
  const type = common(then.result, otherwise.result);
  const { value } = test.result;
  const chosen = value === null ? null : (value !== 0n ? then : otherwise).result.value;
  return { text, power: TERNARY, result: typed(chosen, type) };
}

/** C11 6.4.4.1: the first of int, unsigned (not for decimals), long, unsigned long that holds the value. */
function literal(value: bigint, base: 'decimal' | 'hex' | 'octal', suffix: string): Constant {
  const digits = base === 'hex' ? `0x${value.toString(16)}` : base === 'octal' ? `0${value.toString(8)}` : `${value}`;
  const isUnsigned = /u/i.test(suffix);
  const types = (/l/i.test(suffix) ? [64] : [32, 64]).flatMap((bits) =>
    isUnsigned
      ? [{ bits, signed: false }]
      : base === 'decimal'
        ? [{ bits, signed: true }]
        : [
            { bits, signed: true },
            { bits, signed: false },
          ],
  );
  const type = types.find((one) => typed(value, one).value === value) ?? INT;
  return { text: `${digits}${suffix}`, power: PRIMARY, result: typed(value, type) };
}

const literals = fc
  .tuple(
    fc.oneof(
      fc.bigInt(0n, 40n),
      fc.bigInt(0n, 2n ** 63n - 1n),
      fc.constantFrom(0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, 2n ** 63n - 1n),
    ),
    fc.constantFrom('decimal', 'hex', 'octal'),
    fc.constantFrom('', '', 'u', 'U', 'l', 'UL', 'ull', 'LLU', 'LL'),
  )
  .map(([value, base, suffix]) => literal(value, base, suffix));

/** Random constant expressions with only the parentheses that C needs, and now and then one more. */
export const constants: fc.Arbitrary<Constant> = fc.letrec<{ expr: Constant }>((tie) => ({
  expr: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    literals,
    fc.tuple(fc.constantFrom(...LEVELS.flat()), tie('expr'), tie('expr')).map(([op, a, b]) => binary(op, a, b)),
    fc
      .tuple(fc.constantFrom('<<', '>>'), tie('expr'), fc.bigInt(0n, 31n))
      .map(([op, a, n]) => binary(op, a, literal(n, 'decimal', ''))),
    fc.tuple(fc.constantFrom('-', '~', '+', '!'), tie('expr')).map(([op, a]) => prefix(op, a)),
    fc.tuple(fc.constantFrom(...Object.keys(TYPES)), tie('expr')).map(([type, a]) => cast(type, a)),
    fc.tuple(tie('expr'), tie('expr'), tie('expr')).map(([a, b, c]) => ternary(a, b, c)),
    tie('expr').map((one) => ({ text: `(${one.text})`, power: PRIMARY, result: one.result })),
  ),
})).expr;
