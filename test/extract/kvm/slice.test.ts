import { expect, test } from 'vitest';
import { readUnit } from '../../../pipeline/extract/c/unit.ts';
import { movedLine, type Slice, sliceOf } from '../../../pipeline/extract/kvm/slice.ts';

const slice = (text: string, about = /wanted/): Slice => sliceOf(readUnit('f.c', text), text, about);
const FN = (name: string, body: string): string => `static int ${name}(int a)\n{\n${body}}\n\n`;
const BASE =
  '#define LIMIT 3\n\n' +
  FN('helper', '\treturn LIMIT;\n') +
  FN('other', '\treturn 2;\n') +
  FN('uses', '\t/* wanted */\n\treturn helper(a);\n');

test('holds what matches and all that it names, by function', () => {
  expect([...slice(BASE).unit.functions.keys()]).toEqual(['helper', 'uses']);
  expect(slice(BASE).names).toContain('LIMIT');
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
