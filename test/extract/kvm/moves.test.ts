import { expect, test } from 'vitest';
import { isInOrder, linesIn, moved } from '../../../pipeline/extract/kvm/moves.ts';

const move = (first: number, last: number, by: number) => ({ first, last, by });

test.each([
  ['nothing moved, whatever stands in one line', [move(1, 4, 0), move(4, 4, 0)], true],
  ['all go down together', [move(3, 9, 5), move(11, 20, 5)], true],
  ['what stands behind goes further', [move(3, 9, 0), move(11, 20, 7)], true],
  ['one inside another goes with it', [move(3, 9, 2), move(4, 5, 2)], true],
  ['one inside another goes elsewhere', [move(3, 9, 2), move(4, 5, 3)], false],
  ['they change places', [move(3, 9, 20), move(11, 20, -8)], false],
  ['they meet in one line', [move(3, 9, 0), move(11, 20, -2)], false],
  ['they shared a line', [move(3, 9, 0), move(9, 20, 4)], false],
  ['the first line goes', [move(1, 3, 2)], false],
  ['something comes to the first line', [move(2, 3, -1)], false],
] as const)('%s', (_, moves, expected) => {
  expect(isInOrder(moves)).toBe(expected);
  expect(isInOrder([...moves].reverse())).toBe(expected);
});

test('lines of the path go with what they stand in, at any depth, and no others', () => {
  const value = {
    deny: [
      { path: 'a.c', line: 4, mask: 1n },
      { path: 'b.c', line: 4 },
    ],
    named: new Map([['x', { at: { path: 'a.c', line: 12 } }]]),
    line: 4,
    none: null,
  };
  expect([...linesIn(value)]).toEqual([
    ['a.c', new Set([4, 12])],
    ['b.c', new Set([4])],
  ]);
  expect(moved(value, 'a.c', [move(3, 9, 2), move(11, 20, -1)])).toEqual({
    deny: [
      { path: 'a.c', line: 6, mask: 1n },
      { path: 'b.c', line: 4 },
    ],
    named: new Map([['x', { at: { path: 'a.c', line: 11 } }]]),
    line: 4,
    none: null,
  });
});
