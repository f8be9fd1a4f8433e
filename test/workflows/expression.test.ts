import { expect, test } from 'vitest';
import { evaluate, interpolate, isWanted } from './expression.ts';

const contexts = { a: { b: 'X', n: null, list: [1] }, github: { token: 't' } };
const fine = { isFailed: false, isCancelled: false };
const failed = { isFailed: true, isCancelled: false };

test.each([
  ["a.b == 'x'", true],
  ["a.b != 'x' || a.c.d == ''", true],
  ["a.c && 'y' || 'z'", 'z'],
  ["!(a.n == 0) && 'y'", false],
  ["startsWith(a.b, 'x')", true],
  ['fromJSON(\'{"include":[]}\')', { include: [] }],
  ["'it''s'", "it's"],
  ['a.list', [1]],
])('%s', (text, value) => {
  expect(evaluate(text, contexts, fine)).toEqual(value);
});

test.each(['nowhere.x', 'hashFiles(a)', 'a.b ==', 'a.b a.b', 'a.b > 1', "'open"])('%s is refused', (text) => {
  expect(() => evaluate(text, contexts, fine)).toThrow();
});

test('a condition without a status function needs success', () => {
  expect(
    ['success()', "a.b == 'X'", undefined, '${{ !cancelled() }}', 'always()'].map((text) =>
      isWanted(text, contexts, fine),
    ),
  ).toEqual([true, true, true, true, true]);
  expect(
    ["a.b == 'X'", undefined, "${{ !cancelled() && a.b == 'X' }}", 'failure()'].map((text) =>
      isWanted(text, contexts, failed),
    ),
  ).toEqual([false, false, true, true]);
});

test('parts of a text are replaced, a whole one keeps its type', () => {
  expect(interpolate('${{ a.list }}', contexts, fine)).toEqual([1]);
  expect(interpolate('${{ a.b }}-${{ a.none }}.', contexts, fine)).toBe('X-.');
});
