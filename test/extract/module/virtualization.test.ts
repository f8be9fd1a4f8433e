import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLeafLabel, readVirtualization } from '../../../pipeline/extract/module/virtualization.ts';
import { parseVirtualizationType } from '../../../pipeline/extract/module/virtualization-type.ts';
import { KnownError } from '../../../pipeline/model/errors.ts';
import { and, hex32, or } from '../../../pipeline/model/mask.ts';
import { comparePlaces, formatPlace } from '../../../pipeline/model/place.ts';
import type { AbiField, AbiTable } from '../../../pipeline/model/virtualization.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const fixture = (name: string): Uint8Array => readFileSync(`fixtures/virtualization/${name}/cpuid_virtualization.json`);
const early = readVirtualization('v.json', fixture('early'));
const late = readVirtualization('v.json', fixture('late'));

const fieldsOf = (table: AbiTable, place: string): readonly AbiField[] =>
  table.registers.find((register) => formatPlace(register) === place)?.fields ?? [];
const summary = ({ name, virtualization, gates }: AbiField): string => {
  const { configurable, native, allow, fixed, verified, calculated, special, dynamic, ve } = virtualization;
  const flags = Object.entries({ native, verified, calculated, special, dynamic, ve }).flatMap(([key, on]) =>
    on ? [key] : [],
  );
  const value = fixed === null ? [] : [`ones ${hex32(fixed.ones)} zeros ${hex32(fixed.zeros)}`];
  return [name, configurable ?? '-', ...flags, `(${allow.join(' ')})`, ...value, ...(gates ?? ['?'])].join(' ');
};

describe('cpuid_virtualization.json', () => {
  test('reads the vocabulary of 1.5.06', () => {
    expect(fieldsOf(early, '7.1.EAX').map(summary)).toEqual([
      'four - () ones 0x00000005 zeros 0x0000000a',
      'a - native (direct)',
      'b - native (direct xfam) xfam:5 xfam:6 xfam:7',
      'c - native (direct attributes) attributes:63',
      'd - native (xfam) xfam:2',
      'e - native (attributes) attributes:30',
      'f - native (cpuid)',
      'g - native (cpuid attributes) attributes:31',
      'h - native (direct cpuid attributes) attributes:63',
      'i - calculated ()',
      'j - special ()',
      'k direct ()',
      'l td-params ()',
      'm - native (attributes) ?',
      'rest - native ()',
    ]);
    expect(fieldsOf(early, '7.1.EDX').map(summary)).toEqual(['top - () ones 0x80000000 zeros 0x7f000000']);
    expect(fieldsOf(early, '0x80000008.EAX').map(summary)).toEqual(['x td-params ()']);
  });

  test('reads the later vocabulary and its compounds', () => {
    expect(fieldsOf(late, '1.ECX').map(summary)).toEqual([
      'a - native (direct)',
      'b - native (xfam) xfam:2',
      'c - native (direct xfam) xfam:17 xfam:18',
      'd - native (attributes) attributes:30',
      'e - native (direct cpuid attributes) attributes:63',
      'f - native (cpuid)',
      'g td-params ()',
      'h - special ()',
      'i direct special ()',
      'j - dynamic ()',
      'k - verified ()',
      'l direct native (xfam) xfam:3',
      'n - native ()',
    ]);
    expect(fieldsOf(late, '1.EBX').map(summary)).toEqual(['v - verified () ones 0x12345678 zeros 0xedcba987']);
    expect(late.version).toBe('2.0');
  });

  test('gives every sub-leaf of a range, with its own XFAM bit for XFAM[n]', () => {
    expect(fieldsOf(early, '0xd.2.EAX').map(summary)).toEqual(['Size - native (xfam) xfam:2']);
    expect(fieldsOf(early, '0xd.3.EAX').map(summary)).toEqual(['Size - native (xfam) xfam:3']);
    expect(fieldsOf(early, '0xb.1.EAX')).toHaveLength(2);
    expect(fieldsOf(early, '0x11.EDX')).toHaveLength(1);
    expect([...early.registers].sort(comparePlaces)).toEqual(early.registers);
  });

  test('says which bits no field describes, which gates are not stated, which sub-leaves were not read', () => {
    expect(early.notes).toEqual([
      'v.json: CPUID[1]: leaf 0x7 / Sub-Leaf 0x1, EDX: the table describes not bits [23:0].',
      'v.json: CPUID[1].EAX[13]: leaf 0x7 / Sub-Leaf 0x1, EAX[16:16]: the details do not say what gates it.',
      'v.json: CPUID[5]: sub-leaves that are not listed (0x12 / All other Sub-Leaves) were not read.',
    ]);
  });

  const field = (change: object): Record<string, string | null> => ({
    MSB: '8',
    LSB: '8',
    'Field Size': '1',
    'Field Name': 'F',
    'Configuration Details': null,
    'Bit or Field Virtualization Type': 'Fixed',
    'Virtualization Details': '0x1',
    ...change,
  });
  const document = (fields: readonly object[], leaf = '0x7 / Sub-Leaf 0x1'): Uint8Array =>
    bytes(JSON.stringify({ Header: {}, CPUID: [{ Leaf: leaf, EAX: fields }] }));

  test.each([
    [
      'an unknown type',
      { 'Bit or Field Virtualization Type': 'Fixed & Native' },
      'v.json: CPUID[0].EAX[0]: expected a known virtualization type, found "Fixed & Native" in leaf 0x7 / Sub-Leaf 0x1, EAX[8:8]',
    ],
    ['a spreadsheet error', { 'Bit or Field Virtualization Type': '#N/A' }, 'found "#N/A" in leaf'],
    [
      'an inverted field',
      { MSB: '7', 'Field Size': '0' },
      'expected an MSB that is not below the LSB, found MSB 7, LSB 8',
    ],
    ['another size', { 'Field Size': '2' }, 'expected a field size of 1, found 2'],
    ['a bit beyond 31', { MSB: '32' }, 'v.json: CPUID[0].EAX[0].MSB: expected a bit number from 0 to 31, found "32"'],
    ['a number for a string', { LSB: 8 }, 'CPUID[0].EAX[0].LSB: expected a string, found 8'],
    ['a fixed field without value', { 'Virtualization Details': null }, 'expected the fixed value, found none in leaf'],
    ['a fixed value in prose', { 'Virtualization Details': 'always 1' }, 'expected the fixed value, found "always 1"'],
    [
      'a fixed value that is too wide',
      { 'Virtualization Details': '0x2' },
      'expected a value that fits the field, found "0x2"',
    ],
    [
      'a fixed value beyond the register',
      { 'Virtualization Details': '0xffffffff' },
      'expected a value that fits the field',
    ],
  ])('refuses %s, naming the cell', (_title, change, message) => {
    expect(() => readVirtualization('v.json', document([field(change)]))).toThrow(message);
  });

  test('refuses fields that overlap', () => {
    const wide = field({ MSB: '9', LSB: '7', 'Field Size': '3', 'Virtualization Details': '0' });
    expect(() => readVirtualization('v.json', document([field({}), wide]))).toThrow(
      'v.json: CPUID[0].EAX[1]: expected fields that do not overlap, found bits [8] twice in leaf 0x7 / Sub-Leaf 0x1, EAX[9:7]',
    );
  });

  test('refuses a leaf listed twice, unless all of it is #VE', () => {
    const twice = (type: string): Uint8Array => {
      const entry = { Leaf: '0x10', EAX: [field({ 'Bit or Field Virtualization Type': type })] };
      return bytes(JSON.stringify({ CPUID: [entry, entry] }));
    };
    expect(() => readVirtualization('v', twice('Fixed'))).toThrow(
      'v: CPUID[1].Leaf: expected leaf 0x10 once, found "0x10"',
    );
    expect(readVirtualization('v', twice('#VE')).notes).toContain(
      'v: CPUID[1]: leaf 0x10 is listed again, all of it #VE.',
    );
  });

  test('refuses a document without leaves', () => {
    expect(() => readVirtualization('v', bytes('{"Header": {}}'))).toThrow(
      'v: expected an array of leaves beside the header',
    );
    expect(() => readVirtualization('v', bytes('[]'))).toThrow('v: expected an object, found an array');
    expect(() => readVirtualization('v', bytes('{"X": [1]}'))).toThrow('v: X[0]: expected a leaf object, found 1');
  });

  test('gives conserved facts or a known error for mutated text', () => {
    const whole = fixture('early').toString();
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(6), fc.string({ maxLength: 4 }), (at, cut, insert) => {
        try {
          for (const { fields, covered } of readVirtualization(
            'v',
            bytes(whole.slice(0, at) + insert + whole.slice(at + cut)),
          ).registers) {
            let union = 0;
            for (const { mask, virtualization } of fields) {
              expect(and(union, mask)).toBe(0);
              union = or(union, mask);
              const { fixed } = virtualization;
              if (fixed !== null) expect(or(fixed.ones, fixed.zeros)).toBe(mask);
            }
            expect(union).toBe(covered);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(KnownError);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('leaf labels', () => {
  test.each([
    ['0x80000008', [[0x80000008, null]]],
    ['Leaf 0x7 / Sub-Leaf 0x1', [[7, 1]]],
    [
      '0x1f / Sub-Leaves 0x0-0x2',
      [
        [0x1f, 0],
        [0x1f, 1],
        [0x1f, 2],
      ],
    ],
    [
      '0x1F / Sub-Leaves 0xE - 0xF',
      [
        [0x1f, 14],
        [0x1f, 15],
      ],
    ],
    [
      '0x4 / Sub-Leaves 0x0, 0x2',
      [
        [4, 0],
        [4, 2],
      ],
    ],
    ['0x11 / Sub-Leaf N/A', [[0x11, null]]],
  ])('reads %s', (label, keys) => {
    expect(parseLeafLabel(label)).toEqual({ keys: keys.map(([leaf, subleaf]) => ({ leaf, subleaf })) });
  });

  test('tells the rest of a leaf apart', () => {
    for (const label of ['0x4 / All other Sub-Leaves', '0x4 / Other Sub-Leaves', '0x4 / Sub-Leaves all others']) {
      expect(parseLeafLabel(label)).toEqual({ others: 4 });
    }
  });

  test.each([
    '',
    '7.1',
    '0x7 /',
    '0x7 / Sub-Leaf',
    '0x7 / Sub-Leaves 0x2-0x1',
    '0x7 / Sub-Leaves 0x0-0xffffffff',
    '0x123456789',
    '0x7 / Leaf 0x1',
    '0x7 / Sub-Leaf 0x1 x',
  ])('refuses %j', (label) => {
    expect(parseLeafLabel(label)).toBeNull();
  });
});

describe('virtualization types', () => {
  test.each([
    '',
    'Configured & XFAM',
    'Native & Native',
    'XFAM & XFAM & Native',
    'ALLOW',
    'ALLOW_',
    'ALLOW_XFAM_XFAM',
    'CONFIG_XFAM',
    'CONFIG_DIRECT & CONFIG_TD_PARAMS',
    'CONFIG_DIRECT & FIXED',
    'constructor',
    '__proto__',
  ])('does not know %j', (type) => {
    expect(parseVirtualizationType(type, null)).toBeNull();
  });

  test('does not depend on case and spacing', () => {
    const plain = parseVirtualizationType('XFAM & Configured & Native', null);
    expect(parseVirtualizationType(' xfam&CONFIGURED  &  native ', null)).toEqual(plain);
    expect(parseVirtualizationType('XFAM & Native (Hybrid)', null)).toEqual(
      parseVirtualizationType('ALLOW_XFAM', null),
    );
  });
});
