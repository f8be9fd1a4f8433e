import { describe, expect, test } from 'vitest';
import { compareClobberTable, diffClobbers, isHarmless, isOpenedByRow } from '../../pipeline/diff/clobbers.ts';
import type { ClobberFacts, MsrTransition, Opener } from '../../pipeline/model/clobber.ts';
import type { ClobberRow } from '../../pipeline/model/knowledge.ts';

const PLACE = { leaf: 7, subleaf: 0, register: 'ecx' } as const;
const ENTRY = [{ path: 'enter.c', line: 3, guards: [] }];
const write = (msr: string, extra: Partial<MsrTransition> = {}): MsrTransition => ({
  msr,
  address: 0xe1,
  guard: null,
  entry: ENTRY,
  exit: 'none',
  exitAt: [],
  reason: null,
  openers: [],
  ...extra,
});
const facts = (release: string, ...msrs: readonly MsrTransition[]): ClobberFacts => ({
  release,
  source: { repository: 'r', revision: 'c', path: 'p', blob: null },
  msrs,
  notes: [],
});
const row = (msrs: readonly string[], extra: Partial<ClobberRow> = {}): ClobberRow => ({
  feature: 'F',
  kind: 'clobber',
  bits: [],
  attributes: [],
  xfam: [],
  msrs,
  source: 's',
  line: 1,
  ...extra,
});
const CPUID: Opener = { kind: 'cpuid', flag: 'f', ...PLACE, mask: 0x6 };
const PERFMON: Opener = { kind: 'attributes', bit: 63, name: 'PERFMON' };
const LBR: Opener = { kind: 'xfam', bit: 15, name: 'LBR' };

describe('between two releases', () => {
  const step = (before: readonly MsrTransition[], after: readonly MsrTransition[]) => {
    const { added, removed, changed } = diffClobbers(facts('a', ...before), facts('b', ...after));
    const names = (list: readonly MsrTransition[]) => list.map(({ msr, guard }) => `${msr}${guard ?? ''}`);
    return [names(added), names(removed), names(changed)];
  };

  test('an MSR that is written on the way in and not brought back comes or goes, by name and guard', () => {
    expect(step([], [write('IA32_B'), write('IA32_A')])).toEqual([['IA32_A', 'IA32_B'], [], []]);
    expect(step([write('IA32_B'), write('IA32_A')], [])).toEqual([[], ['IA32_A', 'IA32_B'], []]);
    expect(step([write('IA32_A')], [write('A_MSR', { msr: 'MSR_IA32_A' })])).toEqual([[], [], []]);
    expect(step([write('IA32_A', { guard: 'f' })], [write('IA32_A', { guard: 'g' })])).toEqual([
      ['IA32_Ag'],
      ['IA32_Af'],
      [],
    ]);
    // Not written on the way in, or brought back: nothing is left.
    expect(step([], [write('IA32_A', { entry: [] }), write('IA32_B', { exit: 'restored' })])).toEqual([[], [], []]);
    expect(step([write('IA32_A', { exit: 'restored' })], [write('IA32_A', { exit: 'unknown' })])).toEqual([
      ['IA32_A'],
      [],
      [],
    ]);
  });

  test('an MSR that both leave is changed where what the host finds is known on both sides and differs', () => {
    const init = (exitValue?: string, keepsBits?: string) =>
      write('A', {
        exit: 'init',
        ...(exitValue === undefined ? {} : { exitValue }),
        ...(keepsBits === undefined ? {} : { keepsBits }),
      });
    const changed = (before: MsrTransition, after: MsrTransition) => step([before], [after])[2];
    expect(changed(write('A'), init('0x0'))).toEqual(['A']);
    expect(changed(init('0x0'), write('A'))).toEqual(['A']);
    expect(changed(write('A'), write('A'))).toEqual([]);
    expect(changed(write('A', { exitValue: '0x0' }), write('A', { exitValue: '0x1' }))).toEqual([]);
    expect(changed(init('0x0'), init('0x1'))).toEqual(['A']);
    expect(changed(init('0x10'), init('0x010'))).toEqual([]);
    expect(changed(init('0x0', '0x2'), init('0x0', '0x4'))).toEqual(['A']);
    expect(changed(init('0x0', '0x2'), init('0x0'))).toEqual(['A']);
    expect(changed(init('0x0', '0x0'), init('0x0'))).toEqual([]);
    for (const other of [write('A', { exit: 'unknown' }), init()])
      expect([changed(other, init('0x1')), changed(init('0x1'), other)]).toEqual([[], []]);
    // Of two guards each is held against its own.
    expect(step([write('A', { guard: 'f' })], [{ ...init('0x0'), guard: 'g' }])[2]).toEqual([]);
  });
});

describe('a row opens a write', () => {
  test('that nothing guards, or one of whose openers it names', () => {
    const opens = (openers: readonly Opener[], extra: Partial<ClobberRow> = {}) =>
      isOpenedByRow(write('A', { openers }), row(['A'], extra));
    expect(opens([])).toBe(true);
    expect(opens([CPUID])).toBe(false);
    expect([0x6, 0x2, 0x4, 0x1].map((mask) => opens([CPUID], { bits: [{ ...PLACE, mask }] }))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(opens([CPUID], { bits: [{ ...PLACE, register: 'edx', mask: 0x6 }] })).toBe(false);
    expect([opens([PERFMON], { attributes: [63] }), opens([PERFMON], { attributes: [15], xfam: [63] })]).toEqual([
      true,
      false,
    ]);
    expect([opens([LBR], { xfam: [15] }), opens([LBR], { xfam: [63], attributes: [15] })]).toEqual([true, false]);
    expect(opens([PERFMON, LBR], { xfam: [15] })).toBe(true);
  });

  test('and is harmless where only rows that argue so name it', () => {
    const argued = row(['A'], { kind: 'functional' });
    const harmless = (clobbers: readonly ClobberRow[], transition = write('IA32_A')) =>
      isHarmless(transition, { clobbers });
    expect(harmless([])).toBe(false);
    expect(harmless([argued])).toBe(true);
    expect(harmless([argued, row(['A'])])).toBe(false);
    expect(harmless([argued, row(['B'])])).toBe(true);
    expect(harmless([row(['A'], { kind: 'functional', xfam: [15] })])).toBe(false);
    expect(harmless([argued], write('A', { openers: [LBR] }))).toBe(false);
    expect(harmless([row(['A'], { kind: 'functional', xfam: [15] })], write('A', { openers: [LBR] }))).toBe(true);
  });
});

describe('the argued table against the evidence', () => {
  const compare = (rows: readonly ClobberRow[], ...all: readonly ClobberFacts[]) => {
    const { evidenceWithoutRow, rowsWithoutEvidence } = compareClobberTable(rows, all);
    return [
      evidenceWithoutRow.map(({ release, transition }) => `${release} ${transition.msr}`),
      rowsWithoutEvidence.map(({ row: { feature }, msr }) => `${feature} ${msr}`),
    ];
  };

  test('agrees where each write has a row and each MSR of a row a write', () => {
    expect(compare([row(['A'])], facts('1', write('IA32_A')))).toEqual([[], []]);
    expect(compare([row(['A'], { attributes: [63] })], facts('1', write('A', { openers: [PERFMON] })))).toEqual([
      [],
      [],
    ]);
  });

  test('tells a write without a row, in each release, and an MSR of a row without a write', () => {
    expect(compare([], facts('1', write('A')), facts('2', write('A'), write('B', { exit: 'restored' })))).toEqual([
      ['1 A', '2 A'],
      [],
    ]);
    expect(compare([row(['A', 'B'])], facts('1', write('A'), write('B', { exit: 'restored' })))).toEqual([[], ['F B']]);
    expect(compare([row(['A'])], facts('1', write('A', { entry: [] })))).toEqual([[], ['F A']]);
    // One release that shows it is enough; a row of another kind claims nothing.
    expect(compare([row(['A'])], facts('1'), facts('2', write('A')))).toEqual([[], []]);
    expect(compare([row(['A'], { kind: 'functional' })], facts('1'))).toEqual([[], []]);
    expect(compare([row(['B']), row(['A'])], facts('1', write('A'), write('B')))).toEqual([[], []]);
  });

  test('takes a row for a write only where both are opened by the same, or both by nothing', () => {
    for (const extra of [{ attributes: [63] }, { xfam: [15] }, { bits: [{ ...PLACE, mask: 0x6 }] }])
      expect(compare([row(['A'], extra)], facts('1', write('A')))).toEqual([['1 A'], ['F A']]);
    expect(compare([row(['A'])], facts('1', write('A', { openers: [PERFMON] })))).toEqual([['1 A'], ['F A']]);
    const both = { bits: [{ ...PLACE, mask: 0x6 }], attributes: [63], xfam: [15, 16] };
    for (const extra of [both, { ...both, bits: [] }, { ...both, xfam: [] }, { ...both, attributes: [], xfam: [15] }])
      expect(compare([row(['A'], extra)], facts('1', write('A')))).toEqual([['1 A'], ['F A']]);
  });
});
