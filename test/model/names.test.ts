import { describe, expect, test } from 'vitest';
import type { BitName } from '../../pipeline/model/field.ts';
import { fieldBits, namedBits, namesOf } from '../../pipeline/model/names.ts';

const PLACE = { leaf: 7, subleaf: 1, register: 'eax' } as const;
const FIELD: BitName = { ...PLACE, high: 7, low: 4, name: 'FIELD' };
const FLAG: BitName = { ...PLACE, high: 5, low: 5, name: 'FLAG' };
const OTHER: BitName = { ...PLACE, register: 'ebx', high: 4, low: 4, name: 'OTHER' };
const NARROW: BitName = { ...PLACE, high: 7, low: 6, name: 'NARROW' };

describe('a bit', () => {
  test.each([
    ['the field first', [FIELD, FLAG, OTHER]],
    ['the flag first', [OTHER, FLAG, FIELD]],
  ])('has the name of the flag before that of a field which covers it: %s', (_, names) => {
    expect(namedBits(names, PLACE, 0x1f8)).toEqual([
      { bit: 3, name: null },
      { bit: 4, name: 'FIELD' },
      { bit: 5, name: 'FLAG' },
      { bit: 6, name: 'FIELD' },
      { bit: 7, name: 'FIELD' },
      { bit: 8, name: null },
    ]);
  });

  test('has the name of the narrower of two fields', () => {
    expect(namedBits([FIELD, NARROW], PLACE, 0xf0).map(({ name }) => name)).toEqual([
      'FIELD',
      'FIELD',
      'NARROW',
      'NARROW',
    ]);
    expect(namedBits([NARROW, FIELD], PLACE, 0xc0).map(({ name }) => name)).toEqual(['NARROW', 'NARROW']);
  });

  test('is a number where a field of several bits covers it, and no flag is', () => {
    expect(fieldBits([FIELD, FLAG, OTHER], PLACE, 0xffffffff)).toBe(0xf0);
    expect(fieldBits([FIELD, NARROW], PLACE, 0x1c0)).toBe(0xc0);
    expect(fieldBits([FLAG], PLACE, 0xffffffff)).toBe(0);
    expect(fieldBits([{ ...FIELD, high: 31, low: 31 }], PLACE, 0x80000000)).toBe(0);
    expect(fieldBits([{ ...FIELD, high: 31, low: 30 }], PLACE, 0xffffffff)).toBe(0xc0000000);
  });
});

test('the names of a register are its own, in their order; no sub-leaf is sub-leaf 0', () => {
  const bare: BitName = { ...FIELD, leaf: 1, subleaf: null };
  const names = [FLAG, OTHER, FIELD, bare];
  expect(namesOf(names, PLACE)).toEqual([FLAG, FIELD]);
  expect(namesOf(names, { ...PLACE, leaf: 1, subleaf: 0 })).toEqual([bare]);
  expect(namesOf(names, { ...PLACE, subleaf: 0 })).toEqual([]);
  expect(namesOf([], PLACE)).toEqual([]);
});
