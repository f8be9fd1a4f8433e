import { describe, expect, test } from 'vitest';
import { absentRegister, classify, classOfBit, configurableMask } from '../../pipeline/model/class.ts';
import {
  asksGuest,
  type DecidedBits,
  type Decider,
  decideRegister,
  deciderOfBit,
  flagsAsked,
  gatesOf,
  type LeafTables,
  rulesOfLeaf,
} from '../../pipeline/model/decider.ts';
import type { Condition, DeciderRule, DeciderRules, Effect } from '../../pipeline/model/decider-rules.ts';
import { deciderText } from '../../pipeline/model/decider-text.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import type { LookupEntry, RegisterMasks } from '../../pipeline/model/module.ts';

const LEAF = { leaf: 7, subleaf: 1 } as const;
const ALL = 0xffffffff;
type Bits = {
  readonly verify?: number;
  readonly value?: number;
  readonly zero?: number;
  readonly one?: number;
  readonly direct?: number;
  readonly allow?: number;
  readonly faulting?: boolean;
  readonly xfam?: ReadonlyMap<number, RegisterMasks>;
};
const entry = ({ verify = 0, value = 0, zero = 0, one = 0, faulting = false }: Bits): LookupEntry => ({
  ...LEAF,
  slot: 0,
  faulting,
  verifyMask: { eax: verify },
  verifyValue: { eax: value },
  verifySame: {},
  fixed0OrDynamic: { eax: zero },
  fixed1: { eax: one },
});
const tables = (bits: Bits, settable: LeafTables['settable'] = { attributes: null, xfam: null }): LeafTables => ({
  entry: entry(bits),
  config: { ...LEAF, slot: 0, configDirect: { eax: bits.direct ?? 0 }, allowDirect: { eax: bits.allow ?? 0 } },
  xfam: bits.xfam === undefined ? undefined : { ...LEAF, bits: bits.xfam },
  settable,
});
const rule = (eax: number, effect: Effect, extra: Partial<DeciderRule> = {}): DeciderRule => ({
  id: 'r',
  stage: 'init',
  leaf: 7,
  masks: { eax },
  effect,
  source: 's',
  lines: null,
  ...extra,
});
/** `bits: decider`, in the order that is given. */
const shown = (parts: readonly DecidedBits[]): readonly string[] =>
  parts.map(({ mask, decider }) => `${mask === ALL ? 'all' : bitsOf(mask).join()}: ${deciderText(decider)}`);
const decided = (bits: Bits, rules: readonly DeciderRule[], settable?: LeafTables['settable']) =>
  decideRegister(tables(bits, settable), 'eax', rules);
const xfam = (...bits: readonly number[]): Condition => ({ kind: 'xfam', bits });
const attributes = (...bits: readonly number[]): Condition => ({ kind: 'attributes', bits });
const reduceVe: Condition = { kind: 'guest', control: 'REDUCE_VE' };
/** Bit 0 the VMM's, bit 1 the host's, bit 2 one, the rest zero. */
const MIXED: Bits = { direct: 0x1, one: 0x4, zero: 0xfffffff8 };

describe('the tables', () => {
  test('decide in their order: the VMM, what every platform has, constants, the host', () => {
    const bits: Bits = { direct: 0x3, allow: 0x2e, one: 0x18, zero: 0x70, verify: 0x4cd, value: 0x445 };
    expect(shown(decided(bits, []))).toEqual([
      // Configured, and of allowed bits that which every platform has; an allowed bit that none has is 0.
      '0,1,2: vmm',
      '3,6,7: constant:0',
      '4,10: constant:1',
      '5: vmm-and-host',
      `8,9,${bitsOf(0xfffff800).join()}: host`,
    ]);
    expect(shown(decided({ faulting: true, one: ALL }, [rule(ALL, { do: 'zero' })]))).toEqual(['all: ve']);
    // In the order of bits, and equal ones joined, however few; a register of which the tables say nothing is the host's.
    expect(shown(decided({ direct: 0x4 }, []))).toEqual([`0,1,${bitsOf(0xfffffff8).join()}: host`, '2: vmm']);
    expect(shown(decided({ direct: 0x80000000 }, []))).toEqual([`${bitsOf(0x7fffffff).join()}: host`, '31: vmm']);
    expect(shown(decided({ zero: 0xfffffffe, verify: ALL }, []))).toEqual(['all: constant:0']);
    expect(shown(decideRegister(tables({ one: ALL }), 'ebx', [rule(0x1, { do: 'zero' })]))).toEqual(['all: host']);
    const verified = { ...tables({}), entry: { ...entry({}), verifyMask: { ebx: 0x1 } } };
    expect(shown(decideRegister(verified, 'ebx', []))).toEqual(['0: constant:0', `${bitsOf(0xfffffffe).join()}: host`]);
  });
});

describe('a rule', () => {
  test('touches its bits only, of its leaf and sub-leaf only', () => {
    expect(shown(decided(MIXED, [rule(0x2, { do: 'zero' })]))).toEqual([
      '0: vmm',
      `1,${bitsOf(0xfffffff8).join()}: constant:0`,
      '2: constant:1',
    ]);
    const here = (extra: Partial<DeciderRule>) => rulesOfLeaf([rule(1, { do: 'one' }, extra)], LEAF).length;
    expect([here({}), here({ subleaf: 1 }), here({ subleaf: 0 }), here({ leaf: 8 })]).toEqual([1, 1, 0, 0]);
  });

  test('of the guest comes after those of TDH.MNG.INIT, each in its order', () => {
    const rules = [
      rule(1, { do: 'one' }, { id: 'c', stage: 'guest' }),
      rule(1, { do: 'one' }, { id: 'a' }),
      rule(1, { do: 'one' }, { id: 'd', stage: 'guest' }),
      rule(1, { do: 'one' }, { id: 'b' }),
    ];
    expect(rulesOfLeaf(rules, LEAF).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('that clears leaves a constant 0 as it is, and gates what else may be 1', () => {
    const parts = decided(MIXED, [rule(0xf, { do: 'clear', unless: [attributes(5)] })]);
    expect(shown(parts)).toEqual([
      '0: vmm; 0 unless attributes:5',
      '1: host; 0 unless attributes:5',
      // A bit that is 1 but for the gate is the gate.
      '2: attributes:5',
      `${bitsOf(0xfffffff8).join()}: constant:0`,
    ]);
    expect([...gatesOf(parts)]).toEqual([['attributes:5', 0x7]]);
  });

  test('that sets leaves a constant 1 as it is; what it sets elsewhere is no gate', () => {
    const parts = decided(MIXED, [rule(0xf, { do: 'set', unless: [attributes(5)] })]);
    expect(shown(parts)).toEqual([
      '0: vmm; 1 unless attributes:5',
      '1: host; 1 unless attributes:5',
      '2: constant:1',
      '3: constant:0; 1 unless attributes:5',
      `${bitsOf(0xfffffff0).join()}: constant:0`,
    ]);
    expect([...gatesOf(parts)]).toEqual([]);
  });

  test('that faults stays when a later one writes the value', () => {
    const faults = rule(ALL, { do: 've', unless: [reduceVe] }, { stage: 'guest' });
    expect(shown(decided(MIXED, [faults, rule(0x7, { do: 'zero' }), rule(0x8, { do: 'one' })]))).toEqual([
      `0,1,2,${bitsOf(0xfffffff0).join()}: constant:0; #VE unless guest:REDUCE_VE`,
      '3: constant:1; #VE unless guest:REDUCE_VE',
    ]);
    // A condition that only clears goes with the value that it was on.
    const cleared = rule(0x1, { do: 'clear', unless: [xfam(9)] });
    expect(shown(decided(MIXED, [cleared, faults, rule(0x1, { do: 'one' })]))[0]).toBe(
      '0,2: constant:1; #VE unless guest:REDUCE_VE',
    );
  });

  test('that faults is no plain gate of a bit that is 1', () => {
    const faults = rule(0x4, { do: 've', unless: [reduceVe] });
    const cleared = rule(0x4, { do: 'clear', unless: [xfam(9)] });
    expect(shown(decided(MIXED, [faults]))[2]).toBe('2: constant:1; #VE unless guest:REDUCE_VE');
    expect(shown(decided(MIXED, [cleared, faults]))[2]).toBe('2: xfam:9; #VE unless guest:REDUCE_VE');
    expect(shown(decided(MIXED, [cleared, rule(0x4, { do: 'clear', unless: [xfam(2)] })]))[2]).toBe(
      '2: xfam:9; 0 unless xfam:2',
    );
    // Of two conditions in one rule neither is the gate alone.
    expect(shown(decided(MIXED, [rule(0x4, { do: 'clear', unless: [xfam(9), xfam(2)] })]))[2]).toBe(
      '2: constant:1; 0 unless xfam:9; 0 unless xfam:2',
    );
    // What no plain condition says stays a condition.
    const not: Condition = { kind: 'not', of: reduceVe };
    expect(shown(decided(MIXED, [rule(0x4, { do: 'clear', unless: [not] })]))[2]).toBe(
      '2: constant:1; 0 unless !guest:REDUCE_VE',
    );
    const any: Condition = { kind: 'any', of: [reduceVe, { kind: 'paravirt', bit: 3 }] };
    expect(shown(decided(MIXED, [rule(0x4, { do: 'clear', unless: [any] })]))[2]).toBe(
      '2: constant:1; 0 unless (guest:REDUCE_VE or paravirt:3)',
    );
  });

  test('that follows takes the condition’s value; of one that is no bit it is a bug', () => {
    const at: Condition = { kind: 'cpuid', place: { ...LEAF, register: 'ecx' }, bit: 3 };
    expect(shown(decided(MIXED, [rule(0x3, { do: 'follow', condition: at })]))[0]).toBe('0,1: cpuid:7.1.ECX[3]');
    for (const condition of [{ kind: 'xfd' }, { kind: 'paravirt', bit: 1 }] as const)
      expect(() => decided(MIXED, [rule(0x1, { do: 'follow', condition })])).toThrow(condition.kind);
  });

  test('that computes leaves a constant of the tables only where it says so', () => {
    const effect = { do: 'compute', what: 'maxpa', when: [], open: true } as const;
    expect(shown(decided(MIXED, [rule(0x6, effect)])).slice(1, 3)).toEqual(['1: computed:maxpa', '2: constant:1']);
    expect(shown(decided(MIXED, [rule(0x6, { ...effect, open: false })]))[1]).toBe('1,2: computed:maxpa');
    expect(shown(decided(MIXED, [rule(0x2, { ...effect, what: 'tsc-frequency' })]))[1]).toBe(
      '1: td-params:TSC_FREQUENCY',
    );
  });

  test('that chooses between two values parts the bits by both', () => {
    const parts = decided({}, [rule(0xff, { do: 'choose', when: xfam(2), yes: 0x33, no: 0x55 })]);
    expect(shown(parts)).toEqual([
      '0,4: constant:1',
      '1,5: xfam:2',
      '2,6: constant:1; 0 unless !xfam:2',
      '3,7: constant:0',
      `${bitsOf(0xffffff00).join()}: host`,
    ]);
    // A part without bits is none, and one of the lowest bit is one.
    expect(shown(decided({}, [rule(0x3, { do: 'choose', when: xfam(2), yes: 0x1, no: 0x1 })]))).toEqual([
      '0: constant:1',
      '1: constant:0',
      `${bitsOf(0xfffffffc).join()}: host`,
    ]);
    expect(decided({}, [rule(ALL, { do: 'choose', when: xfam(2), yes: ALL, no: ALL })])).toHaveLength(1);
  });

  test('of the XFAM tables asks for all components that claim a bit', () => {
    const bits: Bits = {
      ...MIXED,
      xfam: new Map([
        [2, { eax: 0x3 }],
        [5, { eax: 0x6 }],
        [7, { ebx: 0x1 }],
      ]),
    };
    const parts = decided(bits, [rule(ALL, { do: 'xfam-masks' })]);
    expect(shown(parts)).toEqual([
      '0: vmm; 0 unless xfam:2',
      '1: host; 0 unless xfam:2+5',
      '2: xfam:5',
      `${bitsOf(0xfffffff8).join()}: constant:0`,
    ]);
    expect([...gatesOf(parts)].sort()).toEqual([
      ['xfam:2', 0x3],
      ['xfam:5', 0x6],
    ]);
    expect(shown(decided(MIXED, [rule(ALL, { do: 'xfam-masks' })]))).toEqual(shown(decided(MIXED, [])));
    // A bit that no component claims stays as it is, and the lowest bit is claimed as any other.
    expect(shown(decided({ xfam: new Map([[2, { eax: 0x1 }]]) }, [rule(ALL, { do: 'xfam-masks' })]))).toEqual([
      '0: host; 0 unless xfam:2',
      `${bitsOf(0xfffffffe).join()}: host`,
    ]);
  });
});

describe('what waits for a bit that a release never lets be 1', () => {
  const clear = (condition: Condition) => [rule(0x3, { do: 'clear', unless: [condition] })];
  const first = (condition: Condition, settable: LeafTables['settable']) =>
    shown(decided(MIXED, clear(condition), settable))[0];

  test('is a constant 0; what may be 1, or was not read, stays open', () => {
    const zero = `0,1,${bitsOf(0xfffffff8).join()}: constant:0`;
    expect(first(xfam(2, 5), { attributes: null, xfam: 0x4n })).toBe(zero);
    expect(first(xfam(2, 5), { attributes: null, xfam: 0x24n })).toBe('0: vmm; 0 unless xfam:2+5');
    expect(first(xfam(2), { attributes: 0n, xfam: null })).toBe('0: vmm; 0 unless xfam:2');
    expect(first(attributes(63), { attributes: (1n << 63n) - 1n, xfam: null })).toBe(zero);
    expect(first(attributes(63), { attributes: 1n << 63n, xfam: null })).toBe('0: vmm; 0 unless attributes:63');
    expect(first({ kind: 'config-flags', bits: [3] }, { attributes: 0n, xfam: 0n })).toBe(
      '0: vmm; 0 unless config-flags:3',
    );
  });

  test('is what it is set to where the condition sets', () => {
    const parts = decided(MIXED, [rule(0x1, { do: 'set', unless: [xfam(2)] })], { attributes: null, xfam: 0n });
    expect(shown(parts)[0]).toBe('0: vmm; 1 unless xfam:2');
    const by = decided(MIXED, [rule(0x1, { do: 'follow', condition: xfam(2) })], { attributes: null, xfam: 0n });
    expect(shown(by)[0]).toBe(`0,${bitsOf(0xfffffff8).join()}: constant:0`);
  });
});

test('a CONFIG_FLAGS bit is asked where it decides, where its absence clears, and where the VMM’s number waits for it', () => {
  const asked = (effect: Effect) =>
    flagsAsked(deciderOfBit({ ...LEAF, register: 'eax' }, decided({}, [rule(1, effect)]), 0));
  const flags: Condition = { kind: 'config-flags', bits: [4, 5] };
  expect(asked({ do: 'clear', unless: [flags] })).toEqual([4, 5]);
  expect(asked({ do: 'set', unless: [flags] })).toEqual([]);
  expect(asked({ do: 'follow', condition: flags })).toEqual([4, 5]);
  expect(asked({ do: 'clear', unless: [attributes(4)] })).toEqual([]);
  expect(asked({ do: 'compute', what: 'maxpa', when: [], open: false })).toEqual([3]);
  expect(asked({ do: 'compute', what: 'maxgpa', when: [], open: false })).toEqual([]);
});

test('what the guest sets decides whether a leaf answers, or its value, or neither', () => {
  const asked = (decider: Decider, control = 'REDUCE_VE') => {
    const { fault, value } = asksGuest(decider, control);
    return [fault, value];
  };
  const host = (...conditions: Decider['conditions']): Decider => ({ by: { kind: 'host' }, conditions });
  const other: Condition = { kind: 'guest', control: 'ENUM_TOPOLOGY' };
  const cases: readonly (readonly [Condition, boolean])[] = [
    [reduceVe, true],
    [other, false],
    [attributes(5), false],
    [{ kind: 'not', of: reduceVe }, true],
    [{ kind: 'not', of: other }, false],
    [{ kind: 'any', of: [attributes(5), reduceVe] }, true],
    [{ kind: 'any', of: [attributes(5), other] }, false],
    [
      {
        kind: 'any',
        of: [
          { kind: 'not', of: reduceVe },
          { kind: 'paravirt', bit: 3 },
        ],
      },
      true,
    ],
  ];
  for (const [when, asks] of cases) {
    expect([when, asked(host({ when, otherwise: 've' }))]).toEqual([when, [asks, false]]);
    for (const otherwise of [0, 1] as const)
      expect([when, asked(host({ when, otherwise }))]).toEqual([when, [false, asks]]);
  }
  // One condition of several is enough, each for its own.
  const both = host(
    { when: other, otherwise: 've' },
    { when: reduceVe, otherwise: 0 },
    { when: xfam(2), otherwise: 0 },
  );
  expect([asked(both), asked(both, 'ENUM_TOPOLOGY'), asked(host())]).toEqual([
    [false, true],
    [true, false],
    [false, false],
  ]);
  const computed = (what: 'native-cache' | 'initial-apic-id' | 'maxpa'): Decider => ({
    by: { kind: 'computed', what },
    conditions: [],
  });
  expect([
    asked(computed('native-cache')),
    asked(computed('native-cache'), 'ENUM_TOPOLOGY'),
    asked(computed('initial-apic-id'), 'ENUM_TOPOLOGY'),
    asked(computed('maxpa')),
    asked({ by: { kind: 'guest', control: 'REDUCE_VE' }, conditions: [] }),
    asked({ by: { kind: 'guest', control: 'LONG_MODE' }, conditions: [] }),
  ]).toEqual([
    [false, true],
    [false, false],
    [false, true],
    [false, false],
    [false, true],
    [false, false],
  ]);
});

test('a bit that no decider covers is a bug, told with its place', () => {
  const parts = decided(MIXED, []);
  expect(deciderText(deciderOfBit({ ...LEAF, register: 'eax' }, parts, 31))).toBe('constant:0');
  expect(() => deciderOfBit({ ...LEAF, register: 'eax' }, parts.slice(1), 0)).toThrow('7.1.eax bit 0 has no decider');
});

test('a register is dynamic where the guest’s state or a computation decides, and gates come from the code that was read', () => {
  const lookup = [entry({ ...MIXED })];
  const module = {
    spreadsheetFormat: 8,
    lookup,
    configurable: [{ ...LEAF, slot: 0, configDirect: { eax: 0x1 }, allowDirect: { eax: 0x3, ebx: 0x80000000 } }],
    xfamMasks: [{ ...LEAF, bits: new Map([[2, { eax: 0x3 }]]) }],
    fixed0Leaves: [],
  };
  const [tablesOnly] = classify(module);
  expect([[...(tablesOnly?.gates ?? [])], tablesOnly?.deciders, tablesOnly?.dynamic]).toEqual([
    [['xfam:2', 0x3]],
    [],
    0,
  ]);
  expect(classify(module).map(configurableMask)).toEqual([0x3, 0x80000000, 0, 0]);
  expect(classify(module).map(({ gates }) => [...gates])).toEqual([[['xfam:2', 0x3]], [], [], []]);
  const limits = {} as DeciderRules['limits'];
  const coded = classify(module, {
    release: 'x',
    like: null,
    reason: '',
    sources: [],
    rules: [rule(0x2, { do: 'follow', condition: { kind: 'guest', control: 'LONG_MODE' } })],
    limits,
    checks: [],
    functions: [],
    unexamined: [],
  });
  expect(coded.map(({ dynamic }) => dynamic)).toEqual([0x2, 0, 0, 0]);
});

test('a register’s classes come with what the platform was verified for, its gates and its line, in the order of leaves', () => {
  const bits = { verify: 0xf0, value: 0x30, zero: 0x1, one: 0x2 };
  const first = { ...entry(bits), line: 7 };
  const { line: _, ...second } = { ...entry({ faulting: true, verify: 0xff, value: 0xff }), leaf: 5, line: 0 };
  const classed = classify({
    spreadsheetFormat: 8,
    lookup: [first, second],
    configurable: [],
    xfamMasks: [
      {
        ...LEAF,
        bits: new Map([
          [2, { eax: 0x10 }],
          [5, { eax: 0x40 }],
        ]),
      },
    ],
    fixed0Leaves: [],
  });
  expect(classed.map(({ leaf, register }) => `${leaf} ${register}`).slice(3, 5)).toEqual(['5 edx', '7 eax']);
  const [fault, , , , seven, ebx] = classed;
  expect([[...(fault?.classes ?? [])], fault?.verified, fault !== undefined && 'line' in fault]).toEqual([
    [['ve', ALL]],
    { fixed1: 0, fixed0: 0 },
    false,
  ]);
  // A gated bit passes as the host has it, however the platform was verified.
  expect([...(seven?.classes ?? [])]).toEqual([
    ['fixed1', 0x22],
    ['fixed0', 0x81],
    ['native', 0xffffff5c],
  ]);
  expect([seven?.verified, seven?.line, [...(ebx?.classes ?? [])]]).toEqual([
    { fixed1: 0x20, fixed0: 0x80 },
    7,
    [['native', ALL]],
  ]);
  expect(absentRegister({ ...LEAF, register: 'ecx' })).toEqual({
    ...LEAF,
    register: 'ecx',
    classes: new Map([['absent', ALL]]),
    gates: new Map(),
    verified: { fixed1: 0, fixed0: 0 },
    deciders: [],
    dynamic: 0,
  });
  // A mask that the tables do not give for a register has no bit.
  const [, beside] = classify({
    spreadsheetFormat: 8,
    lookup: [{ ...entry({}), verifyMask: { ebx: 0x3 } }],
    configurable: [],
    xfamMasks: [{ ...LEAF, bits: new Map([[2, { eax: 0x1 }]]) }],
    fixed0Leaves: [],
  });
  expect([...(beside?.classes ?? [])]).toEqual([
    ['fixed0', 0x3],
    ['native', 0xfffffffc],
  ]);
  expect(seven === undefined ? [] : [0, 1, 4, 5, 7, 31].map((bit) => classOfBit(seven, bit))).toEqual([
    'fixed0',
    'fixed1',
    'native',
    'fixed1',
    'fixed0',
    'native',
  ]);
});
