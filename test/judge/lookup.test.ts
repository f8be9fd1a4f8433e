import { describe, expect, test } from 'vitest';
import { fieldChanges } from '../../pipeline/judge/fields.ts';
import { fingerprintOf } from '../../pipeline/judge/fingerprint.ts';
import {
  arguedOf,
  byGates,
  clobbersOf,
  configurableBits,
  evidenceOf,
  functionalOf,
  guestsOf,
  isHosts,
  isKnownLeaf,
  numberBits,
  staticReason,
  stepsOf,
} from '../../pipeline/judge/lookup.ts';
import type { Decider } from '../../pipeline/model/decider.ts';
import type { Condition, DeciderRule } from '../../pipeline/model/decider-rules.ts';
import type { Finding } from '../../pipeline/model/finding.ts';
import { xfamMask } from '../../pipeline/model/policy.ts';
import { KNOWLEDGE, PLACE, release } from './ground.ts';

const LONG: Condition = { kind: 'guest', control: 'LONG_MODE' };
const ALL = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };

test('a bit is the host’s where nothing else has a say but whether the leaf faults', () => {
  const host = (...otherwise: readonly (0 | 1 | 've')[]): Decider => ({
    by: { kind: 'host' },
    conditions: otherwise.map((each) => ({ when: LONG, otherwise: each })),
  });
  expect([host(), host('ve'), host('ve', 've'), host(0), host(1), host('ve', 0), host(0, 've')].map(isHosts)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect(isHosts({ by: { kind: 'vmm-and-host' }, conditions: [] })).toBe(false);
});

test('a register never holds features where a row names its leaf, its sub-leaf or itself', () => {
  const row = (leaf: number, subleaf: number | null, register: 'eax' | null) => ({
    leaf,
    subleaf,
    register,
    reason: `${leaf} ${subleaf} ${register}`,
  });
  const knowledge = { ...KNOWLEDGE, staticRegisters: [row(4, null, null), row(7, 1, null), row(9, 0, 'eax')] };
  const reason = (leaf: number, subleaf: number | null, register: 'eax' | 'ebx' = 'eax') =>
    staticReason(knowledge, { leaf, subleaf, register });
  expect([reason(4, 3), reason(7, 1, 'ebx'), reason(7, 2), reason(9, null), reason(9, 0, 'ebx'), reason(5, 0)]).toEqual(
    ['4 null null', '7 1 null', null, '9 0 eax', null, null],
  );
  expect([numberBits(knowledge, PLACE, 0x5), numberBits(KNOWLEDGE, PLACE, 0xf0000005)]).toEqual([0x5, 0xf0000000]);
  const known = (leaf: number, subleaf: number | null) => isKnownLeaf(knowledge, { leaf, subleaf });
  expect([known(4, 9), known(7, 1), known(9, 1), known(8, 0)]).toEqual([true, true, true, false]);
  expect([isKnownLeaf(KNOWLEDGE, { leaf: 7, subleaf: 1 }), isKnownLeaf(KNOWLEDGE, { leaf: 7, subleaf: 2 })]).toEqual([
    true,
    false,
  ]);
});

test('what the guest must set for a leaf not to fault is told once, and nothing else that it waits for', () => {
  const rule = (mask: number, effect: DeciderRule['effect']): DeciderRule => ({
    id: 'r',
    stage: 'guest',
    leaf: 7,
    masks: { eax: mask, ecx: mask },
    effect,
    source: 's',
    lines: null,
  });
  const [reduceVe, gate]: readonly [Condition, Condition] = [
    { kind: 'guest', control: 'REDUCE_VE' },
    { kind: 'attributes', bits: [5] },
  ];
  const guests = (...rules: readonly DeciderRule[]) =>
    guestsOf(release('x', [{ fixed0: {} }], {}, rules), { leaf: 7, subleaf: 1 });
  expect(
    guests(rule(0xf, { do: 've', unless: [reduceVe, LONG] }), rule(0xf0, { do: 've', unless: [reduceVe] })),
  ).toEqual(['REDUCE_VE', 'LONG_MODE']);
  expect(guests(rule(0xf, { do: 've', unless: [gate] }), rule(0xf0, { do: 'clear', unless: [reduceVe] }))).toEqual([]);
  expect(guestsOf(release('x', [{}]), { leaf: 8, subleaf: 1 })).toEqual([]);
});

describe('a field that a finding’s bits belong to', () => {
  const [before, after] = [0x50000000, 0x60000000].map((one) =>
    release('x', [{ fixed0: { ...ALL, eax: ~one >>> 0 }, fixed1: { eax: one } }], {}, []),
  );
  if (before === undefined || after === undefined) throw new Error('no release');
  const name = (high: number, low: number, text: string) => ({ ...PLACE, high, low, name: text });
  const names = [name(29, 28, 'LOW'), name(31, 30, 'HIGH'), name(29, 29, 'FLAG'), name(28, 27, 'reserved')];
  const fields = (mask: number, kind = 'class', known = names) =>
    fieldChanges({ facts: { kind }, places: [{ ...PLACE, mask, bits: [] }] } as unknown as Finding, before, after, {
      names: known,
    }).map(({ name: field, from, to }) => [field, from, to]);

  test('is told with what it held and holds, where that differs and bits mean a number', () => {
    const low = ['LOW', { kind: 'value', value: 1 }, { kind: 'value', value: 2 }];
    expect([fields(0x30000000), fields(0x10000000), fields(0xf0000000)]).toEqual([[low], [low], [low]]);
    for (const kind of ['configurable', 'not-configurable', 'promise', 'static-leaf'])
      expect([kind, fields(0x10000000, kind)]).toEqual([kind, [low]]);
    expect([fields(0x40000000), fields(0x4), fields(0x30000000, 'required')]).toEqual([[], [], []]);
    expect(fields(0xc0000000, 'promise', [name(31, 29, 'WIDE')])).toEqual([
      ['WIDE', { kind: 'value', value: 2 }, { kind: 'value', value: 3 }],
    ]);
  });
});

describe('what is argued about bits', () => {
  const [row] = KNOWLEDGE.clobbers;
  if (row === undefined) throw new Error('no row');
  const helps = { ...row, feature: 'HELP', kind: 'functional' as const, bits: [{ ...PLACE, mask: 0x4 }] };
  const knowledge = {
    ...KNOWLEDGE,
    clobbers: [row, helps, { ...row, feature: 'OTHER', bits: [{ ...PLACE, register: 'ebx' as const, mask: 0xff }] }],
  };

  test('is found by the bits that a row opens, and by its kind', () => {
    expect(clobbersOf(knowledge, PLACE, 0x7).map(({ row: { feature }, mask }) => [feature, mask])).toEqual([
      ['CLOB', 0x2],
    ]);
    // A row with bits of two registers opens in each its own.
    const both = { ...row, bits: [...row.bits, { ...PLACE, register: 'ebx' as const, mask: 0x4 }] };
    expect(clobbersOf({ ...KNOWLEDGE, clobbers: [both] }, PLACE, 0x7).map(({ mask }) => mask)).toEqual([0x2]);
    expect([clobbersOf(knowledge, PLACE, 0x5), clobbersOf(knowledge, { ...PLACE, subleaf: 2 }, 0x7)]).toEqual([[], []]);
    expect(arguedOf(knowledge, PLACE, 0x6).map(({ feature }) => feature)).toEqual(['CLOB', 'HELP']);
    expect(arguedOf(knowledge, PLACE, 0x4).map(({ feature }) => feature)).toEqual(['HELP']);
    expect([functionalOf(knowledge, PLACE, 0x7), functionalOf(knowledge, PLACE, 0x2)]).toEqual([['HELP'], []]);
  });
});

test('steps are told once each, and gates apart, in the order of their names', () => {
  const step = (from: 'fixed0' | 'native', to: 'fixed1' | 'native') => ({ from, to });
  expect(
    stepsOf([step('native', 'fixed1'), step('fixed0', 'native'), step('native', 'fixed1'), step('fixed0', 'fixed1')]),
  ).toEqual([step('fixed0', 'fixed1'), step('fixed0', 'native'), step('native', 'fixed1')]);
  const gated = release('x', [
    {
      gates: new Map([
        [5, { eax: 0x6 }],
        [2, { eax: 0x3 }],
      ]),
    },
  ]);
  expect(byGates(gated, PLACE, 0x1f)).toEqual([
    { gates: [], mask: 0x18 },
    { gates: ['xfam:2'], mask: 0x1 },
    { gates: ['xfam:5'], mask: 0x4 },
    { gates: ['xfam:5', 'xfam:2'], mask: 0x2 },
  ]);
  expect(byGates(gated, { ...PLACE, leaf: 8 }, 0x3)).toEqual([{ gates: [], mask: 0x3 }]);
});

test('XFAM is a mask, by whatever a kernel writes it', () => {
  expect([
    xfamMask({ xfam: 0x7n }),
    xfamMask({ xfam: [] }),
    xfamMask({ xfam: ['fp', 'AVX', 'no such'] }),
    xfamMask({ xfam: ['lbr'] }),
  ]).toEqual([0x7n, 0n, 0x5n, 0x8000n]);
});

test('what a release lets a VMM set stands by register, and a leaf’s line is that of its first entry', () => {
  const of = release('x', [
    { fixed0: { ...ALL, eax: 0xfffffffc }, allow: { eax: 0x1 }, direct: { eax: 0x2, ebx: 0x1 } },
    { leaf: 9, subleaf: 0 },
  ]);
  expect([...configurableBits(of)]).toEqual([
    ['7.1.eax', 0x3],
    ['7.1.ebx', 0x1],
  ]);
  expect(evidenceOf(of, { leaf: 9, subleaf: null }).map(({ line }) => line)).toEqual([2]);
  expect(evidenceOf(of, { leaf: 8, subleaf: 0 })).toEqual([]);
  expect(evidenceOf(release('x', [{}, { leaf: 9 }, {}]), PLACE).map(({ line }) => line)).toEqual([1]);
});

test('a fingerprint is 16 digits that lines do not move', () => {
  const print = (facts: object) =>
    fingerprintOf({
      rule: 'r',
      subject: { from: null, to: 'x', policy: null },
      places: [],
      facts,
    } as unknown as Parameters<typeof fingerprintOf>[0]);
  expect(print({ kind: 'a' })).toMatch(/^[0-9a-f]{16}$/);
  expect([print({ kind: 'a', line: 3 }), print({ line: 9, kind: 'a' })]).toEqual([
    print({ kind: 'a' }),
    print({ kind: 'a' }),
  ]);
  expect(new Set([print({ kind: 'a' }), print({ kind: 'b' }), print({ kind: 'a', path: 'x' })]).size).toBe(3);
});
