import { describe, expect, test } from 'vitest';
import type { Expr, Stmt } from '../../../pipeline/extract/c/ast.ts';
import { bodyOf, readUnit } from '../../../pipeline/extract/c/unit.ts';
import { allStatements, expressionsIn } from '../../../pipeline/extract/c/walk.ts';
import { show } from '../../../pipeline/extract/module/clobbers/expression.ts';
import { DataError } from '../../../pipeline/model/errors.ts';

function bodyOfText(text: string): readonly Stmt[] {
  const unit = readUnit('a.c', `void f(void) {${text}}`);
  const [fn] = unit.functions.get('f') ?? [];
  if (fn === undefined) throw new Error('no f');
  return bodyOf(unit, fn);
}
const refusal = (text: string): string => {
  try {
    bodyOfText(text);
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  return 'no error';
};

/** Statements as nested lists: what a reader of the tree relies on, without positions. */
const outline = (body: readonly Stmt[]): unknown => body.map(outlineOf);
const text = (expr: Expr | null): string => (expr === null ? '' : show(expr));
function outlineOf(stmt: Stmt): unknown {
  switch (stmt.kind) {
    case 'expr':
      return show(stmt.expr);
    case 'decl':
      return [`${stmt.type} ${stmt.name}`, ...(stmt.init === null ? [] : [show(stmt.init)])];
    case 'if':
      return ['if', show(stmt.test), outline(stmt.then), outline(stmt.otherwise)];
    case 'loop':
      return ['loop', outline(stmt.head), text(stmt.test), text(stmt.step), outline(stmt.body)];
    case 'switch':
      return ['switch', show(stmt.subject), outline(stmt.body)];
    case 'case':
      return [stmt.value === null ? 'default' : 'case', text(stmt.value), text(stmt.last)];
    case 'return':
      return ['return', text(stmt.value)];
    case 'jump':
      return stmt.label === null ? stmt.form : `${stmt.form} ${stmt.label}`;
    case 'label':
      return `${stmt.name}:`;
    case 'block':
      return ['block', outline(stmt.body)];
    case 'conditional':
      return ['#if', ...stmt.branches.map(({ condition, body }) => [condition, outline(body)])];
    case 'asm':
      return 'asm';
  }
}
const read = (source: string): unknown => outline(bodyOfText(source));

describe('statements', () => {
  test.each<[string, unknown]>([
    ['a = 1; ; b();', ['a = 1', 'b()']],
    ['if (a) b(); else if (c) { d(); } else e();', [['if', 'a', ['b()'], [['if', 'c', ['d()'], ['e()']]]]]],
    ['if (a) if (b) c(); else d();', [['if', 'a', [['if', 'b', ['c()'], ['d()']]], []]]],
    ['for (int i = 0; i < 3; i++) a();', [['loop', [['int i', '0']], 'i < 3', 'i++', ['a()']]]],
    ['for (;;) ;', [['loop', [], '', '', []]]],
    [
      'while (a) { b(); } do c(); while (d);',
      [
        ['loop', [], 'a', '', ['b()']],
        ['loop', [], 'd', '', ['c()']],
      ],
    ],
    [
      'switch (a) { case 1: case 2 ... 4: b(); break; default: return 5; }',
      [['switch', 'a', [['case', '1', ''], ['case', '2', '4'], 'b()', 'break', ['default', '', ''], ['return', '5']]]],
    ],
    ['again: goto again; out: return;', ['again:', 'goto again', 'out:', ['return', '']]],
    [
      'for_each(a, b) c(); list_for_each_entry(x, y, z) { d(); }',
      [
        ['loop', ['for_each(a, b)'], '', '', ['c()']],
        ['loop', ['list_for_each_entry(x, y, z)'], '', '', ['d()']],
      ],
    ],
    ['IF_RARE(a) { b(); } else { c(); }', [['if', 'a', ['b()'], ['c()']]]],
    ['asm volatile ("wrmsr" : : "c" (a)); __asm__("nop"); asm_inline (ALTERNATIVE("a", "b"));', ['asm', 'asm', 'asm']],
    ['{ a(); { b(); } }', [['block', ['a()', ['block', ['b()']]]]]],
  ])('%s', (source, expected) => {
    expect(read(source)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['int a = 1, *b, c[3];', [['int a', '1'], ['int * b'], ['int c']]],
    ['struct s *a = b; foo_t c; unknown d = 2;', [['struct s * a', 'b'], ['foo_t c'], ['unknown d', '2']]],
    ['unknown *a = b;', [['unknown * a', 'b']]],
    ['int (*done)(int) = g;', [['int done', 'g']]],
    ['int (*const table[])(void) = h;', [['int table', 'h']]],
    ['ALIGN(16) u64 a = 1;', [['u64 a', '1']]],
    ['typeof(*p) a = 1;', [['typeof a', '1']]],
  ])('declarations: %s', (source, expected) => {
    expect(read(source)).toEqual(expected);
  });
});

describe('expressions', () => {
  const one = (source: string): Expr => {
    const [stmt] = bodyOfText(`x = ${source};`);
    if (stmt?.kind !== 'expr' || stmt.expr.kind !== 'assign') throw new Error('no assignment');
    return stmt.expr.value;
  };

  test.each([
    ['(u64)a', 'cast'],
    ['(u64)-1', 'cast'],
    ['(struct s *)a', 'cast'],
    ['(__force u32)a', 'cast'],
    ['(unknown)a', 'cast'],
    ['(unknown *)a', 'cast'],
    ['(struct s){ .a = 1 }', 'cast'],
    ['(a) - 1', 'binary'],
    ['(a) & b', 'binary'],
    ['a * b', 'binary'],
    ['(a)(b)', 'call'],
    ['(a)->b', 'member'],
    ['sizeof(u64)', 'unary'],
    ['sizeof(a) + 1', 'binary'],
    ['sizeof a', 'unary'],
    ['a ? b : c', 'ternary'],
    ['a ?: c', 'ternary'],
    ['({ a(); b; })', 'statements'],
    ['"a" PRIx64 "b"', 'str'],
    ['a = b', 'assign'],
    ['a[1].b->c(d)++', 'postfix'],
    ['container_of(p, struct s, m)', 'call'],
  ])('%s is a %s', (source, kind) => {
    expect(one(source).kind).toBe(kind);
  });

  test('arguments may be types, nothing at all, or end with a comma, as in macros of the kernel', () => {
    const call = one('f(u64 *, , 3DNOW, a,)');
    expect(call.kind === 'call' ? call.args.map((arg) => (arg.kind === 'num' ? arg.text : arg.kind)) : []).toEqual([
      'type',
      'type',
      '3DNOW',
      'id',
    ]);
  });

  test('parentheses are kept as a mark', () => {
    expect(one('(a)').parens).toBe(true);
    expect(one('a').parens).toBeUndefined();
  });

  test('a walk meets statements and expressions outer before inner, in source order', () => {
    const body = bodyOfText('if (a) { b(c); }');
    expect([...allStatements(body)].map(({ kind }) => kind)).toEqual(['if', 'expr']);
    const names = [...expressionsIn(body)].map((expr) => (expr.kind === 'id' ? expr.name : expr.kind));
    expect(names).toEqual(['a', 'call', 'b', 'c']);
  });
});

describe('conditionals', () => {
  test.each<[string, unknown]>([
    [
      'a();\n#ifdef X\nb();\n#elif Y\nc();\n#else\nd();\n#endif\ne();',
      ['a()', ['#if', ['defined(X)', ['b()']], ['Y', ['c()']], ['', ['d()']]], 'e()'],
    ],
    ['switch (a) {\n#if X\ncase 1:\n#endif\nb(); }', [['switch', 'a', [['#if', ['X', [['case', '1', '']]]], 'b()']]]],
    ['a();\n#define B 1\n#undef B\n#pragma c\nd();', ['a()', 'd()']],
  ])('stand around statements: %j', (source, expected) => {
    expect(read(source)).toEqual(expected);
  });

  test.each<[string, string, unknown]>([
    [
      'the head of an if',
      '\n#ifdef X\nif (a)\n#endif\n{ b(); }\nc();',
      [['#if', ['defined(X)', [['if', 'a', ['b()'], []]]], ['', [['block', ['b()']]]]], 'c()'],
    ],
    [
      'one of two heads',
      '\n#if X\nif (a) {\n#else\nif (b) {\n#endif\nc(); }\nd();',
      [['#if', ['X', [['if', 'a', ['c()'], []]]], ['', [['if', 'b', ['c()'], []]]]], 'd()'],
    ],
    [
      'an else',
      'if (a) { b(); }\n#if X\nelse { c(); }\n#endif\nd();',
      [['if', 'a', ['b()'], [['#if', ['X', ['c()']]]]], 'd()'],
    ],
    [
      'the head of an else',
      'if (a) { b(); }\n#if X\nelse if (c)\n#else\nelse\n#endif\n{ d(); }',
      [['#if', ['X', [['if', 'a', ['b()'], [['if', 'c', ['d()'], []]]]]], ['', [['if', 'a', ['b()'], ['d()']]]]]],
    ],
    ['a part of an expression', 'a = b\n#if X\n+ c\n#endif\n;', [['#if', ['X', ['a = b + c']], ['', ['a = b']]]]],
    [
      'a whole body',
      'if (a)\n#if X\nb();\n#endif\nc();',
      [['#if', ['X', [['if', 'a', ['b()'], []], 'c()']], ['', [['if', 'a', ['c()'], []]]]]],
    ],
    ['an argument', 'a(b,\n#if X\nc\n#else\nd\n#endif\n);', [['#if', ['X', ['a(b, c)']], ['', ['a(b, d)']]]]],
  ])('that cut through %s are read once per branch', (_what, source, expected) => {
    expect(read(source)).toEqual(expected);
  });

  test('two cuts in one statement give four readings', () => {
    expect(read('a = b\n#if X\n+ c\n#endif\n#if Y\n+ d\n#endif\n;')).toEqual([
      [
        '#if',
        ['X', [['#if', ['Y', ['a = (b + c) + d']], ['', ['a = b + c']]]]],
        ['', [['#if', ['Y', ['a = b + d']], ['', ['a = b']]]]],
      ],
    ]);
  });

  test('a branch that leaves no statement is an error', () => {
    expect(refusal('if (a)\n#if X\nb();\n#endif\n')).toContain('expected');
  });
});

describe('errors name the place', () => {
  test.each([
    ['a b c d', 'a.c:1:23: expected the end of a declaration, found the end'],
    ['a +;', 'a.c:1:18: expected an expression, found `;`'],
    ['if a', 'a.c:1:18: expected `(` before a condition, found `a`'],
    ['a(1 2);', 'a.c:1:19: expected `)` behind arguments, found `2`'],
    ['\n\n  goto 1;', 'a.c:3:8: expected a label, found `1`'],
    ['case 1 b;', 'a.c:1:22: expected `:` behind `case`, found `b`'],
    ['else b();', 'a.c:1:15: expected the end of a declaration, found `else`'],
    ['a\nreturn;', 'a.c:2:1: expected'],
    ['x = if;', 'a.c:1:19: expected an expression, found `if`'],
    ['a();\n#else\nb();', 'a.c:2:1: expected an #if before #else, found #else'],
  ])('%j', (source, message) => {
    expect(refusal(source)).toContain(message);
  });
});
