import { describe, expect, test } from 'vitest';
import type { Expr } from '../../../pipeline/extract/c/ast.ts';
import { enumMembers, initialiserOf, readUnit, structMembers } from '../../../pipeline/extract/c/unit.ts';
import { show } from '../../../pipeline/extract/module/clobbers/expression.ts';
import { DataError } from '../../../pipeline/model/errors.ts';

const refusal = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  return 'no error';
};

describe('functions', () => {
  const heads = (text: string) =>
    [...readUnit('a.c', text).functions.values()].flat().map(({ name, params, line }) => [name, ...params, line]);

  test('have a name, the names of their parameters and a line', () => {
    expect(heads('int a;\nstatic inline u64 f(u32 x, const struct s *y)\n{ return x; }\n')).toEqual([
      ['f', 'x', 'y', 2],
    ]);
    expect(heads('void f(void) {} int g() {}')).toEqual([
      ['f', 1],
      ['g', 1],
    ]);
  });

  test.each([
    ['void f(u8 a[SIZE], int n) {}', ['f', 'a', 'n', 1]],
    ['void f(int (*done)(struct s *x, int y), int n) {}', ['f', 'done', 'n', 1]],
    ['void f(int, u64 *, foo_t) {}', ['f', '', '', '', 1]],
    ['void f(int a __maybe_unused, ...) {}', ['f', 'a', 1]],
    ['__printf(1, 2) int f(int a) {}', ['f', 'a', 1]],
    ['int __f(int a) __releases(lock) {}', ['__f', 'a', 1]],
    ['__attribute__((noinline)) int f(int a) {}', ['f', 'a', 1]],
    ['_STATIC_INLINE_ bool_t f(reg_t* r) {}', ['f', 'r', 1]],
  ])('%s', (text, head) => {
    expect(heads(text)).toEqual([head]);
  });

  test('a prototype is none, a definition in each branch is two', () => {
    expect(heads('int f(int a);')).toEqual([]);
    const unit = readUnit('a.c', '#ifdef X\nint f(int a) {}\n#else\nint f(int b) {}\n#endif\n');
    expect(unit.functions.get('f')?.map(({ params, conditions }) => [params[0], conditions])).toEqual([
      ['a', ['defined(X)']],
      ['b', ['!(defined(X))']],
    ]);
  });

  test('are found behind what is no declaration', () => {
    expect(heads('extern "C" {\nint f(int a) {}\n}\nint g(void) {}')).toEqual([
      ['f', 'a', 2],
      ['g', 4],
    ]);
    expect(heads('MODULE_LICENSE("x")\nint a = (struct s) { 1 }.x;\nint g(void) {}').at(-1)).toEqual(['g', 3]);
  });
});

describe('objects', () => {
  const objects = (text: string) => [...readUnit('a.c', text).objects.values()];

  test.each([
    ['int a = 1;', 'a', []],
    ['static const struct s table[SIZE][2] = { 1 };', 'table', ['SIZE', '2']],
    ['struct s { int x; } a[3] = { { 1 } };', 'a', ['3']],
    ['int a[3] __ro_after_init = { 1 };', 'a', ['3']],
    ['int a[N + 1] __attribute__((section("x"))) = { 1 };', 'a', ['N + 1']],
    ['static bool __read_mostly a = true;', 'a', []],
  ])('%s', (text, name, dimensions) => {
    expect(objects(text).map((object) => [object.name, object.dimensions.map(words)])).toEqual([[name, dimensions]]);
  });
  const words = (tokens: readonly { text: string }[]): string => tokens.map(({ text }) => text).join(' ');

  test('each of a list has its own sizes', () => {
    const [a, b] = objects('int a[3] = { 1 }, b[4] = { 2 };');
    expect([a, b].map((object) => object?.dimensions.map(words))).toEqual([['3'], ['4']]);
  });

  test('initialisers keep designators, out of order and nested', () => {
    const unit = readUnit(
      'a.c',
      'struct s x[] = {\n [7] = { .a = { .eax = 0x1, }, .b = 2 },\n [1 ... 3] = { 0 },\n { 4 },\n};',
    );
    const object = unit.objects.get('x');
    if (object === undefined) throw new Error('no x');
    const outline = (expr: Expr): unknown =>
      expr.kind === 'init'
        ? expr.items.map(({ designators, value }) => [
            designators
              .map((one) =>
                one.kind === 'field' ? one.name : `${show(one.index)}${one.last === null ? '' : `-${show(one.last)}`}`,
              )
              .join('.'),
            outline(value),
          ])
        : show(expr);
    expect(outline(initialiserOf(unit, object))).toEqual([
      [
        '7',
        [
          ['a', [['eax', '1']]],
          ['b', '2'],
        ],
      ],
      ['1-3', [['', '0']]],
      ['', [['', '4']]],
    ]);
  });

  test('a directive inside an initialiser is an error: which entries there are, the build says', () => {
    const unit = readUnit('a.c', 'int x[] = {\n1,\n#ifdef A\n2,\n#endif\n};');
    const object = unit.objects.get('x');
    expect(refusal(() => object && initialiserOf(unit, object))).toBe('a.c:3:1: expected an expression, found #ifdef');
  });
});

describe('macros', () => {
  const bodies = (text: string): Record<string, string> =>
    Object.fromEntries(
      [...readUnit('a.h', text).macros.values()].map(({ name, body }) => [
        name,
        body.map((token) => token.text).join(' '),
      ]),
    );

  test('have parameters where the parenthesis touches the name', () => {
    const { macros } = readUnit('a.h', '#define A (1)\n#define F(x, y...) x\n#define G() 1\n');
    expect([...macros.values()].map(({ name, params }) => [name, params])).toEqual([
      ['A', null],
      ['F', ['x', 'y', '...']],
      ['G', []],
    ]);
  });

  test('the last definition counts', () => {
    expect(bodies('#define A 1\n#undef A\n#define A 2\n')).toEqual({ A: '2' });
  });

  test('of #if and #else the first counts, and all are kept with their conditions', () => {
    const text = '#ifdef X\n#define A 1\n#else\n#define A 2\n#endif\n';
    expect(bodies(text)).toEqual({ A: '1' });
    const all = readUnit('a.h', text).definitions.get('A') ?? [];
    expect(all.map(({ body, conditions }) => [body[0]?.text, conditions])).toEqual([
      ['1', ['defined(X)']],
      ['2', ['!(defined(X))']],
    ]);
  });

  test('a default under #ifndef does not replace what is defined', () => {
    expect(bodies('#define A 1\n#ifndef A\n#define A 2\n#endif\n')).toEqual({ A: '1' });
    expect(bodies('#ifndef A\n#define A 2\n#endif\n')).toEqual({ A: '2' });
  });

  test('of several branches none counts, unless all say the same', () => {
    const text = (last: string): string =>
      `#if X == 1\n#define A 1\n#elif X == 2\n#define A 1\n#else\n#define A ${last}\n#endif\n`;
    expect(readUnit('a.h', text('2')).macros.get('A')?.isAmbiguous).toBe(true);
    expect(readUnit('a.h', text('1')).macros.get('A')?.isAmbiguous).toBeUndefined();
  });

  test('the conditions of a chain exclude the branches before', () => {
    const unit = readUnit('a.h', '#if A\n#elif B\n#elif C\n#define X\n#else\n#define Y\n#endif\n');
    expect(unit.macros.get('X')?.conditions).toEqual(['!(A) && !(B) && (C)']);
    expect(unit.macros.get('Y')?.conditions).toEqual(['!(A) && !(B) && !(C)']);
  });

  test.each(['#define\n', '#define 1 2\n', '#define F(a\n'])('%j is an error', (text) => {
    expect(refusal(() => readUnit('a.h', text))).toContain('a.h:1:');
  });
});

describe('structs, unions and enums', () => {
  const aggregates = (text: string) =>
    readUnit('a.h', text).aggregates.map(({ form, tag, typedef }) => [form, tag, typedef]);
  const members = (text: string) => {
    const unit = readUnit('a.h', text);
    const [aggregate] = unit.aggregates;
    if (aggregate === undefined) throw new Error('no struct');
    return structMembers(unit, aggregate).map(({ name, width }) => (width === null ? name : `${name}:${width}`));
  };
  const enumerators = (text: string) => {
    const unit = readUnit('a.h', text);
    const [aggregate] = unit.aggregates;
    if (aggregate === undefined) throw new Error('no enum');
    return enumMembers(unit, aggregate).map(({ name, value }) => (value === null ? name : `${name}=${show(value)}`));
  };

  test.each([
    ['struct s { int a; };', ['struct', 's', null]],
    ['typedef union u_u { int a; } u_t;', ['union', 'u_u', 'u_t']],
    ['typedef struct PACKED s_s { int a; } s_t;', ['struct', 's_s', 's_t']],
    ['struct __attribute__((packed)) s { int a; } x;', ['struct', 's', null]],
    ['typedef struct { int a; } __attribute__((packed)) s_t;', ['struct', null, 's_t']],
    ['enum e { A };', ['enum', 'e', null]],
  ])('%s', (text, expected) => {
    expect(aggregates(text)).toEqual([expected]);
  });

  test('a function that returns one, a parameter of one: none of these', () => {
    expect(aggregates('struct s f(struct t *x) { return 1; }')).toEqual([]);
  });

  test.each([
    ['struct s { int a, *b; u64 c[N]; };', ['a', 'b', 'c']],
    ['struct s { u64 a : 1, b : 2; u64 : 3; u64 reserved : 0x3a; };', ['a:1', 'b:2', ':3', 'reserved:58']],
    ['struct s { u64 a : 16,\n : 48; };', ['a:16', ':48']],
    ['#define W 40\nstruct s { u64 a : (W - 12), b_t : 1; };', ['a:28', 'b_t:1']],
    ['struct s { union { struct { u32 a; }; u64 b; }; int c; };', ['a', 'b', 'c']],
    ['struct s { struct { u32 a; } inner; int c; };', ['inner', 'c']],
    ['struct s { struct { u32 a; } __attribute__((packed)); int c; };', ['a', 'c']],
    ['struct s { int (*open)(int x, int y); void (*const close)(void); int c; };', ['open', 'close', 'c']],
    [
      'struct s { u64 a __attribute__((aligned(8))); ALIGN(64) u64 b; u64 __reserved __packed; };',
      ['a', 'b', '__reserved'],
    ],
    ['struct s { enum { A, B } kind; enum { C }; int c; };', ['kind', 'c']],
    ['struct s {\n#ifdef X\nint a;\n#else\nint b;\n#endif\n};', ['a', 'b']],
  ])('members: %j', (text, expected) => {
    expect(members(text)).toEqual(expected);
  });

  test('a bit-field under #if, or of an unknown width, has no known place', () => {
    expect(refusal(() => members('struct s { u64 a : 1;\n#ifdef X\nu64 b : 1;\n#endif\n};'))).toContain('a.h:2:1');
    expect(refusal(() => members('struct s { u64 a : WIDTH; };'))).toContain('`WIDTH` is not defined');
    expect(refusal(() => members('struct s { u64 a : 65; };'))).toContain('a width of 0 to 64 bits');
  });

  test('enumerators keep their expressions', () => {
    expect(enumerators('enum e {\n A = 1, /* one */\n#define B B\n B,\n C = A << 2,\n};')).toEqual([
      'A=1',
      'B',
      'C=A << 2',
    ]);
  });

  test('enumerators under #if have no known value', () => {
    expect(refusal(() => enumerators('enum e {\nA,\n#ifdef X\nB,\n#endif\nC };'))).toBe(
      'a.h:3:1: expected an enumerator, found #ifdef',
    );
  });
});

describe('brackets', () => {
  test.each([
    ['int f(void) { (] }', 'a.c:1:16: expected balanced brackets, found `]`'],
    ['int f(void) {', 'a.c:1:14: expected the end of the bracket opened in line 1, found the end'],
    ['}\n', 'a.c:1:1: expected balanced brackets, found `}`'],
    ['int a[3;', 'a.c:1:9: expected the end of the bracket opened in line 1, found the end'],
  ])('that do not balance are an error: %j', (text, message) => {
    expect(refusal(() => readUnit('a.c', text))).toBe(message);
  });

  test('branches that each open the same block count once', () => {
    const text = 'int f(void) {\n#ifdef X\nif (a) {\n#else\nif (b) {\n#endif\n}\n}\nint g(void) {}';
    expect([...readUnit('a.c', text).functions.keys()]).toEqual(['f', 'g']);
  });
});
