import { describe, expect, test } from 'vitest';
import { beyondTables, zeroLeavesOf } from '../../pipeline/model/beyond-tables.ts';
import type { ClassedRelease } from '../../pipeline/model/class.ts';
import type { Condition, DeciderRule, TdControl } from '../../pipeline/model/decider-rules.ts';
import type { Register } from '../../pipeline/model/place.ts';
import { release } from '../judge/ground.ts';

const REDUCE_VE: Condition = { kind: 'guest', control: 'REDUCE_VE' };
const rule = (leaf: number, extra: Partial<DeciderRule> = {}): DeciderRule => ({
  id: 'r',
  stage: 'guest',
  leaf,
  masks: { eax: 0xffffffff },
  effect: { do: 've', unless: [REDUCE_VE] },
  source: 's',
  lines: null,
  ...extra,
});

/** A release whose last leaf is 0x23 and that answers some leaves beyond its tables with 0. */
function made(
  rules: readonly DeciderRule[] | null,
  extra: { readonly controls?: readonly TdControl[]; readonly zeros?: readonly number[]; readonly last?: number } = {},
): ClassedRelease {
  const { rules: code, ...bare } = release('x', [{}], { fixed0Leaves: extra.zeros ?? [] }, rules);
  if (code === undefined) return bare;
  const limits = { ...code.limits, tdControls: extra.controls ?? [], lastExtendedLeaf: extra.last ?? null };
  return { ...bare, rules: { ...code, limits } };
}
const at = (of: ClassedRelease, leaf: number, subleaf: number | null = null, register: Register = 'eax', bit = 0) =>
  beyondTables(of, { leaf, subleaf, register }, bit);
const ve = { kind: 'decided', decider: { by: { kind: 've' }, conditions: [] } };
const constant = (value: 0 | 1, ...asks: readonly Condition[]) => ({
  kind: 'decided',
  decider: { by: { kind: 'constant', value }, conditions: asks.map((when) => ({ when, otherwise: 've' })) },
});

describe('a leaf that is in no table', () => {
  test('is said nothing of where nobody read the code', () => {
    expect(at(made(null), 5)).toBeNull();
    expect(zeroLeavesOf(made(null, { zeros: [5] }))).toEqual({ always: [5], asked: [], guest: [], rest: false });
  });

  test('is answered as the leaf where the tables have that without sub-leaves, whatever else the release does', () => {
    const { rules: code, ...bare } = release(
      'x',
      [
        { leaf: 0x1e, subleaf: null },
        { leaf: 0x7, subleaf: 1 },
      ],
      {},
      [],
    );
    if (code === undefined) throw new Error('no rules');
    const of = { ...bare, rules: { ...code, limits: { ...code.limits, tdControls: ['REDUCE_VE'] as const } } };
    expect(at(of, 0x1e, 1)).toEqual({ kind: 'whole-leaf', leaf: 0x1e });
    expect(at(of, 0x7, 2)).toEqual(constant(0, REDUCE_VE));
    expect(at(bare, 0x1e, 1)).toBeNull();
  });

  test('is answered as the last one of its range where it is beyond that, and not where it is that one', () => {
    const of = made([], { last: 0x80000008 });
    expect([at(of, 0x23), at(of, 0x24)]).toEqual([ve, { kind: 'last-leaf', leaf: 0x23, isHosts: false }]);
    expect([at(of, 0x80000008), at(of, 0x80000009)]).toEqual([ve, { kind: 'last-leaf', leaf: 0x23, isHosts: false }]);
    // Where the code knows no last leaf of that range, the host's decides.
    expect(at(made([]), 0x80000000)).toEqual({ kind: 'last-leaf', leaf: 0x23, isHosts: true });
    expect([at(of, 0x40000000), at(of, 0x4fffffff)]).toEqual([ve, ve]);
    expect([at(of, 0x3fffffff), at(of, 0x50000000)].map((each) => each?.kind)).toEqual(['last-leaf', 'last-leaf']);
  });

  test('reads as 0 where the release says so, once the guest has what rules of that sub-leaf ask', () => {
    const other: Condition = { kind: 'guest', control: 'ENUM_TOPOLOGY' };
    const rules = [
      rule(0x10, { subleaf: 0 }),
      rule(0x10, { subleaf: 2, effect: { do: 've', unless: [other] } }),
      rule(0x10, { stage: 'init' }),
      rule(0x10, { effect: { do: 'clear', unless: [other] } }),
      rule(0x10, { effect: { do: 'zero' } }),
    ];
    const of = made(rules, { zeros: [0x10, 0x11] });
    expect([at(of, 0x10), at(of, 0x10, 0), at(of, 0x10, 1), at(of, 0x10, 2), at(of, 0x11)]).toEqual([
      constant(0, REDUCE_VE),
      constant(0, REDUCE_VE),
      constant(0),
      constant(0, other),
      constant(0),
    ]);
  });

  test('injects #VE, or reads as 0 where the guest may ask for that', () => {
    expect(at(made([]), 9)).toEqual(ve);
    expect(at(made([], { controls: ['REDUCE_VE'] }), 9)).toEqual(constant(0, REDUCE_VE));
  });

  test('of the topology gives the sub-leaf and the x2APIC ID', () => {
    const of = made([], { controls: ['REDUCE_VE'] });
    const values = (subleaf: number | null, register: Register, ...bits: readonly number[]) =>
      bits.map((bit) => at(of, 0xb, subleaf, register, bit));
    expect(values(0x105, 'ecx', 0, 1, 2, 7, 8)).toEqual(
      [1, 0, 1, 0, 0].map((bit) => constant(bit === 1 ? 1 : 0, REDUCE_VE)),
    );
    expect(values(null, 'ecx', 0, 1)).toEqual([constant(0, REDUCE_VE), constant(0, REDUCE_VE)]);
    expect(values(0x105, 'eax', 0)).toEqual([constant(0, REDUCE_VE)]);
    expect(values(3, 'edx', 0)).toEqual([
      {
        kind: 'decided',
        decider: {
          by: { kind: 'computed', what: 'x2apic-id' },
          conditions: [{ when: REDUCE_VE, otherwise: 've' }],
        },
      },
    ]);
    expect(at(of, 0x1f, 1, 'ecx', 0)).toEqual(constant(1, REDUCE_VE));
  });
});

test('leaves that read as 0 stand apart by whether the guest has to ask, with what it asks', () => {
  const gate: Condition = { kind: 'attributes', bits: [5] };
  const topology: Condition = { kind: 'guest', control: 'ENUM_TOPOLOGY' };
  const rules = [
    rule(9, { subleaf: 0, effect: { do: 've', unless: [topology, gate] } }),
    rule(10, { subleaf: 1, effect: { do: 've', unless: [topology] } }),
    rule(12, { effect: { do: 've', unless: [gate] } }),
  ];
  const zeros = [7, 9, 10, 11, 12];
  expect(zeroLeavesOf(made(rules, { zeros }))).toEqual({
    always: [10, 11],
    asked: [9, 12],
    guest: ['ENUM_TOPOLOGY'],
    rest: false,
  });
  expect(zeroLeavesOf(made([], { zeros: [7, 11], controls: ['REDUCE_VE'] }))).toEqual({
    always: [11],
    asked: [],
    guest: ['REDUCE_VE'],
    rest: true,
  });
});
