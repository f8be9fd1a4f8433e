import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate, evaluate32, evaluate64, type Scope } from '../../../pipeline/extract/c/evaluate.ts';
import { lex } from '../../../pipeline/extract/c/lex.ts';
import { bodyOf, enumMembers, initialiserOf, readUnit, structMembers } from '../../../pipeline/extract/c/unit.ts';
import { allStatements } from '../../../pipeline/extract/c/walk.ts';
import { DataError, KnownError } from '../../../pipeline/model/errors.ts';

const NOTHING: Scope = { file: 't.c', macro: () => undefined };
const value = (text: string, scope: Scope = NOTHING): bigint => {
  const unit = readUnit('t.c', `int x = ${text};`);
  const object = unit.objects.get('x');
  if (object === undefined) throw new Error('no x');
  return evaluate(initialiserOf(unit, object), scope).value;
};

describe('tokens', () => {
  test('have their places through comments, continuations and directives', () => {
    const tokens = lex(
      't.c',
      '/* a\n b */ one \\\n two // c\n#define M(x) \\\n  x\nthree "s\\"t" \'c\' 0x1fULL 3DNOW\r\n...',
    );
    expect(tokens.map(({ kind, text, line, column }) => [kind, text, line, column])).toEqual([
      ['id', 'one', 2, 7],
      ['id', 'two', 3, 2],
      ['directive', 'define', 4, 1],
      ['id', 'three', 6, 1],
      ['str', '"s\\"t"', 6, 7],
      ['char', "'c'", 6, 14],
      ['num', '0x1fULL', 6, 18],
      ['num', '3DNOW', 6, 26],
      ['punct', '...', 7, 1],
      ['end', '', 7, 4],
    ]);
  });

  test.each([
    ['int a; /* never', /t\.c:1:8: expected C source, found a comment that never ends/],
    ['int a = "x', /t\.c:1:9: .*a literal that never ends/],
    ['int \u0001;', /t\.c:1:5: .*character/],
  ])('%j is an error with its place', (text, message) => {
    expect(() => lex('t.c', text)).toThrow(message);
  });
});

describe('constants follow C', () => {
  test.each([
    ['1 + 2 * 3 << 1', 14n],
    ['~0x3', -4n],
    ['~0x3u', 0xfffffffcn],
    ['(u32)-1', 0xffffffffn],
    ['(uint64_t)-1', 0xffffffffffffffffn],
    ['0x80000000 >> 31', 1n],
    ['-1 >> 1', -1n],
    ['1 ? 2 : 1 / 0', 2n],
    ['0 && 1 / 0', 0n],
    ['BIT(31) | GENMASK(23, 16)', 0x80ff0000n],
    ['BIT_ULL(63)', 1n << 63n],
    ['0755', 493n],
    ["'A'", 65n],
    ['10 - 3 - 2', 5n],
    ['1 | 2 ^ 3 & 5', 3n],
    ['!0 == 1', 1n],
  ])('%s is %s', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  test('macros with and without parameters, in terms of each other, and never endlessly', () => {
    const unit = readUnit(
      't.c',
      '#define W 9\n#define F(w, b) ((w)*32 + (b))\n#define HLE F(W, \\\n 4)\n#define LOOP LOOP\n#define A B\n#define B A\nint x = HLE;',
    );
    const scope: Scope = { file: 't.c', macro: (name) => unit.macros.get(name) };
    expect(value('HLE', scope)).toBe(292n);
    expect(() => value('LOOP', scope)).toThrow(/does not refer to itself/);
    expect(() => value('A + 1', scope)).toThrow(DataError);
    expect(() => value('NOBODY', scope)).toThrow(/t\.c:1:9: expected a constant, and `NOBODY` is not defined/);
  });

  test('masks come out as unsigned numbers of their width', () => {
    const unit = readUnit('t.c', 'int x = ~0x3;');
    const object = unit.objects.get('x');
    if (object === undefined) throw new Error('no x');
    expect([
      evaluate32(initialiserOf(unit, object), NOTHING),
      evaluate64(initialiserOf(unit, object), NOTHING),
    ]).toEqual([0xfffffffc, 0xfffffffffffffffcn]);
  });

  test('sums and masks of any 32-bit numbers agree with the arithmetic of the manual', () => {
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(u32, u32, u32, (a, b, c) => {
        const mod = (x: bigint): bigint => BigInt.asUintN(32, x);
        const [A, B, C] = [BigInt(a), BigInt(b), BigInt(c)];
        expect(value(`(${a}u + ${b}u) * ${c}u`)).toBe(mod(mod(A + B) * C));
        expect(value(`~${a}u & (${b}u | ${c}u) ^ ${a}u`)).toBe((mod(~A) & (B | C)) ^ A);
      }),
    );
  });
});

describe('the outline of a file', () => {
  const unit = readUnit(
    't.c',
    `
enum words { A, B = 5, C, };
typedef struct flags_s { bool_t one; struct { u8 two : 1; u8 rest : 7; }; uint8_t reserved[4]; } flags_t;
#ifdef X
static int twice(int a) { return a; }
#else
static int twice(int a) { return -a; }
#endif
static __always_inline u32 *last(const struct entry *e, unsigned char (*f)(int)) { if (e) return 0; else return f; }
static const struct t table[] = { [2] = { .a = 1, }, [A] = {0} };
`,
  );
  test('finds enumerators, members, functions in both branches, objects', () => {
    const [words, flags] = unit.aggregates;
    if (words === undefined || flags === undefined) throw new Error('no aggregates');
    expect(enumMembers(unit, words).map(({ name }) => name)).toEqual(['A', 'B', 'C']);
    expect(structMembers(unit, flags).map(({ name, width }) => [name, width])).toEqual([
      ['one', null],
      ['two', 1],
      ['rest', 7],
      ['reserved', null],
    ]);
    expect(unit.functions.get('twice')?.map(({ conditions }) => conditions)).toEqual([
      ['defined(X)'],
      ['!(defined(X))'],
    ]);
    expect([...unit.functions.keys(), ...unit.objects.keys()]).toEqual(['twice', 'last', 'table']);
  });

  test('reads bodies: if chains, loops of macros, switches, directives between statements', () => {
    const code = readUnit(
      't.c',
      'void f(void) { if (a) b(); else if (c) { d = 1; } for_each_x(i) g(i);\n#if Y\n h();\n#else\n k();\n#endif\n switch (m) { case 1 ... 3: n(); break; default: o(); } do { p++; } while (q); }',
    );
    const [fn] = code.functions.get('f') ?? [];
    if (fn === undefined) throw new Error('no f');
    expect([...allStatements(bodyOf(code, fn))].map(({ kind }) => kind)).toEqual([
      'if',
      'expr',
      'if',
      'expr',
      'loop',
      'expr',
      'expr',
      'conditional',
      'expr',
      'expr',
      'switch',
      'case',
      'expr',
      'jump',
      'case',
      'expr',
      'loop',
      'expr',
    ]);
  });

  test.each([
    ['void f(void) { a(; }', /t\.c:1:20: expected balanced brackets, found `}`/],
    ['void f(void) { a(;) }', /t\.c:1:18: expected an expression, found `;`/],
    ['void f(void) { if a; }', /`\(` before a condition/],
    ['<<<<<<< ours\nint a;\n', /resolved merge/],
    ['int a[3;', /balanced brackets|bracket opened in line 1/],
    ['#endif\n', /an #if before #endif/],
  ])('%j is an error with its place', (text, message) => {
    const read = (): void => {
      const broken = readUnit('t.c', text);
      for (const fn of [...broken.functions.values()].flat()) bodyOf(broken, fn);
    };
    expect(read).toThrow(message);
    expect(read).toThrow(DataError);
  });
});

test('nothing that is no C hangs, overflows or throws anything but a known error', () => {
  const base =
    'static const struct t x[M] = { [1] = { .a = (1 | BIT(3)), .b = { 2, } } };\n#define M 3\nenum e { A = 1, B };\nint f(int a) { if (a && (b)c) { return g(a ? 1 : 2); } for (;;) h(); }\n';
  const pieces = fc.constantFrom(
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ',',
    ';',
    '"',
    "'",
    '/*',
    '#if\n',
    '#else\n',
    '#endif\n',
    '=',
    '?',
    ':',
    '.',
    '->',
    '\\\n',
    '\0',
    'case',
    'if',
    '...',
    'sizeof(',
    '0x',
    'é',
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(base.length), pieces, fc.nat(3)), { minLength: 1, maxLength: 8 }), (edits) => {
      const text = edits.reduce((all, [at, piece, cut]) => all.slice(0, at) + piece + all.slice(at + cut), base);
      try {
        const unit = readUnit('t.c', text);
        for (const fn of [...unit.functions.values()].flat()) bodyOf(unit, fn);
        for (const object of unit.objects.values())
          evaluate(initialiserOf(unit, object), { file: 't.c', macro: (name) => unit.macros.get(name) });
        for (const aggregate of unit.aggregates) if (aggregate.form === 'enum') enumMembers(unit, aggregate);
      } catch (error) {
        if (!(error instanceof KnownError)) throw error;
      }
    }),
    { numRuns: 600 },
  );
  for (const flood of ['(', '{', '[', '~', '!', '- ', 'a ? ', '1+', 'f(', '((a)', '*', 'sizeof ']) {
    const read = (): void => {
      const unit = readUnit('t.c', `int x = ${flood.repeat(20_000)}1;`);
      for (const object of unit.objects.values()) evaluate(initialiserOf(unit, object), NOTHING);
    };
    try {
      read();
    } catch (error) {
      expect([flood, error instanceof KnownError, String(error).slice(0, 80)]).toEqual([
        flood,
        true,
        String(error).slice(0, 80),
      ]);
    }
  }
});
