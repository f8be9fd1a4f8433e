import { expect, test } from 'vitest';
import { suggest } from '../../pipeline/model/suggest.ts';

test('a name is suggested that is close to what was typed, or the only one of which a word was', () => {
  const names = ['tdx-Niooss', 'tdx-sslab'];
  expect(suggest('tdx-nioos', names)).toBe('; did you mean "tdx-Niooss"?');
  expect([suggest('niooss', names), suggest('NIOOSS', names)]).toEqual(Array(2).fill('; did you mean "tdx-Niooss"?'));
  expect([suggest('tdx', names), suggest('nio', names), suggest('x', [])]).toEqual(['', '', '']);
});
