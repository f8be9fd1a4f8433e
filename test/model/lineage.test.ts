import { expect, test } from 'vitest';
import { lineageOf } from '../../pipeline/model/lineage.ts';

const read = ['1.5.06', '1.5.08', '1.5.16', '1.5.28', '2.0.02', '2.0.04'];
const known = [...read, '1.5.20', '1.5.25', '2.0.05'];
const rows = [{ release: '2.0.04', follows: '1.5.16', why: 'its code' }];

test('a row decides; without one it is the older release of the same line, and nobody examined it', () => {
  expect(lineageOf('2.0.04', read, rows, known)).toEqual({
    follows: '1.5.16',
    why: 'its code',
    before: '2.0.02',
    between: [],
  });
  expect(lineageOf('2.0.04', read, [], known)).toEqual({ follows: '2.0.02', why: null, before: null, between: [] });
});

test('a row whose release was not read does not decide', () => {
  expect(lineageOf('2.0.04', read, [{ release: '2.0.04', follows: '1.5.20', why: 'its code' }], known)).toMatchObject({
    follows: '2.0.02',
    why: null,
  });
});

test('what lies between two releases of a line and was not read is named; what lies on another line is not', () => {
  expect(lineageOf('1.5.28', read, [], known)).toMatchObject({ follows: '1.5.16', between: ['1.5.20', '1.5.25'] });
  expect(lineageOf('1.5.16', read, [], known)).toMatchObject({ follows: '1.5.08', between: [] });
});

test('the first release of a line without a row follows the newest older one; the oldest of all follows nothing', () => {
  expect(lineageOf('2.0.02', read, [], known)).toMatchObject({ follows: '1.5.28', why: null, before: null });
  expect(lineageOf('1.5.06', read, [], known)).toBeNull();
});
