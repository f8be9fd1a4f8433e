import { describe, expect, test } from 'vitest';
import { absentRegister, type RegisterClasses } from '../../pipeline/model/class.ts';
import { constantAt, constantText, isText, textOf, textOrder } from '../../pipeline/model/constant-text.ts';
import { constantOf, type Decider, isDynamic } from '../../pipeline/model/decider.ts';
import type { Condition } from '../../pipeline/model/decider-rules.ts';
import { codeChangeText, conditionText, deciderText } from '../../pipeline/model/decider-text.ts';
import { not } from '../../pipeline/model/mask.ts';
import { type Place, REGISTERS } from '../../pipeline/model/place.ts';
import { release } from '../judge/ground.ts';

const ZERO: Decider = { by: { kind: 'constant', value: 0 }, conditions: [] };
const ONE: Decider = { by: { kind: 'constant', value: 1 }, conditions: [] };
const HOST: Decider = { by: { kind: 'host' }, conditions: [] };
const LONG: Condition = { kind: 'guest', control: 'LONG_MODE' };
const holding = (place: Place, value: number): RegisterClasses => ({
  ...absentRegister(place),
  deciders: [
    { mask: value, decider: ONE },
    { mask: not(value), decider: ZERO },
  ].filter(({ mask }) => mask !== 0),
});
const word = (text: string): number =>
  [...text].reduce((all, letter, at) => (all | (letter.charCodeAt(0) << (8 * at))) >>> 0, 0);

test('a value is constant where it is the same in every TD that reads the leaf', () => {
  const unless = (by: Decider, otherwise: 0 | 1 | 've'): Decider => ({
    ...by,
    conditions: [{ when: LONG, otherwise }],
  });
  expect([constantOf(ZERO), constantOf(ONE), constantOf(HOST)]).toEqual([0, 1, null]);
  expect([
    constantOf(unless(ONE, 've')),
    constantOf(unless(ONE, 1)),
    constantOf(unless(ONE, 0)),
    constantOf(unless(ZERO, 1)),
  ]).toEqual([1, 1, null, null]);
  expect(
    constantOf({ ...ONE, conditions: [...unless(ONE, 've').conditions, ...unless(ONE, 0).conditions] }),
  ).toBeNull();
  const eax: Place = { leaf: 0, subleaf: null, register: 'eax' };
  expect([
    constantAt(holding(eax, 0x80000005)),
    constantAt(holding(eax, 0)),
    constantAt(holding(eax, 0xffffffff)),
  ]).toEqual([0x80000005, 0, 0xffffffff]);
  expect([constantAt(undefined), constantAt(absentRegister(eax))]).toEqual([null, null]);
  expect(
    constantAt({
      ...absentRegister(eax),
      deciders: [
        { mask: 1, decider: HOST },
        { mask: 0xfffffffe, decider: ONE },
      ],
    }),
  ).toBeNull();
});

test('a value that the guest takes part in changes while the TD runs', () => {
  const computed = (what: 'xsave-user' | 'xsave-all' | 'x2apic-id' | 'initial-apic-id' | 'maxpa'): Decider => ({
    by: { kind: 'computed', what },
    conditions: [],
  });
  expect(
    (['xsave-user', 'xsave-all', 'x2apic-id', 'initial-apic-id', 'maxpa'] as const).map((what) =>
      isDynamic(computed(what)),
    ),
  ).toEqual([true, true, true, true, false]);
  expect([
    isDynamic({ by: { kind: 'guest', control: 'LONG_MODE' }, conditions: [] }),
    isDynamic(HOST),
    isDynamic({ ...HOST, conditions: [{ when: LONG, otherwise: 0 }] }),
  ]).toEqual([true, false, false]);
});

describe('a text that every TD reads', () => {
  test('is of letters, more than one of them or none', () => {
    expect(
      [word('Inte'), word('I'), 0, word('In'), 0x7f414141, 0x41411f41, word('A  A'), word('A~'), 0x80414141].map(
        isText,
      ),
    ).toEqual([true, false, true, true, false, false, true, true, false]);
    expect([textOf([word('Genu'), word('ine')]), textOf([0])]).toEqual(['Genuine', '']);
  });

  const vendor = (
    leaf: number,
    texts: Partial<Record<Place['register'], string>>,
    subleaf: number | null = null,
  ): readonly RegisterClasses[] =>
    REGISTERS.flatMap((register) => {
      const text = texts[register];
      return text === undefined ? [] : [holding({ leaf, subleaf, register }, word(text))];
    });
  const text = (registers: readonly RegisterClasses[], place: Place) =>
    constantText({ ...release('x', []), registers }, place);

  test('stands in EBX, EDX and ECX of its leaf, in this order', () => {
    const registers = vendor(0x21, { ebx: 'Inte', edx: 'lTDX', ecx: '    ' });
    const at = (register: Place['register']): Place => ({ leaf: 0x21, subleaf: null, register });
    for (const register of ['ebx', 'ecx', 'edx'] as const) expect(text(registers, at(register))).toBe('IntelTDX    ');
    expect(text(registers, at('eax'))).toBeNull();
    expect((['eax', 'ebx', 'ecx', 'edx'] as const).map((register) => textOrder(at(register)))).toEqual([-1, 0, 2, 1]);
    // All three must be constants and letters, and be a word.
    expect(text(registers.slice(0, 2), at('ebx'))).toBeNull();
    expect(text(vendor(0x21, { ebx: 'Inte', edx: 'l', ecx: 'TDX' }), at('ebx'))).toBeNull();
    expect(text(vendor(0x21, { ebx: 'In', edx: 't ', ecx: '  ' }), at('ebx'))).toBeNull();
    expect(text(vendor(0x21, { ebx: 'In', edx: 'te', ecx: '  ' }), at('ebx'))).toBe('Inte  ');
    expect(text(vendor(0x22, { ebx: 'Inte', edx: 'lTDX', ecx: '    ' }), at('ebx'))).toBeNull();
  });

  test('is the brand string where it stands in three leaves; leaves that a release lacks hold nothing', () => {
    const brand = (leaf: number, ...texts: readonly string[]) =>
      REGISTERS.map((register, index) => holding({ leaf, subleaf: null, register }, word(texts[index] ?? '')));
    const first = brand(0x80000002, 'Inte', 'l Xe', 'on', '');
    const last = brand(0x80000004, 'of', ' it', '', '');
    const at: Place = { leaf: 0x80000003, subleaf: null, register: 'ecx' };
    expect([text(first, at), text([...last, ...first], at)]).toEqual(['Intel Xeon', 'Intel Xeonof it']);
    expect([
      textOrder({ ...at, leaf: 0x80000002, register: 'eax' }),
      textOrder(at),
      textOrder({ ...at, leaf: 0x80000004, register: 'edx' }),
    ]).toEqual([0, 6, 11]);
    expect([
      textOrder({ ...at, leaf: 0x80000005, register: 'eax' }),
      textOrder({ ...at, leaf: 0x80000001, register: 'eax' }),
    ]).toEqual([-1, -1]);
  });
});

test('conditions, deciders and changed code are written for machines in one line', () => {
  const all: readonly Condition[] = [
    { kind: 'xfam', bits: [17, 18] },
    { kind: 'attributes', bits: [63] },
    { kind: 'config-flags', bits: [4] },
    { kind: 'cpuid', place: { leaf: 7, subleaf: 1, register: 'eax' }, bit: 8 },
    LONG,
    { kind: 'paravirt', bit: 3 },
    { kind: 'xfd' },
    { kind: 'not', of: LONG },
    { kind: 'any', of: [LONG, { kind: 'xfd' }] },
  ];
  expect(all.map(conditionText)).toEqual([
    'xfam:17+18',
    'attributes:63',
    'config-flags:4',
    'cpuid:7.1.EAX[8]',
    'guest:LONG_MODE',
    'paravirt:3',
    'xfd',
    '!guest:LONG_MODE',
    '(guest:LONG_MODE or xfd)',
  ]);
  const by = (decision: Decider['by']) => deciderText({ by: decision, conditions: [] });
  expect([
    by({ kind: 'constant', value: 1 }),
    by({ kind: 've' }),
    by({ kind: 'vmm' }),
    by({ kind: 'vmm-and-host' }),
    by({ kind: 'td-params', field: 'TSC_FREQUENCY' }),
    by({ kind: 'computed', what: 'maxpa' }),
    by({ kind: 'attributes', bits: [5] }),
  ]).toEqual(['constant:1', 've', 'vmm', 'vmm-and-host', 'td-params:TSC_FREQUENCY', 'computed:maxpa', 'attributes:5']);
  expect(
    deciderText({
      by: { kind: 'host' },
      conditions: [
        { when: LONG, otherwise: 0 },
        { when: { kind: 'xfd' }, otherwise: 've' },
      ],
    }),
  ).toBe('host; 0 unless guest:LONG_MODE; #VE unless xfd');
  expect(
    codeChangeText([
      { path: 'a.c', name: null, line: null, kind: 'unread' },
      { path: 'a.c', name: 'f', line: 3, kind: 'changed' },
      { path: 'b.c', name: 'g', line: null, kind: 'new' },
    ]),
  ).toBe('the code that decides changed, not examined: a.c (could not be read), f (a.c:3), g (new, b.c)');
});
