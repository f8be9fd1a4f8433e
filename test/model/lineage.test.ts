import { expect, test } from 'vitest';
import { lineageOf, lineOf } from '../../pipeline/model/lineage.ts';

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

test('what is before a release on its line is no release of another line', () => {
  const follows = [{ release: '2.0.02', follows: '1.5.06', why: 'its code' }];
  expect(lineageOf('2.0.02', read, follows, known)).toEqual({
    follows: '1.5.06',
    why: 'its code',
    before: null,
    between: [],
  });
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

test('a release follows the row’s, else the one before it on its line, else the newest before it', () => {
  const read = ['1.0.03', '1.5.06', '1.5.16', '2.0.02', '2.0.08'];
  const known = [...read, '1.5.09', '1.5.13', '1.5.22', '2.0.04', '2.0.10'];
  const rows = [
    { release: '2.0.08', follows: '1.5.16', why: 'its code' },
    { release: '2.0.12', follows: '9.9.9', why: 'not read' },
  ];
  const of = (release: string) => lineageOf(release, read, rows, known);
  expect(of('2.0.08')).toEqual({ follows: '1.5.16', why: 'its code', before: '2.0.02', between: [] });
  expect(of('1.5.16')).toEqual({ follows: '1.5.06', why: null, before: null, between: ['1.5.09', '1.5.13'] });
  expect(of('2.0.12')).toEqual({ follows: '2.0.08', why: null, before: null, between: ['2.0.10'] });
  expect(of('2.0.02')).toEqual({ follows: '1.5.16', why: null, before: null, between: [] });
  expect(of('1.5.06')).toMatchObject({ follows: '1.0.03', between: [] });
  expect(of('1.5.22')).toMatchObject({ follows: '1.5.16', between: [] });
  expect(of('1.0.03')).toBeNull();
  expect(lineageOf('2.0.02', ['2.0.08', '1.5.16', '1.5.06'], [], ['1.5.22'])).toMatchObject({ follows: '1.5.16' });
  expect(['1.5 Beta', '1.5.06', '2.0.08', '15.0.1'].map(lineOf)).toEqual(['1.5', '1.5', '2.0', '15.0']);
});
