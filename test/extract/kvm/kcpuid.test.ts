import { expect, test } from 'vitest';
import { readKcpuid } from '../../../pipeline/extract/kvm/kcpuid.ts';

const row = (subleaves: string, bits = '4:0'): string => `0x4, ${subleaves}, eax, ${bits}, kind, What it is\n`;
const subleavesOf = (text: string): readonly (number | null)[] =>
  readKcpuid('c.csv', text).map(({ subleaf }) => subleaf);

test('a range of sub-leaves is written high to low and names each of them', () => {
  expect(subleavesOf(row('3:0'))).toEqual([0, 1, 2, 3]);
  expect(subleavesOf(row('5:2'))).toEqual([2, 3, 4, 5]);
  expect(subleavesOf(row('2'))).toEqual([2]);
  expect(subleavesOf(row('31:0'))).toHaveLength(32);
  expect(subleavesOf(row('63:0'))).toHaveLength(64);
});

test.each([
  [row('0:3'), 'high to low'],
  [row('64:0'), 'at most 64 sub-leaves'],
  [row('x'), 'a sub-leaf or a range of them'],
  [row('0', '4:32'), 'bits from 31 to 0'],
  ['0x4, 0, efx, 0, kind, x\n', 'a register'],
])('a row that cannot be is an error with its line, and no row is passed over: %j', (text, message) => {
  expect(() => readKcpuid('c.csv', `# head\n${text}`)).toThrow(/^c\.csv:2/);
  expect(() => readKcpuid('c.csv', `# head\n${text}`)).toThrow(message);
});

test('comments and blank lines hold nothing, and every other row gives at least one name', () => {
  expect(readKcpuid('c.csv', '# a\n\n')).toEqual([]);
  expect(readKcpuid('c.csv', `${row('1:0')}${row('7')}`)).toHaveLength(3);
});
