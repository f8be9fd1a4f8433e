import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readUnit, type Unit } from '../../../pipeline/extract/c/unit.ts';
import { KnownError } from '../../../pipeline/model/errors.ts';
import { ROOT } from '../../helpers/run.ts';

const texts = readdirSync(join(ROOT, 'fixtures/kvm')).map((name) =>
  readFileSync(join(ROOT, 'fixtures/kvm', name, 'filter.c'), 'utf8'),
);
/** Lines that open, close and cut what stands around them. */
const LINES = [
  '',
  '#if 0',
  '#if 1',
  '#ifndef GUARD',
  '#define GUARD',
  '#else',
  '#endif',
  '#define TWICE 2',
  '/*',
  '*/ int behind;',
  '{',
  '}',
  'static u32 allowed[3] = { 1 };',
  'static int more(void) { return 1; } static int beside(void) { return 2; }',
  'extern "C" {',
  'struct own { int member;',
  "#error don't",
  'x = "',
  '\\',
];

const outline = ({ tokens, macros, definitions, functions, objects, aggregates, declarations }: Unit) => {
  // Items carry the tokens that they were read from: what they are is what stands at their places.
  const placed = (item: { readonly tokens: Unit['tokens']; readonly start: number }) => ({ ...item, tokens: null });
  return {
    tokens,
    macros,
    definitions,
    functions: [...functions].map(([name, all]) => [name, all.map(placed)]),
    objects: [...objects].map(([name, object]) => [name, placed(object)]),
    aggregates: aggregates.map(placed),
    declarations: declarations.map(placed),
    own: [...functions.values()].flat().map((fn) => fn.tokens.slice(fn.start, fn.close + 1)),
  };
};

function read(text: string, before: Unit | null): Unit | string {
  try {
    return readUnit('file.c', text, before);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return error.message;
  }
}

const edit = fc.tuple(fc.nat({ max: 9999 }), fc.nat({ max: 2 }), fc.constantFrom(...LINES));

test('a file that is read on from another revision of it has the same outline, or the same error', () => {
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 6 }), (text, edits) => {
      let [now, before] = [text, read(text, null)];
      for (const [where, gone, line] of edits) {
        const lines = now.split('\n');
        now = lines.toSpliced(where % lines.length, gone, line).join('\n');
        const alone = read(now, null);
        const after = read(now, typeof before === 'string' ? null : before);
        if (typeof alone === 'string' || typeof after === 'string') expect(after).toBe(alone);
        else expect(outline(after)).toEqual(outline(alone));
        before = after;
      }
    }),
    { numRuns: 150, seed: 13 },
  );
});

test('what stands before a change is taken over, and what stands behind it is not', () => {
  const first = readUnit('file.c', 'int a(void)\n{\n\treturn 1;\n}\nint b(void)\n{\n\treturn 2;\n}\n');
  const second = readUnit('file.c', 'int a(void)\n{\n\treturn 1;\n}\nint b(void)\n{\n\treturn 3;\n}\n', first);
  expect(second.functions.get('a')?.[0]).toBe(first.functions.get('a')?.[0]);
  expect(second.functions.get('b')?.[0]).not.toBe(first.functions.get('b')?.[0]);
  expect(second.tokens.some(({ text }) => text === '3')).toBe(true);
});
