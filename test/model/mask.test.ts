import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBit } from '../../pipeline/model/bit-text.ts';
import {
  and,
  bitMask,
  bitsOf,
  countBits,
  formatBits,
  hex32,
  not,
  or,
  rangeMask,
  runsOf,
  without,
} from '../../pipeline/model/mask.ts';
import { compareVersions } from '../../pipeline/model/order.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });

test('masks are unsigned, also at bit 31', () => {
  expect([
    and(0x80000000, 0x80000000),
    or(0x80000000, 1),
    not(0),
    bitMask(31),
    rangeMask(31, 0),
    rangeMask(31, 31),
  ]).toEqual([0x80000000, 0x80000001, 0xffffffff, 0x80000000, 0xffffffff, 0x80000000]);
  fc.assert(
    fc.property(
      u32,
      u32,
      (a, b) => or(and(a, b), without(a, b)) === a && and(without(a, b), b) === 0 && not(not(a)) === a,
    ),
  );
});

test('bits, runs and their text describe the same mask', () => {
  fc.assert(
    fc.property(u32, (mask) => {
      expect(bitsOf(mask).reduce((all, bit) => or(all, bitMask(bit)), 0)).toBe(mask);
      expect(runsOf(mask).reduce((all, { high, low }) => or(all, rangeMask(high, low)), 0)).toBe(mask);
      expect(countBits(mask)).toBe(bitsOf(mask).length);
      expect(Number(hex32(mask))).toBe(mask);
    }),
  );
  expect([formatBits(0x00880080), formatBits(0x00ff0000), formatBits(0x3)]).toEqual(['[23,19,7]', '[23:16]', '[1,0]']);
});

test('a bit is read in every form that people write', () => {
  const place = { leaf: 7, subleaf: 1, register: 'eax' };
  for (const text of [
    '7.1.EAX[19]',
    '0x7.1.eax.19',
    'CPUID.0x7.1:EAX[19]',
    'CPUID(7,1).EAX[19]',
    '7.1.EAX bit 19',
    'CPUID.(EAX=07H,ECX=1):EAX[19]',
    '7.1.eax[bit 19]',
  ])
    expect([text, parseBit(text)]).toEqual([text, { place, mask: 0x00080000 }]);
  expect(parseBit('80000008.EAX[23:16]')).toEqual({
    place: { leaf: 0x80000008, subleaf: null, register: 'eax' },
    mask: 0x00ff0000,
  });
  expect([parseBit('WRMSRNS'), parseBit('native-added'), parseBit('')]).toEqual([null, null, null]);
});

test('versions have a total order', () => {
  const sorted = ['1.0.00', '1.0.03', '1.5 Beta', '1.5.01', '1.5.06', '1.5.28', '2.0.02', '2.0.18'];
  expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
  expect(['6.17', '6.9', '6.16.1', '6.16', '7.0-rc1', '7.0'].sort(compareVersions)).toEqual([
    '6.9',
    '6.16',
    '6.16.1',
    '6.17',
    '7.0-rc1',
    '7.0',
  ]);
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => compareVersions(a, b) === -compareVersions(b, a) || a === b),
  );
});
