import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Words } from '../../../pipeline/extract/kvm/words.ts';

const PIECE = fc.constantFrom('a', 'b', '_', '$', '1', '0', ' ', '-', 'é', '\n', 'ab', 'Z');
const TEXT = fc.array(PIECE, { maxLength: 40 }).map((pieces) => pieces.join(''));

test('a text has the words that a search for them finds, and no others', () => {
  fc.assert(
    fc.property(TEXT, fc.array(TEXT, { maxLength: 20 }), (text, asked) => {
      const words = new Words(text);
      const known = new Set(text.match(/[A-Za-z_$][\w$]*/g));
      for (const word of [...known, ...asked, ...asked.flatMap((each) => each.split(' '))])
        expect([word, words.has(word)]).toEqual([word, known.has(word)]);
    }),
  );
});

test('a part of a word is none, and digits before one are no part of it', () => {
  const words = new Words('0x1fu table_size(table)');
  expect(
    ['table', 'table_size', 'x1fu', 'able', 'tab', 'size', 'fu', '0x1fu', ''].map((word) => words.has(word)),
  ).toEqual([true, true, true, false, false, false, false, false, false]);
});
