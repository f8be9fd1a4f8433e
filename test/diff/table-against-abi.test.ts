import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareTableWithAbi, type TableDifference } from '../../pipeline/diff/table-against-abi.ts';
import { parseVirtualizationType } from '../../pipeline/extract/module/virtualization-type.ts';
import { absentRegister, CELL_CLASSES, type CellClass, type RegisterClasses } from '../../pipeline/model/class.ts';
import type { GateId } from '../../pipeline/model/gate.ts';
import { bitMask, FULL, hex32, rangeMask, without } from '../../pipeline/model/mask.ts';
import { formatPlace, type Place } from '../../pipeline/model/place.ts';
import type { AbiField, AbiRegister, AbiTable } from '../../pipeline/model/virtualization.ts';

const eax: Place = { leaf: 7, subleaf: 1, register: 'eax' };
const NO_BITS = { fixed1: 0, fixed0: 0 };

const register = (
  classes: readonly (readonly [CellClass, number])[],
  extra: Partial<RegisterClasses> = {},
): RegisterClasses => ({
  ...eax,
  classes: new Map(classes),
  gates: new Map(),
  verified: NO_BITS,
  deciders: [],
  dynamic: 0,
  ...extra,
});

function field(msb: number, lsb: number, type: string, value = 0, gates: readonly GateId[] | null = []): AbiField {
  const mask = rangeMask(msb, lsb);
  const known = parseVirtualizationType(type, null);
  if (known === null) throw new Error(type);
  const fixed = type === 'FIXED' ? { ones: value, zeros: without(mask, value) } : null;
  return { name: '', msb, lsb, mask, type, details: null, virtualization: { ...known, fixed }, gates, at: '' };
}

const abi = (fields: readonly AbiField[], place: Place = eax): AbiTable => ({
  version: null,
  registers: [
    { ...place, fields, covered: fields.reduce((mask, { mask: own }) => mask + own, 0) } satisfies AbiRegister,
  ],
  notes: [],
});

const say = (difference: TableDifference): string => {
  const what =
    difference.kind === 'class'
      ? `${difference.table} is not ${difference.abi}`
      : difference.kind === 'gate'
        ? `${difference.gate} only in ${difference.only}`
        : `${difference.table} not in the ABI table`;
  return `${formatPlace(difference)} ${hex32(difference.mask)} ${what}`;
};
const differences = (...args: Parameters<typeof compareTableWithAbi>): readonly string[] =>
  compareTableWithAbi(...args).differences.map(say);

describe('a module table against the ABI table', () => {
  test('agrees bit by bit with every claim that is true for the class', () => {
    const table = [
      register([
        ['config-direct', 1],
        ['allow-direct', 2],
        ['fixed1', 4],
        ['fixed0', 0xff8],
        ['native', 0xfffff000],
      ]),
    ];
    const fields = [
      field(0, 0, 'CONFIG_DIRECT'),
      field(1, 1, 'ALLOW_DIRECT'),
      field(2, 2, 'FIXED', 4),
      field(10, 3, 'FIXED'),
      field(11, 11, 'DYNAMIC'),
      field(31, 12, 'ALLOW_CPUID'),
    ];
    expect(compareTableWithAbi(table, abi(fields))).toEqual({
      differences: [],
      comparedBits: 32,
      openBits: 0,
      gatesBeyondTable: [],
    });
  });

  test('tells each disagreement once per class and claim, and what the ABI table leaves out', () => {
    const table = [
      register([
        ['config-direct', 0x3],
        ['allow-direct', 0xc],
        ['fixed1', 0x10],
        ['fixed0', 0xffffffe0],
      ]),
    ];
    const fields = [field(3, 0, 'FIXED', 1), field(4, 4, 'ALLOW_DIRECT'), field(7, 5, 'NATIVE')];
    expect(differences(table, abi(fields))).toEqual([
      '7.1.EAX 0x00000001 config-direct is not fixed1',
      '7.1.EAX 0x00000002 config-direct is not fixed0',
      '7.1.EAX 0x0000000c allow-direct is not fixed0',
      '7.1.EAX 0x00000010 fixed1 is not allow-direct',
      '7.1.EAX 0x000000e0 fixed0 is not native',
      '7.1.EAX 0xffffff00 fixed0 not in the ABI table',
    ]);
  });

  test('a native claim is true for a bit that is fixed because the platform was verified', () => {
    const verified = { fixed1: 0xf, fixed0: 0 };
    const table = [
      register(
        [
          ['fixed1', 0x1f],
          ['native', 0xffffffe0],
        ],
        { verified },
      ),
    ];
    expect(differences(table, abi([field(31, 0, 'NATIVE')]))).toEqual(['7.1.EAX 0x00000010 fixed1 is not native']);
  });

  test('a leaf outside of the table injects #VE, or reads as 0 where the release says so', () => {
    expect(differences([], abi([field(31, 0, '#VE')]))).toEqual([]);
    expect(differences([], abi([field(31, 0, 'FIXED')]))).toEqual(['7.1.EAX 0xffffffff absent is not fixed0']);
    expect(differences([], abi([field(31, 0, 'FIXED')]), [7])).toEqual([]);
    expect(differences([], abi([field(31, 0, '#VE')]), [7])).toEqual(['7.1.EAX 0xffffffff fixed0 is not ve']);
    expect(differences([register([['ve', FULL]])], abi([field(31, 0, '#VE')]))).toEqual([]);
  });

  test('a leaf without sub-leaves is sub-leaf 0 of the other source', () => {
    const table = [register([['native', FULL]], { subleaf: 0 })];
    expect(differences(table, abi([field(31, 0, 'NATIVE')], { ...eax, subleaf: null }))).toEqual([]);
    expect(
      differences(
        [register([['native', FULL]], { subleaf: null })],
        abi([field(31, 0, 'NATIVE')], { ...eax, subleaf: 0 }),
      ),
    ).toEqual([]);
  });

  test('compares gates where the tables gate the leaf, and lists the leaves where only the code does', () => {
    const gates = new Map<GateId, number>([
      ['xfam:2', 0x3],
      ['xfam:10', 0x1],
    ]);
    const fields = [
      field(0, 0, 'ALLOW_XFAM', 0, ['xfam:2']),
      field(1, 1, 'ALLOW_XFAM', 0, ['xfam:9']),
      field(2, 2, 'ALLOW_XFAM', 0, null),
      field(31, 3, 'ALLOW_ATTRIBUTES', 0, ['attributes:63']),
    ];
    const result = compareTableWithAbi([register([['native', FULL]], { gates })], abi(fields));
    expect(result.differences.map(say)).toEqual([
      '7.1.EAX 0x00000002 xfam:2 only in table',
      '7.1.EAX 0x00000002 xfam:9 only in abi',
      '7.1.EAX 0x00000001 xfam:10 only in table',
    ]);
    expect(result.gatesBeyondTable).toEqual([{ leaf: 7, subleaf: 1 }]);
  });

  test('a special field that is directly configured may be either configurable class', () => {
    const table = [
      register([
        ['config-direct', 0xf],
        ['allow-direct', 0xf0],
        ['native', 0xffffff00],
      ]),
    ];
    expect(differences(table, abi([field(31, 0, 'SPECIAL_DIRECT')]))).toEqual([
      '7.1.EAX 0xffffff00 native is not configurable',
    ]);
  });

  test('counts bits with a rule of their own as open', () => {
    const result = compareTableWithAbi(
      [register([['config-direct', FULL]])],
      abi([field(7, 0, 'SPECIAL'), field(31, 8, 'CONFIG_DIRECT')]),
    );
    expect(result).toMatchObject({ differences: [], comparedBits: 24, openBits: 8 });
  });

  test('tells no bit twice per kind, each in the class that it states, whatever the order of input', () => {
    const types = ['CONFIG_DIRECT', 'ALLOW_DIRECT', 'FIXED', 'NATIVE', '#VE', 'SPECIAL', 'DYNAMIC', 'CONFIG_TD_PARAMS'];
    const bits = fc.array(fc.tuple(fc.constantFrom(...CELL_CLASSES.slice(1)), fc.constantFrom(...types)), {
      minLength: 32,
      maxLength: 32,
    });
    fc.assert(
      fc.property(bits, (cells) => {
        const classes = new Map<CellClass, number>();
        cells.forEach(([name], bit) => {
          classes.set(name, (classes.get(name) ?? 0) + bitMask(bit));
        });
        const fields = cells.map(([, type], bit) => field(bit, bit, type));
        const table = [register([...classes])];
        const found = compareTableWithAbi(table, abi(fields)).differences;
        let union = 0;
        for (const difference of found) {
          if (difference.kind !== 'class') throw new Error(difference.kind);
          expect(without(difference.mask, classes.get(difference.table) ?? 0)).toBe(0);
          expect(Number(BigInt(union) & BigInt(difference.mask))).toBe(0);
          union += difference.mask;
        }
        expect(compareTableWithAbi([register([...classes].reverse())], abi([...fields].reverse())).differences).toEqual(
          found,
        );
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['#VE', 've'],
    ['FIXED', 'fixed0'],
    ['FIXED to 1', 'fixed1'],
    ['FIXED_AS_VERIFIED', 'fixed1', 'fixed0'],
    ['CONFIG_DIRECT', 'config-direct'],
    ['ALLOW_DIRECT', 'allow-direct'],
    ['SPECIAL_DIRECT', 'config-direct', 'allow-direct'],
    ['CONFIG_TD_PARAMS', 'fixed1', 'fixed0', 'native'],
    ['NATIVE', 'native'],
    ['ALLOW_XFAM', 'native'],
    ['DYNAMIC', 'fixed1', 'fixed0', 'native'],
    ['SPECIAL', 've', 'config-direct', 'allow-direct', 'fixed1', 'fixed0', 'native'],
  ])('%s is true for %s, and for no class beside those named', (type, ...classes) => {
    const ones = type === 'FIXED to 1' ? FULL : 0;
    const holds = CELL_CLASSES.slice(1).filter(
      (name) =>
        differences([register([[name, FULL]])], abi([field(31, 0, type.replace(' to 1', ''), ones)])).length === 0,
    );
    expect(holds).toEqual(classes);
  });

  test('a bit that the platform was verified for is native only as far as it was verified to that value', () => {
    const verified = { fixed1: 0x3, fixed0: 0x30 };
    const table = [
      register(
        [
          ['fixed1', 0x7],
          ['fixed0', 0xfffffff8],
        ],
        { verified },
      ),
    ];
    expect(differences(table, abi([field(31, 0, 'NATIVE')]))).toEqual([
      '7.1.EAX 0x00000004 fixed1 is not native',
      '7.1.EAX 0xffffffc8 fixed0 is not native',
    ]);
    // No other claim is true because the platform was verified.
    expect(differences(table, abi([field(31, 0, 'FIXED', 0x7)]))).toEqual([]);
    expect(differences(table, abi([field(31, 0, 'FIXED', 0x3)]))).toEqual(['7.1.EAX 0x00000004 fixed1 is not fixed0']);
  });

  test('of several registers the differences are in the order of places, kinds, classes, claims, gates and masks', () => {
    const gates = new Map<GateId, number>([
      ['xfam:10', 0x30],
      ['xfam:2', 0x60],
      ['attributes:5', 0x10],
    ]);
    const fields = [
      field(3, 0, 'ALLOW_DIRECT'),
      field(6, 4, 'ALLOW_XFAM', 0, ['xfam:9']),
      field(7, 7, 'CONFIG_DIRECT'),
      field(8, 8, 'FIXED', 0x100),
      field(9, 9, 'FIXED'),
    ];
    const table = [
      register(
        [
          ['fixed0', 0xffffff00],
          ['config-direct', 0xf],
          ['native', 0xf0],
        ],
        { gates },
      ),
      register([['fixed1', FULL]], { leaf: 1, subleaf: null, register: 'edx' }),
    ];
    const edx = { leaf: 1, subleaf: null, register: 'edx' } as const;
    const both: AbiTable = {
      version: null,
      registers: [...abi(fields).registers, ...abi([field(0, 0, 'NATIVE')], edx).registers],
      notes: [],
    };
    expect(differences(table, both)).toEqual([
      '1.EDX 0x00000001 fixed1 is not native',
      '1.EDX 0xfffffffe fixed1 not in the ABI table',
      '7.1.EAX 0x0000000f config-direct is not allow-direct',
      '7.1.EAX 0x00000100 fixed0 is not fixed1',
      '7.1.EAX 0x00000080 native is not config-direct',
      '7.1.EAX 0x00000010 attributes:5 only in table',
      '7.1.EAX 0x00000060 xfam:2 only in table',
      '7.1.EAX 0x00000070 xfam:9 only in abi',
      '7.1.EAX 0x00000030 xfam:10 only in table',
      '7.1.EAX 0xfffffc00 fixed0 not in the ABI table',
    ]);
    expect(compareTableWithAbi(table, both)).toMatchObject({ comparedBits: 11, openBits: 0, gatesBeyondTable: [] });
  });

  test('a gate of a field that neither passes nor is configured is none, and leaves without gates are listed in order', () => {
    const gated = new Map<GateId, number>([['xfam:2', 0x1]]);
    const fixed = abi([field(31, 0, 'FIXED', 0, ['xfam:5'])]);
    expect(differences([register([['fixed0', FULL]], { gates: gated })], fixed)).toEqual([]);
    // Of a field whose gates are not stated nothing is said, whatever the table gates.
    const unstated = abi([field(0, 0, 'NATIVE', 0, null), field(31, 1, 'NATIVE', 0, ['xfam:2'])]);
    const table2 = [register([['native', FULL]], { gates: new Map([['xfam:2', FULL]]) })];
    expect(differences(table2, unstated)).toEqual([]);
    const places: readonly Place[] = [{ ...eax, leaf: 9 }, eax, { ...eax, register: 'ebx' }];
    const registers = places.flatMap((place) => abi([field(31, 0, 'ALLOW_XFAM', 0, ['xfam:2'])], place).registers);
    const table = places.map((place) => register([['native', FULL]], place));
    expect(compareTableWithAbi(table, { version: null, registers, notes: [] })).toMatchObject({
      differences: [],
      comparedBits: 96,
      gatesBeyondTable: [
        { leaf: 7, subleaf: 1 },
        { leaf: 9, subleaf: 1 },
      ],
    });
  });

  test('compares gates of what passes or is configured in both, and of nothing else', () => {
    const gates = new Map<GateId, number>([['xfam:2', 0x6]]);
    const table = [
      register(
        [
          ['fixed0', 0x1],
          ['config-direct', 0x2],
          ['native', 0xfffffffc],
        ],
        { gates },
      ),
    ];
    const fields = [
      field(0, 0, 'NATIVE', 0, ['xfam:2']),
      field(1, 1, 'CONFIG_DIRECT', 0, ['xfam:5']),
      field(2, 2, 'NATIVE', 0, ['xfam:2']),
      field(31, 3, 'NATIVE'),
    ];
    // Bit 0 is 0 in the table: its class is wrong, and a gate of it is none.
    expect(differences(table, abi(fields))).toEqual([
      '7.1.EAX 0x00000001 fixed0 is not native',
      '7.1.EAX 0x00000002 xfam:2 only in table',
      '7.1.EAX 0x00000002 xfam:5 only in abi',
    ]);
    // A gate that stands on no bit which passes in the table is not one that only the code applies.
    const shut = compareTableWithAbi([register([['fixed0', FULL]])], abi([field(31, 0, 'NATIVE', 0, ['xfam:2'])]));
    expect(shut.gatesBeyondTable).toEqual([]);
  });

  test('what the platform was verified for makes no other class or claim true', () => {
    const verified = { fixed1: 0x3, fixed0: 0x30 };
    const native = abi([field(31, 0, 'NATIVE')]);
    expect(differences([register([['config-direct', FULL]], { verified })], native)).toEqual([
      '7.1.EAX 0xffffffff config-direct is not native',
    ]);
    expect(differences([register([['fixed1', 0x7]], { verified })], abi([field(31, 0, 'CONFIG_DIRECT')]))).toEqual([
      '7.1.EAX 0x00000007 fixed1 is not config-direct',
    ]);
  });

  test('a register that the ABI table does not have is in it with no bit, and claims of a class stand in their order', () => {
    expect(differences([register([['fixed1', FULL]])], { version: null, registers: [], notes: [] })).toEqual([
      '7.1.EAX 0xffffffff fixed1 not in the ABI table',
    ]);
    const fields = [field(3, 0, 'NATIVE'), field(7, 4, 'CONFIG_DIRECT'), field(31, 8, '#VE')];
    expect(differences([register([['fixed0', FULL]])], abi(fields))).toEqual([
      '7.1.EAX 0xffffff00 fixed0 is not ve',
      '7.1.EAX 0x000000f0 fixed0 is not config-direct',
      '7.1.EAX 0x0000000f fixed0 is not native',
    ]);
  });

  test('an absent register in the table is no claim of the table', () => {
    expect(differences([absentRegister(eax)], { version: null, registers: [], notes: [] })).toEqual([]);
  });
});
