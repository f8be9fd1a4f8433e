import { expect, test } from 'vitest';
import { readUnit } from '../../../pipeline/extract/c/unit.ts';
import { layoutOf, movedLine, type Slice, sliceOf } from '../../../pipeline/extract/kvm/slice.ts';

const slice = (text: string, about = /wanted/): Slice => sliceOf(layoutOf(text), about);
const functionsOf = (part: Slice): readonly string[] => [...readUnit('f.c', part.source()).functions.keys()];
const FN = (name: string, body: string): string => `static int ${name}(int a)\n{\n${body}}\n\n`;
const BASE =
  '#define LIMIT 3\n\n' +
  FN('helper', '\treturn LIMIT;\n') +
  FN('other', '\treturn 2;\n') +
  FN('uses', '\t/* wanted */\n\treturn helper(a);\n');

test('holds what matches and all that it names, by function', () => {
  expect(functionsOf(slice(BASE))).toEqual(['helper', 'uses']);
  expect(slice(BASE).names()).toContain('LIMIT');
});

test('stays the same where something else changes, and lines move along', () => {
  const later = slice(`\n\n${BASE.replace('return 2;', 'return 4;\n\tx();')}`.replace('\n\n#define', '#define'));
  const now = slice(BASE);
  expect(later.text).toBe(now.text);
  const lineOf = (text: string): number => BASE.split('\n').indexOf(text) + 1;
  expect(movedLine(lineOf('static int uses(int a)'), now.pieces, later.pieces)).toBe(
    lineOf('static int uses(int a)') + 1,
  );
});

test.each([
  ['the function', BASE.replace('helper(a)', 'helper(a) + 1')],
  ['what it calls', BASE.replace('return LIMIT', 'return LIMIT + 1')],
  ['a macro that is named', BASE.replace('LIMIT 3', 'LIMIT 4')],
  ['a second definition of what it calls', `${BASE}#ifdef A\n${FN('helper', '\treturn 9;\n')}#endif\n`],
  [
    'the condition that it stands under',
    BASE.replace('static int helper', '#ifdef B\nstatic int helper').replace('LIMIT;\n}\n', 'LIMIT;\n}\n#endif\n'),
  ],
  ['a comment between its lines', BASE.replace('/* wanted */', '/* wanted\n */')],
])('is another where %s changes', (_, text) => {
  expect(slice(text).text).not.toBe(slice(BASE).text);
});

test('stays the same where only comments between functions change, wherever lines move', () => {
  const commented = BASE.replace('static int other', '/* What\n\n * it does */\nstatic int other').concat(
    '/* the end */\n',
  );
  expect(slice(commented).text).toBe(slice(BASE).text);
});

test('the source of a slice has every line in its place', () => {
  const [whole, part] = [BASE.split('\n'), slice(BASE).source().split('\n')];
  expect(part.length).toBe(whole.length);
  for (const [index, line] of part.entries()) expect([line, '']).toContain(line === '' ? '' : whole[index]);
});

test.each([
  ['a macro of the file that calls it', `${BASE}#define INDIRECT(a) other(a)\n`],
  ['half of a comment in it', BASE.replace('return 2;', 'return 2; /* open')],
  ['half of a conditional in it', BASE.replace('return 2;', 'return 2;\n#ifdef A')],
  [
    'a body on the line of its name',
    BASE.replace(FN('other', '\treturn 2;\n'), 'static int other(int a) { return 2; }\n'),
  ],
])('keeps a function that nothing names for %s', (_, text) => {
  expect(slice(text).source()).toContain('return 2;');
});

test('a table between functions is always there', () => {
  const text = BASE.replace('static int other', 'static const u32 table[] =\n{\n\t[1] = 2,\n};\n\nstatic int other');
  expect(slice(text).source()).toContain('[1] = 2');
});
