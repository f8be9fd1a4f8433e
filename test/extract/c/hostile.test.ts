import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate, evaluateMacro, type Scope } from '../../../pipeline/extract/c/evaluate.ts';
import {
  bodyOf,
  enumMembers,
  initialiserOf,
  readUnit,
  structMembers,
  type Unit,
} from '../../../pipeline/extract/c/unit.ts';
import { expressionsIn } from '../../../pipeline/extract/c/walk.ts';
import { DataError, KnownError } from '../../../pipeline/model/errors.ts';
import { anyCharacter } from '../../helpers/any-character.ts';

/** The known errors of all that can be asked of a file; another error is thrown on. */
function askAll(text: string): readonly KnownError[] {
  const known: KnownError[] = [];
  const ask = <T>(question: () => T): T | null => {
    try {
      return question();
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      known.push(error);
      return null;
    }
  };
  const unit = ask(() => readUnit('a.c', text));
  if (unit !== null) for (const question of questions(unit)) ask(question);
  return known;
}

function questions(unit: Unit): readonly (() => unknown)[] {
  const scope: Scope = { file: unit.file, macro: (name) => unit.macros.get(name) };
  return [
    ...[...unit.functions.values()].flat().map((fn) => () => [...expressionsIn(bodyOf(unit, fn))]),
    ...[...unit.objects.values()].map((object) => () => {
      const value = initialiserOf(unit, object);
      // What walks the tree with a stack of its own kind must get to its end.
      JSON.stringify(value);
      return evaluate(value, scope);
    }),
    ...unit.aggregates.map((one) => () => (one.form === 'enum' ? enumMembers(unit, one) : structMembers(unit, one))),
    // Of thousands, each of the first goes through as many as all others.
    ...[...unit.macros.values()].slice(0, 100).map((macro) => () => evaluateMacro(macro, scope)),
  ];
}

const repeat = (text: string, count = 50_000): string => text.repeat(count);

describe('nesting and length end in an error, never in an exhausted stack', () => {
  test.each<[string, string]>([
    ['brackets that never close', `int x = ${repeat('(')}`],
    ['parentheses', `int x = ${repeat('(')}1${repeat(')')};`],
    ['braces', `int x = ${repeat('{')}${repeat('}')};`],
    ['blocks', `void f(void) ${repeat('{')}${repeat('}')}`],
    ['structs', `${repeat('struct {')}${repeat('};')}`],
    ['calls', `int x = ${repeat('f(')}${repeat(')')};`],
    ['prefixes', `int x = ${repeat('! ~ - ')}1;`],
    ['casts', `int x = ${repeat('(u64)')}1;`],
    ['sizeofs', `int x = ${repeat('sizeof ')}1;`],
    ['a chain of operators', `#define X ${repeat('1|')}1\nint x = ${repeat('a-')}a;`],
    ['a chain of members', `int x = a${repeat('.b')};`],
    ['a chain of calls', `int x = a${repeat('(1)')};`],
    ['choices to the right', `int x = ${repeat('a ? b : ')}c;`],
    ['choices in the middle', `int x = ${repeat('a ? ')}b${repeat(' : c')};`],
    ['assignments', `void f(void) { ${repeat('a = ')}1; }`],
    ['else if', `void f(void) { ${repeat('if (a) b; else ')} c; }`],
    ['loops', `void f(void) { ${repeat('for (;;) ')} c; }`],
    ['statement expressions', `void f(void) { ${repeat('a(({ ', 150)}b;${repeat('}));', 150)} }`],
    ['operators on every level', `int x = ${repeat('(', 150)}1${repeat('|1|1|1|1|1|1|1|1|1)', 150)};`],
    ['#if', repeat('#if X\n')],
    ['#elif', `#if X\n${repeat('#elif Y\n#define Z 1\n')}#endif\n`],
    ['macros of macros', `${[...Array(5000).keys()].map((n) => `#define A${n} A${n + 1}\n`).join('')}int x = A0;`],
    ['heads under #ifdef', `void f(void) {${repeat('\n#ifdef X\nif (a)\n#endif\n{ b(); }\n', 2000)}}`],
    ['a head under #ifdef without an end', `void f(void) {\n#ifdef X\nif (a) {\n#endif\n${repeat('b();\n')}}`],
  ])('%s', (_what, text) => {
    const errors = askAll(text);
    expect(errors).not.toHaveLength(0);
    expect(errors.every((error) => error instanceof DataError)).toBe(true);
  });
});

describe('length alone is read', () => {
  test.each<[string, string]>([
    ['many names in a declaration', `void f(void) { int ${repeat('a,')}b; }`],
    ['many parameters', `void f(${repeat('int a, ')}int b) {}`],
    ['many definitions of one function', repeat('void f(void) {}\n', 2000)],
    ['many structs', repeat('struct { int a; } ')],
    ['many empty statements', `void f(void) { ${repeat(';')} }`],
    ['a long comment', `/*${repeat('* ')}*/`],
    ['many continuations', repeat('\\\n')],
    ['quotes in the prose of #error', `#error ${repeat('\\"')}\n`],
  ])('%s', (_what, text) => {
    expect(askAll(text)).toEqual([]);
  });

  test.each<[string, string]>([
    ['many values', `int x[] = {${repeat('1,')}};`],
    ['a long string', `char *x = "${repeat('\\n')}";`],
  ])('%s, which are no constant', (_what, text) => {
    expect(askAll(text).map(({ message }) => message)).toEqual([expect.stringContaining('a constant expression')]);
  });
});

// In the shapes of the field, with values of its own.
const SEEDS: readonly string[] = [
  `// ENTRY_NUM = 2
#include "x.h"
const lookup_t lookup[MAX_LOOKUP] = {
  [1] = { .leaf_subleaf = { .leaf = 0x7, .subleaf = 0x1 }, .valid_entry = true,
          .fixed1 = { .eax = 0x10, .edx = (0x3U << 4) | BIT(9) } },
  [0] = { .leaf_subleaf = { 0x12, 0xffffffff }, .faulting = false },
};
const uint32_t mask[XCR0_MAX_BIT + 1] = { 0, 1, [5] = ~0x1f, };
`,
  `#define FEATURE_A (3*32 + 7) /* "a" */
#define MASK (BIT_ULL(3) | \\
              BIT_ULL(30))
#ifndef MASK
#define MASK GENMASK(3, 0)
#elif defined(X) && (Y > 2)
#define OTHER(a, b...) ((a) ? MASK : -1)
#else
#define OTHER(a, ...) (a)
#endif
enum words { WORD_A, WORD_B = FEATURE_A, WORD_C, NWORDS };
typedef union flags_u { struct { u64 one : 1, two : 2; u64 reserved : 61; }; u64 raw; } flags_t;
`,
  `static bool has_x(const struct entry *e)
{
	return e->function == 7 && e->index == 0 && (e->ebx & (bit(A) | bit(B)));
}
void caps(void)
{
	cap_init(CPUID_7_1_EAX,
		F(ONE),
		F(3TWO), /* comment */
		VENDOR_F(FOUR),
	);
#ifdef CONFIG_X86_64
	if (a)
#endif
	{ set(A); }
	for (int i = 0; i < 4; i++) { switch (i) { case 0: case 2 ... 3: continue; default: break; } }
	asm volatile ("wrmsr" : : "c" (msr), "a" ((u32)value));
	x = y ? ({ int z = 'a'; z; }) : sizeof(u64);
}
`,
];
const PIECES = [
  ...'(){}[];,#"\'\\\n*&<>=?:/.'.split(''),
  ...['#if X\n', '#else\n', '#endif\n', '/*', '*/', 'if', 'else', '\0', '\u00e9', '0x', '1ULL<<70', '<<<<<<< a\n'],
];
const WORDS = ['a', '1', 'struct', 'u64', 'f(', 'case', '#define A', ' ', 'return'];

type Edit = { readonly at: number; readonly remove: number; readonly insert: string };
const edits = fc.array(
  fc.record({
    at: fc.nat({ max: 1200 }),
    remove: fc.oneof(fc.constant(0), fc.nat({ max: 3 }), fc.nat({ max: 200 })),
    insert: fc.oneof(fc.constant(''), fc.constantFrom(...PIECES), fc.string({ maxLength: 4, unit: anyCharacter })),
  }),
  { minLength: 1, maxLength: 6 },
);
const mutate = (seed: string, list: readonly Edit[]): string =>
  list.reduce((text, { at, remove, insert }) => {
    const from = at % (text.length + 1);
    return text.slice(0, from) + insert + text.slice(from + remove);
  }, seed);

test('the seeds are read, but for what is no constant', () => {
  expect(SEEDS.map((seed) => askAll(seed).length)).toEqual([2, 1, 0]);
});

test('damaged sources give facts or a known error', () => {
  fc.assert(
    fc.property(fc.constantFrom(...SEEDS), edits, (seed, list) => {
      askAll(mutate(seed, list));
    }),
    { numRuns: 3000 },
  );
});

test('random tokens give facts or a known error', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES, ...WORDS), { maxLength: 60 }), (list) => {
      askAll(list.join(' '));
      askAll(`void f(void) {${list.join(' ')}}`);
    }),
    { numRuns: 2000 },
  );
});
