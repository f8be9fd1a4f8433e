import { describe, expect, test } from 'vitest';
import { lex } from '../../../pipeline/extract/c/lex.ts';
import { DataError } from '../../../pipeline/model/errors.ts';

const texts = (source: string): readonly string[] =>
  lex('a.c', source)
    .filter(({ kind }) => kind !== 'end')
    .map(({ kind, text, tokens }) =>
      kind === 'directive' ? `#${[text, ...(tokens ?? []).map((token) => token.text)].join(' ')}` : text,
    );
const kinds = (source: string): readonly string[] => lex('a.c', source).map(({ kind }) => kind);
const refusal = (source: string): string => {
  try {
    lex('a.c', source);
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  return 'no error';
};

describe('tokens', () => {
  test('are names, numbers, literals and punctuation, the longest first', () => {
    expect(texts('a<<=b->c+++d...x##y')).toEqual(['a', '<<=', 'b', '->', 'c', '++', '+', 'd', '...', 'x', '##', 'y']);
    expect(kinds('a 1 "s" \'c\' +')).toEqual(['id', 'num', 'str', 'char', 'punct', 'end']);
  });

  test('a name may begin with a digit, as CPUID features do', () => {
    const tokens = lex('a.c', 'F(3DNOW), F(3DNOWEXT),');
    expect(tokens.filter(({ kind }) => kind === 'num').map(({ text }) => text)).toEqual(['3DNOW', '3DNOWEXT']);
  });

  test('a number takes its exponent, so 1...4 is no range', () => {
    expect(texts('1 ... 4')).toEqual(['1', '...', '4']);
    expect(texts('1...4')).toEqual(['1...4']);
    expect(texts('0x1e+5 1e+5')).toEqual(['0x1e+5', '1e+5']);
  });

  test('literals keep what is escaped', () => {
    expect(texts(String.raw`"a\"b" '\'' "//" "/*"`)).toEqual([String.raw`"a\"b"`, String.raw`'\''`, '"//"', '"/*"']);
  });

  test.each([
    ['\n\n  x', 3, 3],
    ['/* a\n b */ x', 2, 7],
    ['// a \\\n b\nx', 3, 1],
    ['\t\\\r\n x', 2, 2],
    ['"a\\\nb" x', 2, 4],
    ['\uFEFFx', 1, 2],
    ['a\r\nx', 2, 1],
  ])('have lines and columns: %j', (source, line, column) => {
    const token = lex('a.c', source).find(({ text }) => text === 'x');
    expect(token).toMatchObject({ line, column });
  });
});

describe('comments and continuations', () => {
  test('vanish', () => {
    expect(texts('a /* b // c */ d // e\nf')).toEqual(['a', 'd', 'f']);
    expect(texts('/***/a/**/b/* * / */c')).toEqual(['a', 'b', 'c']);
  });

  test('a // comment goes on behind a continuation', () => {
    expect(texts('a // b \\\nc\nd')).toEqual(['a', 'd']);
    expect(texts('a // b \\  \r\nc\r\nd')).toEqual(['a', 'd']);
  });

  test('a macro goes on behind a continuation, also one with white space behind it', () => {
    expect(texts('#define A \\\n 1 + \\\r\n 2\nb')).toEqual(['#define A 1 + 2', 'b']);
    expect(texts('#define A 1 + \\ \n 2\nb')).toEqual(['#define A 1 + 2', 'b']);
  });

  test.each(['0x1\\\n2', 'fo\\\no', 'a &\\\n& b', 'a <\\\n< 2', 'a -\\\n> b'])(
    'a continuation inside a token is an error: %j',
    (source) => {
      expect(refusal(source)).toContain('a continuation inside a token');
    },
  );
});

describe('directives', () => {
  test('are one token each, with a comment over several lines', () => {
    expect(texts('#define A /* x\n y */ 1\n# include <a.h>\n b # c')).toEqual([
      '#define A 1',
      '#include < a . h >',
      'b',
      '#',
      'c',
    ]);
  });

  test('begin behind white space and comments only', () => {
    expect(texts('  /* c */ # define A\nx')).toEqual(['#define A', 'x']);
  });

  test.each([
    ['#define F(a) a', true],
    ['#define F (a)', false],
    ['#define F\\\n(a) a', true],
    ['#define F/**/(a)', false],
  ])('a parenthesis touches the name or not: %j', (source, touches) => {
    const [directive] = lex('a.c', source);
    expect(directive?.tokens?.some((token) => token.touches === true)).toBe(touches);
  });

  test('the prose of #error and #warning may hold lone quotes', () => {
    expect(texts('#error don\'t\na\n#warning say "so\nb')).toEqual(['#error don', 'a', '#warning say', 'b']);
    expect(texts("#error don't \\\n do it\na")).toEqual(['#error don do it', 'a']);
  });

  test('a lone quote elsewhere is an error', () => {
    expect(refusal("#define A don't")).toBe('a.c:1:14: expected C source, found a literal that never ends');
    expect(refusal('x = "abc\n";')).toBe('a.c:1:5: expected C source, found a literal that never ends');
  });
});

describe('what is in no build', () => {
  test.each([
    ['#if 0\na\n#endif\nb', ['b']],
    ['#if 0\na\n#else\nb\n#endif', ['b']],
    ['#if 1\na\n#else\nb\n#endif', ['a']],
    ['#if 0\na\n#elif X\nb\n#else\nc\n#endif', ['#if X', 'b', '#else', 'c', '#endif']],
    ['#if X\na\n#elif 0\nb\n#else\nc\n#endif', ['#if X', 'a', '#else', 'c', '#endif']],
    ['#if X\na\n#elif 1\nb\n#else\nc\n#endif', ['#if X', 'a', '#else', 'b', '#endif']],
    ['#if 0\n#if X\na\n#else\nb\n#endif\n#define C\n#endif\nd', ['d']],
    ['#if 1\n#ifdef X\na\n#endif\n#endif', ['#ifdef X', 'a', '#endif']],
  ])('is left out: %j', (source, expected) => {
    expect(texts(source)).toEqual(expected);
  });

  test('keeps the positions of what follows', () => {
    expect(lex('a.c', '#if 0\na\n#endif\n b').at(0)).toMatchObject({ text: 'b', line: 4, column: 2 });
  });
});

describe('errors name the place', () => {
  test.each([
    ['a\n /* b', 'a.c:2:2: expected C source, found a comment that never ends'],
    ['a \0 b', 'a.c:1:3: expected C source, found the character "\\u0000"'],
    ['a ä', 'a.c:1:3: expected C source, found the character "ä"'],
    ['<<<<<<< ours\na', 'a.c:1:1: expected a resolved merge, found the merge marker <<<<<<<'],
    ['void f() {\n=======\n}', 'a.c:2:1: expected a resolved merge, found the merge marker ======='],
    ['#if X\na', 'a.c:1:1: expected #endif for each #if, found #if'],
    ['a\n#endif', 'a.c:2:1: expected an #if before #endif, found #endif'],
    ['#else', 'a.c:1:1: expected an #if before #else, found #else'],
    ['#if X\n#else\n#else\n#endif', 'a.c:3:1: expected #endif behind #else, found #else'],
    ['#if X\n#else\n#elif Y\n#endif', 'a.c:3:1: expected #endif behind #else, found #elif'],
    ['#if X\n#elifdef Y\n#endif', 'a.c:2:1: expected #elif, #else or #endif, found #elifdef'],
  ])('%j', (source, message) => {
    expect(refusal(source)).toBe(message);
  });

  test('an include guard may stay open, another conditional not', () => {
    expect(texts('#ifndef A_H\n#define A_H\na')).toContain('a');
    expect(refusal('#ifndef A_H\n#define B_H\na')).toContain('#endif for each #if');
    expect(refusal('#ifndef A_H\n#define A_H\n#ifdef X\na')).toContain('a.c:3:1');
  });
});
