import fc from 'fast-check';

/** A constant expression of C with what a compiler of a 64-bit target makes of it; a null value where C defines none. */
export type Constant = { readonly text: string; readonly power: number; readonly value: Typed | null };
export type Typed = { readonly value: bigint; readonly bits: number; readonly signed: boolean };

// The grammar of C11 6.5.5 to 6.5.15, loosest first; written down apart from the reader's own table.
const LEVELS = ['|| ', '&& ', '| ', '^ ', '& ', '== != ', '< > <= >= ', '<< >> ', '+ - ', '* / % '].map((level) =>
  level.trim().split(' '),
);
const TERNARY = -1;
const UNARY = LEVELS.length;
const PRIMARY = UNARY + 1;

const typed = (value: bigint, bits: number, signed: boolean): Typed => ({
  value: signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value),
  bits,
  signed,
});
const int = (value: boolean): Typed => typed(value ? 1n : 0n, 32, true);
const promoted = (one: Typed): Typed => (one.bits < 32 ? typed(one.value, 32, true) : one);

/** C11 6.3.1.8: of two widths the wider type, of one width the unsigned one. */
function common(a: Typed, b: Typed): { readonly bits: number; readonly signed: boolean } {
  const [x, y] = [promoted(a), promoted(b)];
  if (x.bits !== y.bits) return x.bits > y.bits ? x : y;
  return { bits: x.bits, signed: x.signed && y.signed };
}

function apply(op: string, a: Typed, b: Typed): Typed | null {
  const left = promoted(a);
  if (op === '<<' || op === '>>') {
    if (b.value < 0n || b.value >= BigInt(left.bits)) return null;
    return typed(op === '<<' ? left.value << b.value : left.value >> b.value, left.bits, left.signed);
  }
  const { bits, signed } = common(a, b);
  const [x, y] = [typed(a.value, bits, signed).value, typed(b.value, bits, signed).value];
  if ((op === '/' || op === '%') && y === 0n) return null;
  const number: Record<string, () => bigint> = {
    '|': () => x | y,
    '^': () => x ^ y,
    '&': () => x & y,
    '+': () => x + y,
    '-': () => x - y,
    '*': () => x * y,
    '/': () => x / y,
    '%': () => x % y,
  };
  const arithmetic = number[op];
  if (arithmetic !== undefined) return typed(arithmetic(), bits, signed);
  const truth: Record<string, boolean> = {
    '==': x === y,
    '!=': x !== y,
    '<': x < y,
    '>': x > y,
    '<=': x <= y,
    '>=': x >= y,
  };
  return int(truth[op] ?? false);
}

const wrapped = (one: Constant, least: number): string => (one.power < least ? `(${one.text})` : one.text);

function binary(op: string, left: Constant, right: Constant): Constant {
  const power = LEVELS.findIndex((level) => level.includes(op));
  const text = `${wrapped(left, power)} ${op} ${wrapped(right, power + 1)}`;
  const [a, b] = [left.value, right.value];
  if (op === '&&') return { text, power, value: a && (a.value === 0n ? int(false) : b && int(b.value !== 0n)) };
  if (op === '||') return { text, power, value: a && (a.value !== 0n ? int(true) : b && int(b.value !== 0n)) };
  return { text, power, value: a && b && apply(op, a, b) };
}

function prefix(op: string, one: Constant): Constant {
  const text = `${op}${op === '-' || op === '+' ? ' ' : ''}${wrapped(one, UNARY)}`;
  if (one.value === null) return { text, power: UNARY, value: null };
  const { value, bits, signed } = promoted(one.value);
  const results: Record<string, Typed> = {
    '-': typed(-value, bits, signed),
    '~': typed(~value, bits, signed),
    '+': typed(value, bits, signed),
    '!': int(value === 0n),
  };
  return { text, power: UNARY, value: results[op] ?? null };
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
  const text = `(${type})${wrapped(one, UNARY)}`;
  return { text, power: UNARY, value: one.value && typed(one.value.value, bits, signed) };
}

function ternary(test: Constant, then: Constant, otherwise: Constant): Constant {
  const text = `${wrapped(test, 0)} ? ${then.text} : ${wrapped(otherwise, TERNARY)}`;
  if (test.value === null || then.value === null || otherwise.value === null)
    return { text, power: TERNARY, value: null };
  const { bits, signed } = common(then.value, otherwise.value);
  return {
    text,
    power: TERNARY,
    value: typed((test.value.value !== 0n ? then : otherwise).value?.value ?? 0n, bits, signed),
  };
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
  const type = types.find(({ bits, signed }) => typed(value, bits, signed).value === value);
  return { text: `${digits}${suffix}`, power: PRIMARY, value: type === undefined ? null : { value, ...type } };
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
    tie('expr').map((one) => ({ text: `(${one.text})`, power: PRIMARY, value: one.value })),
  ),
})).expr;
