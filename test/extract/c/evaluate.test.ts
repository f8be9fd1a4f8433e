import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate32, evaluate64, evaluateMacro, type Scope } from '../../../pipeline/extract/c/evaluate.ts';
import { initialiserOf, readUnit } from '../../../pipeline/extract/c/unit.ts';
import { DataError } from '../../../pipeline/model/errors.ts';
import { constants } from './constant.ts';

/** The value of the macro X of a file. */
function constantOf(text: string, scope: Partial<Scope> = {}) {
  const unit = readUnit('a.h', text);
  const macro = unit.macros.get('X');
  if (macro === undefined) throw new Error('no X');
  return evaluateMacro(macro, { file: 'a.h', macro: (name) => unit.macros.get(name), ...scope });
}
const number = (text: string, scope?: Partial<Scope>): bigint => constantOf(text, scope).value;
const refusal = (text: string, scope?: Partial<Scope>): string => {
  try {
    constantOf(text, scope);
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  return 'no error';
};

test('a constant expression has the value and the type that C gives it', () => {
  fc.assert(
    fc.property(constants, ({ text, result }) => {
      fc.pre(result.value !== null);
      expect(constantOf(`#define X ${text}\n`)).toEqual(result);
    }),
    { numRuns: 2000 },
  );
});

test('what C does not define is a DataError, never a value', () => {
  fc.assert(
    fc.property(constants, ({ text, result }) => {
      fc.pre(result.value === null);
      expect(refusal(`#define X ${text}\n`)).toMatch(/^a\.h:1:\d+: expected /);
    }),
    { numRuns: 500 },
  );
});

describe('literals', () => {
  test.each([
    ['0', 0n, 32, true],
    ['2147483648', 2147483648n, 64, true],
    ['0x80000000', 0x80000000n, 32, false],
    ['0x8000000000000000', 2n ** 63n, 64, false],
    ['0b101', 5n, 32, true],
    ['017', 15n, 32, true],
    ['7ULL', 7n, 64, false],
    ["'A'", 65n, 32, true],
  ] as const)('%s', (text, value, bits, signed) => {
    expect(constantOf(`#define X ${text}\n`)).toEqual({ value, bits, signed });
  });

  test.each(['089', '1.5', '0x', '1ULLL', '9223372036854775808', "'ab'", "'\\n'", '3DNOW', '"text"'])(
    '%s is no integer that is read',
    (text) => {
      expect(refusal(`#define X ${text}\n`)).toContain('expected');
    },
  );
});

test('a value is narrowed to 32 or 64 bits as C would store it', () => {
  const unit = readUnit('a.c', 'int x = ~0x3;\nint y = -1;');
  const scope: Scope = { file: 'a.c', macro: () => undefined };
  const [x, y] = ['x', 'y'].map((name) => unit.objects.get(name));
  if (x === undefined || y === undefined) throw new Error('no object');
  expect(evaluate32(initialiserOf(unit, x), scope)).toBe(0xfffffffc);
  expect(evaluate64(initialiserOf(unit, y), scope)).toBe(0xffffffffffffffffn);
});

describe('macros', () => {
  test('refer to others and take arguments', () => {
    const text = '#define WORD(w, b) ((w) * 32 + (b))\n#define NINE 9\n#define X WORD(NINE, 4)\n';
    expect(number(text)).toBe(292n);
  });

  test('an argument that is not used need not be a constant', () => {
    expect(number('#define FIRST(a, b) (a)\n#define X FIRST(3, some_variable)\n')).toBe(3n);
  });

  test('a parameter hides a macro of the same name in the body, not in the argument', () => {
    expect(number('#define n 7\n#define F(n) (n + 1)\n#define X F(n)\n')).toBe(8n);
  });

  test('variable arguments may be left out', () => {
    expect(number('#define F(a, ...) (a)\n#define X F(2)\n')).toBe(2n);
    expect(number('#define F(a, ...) (a)\n#define X F(2, 3, 4)\n')).toBe(2n);
  });

  test.each(['#define F(a) (a)\n#define X F(1, 2)\n', '#define F(a, b) (a)\n#define X F(1)\n'])(
    'a wrong number of arguments is an error: %j',
    (text) => {
      expect(refusal(text)).toMatch(/expected \d arguments of the macro F/);
    },
  );

  test.each([
    '#define X X\n',
    '#define X A\n#define A X\n',
    '#define F(a) F(a)\n#define X F(1)\n',
    '#define F(a) (a)\n#define A F(A)\n#define X A\n',
  ])('one that refers to itself is an error: %j', (text) => {
    expect(refusal(text)).toContain('a constant that does not refer to itself');
  });

  test('a macro may be an argument of itself', () => {
    expect(number('#define F(a) ((a) + 1)\n#define X F(F(F(1)))\n')).toBe(4n);
  });

  test('macros that double themselves end in an error', () => {
    const lines = [...Array(60).keys()].map((n) => `#define A${n} (A${n + 1} + A${n + 1})\n`);
    expect(refusal(`${lines.join('')}#define A60 1\n#define X A0\n`)).toContain('steps');
  });

  test('an operator of the preprocessor is no constant', () => {
    expect(refusal('#define X a ## b\n')).toContain('found `##`');
    expect(refusal('#define F(a) #a\n#define X F(1)\n')).toContain('found `#`');
  });

  test('an error names the file of the macro', () => {
    const other = readUnit('other.h', '#define OTHER missing\n').macros.get('OTHER');
    if (other === undefined) throw new Error('no macro');
    const macro: Scope['macro'] = (name) => (name === 'OTHER' ? { ...other, file: 'other.h' } : undefined);
    expect(refusal('#define X OTHER\n', { macro })).toMatch(/^other\.h:1:15: .*`missing` is not defined/);
  });
});

describe('a macro is text', () => {
  test.each([
    '#define A 1 + 2\n#define X A * 2\n',
    '#define A 1 + 2\n#define X 10 - A\n',
    '#define A 1 | 2\n#define X ~A\n',
    '#define A 1 << 4\n#define X (u64)A\n',
    '#define F(a) (a * 2)\n#define X F(1 + 2)\n',
    '#define A 1 ? 2 : 3\n#define X A + 1\n',
    '#define A 0 || 1\n#define X 0 && A\n',
  ])('where it binds otherwise than its value, that is an error: %j', (text) => {
    expect(refusal(text)).toContain('parentheses');
  });

  test.each([
    ['#define A (1 + 2)\n#define X A * 2\n', 6n],
    ['#define A 1 | 2\n#define X 4 | A | 8\n', 15n],
    ['#define A 1 + 2\n#define X A\n', 3n],
    ['#define A 1 + 2\n#define X (A) * 2\n', 6n],
    ['#define A 4 * 2\n#define X 1 + A\n', 9n],
    ['#define F(a) ((a) * 2)\n#define X F(1 + 2)\n', 6n],
    ['#define A -1\n#define X 2 * A\n', -2n],
  ] as const)('else it has its value: %j', (text, value) => {
    expect(number(text)).toBe(value);
  });
});

describe('names and calls', () => {
  test('constants come from the scope before macros do', () => {
    expect(number('#define A 1\n#define X A\n', { constant: (name) => (name === 'A' ? 5n : undefined) })).toBe(5n);
  });

  test('a call that the scope knows gets its arguments as they are written', () => {
    const call: Scope['call'] = (name, args) =>
      name === 'F' && args[0]?.kind === 'num'
        ? { value: BigInt(args[0].text.length), bits: 32, signed: true }
        : undefined;
    expect(number('#define X F(3DNOW)\n', { call })).toBe(5n);
  });

  test.each([
    ['BIT(5)', 32n],
    ['BIT_ULL(63)', 2n ** 63n],
    ['GENMASK(7, 4)', 0xf0n],
    ['GENMASK_ULL(63, 0)', 2n ** 64n - 1n],
    ['~BIT_U32(0)', 0xfffffffen],
  ] as const)('%s is built in', (text, value) => {
    expect(number(`#define X ${text}\n`)).toBe(value);
  });

  test.each(['BIT(64)', 'BIT(-1)', 'GENMASK(3, 4)', 'BIT_U32(32)', 'BIT(1, 2)'])('%s is an error', (text) => {
    expect(refusal(`#define X ${text}\n`)).toContain('bits that its type has');
  });

  test('a macro of that name comes before what is built in', () => {
    expect(number('#define BIT(n) (1 << (n + 1))\n#define X BIT(1)\n')).toBe(4n);
  });

  test.each(['missing', 'missing(1)', '1 + missing', 'sizeof(int)', 'a.b', 'p->x', '&a', 'x = 1', '1, 2', '{ 1 }'])(
    '%s is no constant',
    (text) => {
      expect(refusal(`#define X ${text}\n`)).toMatch(/^a\.h:1:\d+: expected /);
    },
  );

  test('the side of && and || that C does not evaluate need not be a constant', () => {
    expect(number('#define X 0 && missing\n')).toBe(0n);
    expect(number('#define X 1 || missing\n')).toBe(1n);
    expect(refusal('#define X 1 && missing\n')).toContain('`missing` is not defined');
  });

  test('both arms of a choice give its type', () => {
    expect(constantOf('#define X 1 ? -1 : 0u\n')).toEqual({ value: 0xffffffffn, bits: 32, signed: false });
    expect(constantOf('#define X 5 ?: 7ull\n')).toEqual({ value: 5n, bits: 64, signed: false });
  });
});

test('the arm that is not taken may be undefined', () => {
  expect(constantOf('#define X 1 ? 2 : 1 / 0\n')).toEqual({ value: 2n, bits: 32, signed: true });
  expect(constantOf('#define X 0 ? 1ull << 64 : 3\n')).toEqual({ value: 3n, bits: 64, signed: false });
  expect(refusal('#define X 1 ? 2 : missing\n')).toContain('`missing` is not defined');
});

test('a long chain of operators is evaluated', () => {
  expect(number(`#define X ${Array(900).fill('1').join(' + ')}\n`)).toBe(900n);
});
