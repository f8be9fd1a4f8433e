import { describe, expect, test } from 'vitest';
import { kvmContext } from '../../pipeline/judge/judge.ts';
import { checkCapabilities, poolOf } from '../../pipeline/judge/pool.ts';
import { findingMask, judgeQemu, openGates, type QemuRule } from '../../pipeline/judge/qemu.ts';
import { quietRules } from '../../pipeline/judge/qemu-quiet.ts';
import { featureOf, GETS, type Stack, stackFeatures } from '../../pipeline/judge/stack.ts';
import type { Condition, DeciderRule } from '../../pipeline/model/decider-rules.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import type { ModuleRelease } from '../../pipeline/model/module.ts';
import { formatPlace, type Place, REGISTERS } from '../../pipeline/model/place.ts';
import type { Policy } from '../../pipeline/model/policy.ts';
import type { QemuFacts, QemuGate, QemuMask, QemuWord } from '../../pipeline/model/qemu.ts';
import { type Host, hostKey, type Registers } from '../../pipeline/td/case.ts';
import { entry, ground, PLACE, policy, release } from './ground.ts';

const LONG: Condition = { kind: 'guest', control: 'LONG_MODE' };
const PERFMON: Condition = { kind: 'attributes', bits: [63] };
const rule = (mask: number, effect: DeciderRule['effect']): DeciderRule => ({
  id: 'r',
  stage: 'init',
  leaf: 7,
  subleaf: 1,
  masks: { eax: mask },
  effect,
  source: 's',
  lines: null,
});
/** What decides each bit of 7.1.EAX, from bit 0 on; the rest are 0. */
const RULES: readonly DeciderRule[] = [
  rule(0x40, { do: 'clear', unless: [PERFMON] }),
  rule(0x80, { do: 'follow', condition: LONG }),
  rule(0x100, { do: 'clear', unless: [LONG] }),
  rule(0x200, { do: 'follow', condition: { kind: 'xfam', bits: [0] } }),
  rule(0x400, { do: 'follow', condition: { kind: 'xfam', bits: [2] } }),
  rule(0x800, { do: 'set', unless: [PERFMON] }),
  rule(0x1000, { do: 've', unless: [LONG] }),
  rule(0x2000, { do: 'set', unless: [PERFMON] }),
  rule(0x4000, { do: 'clear', unless: [PERFMON] }),
  rule(0x10000, { do: 'clear', unless: [{ kind: 'xfam', bits: [5, 2] }] }),
];
const MODULE: Partial<ModuleRelease> = {
  attributes: { fixed0: (1n << 63n) | (1n << 29n) | (1n << 27n), fixed1: 0n },
  xfam: { fixed0: 0x200ffn, fixed1: 3n },
};
const made = (extra: Partial<ModuleRelease> = {}, rules: readonly DeciderRule[] | null = RULES) =>
  release(
    '2.0.04',
    [
      {
        fixed0: { eax: 0xfffe2010, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff },
        fixed1: { eax: 0x1008, ebx: 0x1 },
        direct: { eax: 0xc003, ebx: 0x4 },
        allow: { eax: 0x4, ebx: 0x2 },
      },
      { leaf: 9, subleaf: 0, faulting: true },
    ],
    { ...MODULE, ...extra },
    rules,
  );
const AT = { path: 'qemu.c', line: 5 } as const;
const word = (names: readonly number[], notAutomatic = 0, place: Place = PLACE): QemuWord => ({
  ...place,
  path: 'cpu.c',
  line: 9,
  names: names.map((bit) => ({ bit, name: `b${bit}` })),
  notAutomatic,
});
const mask = (bits: number, place: Place = PLACE): QemuMask => ({ ...place, mask: bits, ...AT });
const gate = (name: QemuGate['gate'], bits: number, place: Place = PLACE): QemuGate => ({
  ...mask(bits, place),
  gate: name,
});
const qemu = (extra: Partial<QemuFacts> = {}): QemuFacts => ({
  version: '10.1.0',
  source: { repository: 'example/qemu', revision: 'd'.repeat(40), path: 'tdx.c', blob: null },
  fixed1: [],
  supports: [],
  threadBits: [],
  gates: [],
  attributes: { mask: 1n << 63n, ...AT },
  xfam: { mask: ~0n, ...AT },
  kvmFeatures: mask(0),
  words: [word([0, 1, 2, 3, 4, 5, 15], 0x2)],
  ...extra,
});
const KVM: Partial<Policy> = { requires: [], xfam: ['fp', 'sse', 'avx'], attributes: 1n << 63n, deny: [entry(0x8000)] };
const stackOf = (facts: Partial<QemuFacts> = {}, kvm: Partial<Policy> = {}, module = made()): Stack => ({
  release: module,
  kvm: kvmContext(module, policy({ ...KVM, ...kvm }), ground()),
  qemu: qemu(facts),
  cpuid2: null,
  names: [
    { ...PLACE, high: 0, low: 0, name: 'ZERO' },
    { ...PLACE, high: 19, low: 18, name: 'NUMBER' },
  ],
});
const gets = (stack: Stack, bit: number, place: Place = PLACE) => featureOf(stack, place, bit).gets;

describe('what a TD gets of a bit', () => {
  test.each([
    [0, 'host-cpu', 'the VMM’s, with a name'],
    [1, 'by-name', 'the VMM’s, with a name that -cpu host leaves out'],
    [2, 'host-cpu', 'the VMM may clear it'],
    [3, 'always', 'fixed to 1'],
    [4, 'never', 'fixed to 0'],
    [5, 'host', 'passes as the host has it'],
    [6, 'gated', 'the host’s, behind an attribute'],
    [7, 'guest', 'the guest decides'],
    [8, 'host', 'the host’s where the guest wants it'],
    [9, 'always', 'XFAM bits that must be 1'],
    [10, 'gated', 'an XFAM bit that may be 0'],
    [11, 'host', 'the host’s or 1'],
    [12, 'after-ve', 'fixed to 1 where the leaf does not fault'],
    [13, 'gated', '0, and 1 without an attribute'],
    [14, 'never-asked', 'the VMM’s behind a gate, without a name'],
    [15, 'kept-back', 'the VMM’s, and KVM denies it'],
    [17, 'never', 'fixed to 0, and in no rule'],
  ])('%i: %s: %s', (bit, expected) => {
    expect(gets(stackOf(), bit)).toBe(expected);
  });

  test('depends on what KVM gives to ordinary VMs and on what QEMU adds to it', () => {
    const known = [{ ...PLACE, mask: 0x4, path: 'cpuid.c', line: 3 }];
    const add = (isConditional: boolean, bits = 0x1) => [{ ...mask(bits), isConditional }];
    expect([gets(stackOf({}, { known }), 0), gets(stackOf({}, { known }), 2)]).toEqual(['unsupported', 'host-cpu']);
    expect(gets(stackOf({ supports: add(false) }, { known }), 0)).toBe('host-cpu');
    expect(gets(stackOf({ supports: add(true) }, { known }), 0)).toBe('told');
    expect(gets(stackOf({ supports: add(false, 0x2) }, { known }), 0)).toBe('unsupported');
    expect(gets(stackOf({ fixed1: [mask(0x1)] }, { known }), 0)).toBe('host-cpu');
    // Fixed, denied or without a name: what QEMU takes for supported changes nothing.
    expect([3, 14, 15].map((bit) => gets(stackOf({}, { known }), bit))).toEqual(['always', 'never-asked', 'kept-back']);
    // A bit of the threads has to be supported too.
    expect(gets(stackOf({ threadBits: [mask(0x1)] }, { known }), 0)).toBe('unsupported');
    expect(gets(stackOf({ threadBits: [mask(0x2)], supports: add(false, 0x2) }, { known }), 1)).toBe('threads');
  });

  test('depends on what the stack names, denies and needs', () => {
    expect(gets(stackOf({ words: [] }), 0)).toBe('never-asked');
    expect(gets(stackOf({}, { deny: [] }), 15)).toBe('host-cpu');
    expect(gets(stackOf({}, { xfam: ['fp'] }), 14)).toBe('never-asked');
    expect(gets(stackOf({}, { attributes: 0n }), 14)).toBe('kept-back');
    // A gate that KVM keeps closed; what is set without the gate is not kept away by it.
    expect([6, 10, 13].map((bit) => gets(stackOf({}, { attributes: 0n, xfam: ['fp'] }), bit))).toEqual([
      'shut',
      'shut',
      'gated',
    ]);
    expect(gets(stackOf({}, {}, made({ attributes: { fixed0: 0n, fixed1: 0n } })), 6)).toBe('never');
    expect(
      gets(stackOf({}, { attributes: 0n }, made({ attributes: { fixed0: 1n << 63n, fixed1: 1n << 63n } })), 6),
    ).toBe('gated');
    expect(gets(stackOf({}, { generation: 'allowlist' }), 0)).toBe('kept-back');
    expect(gets(stackOf({}, { generation: 'allowlist', allow: [entry(1)] }), 0)).toBe('host-cpu');
    const xfam = made({ xfam: { fixed0: 0x7n, fixed1: 0x6n } });
    expect([gets(stackOf({}, {}, xfam), 9), gets(stackOf({}, {}, xfam), 10)]).toEqual(['gated', 'always']);
    expect([gets(stackOf(), 0, { ...PLACE, leaf: 9, subleaf: 0 }), gets(stackOf(), 0, { ...PLACE, leaf: 11 })]).toEqual(
      ['ve', 'no-leaf'],
    );
    expect(gets(stackOf({}, {}, made({}, null)), 0)).toBe('not-examined');
    expect(gets(stackOf({}, {}, made({ xfam: null })), 9)).toBe('gated');
    for (const each of [...bitsOf(0x2ffff).map((bit) => gets(stackOf(), bit)), 've', 'no-leaf', 'not-examined'])
      expect(GETS).toContain(each);
    // What sets a bit that every TD has changes nothing, what clears it does; of two components both must be 1.
    const later = (...rules: readonly DeciderRule[]) => gets(stackOf({}, {}, made({}, [...RULES, ...rules])), 9);
    expect([
      later(rule(0x200, { do: 'set', unless: [PERFMON] })),
      later(rule(0x200, { do: 'clear', unless: [PERFMON] })),
      later(rule(0x200, { do: 'follow', condition: { kind: 'xfam', bits: [0, 2] } })),
      later(rule(0x200, { do: 've', unless: [LONG] })),
    ]).toEqual(['always', 'gated', 'gated', 'after-ve']);
  });

  test('is told with names and with the lines that say so', () => {
    const stack = stackOf(
      { fixed1: [mask(0x9)], gates: [gate('xfam:2', 0x1), gate('xfam:5', 0x2)] },
      { deny: [entry(0x1)] },
    );
    const feature = featureOf(stack, PLACE, 0);
    expect(feature).toMatchObject({
      ...PLACE,
      bit: 0,
      name: 'ZERO',
      verdict: 'denied',
      ask: { name: 'b0', isAutomatic: true, isChecked: true, isFixed1: true, gates: ['xfam:2'] },
    });
    expect(feature.evidence.map(({ path, line }) => `${path}:${line}`)).toEqual([
      't.c:1',
      'tdx.c:7',
      'qemu.c:5',
      'qemu.c:5',
      'cpu.c:9',
    ]);
    expect(featureOf(stack, PLACE, 1)).toMatchObject({
      name: null,
      verdict: 'exposed',
      ask: { name: 'b1', isAutomatic: false, isFixed1: false, gates: ['xfam:5'] },
    });
    const other = featureOf(stack, { ...PLACE, register: 'ebx' }, 0);
    expect(other.ask).toEqual({
      name: null,
      isAutomatic: false,
      isChecked: false,
      isFixed1: false,
      support: 'yes',
      isOfThreads: false,
      gates: [],
    });
    expect(featureOf(stack, { ...PLACE, leaf: 11 }, 0).evidence).toEqual([]);
    // QEMU's word is cited for the bits that it names.
    expect(
      [5, 14].map((bit) =>
        featureOf(stack, PLACE, bit)
          .evidence.map(({ path }) => path)
          .join(),
      ),
    ).toEqual(['t.c,cpu.c', 't.c']);
  });
});

test('features are the bits that a VMM may set, and those that QEMU names, fixes or gates and some TD may have', () => {
  const bits = (facts: Partial<QemuFacts>) =>
    stackFeatures(stackOf(facts))
      .filter(({ register }) => register === 'eax')
      .map(({ bit }) => bit);
  expect(bits({ words: [] })).toEqual([0, 1, 2, 14, 15]);
  expect(bits({ words: [word([3, 4, 5])] })).toEqual([0, 1, 2, 3, 5, 14, 15]);
  expect(bits({ words: [], fixed1: [mask(0x58)] })).toEqual([0, 1, 2, 3, 6, 14, 15]);
  expect(bits({ words: [], gates: [gate('xfam:2', 0x400)] })).toEqual([0, 1, 2, 10, 14, 15]);
  // What faults, or was not examined, is none, whatever QEMU names.
  expect(bits({ words: [word([0], 0, { ...PLACE, leaf: 9, subleaf: 0 })] })).toEqual([0, 1, 2, 14, 15]);
  const named = { words: [word([0, 3, 5])] };
  expect(stackFeatures(stackOf(named, {}, made({}, null)))).toEqual([]);
  const cache = release(
    '2.0.04',
    [{ leaf: 4, subleaf: 0, fixed0: { eax: 0xfffffffe }, direct: { eax: 0x1 } }],
    MODULE,
    [],
  );
  expect(stackFeatures(stackOf({}, {}, cache))).toEqual([]);
  const number = made({}, [...RULES, rule(0xc0000, { do: 'follow', condition: LONG })]);
  expect(stackFeatures(stackOf({ fixed1: [mask(0xe0000)] }, {}, number)).some(({ bit }) => bit > 15)).toBe(false);
});

describe('QEMU’s tables against the release', () => {
  const found = (wanted: QemuRule, facts: Partial<QemuFacts>, kvm: Partial<Policy> = {}, module = made()) =>
    judgeQemu(stackOf(facts, kvm, module))
      .filter((each) => each.rule === wanted)
      .map((each) => [
        each.level,
        each.how,
        each.place === null ? null : formatPlace(each.place),
        each.place === null ? [...each.bits].join() : bitsOf(findingMask(each)).join(),
        ...(each.gate === null ? [] : [each.gate]),
      ]);

  test('a bit that QEMU takes for 1 and the release lets be 0', () => {
    expect(found('qemu-fixed1-extra', { fixed1: [mask(0xffff)] })).toEqual([
      ['info', 'settable', '7.1.EAX', '0,1,14'],
      ['warning', 'depends', '7.1.EAX', '2,5,6,8,10,11,13,15'],
      ['warning', 'never', '7.1.EAX', '4'],
    ]);
    expect(found('qemu-fixed1-extra', { fixed1: [mask(0x1288)] })).toEqual([]);
    const elsewhere = [mask(0x1, { ...PLACE, leaf: 11 }), mask(0x2, { ...PLACE, leaf: 9, subleaf: 0 })];
    expect(found('qemu-fixed1-extra', { fixed1: elsewhere })).toEqual([
      ['info', 'no-leaf', '0xb.1.EAX', '0'],
      ['info', 've', '9.0.EAX', '1'],
    ]);
    expect(found('qemu-fixed1-extra', { fixed1: [mask(1)] }, {}, made({}, null))).toEqual([]);
  });

  test('a bit that every TD, or every TD of a host, has and QEMU does not expect', () => {
    const all = [
      ['warning', 'always', '7.1.EAX', '3,9,12'],
      ['warning', 'host', '7.1.EAX', '5,6,8,10,11'],
    ];
    expect(found('qemu-fixed1-missing', {})).toEqual(all);
    expect(found('qemu-fixed1-missing', { words: [] })).toEqual([]);
    expect(found('qemu-fixed1-missing', { fixed1: [mask(0x1208)], gates: [gate('attributes:63', 0x40)] })).toEqual([
      ['warning', 'host', '7.1.EAX', '5,8,10,11'],
    ]);
    // A number of several bits is no feature.
    expect(found('qemu-fixed1-missing', {}, {}, made({}, [...RULES, rule(0xc0000, { do: 'one' })]))).toEqual(all);
    // A gate that nobody opens tells QEMU nothing, and what waits for one no TD shows.
    expect(found('qemu-fixed1-missing', { gates: [gate('xfam:7', 0x40)] })).toEqual(all);
    expect(found('qemu-fixed1-missing', {}, { attributes: 0n, xfam: ['fp', 'sse'] })).toEqual([
      ['warning', 'always', '7.1.EAX', '3,9,12'],
      ['warning', 'host', '7.1.EAX', '5,8,11'],
    ]);
  });

  test('a finding cites QEMU’s word of the register, named bit or not', () => {
    const [missing] = judgeQemu(stackOf({ words: [word([])] })).filter(({ rule: id }) => id === 'qemu-fixed1-missing');
    expect(missing?.evidence.map(({ path, line }) => `${path}:${line}`)).toEqual(['t.c:1', 'cpu.c:9']);
    const [bare] = judgeQemu(stackOf({ words: [], fixed1: [mask(0x10)] }));
    expect(bare?.evidence.map(({ path }) => path)).toEqual(['t.c', 'qemu.c']);
  });

  test('a gate that QEMU takes and the release does not', () => {
    const gates = [gate('attributes:63', 0x43), gate('xfam:2', 0x400), gate('xfam:2', 0x8), gate('xfam:7', 0x1)];
    expect(found('qemu-gate-differs', { gates })).toEqual([
      ['warning', 'other-gate', '7.1.EAX', '0,1', 'attributes:63'],
      ['warning', 'always', '7.1.EAX', '3', 'xfam:2'],
    ]);
    expect(found('qemu-gate-differs', { gates: [gate('xfam:2', 0x4010)] })).toEqual([
      ['warning', 'never', '7.1.EAX', '4', 'xfam:2'],
      ['warning', 'other-gate', '7.1.EAX', '14', 'xfam:2'],
    ]);
    expect(found('qemu-gate-differs', { gates: [gate('attributes:63', 0x4000), gate('xfam:5', 0x10000)] })).toEqual([]);
    const elsewhere = [
      { ...PLACE, leaf: 11 },
      { ...PLACE, leaf: 9, subleaf: 0 },
    ].map((place) => gate('xfam:2', 1, place));
    expect(found('qemu-gate-differs', { gates: elsewhere })).toEqual([
      ['info', 'no-leaf', '0xb.1.EAX', '0', 'xfam:2'],
      ['info', 've', '9.0.EAX', '0', 'xfam:2'],
    ]);
  });

  test('a feature that -cpu host never sets, an attribute and an XFAM component that QEMU cannot ask for', () => {
    expect(found('qemu-no-name', {})).toEqual([
      ['info', 'no-name', '7.1.EAX', '14'],
      ['info', 'no-name', '7.1.EBX', '1,2'],
    ]);
    expect(found('qemu-attributes', {})).toEqual([]);
    expect(found('qemu-attributes', { attributes: { mask: 0n, ...AT } })).toEqual([['info', 'not-asked', null, '63']]);
    expect(
      found('qemu-attributes', { attributes: { mask: 0n, ...AT } }, { attributes: ~(1n << 29n) & ((1n << 64n) - 1n) }),
    ).toEqual([['info', 'not-asked', null, '27,63']]);
    const knows = (bits: bigint) => ({ xfam: { mask: bits, ...AT } });
    expect(found('qemu-xfam', {})).toEqual([]);
    expect(found('qemu-xfam', knows(0x3n))).toEqual([['info', 'not-asked', null, '2']]);
    // Those that must be 1 need nobody to ask.
    expect(found('qemu-xfam', knows(0x4n))).toEqual([]);
    expect(found('qemu-xfam', knows(0xe3n), { xfam: 0x200e7n })).toEqual([['info', 'not-asked', null, '2,17']]);
    // What waits for such a component no TD has, and nothing is forced on.
    expect([0x7n, 0x3n].map((mask) => gets(stackOf(knows(mask)), 10))).toEqual(['gated', 'shut']);
    expect(found('qemu-fixed1-missing', knows(0x3n)).at(-1)?.at(-1)).toBe('5,6,8,11');
    expect(gets(stackOf({ attributes: { mask: 0n, ...AT } }), 6)).toBe('shut');
    // One closed gate of two is enough; what is set where a gate is closed waits for none; of a release that nobody read no bit is fixed.
    expect([0x7n, 0x27n].map((bits) => gets(stackOf({}, { xfam: bits }), 16))).toEqual(['shut', 'gated']);
    const unread16 = (...more: readonly DeciderRule[]) =>
      gets(stackOf({}, { xfam: 0x6n }, made({ xfam: null }, [...RULES, ...more])), 9);
    expect([unread16(), unread16(rule(0x200, { do: 'set', unless: [PERFMON] }))]).toEqual(['shut', 'gated']);
    expect(found('qemu-xfam', {}, {}, made({ xfam: null }))).toEqual([]);
    // Of a release whose masks nobody read no bit is said to be open.
    const unread = stackOf(
      { attributes: { mask: 0n, ...AT } },
      { attributes: (1n << 64n) - 1n, xfam: 0xffffn },
      made({ attributes: null, xfam: null }),
    );
    expect([...openGates(unread)]).toEqual([]);
    expect(judgeQemu(unread).filter(({ rule: id }) => id === 'qemu-attributes')).toEqual([]);
    const cited = stackOf({ xfam: { mask: 0x3n, path: 'cpu.c', line: 78 } });
    expect(judgeQemu(cited).find(({ rule: id }) => id === 'qemu-xfam')?.evidence).toEqual([
      { repository: 'example/qemu', revision: 'd'.repeat(40), path: 'cpu.c', line: 78 },
    ]);
  });

  test('is silent about bits that were held against each other, by their number', () => {
    // The second gate is one that no KVM opens.
    const facts = { fixed1: [mask(0x1208), mask(0x3)], gates: [gate('attributes:63', 0x41), gate('xfam:7', 0xff)] };
    const looked = (stack: Stack) => quietRules(stack, []).map((each) => [each.rule, each.looked, each.unread]);
    expect(looked(stackOf(facts))).toEqual([
      ['qemu-fixed1-extra', 5, null],
      // Of 7.1.EAX, whose word QEMU has, without the number of two bits.
      ['qemu-fixed1-missing', 30, null],
      ['qemu-gate-differs', 2, null],
      // 0, 1, 2 and 14 of EAX, 15 being denied, and 1 and 2 of EBX.
      ['qemu-no-name', 6, null],
      ['qemu-attributes', 1, null],
      ['qemu-xfam', 1, null],
    ]);
    const unread = looked(stackOf({}, {}, made({ attributes: null, xfam: null })));
    expect(unread.slice(-2)).toEqual([
      ['qemu-attributes', 0, 'ATTRIBUTES'],
      ['qemu-xfam', 0, 'XFAM'],
    ]);
    const bare = quietRules(stackOf({ fixed1: [mask(0x3)] }, {}, made({}, null)), []);
    expect(bare[0]).toEqual({ rule: 'qemu-fixed1-extra', looked: 2, unexamined: 2, unread: null });
    // A rule that found something is not silent.
    expect(quietRules(stackOf({ ...facts, xfam: { mask: 0x3n, ...AT } })).map(({ rule: id }) => id)).toEqual([
      'qemu-attributes',
    ]);
  });

  test('comes by rule and then by place, with its lines, and not at all where KVM refuses the release', () => {
    const none = { attributes: { mask: 0n, ...AT }, xfam: { mask: 0x3n, ...AT } };
    const facts = { fixed1: [mask(0x1)], gates: [gate('attributes:63', 0x2)], ...none };
    expect(judgeQemu(stackOf(facts)).map(({ rule: id }) => id)).toEqual([
      'qemu-fixed1-extra',
      'qemu-fixed1-missing',
      'qemu-fixed1-missing',
      'qemu-gate-differs',
      'qemu-no-name',
      'qemu-no-name',
      'qemu-attributes',
      'qemu-xfam',
    ]);
    const [extra] = judgeQemu(stackOf(facts));
    expect(extra?.evidence.map(({ repository, path }) => `${repository} ${path}`)).toEqual([
      'example/module t.c',
      'example/qemu qemu.c',
      'example/qemu cpu.c',
    ]);
    expect(judgeQemu(stackOf(facts)).at(-2)?.evidence).toMatchObject([{ path: 'qemu.c', line: 5 }]);
    expect(judgeQemu(stackOf(facts)).at(-1)?.evidence).toMatchObject([{ path: 'qemu.c', line: 5 }]);
    const refuses: Policy['requires'] = [{ kind: 'config-slots', limit: 0, path: 'tdx.c', line: 1 }];
    expect(judgeQemu(stackOf(facts, { requires: refuses }))).toEqual([]);
  });
});

describe('a rule that finds nothing says what it looked at', () => {
  const EBX: Place = { ...PLACE, register: 'ebx' };
  const quiet = (facts: Partial<QemuFacts>, kvm: Partial<Policy> = {}, module = made()) =>
    Object.fromEntries(
      quietRules(stackOf(facts, kvm, module)).map(({ rule: id, looked, unexamined, unread }) => [
        id,
        [looked, unexamined, unread],
      ]),
    );

  test('by the bits that it held against each other, and of them those that nobody examined', () => {
    expect(quiet({ fixed1: [mask(0x1208)] })['qemu-fixed1-extra']).toEqual([3, 0, null]);
    expect(quiet({ fixed1: [mask(0x7)] }, {}, made({}, null))['qemu-fixed1-extra']).toEqual([3, 3, null]);
    // The registers that QEMU's check looks at, without numbers; of a release that nobody examined.
    const unread = quiet({ words: [word([0]), word([], 0, EBX)] }, {}, made({}, null));
    expect(unread['qemu-fixed1-missing']).toEqual([62, 62, null]);
    expect(quiet({ words: [] })['qemu-fixed1-missing']).toEqual([0, 0, null]);
    // Gates that nobody opens are not looked at.
    const gates = [gate('attributes:63', 0x4000), gate('xfam:7', 0x7)];
    expect(quiet({ gates })['qemu-gate-differs']).toEqual([1, 0, null]);
    const names = { words: [word([0, 1, 2, 3, 14, 15]), word([1, 2], 0, EBX)] };
    // What a VMM may set and KVM does not keep back: five of 7.1.EAX but bit 15, two of 7.1.EBX.
    expect(quiet(names)['qemu-no-name']).toEqual([6, 0, null]);
  });

  test('by the bits of ATTRIBUTES and XFAM that release and KVM let be 1, or that nobody read them', () => {
    const asked = { gates: [gate('xfam:2', 0x1)] };
    expect([quiet(asked)['qemu-attributes'], quiet(asked)['qemu-xfam']]).toEqual([
      [1, 0, null],
      [1, 0, null],
    ]);
    const wide = { attributes: (1n << 64n) - 1n, xfam: 0xffffn };
    const unread = quiet(asked, wide, made({ attributes: null, xfam: null }));
    expect([unread['qemu-attributes'], unread['qemu-xfam']]).toEqual([
      [0, 0, 'ATTRIBUTES'],
      [0, 0, 'XFAM'],
    ]);
    // Those that must be 1 are no question: bit 0 and 1 of 0x7.
    const must = made({ xfam: { fixed0: 0x7n, fixed1: 0x3n } });
    expect(quiet(asked, { xfam: 0xffffn }, must)['qemu-xfam']).toEqual([1, 0, null]);
  });

  test('and only such a rule does, in the order of the list; none where KVM refuses the release', () => {
    const facts = { fixed1: [mask(0x1)], attributes: { mask: 0n, ...AT }, xfam: { mask: 0x3n, ...AT } };
    expect(Object.keys(quiet(facts))).toEqual(['qemu-gate-differs']);
    expect(Object.keys(quiet({ words: [], gates: [gate('xfam:2', 0x400)] }))).toEqual([
      'qemu-fixed1-extra',
      'qemu-fixed1-missing',
      'qemu-gate-differs',
      'qemu-attributes',
      'qemu-xfam',
    ]);
    const refuses: Policy['requires'] = [{ kind: 'config-slots', limit: 0, path: 'tdx.c', line: 1 }];
    expect(quiet(facts, { requires: refuses })).toEqual({});
  });
});

/** A host of the leaves that a pool looks at; every CPUID bit of 7.1 unless said. */
const hostOf = (leaves: Readonly<Record<string, Registers>> = {}): Host => ({
  leaves: new Map(
    Object.entries({
      [hostKey(1, 0)]: [0x806f8, 0, 0, 0],
      [hostKey(7, 1)]: [0xffffffff, 0xffffffff, 0, 0],
      [hostKey(0xd, 0)]: [0x602ff, 0, 0, 0],
      [hostKey(0xd, 1)]: [0, 0, 0x1fd00, 0],
      [hostKey(0x80000008, 0)]: [0x3934, 0, 0, 0],
      ...leaves,
    } satisfies Record<string, Registers>),
  ),
  msrs: new Map(),
  sockets: [],
});

describe('a pool', () => {
  const stack = stackOf({ words: [word([0, 1, 2, 3, 5, 6, 10, 11, 13, 14, 15, 16])] });
  const pool = (...hosts: readonly Host[]) =>
    poolOf(
      stack,
      hosts.map((host, at) => ({ name: `h${at}`, host })),
    );
  const eax = (computed: readonly { readonly register: string; readonly bit: number }[] | undefined) =>
    (computed ?? []).filter(({ register }) => register === 'eax').map(({ bit }) => bit);
  const without = (bits: number) => hostOf({ [hostKey(7, 1)]: [~bits >>> 0, 0xffffffff, 0, 0] });

  test('of one host has all that a TD may have there', () => {
    const one = pool(hostOf());
    // Not what KVM denies, nor what waits for a component that KVM does not support.
    // Bit 13 is 0, and 1 in a TD without an attribute.
    expect(eax(one.features)).toEqual([0, 1, 2, 3, 5, 6, 10, 11, 13, 14]);
    expect([one.without, one.apart, one.numbers, one.hosts[0]?.adds]).toEqual([[], [], [], []]);
    expect([one.xfam, one.attributes]).toEqual([0x7n, 1n << 63n]);
  });

  test('leaves out by name what one host lacks, and tells apart what nobody can leave out', () => {
    const two = pool(hostOf(), without(0x6d));
    // The VMM's own choice needs no host; what it may only clear does.
    expect(eax(two.hosts[0]?.adds)).toEqual([2, 5, 6]);
    expect(two.hosts[1]?.adds).toEqual([]);
    expect([two.without, eax(two.apart)]).toEqual([['b2', 'b6'], [5]]);
    expect(eax(two.features)).toEqual([0, 1, 3, 10, 11, 13, 14]);
    const turned = pool(without(0x6d), hostOf());
    expect([turned.features, turned.without, turned.apart]).toEqual([two.features, two.without, two.apart]);
    expect(eax(turned.hosts[1]?.adds)).toEqual([2, 5, 6]);
  });

  test('has the components and attributes that every host has, and what they gate', () => {
    const noAvx = hostOf({ [hostKey(0xd, 0)]: [0x602fb, 0, 0, 0] });
    const computed = pool(hostOf(), noAvx);
    expect([computed.xfam, computed.hosts[0]?.xfam, computed.hosts[1]?.xfam]).toEqual([0x3n, 0x7n, 0x3n]);
    expect([eax(computed.hosts[0]?.adds), computed.without]).toEqual([[10], ['b10']]);
    const wide = (facts: Partial<Policy>) =>
      stackOf(
        {},
        { attributes: (1n << 63n) | (1n << 27n), xfam: 0xffffffffn, ...facts },
        made({ xfam: { fixed0: 0xffffffffn, fixed1: 3n } }),
      );
    const part = (host: Host) => poolOf(wide({}), [{ name: 'h', host }]);
    expect([part(hostOf()).attributes, part(without(0x40)).attributes]).toEqual([(1n << 63n) | (1n << 27n), 1n << 63n]);
    // User components of XCR0 stand in 0xd.0.EAX, supervisor components in 0xd.1.ECX.
    expect(part(hostOf()).xfam).toBe(0x7ffffn & (0x602ffn | 0x1fd00n));
    expect(part(hostOf({ [hostKey(0xd, 0)]: [0xffffffff, 0, 0, 0], [hostKey(0xd, 1)]: [0, 0, 0, 0] })).xfam).toBe(
      0x602ffn,
    );
    expect(part(hostOf({ [hostKey(0xd, 0)]: [0, 0, 0, 0], [hostKey(0xd, 1)]: [0, 0, 0xffffffff, 0] })).xfam).toBe(
      0x1fd00n,
    );
  });

  test('asks conditions in their order: what sets a bit late wins, what clears it later wins over that', () => {
    const none: Condition = { kind: 'not', of: PERFMON };
    const rules = [
      rule(0x1, { do: 'clear', unless: [none] }),
      rule(0x2, { do: 'set', unless: [{ kind: 'any', of: [PERFMON, LONG] }] }),
      rule(0x4, { do: 'set', unless: [PERFMON] }),
      rule(0x4, { do: 'clear', unless: [{ kind: 'xfam', bits: [2] }] }),
      rule(0x8, { do: 'set', unless: [PERFMON] }),
      rule(0x8, { do: 'clear', unless: [{ kind: 'xfam', bits: [9] }] }),
      rule(0x10, { do: 'clear', unless: [{ kind: 'any', of: [{ kind: 'xfam', bits: [9] }, none] }] }),
      rule(0x20, {
        do: 'clear',
        unless: [
          {
            kind: 'any',
            of: [
              { kind: 'xfam', bits: [9] },
              { kind: 'not', of: none },
            ],
          },
        ],
      }),
    ];
    const module = release(
      '2.0.04',
      [{ fixed0: { eax: 0xffffffce }, fixed1: { eax: 0x31 } }],
      { ...MODULE, attributes: { fixed0: 0n, fixed1: 0n } },
      rules,
    );
    const own = stackOf({ words: [word([0, 1, 2, 3, 4, 5])] }, {}, module);
    expect(eax(poolOf(own, [{ name: 'a', host: hostOf() }]).features)).toEqual([0, 1, 2, 4]);
  });

  test('has an attribute only where every host has it, and what a host without a leaf has none of', () => {
    const lass = { attributes: (1n << 63n) | (1n << 27n) };
    const wide = poolOf(stackOf({}, lass), [
      { name: 'a', host: hostOf() },
      { name: 'b', host: without(0x40) },
    ]);
    expect(wide.attributes).toBe(1n << 63n);
    const bare = pool({ ...hostOf(), leaves: new Map() });
    expect([bare.xfam, bare.attributes, eax(bare.features)]).toEqual([0n, 1n << 63n, [0, 1, 3, 11, 13, 14]]);
    // What the module's code does not say of XFAM and ATTRIBUTES is set on no host.
    const unsaid = poolOf(stackOf({}, lass, made({ xfam: null, attributes: null })), [{ name: 'a', host: hostOf() }]);
    expect([unsaid.xfam, unsaid.attributes]).toEqual([0n, 0n]);
    // Without an attribute what waits for it goes, and what it turns off stays.
    const still = poolOf(stackOf({ words: [word([0, 1, 2, 3, 5, 6, 10, 11, 14])] }, { attributes: 0n }), [
      { name: 'a', host: hostOf() },
    ]);
    expect(eax(still.features)).toEqual([0, 1, 2, 3, 5, 10, 11]);
    const family = hostOf({ [hostKey(1, 0)]: [0, 0, 0, 0] });
    const none: Host = { ...hostOf(), leaves: new Map([...hostOf().leaves].filter(([key]) => key !== hostKey(1, 0))) };
    expect(pool(family, none).numbers).toEqual([]);
  });

  test('leaves out by name only what a VMM can leave out', () => {
    const rules = [
      ...RULES,
      rule(0x1000, { do: 'follow', condition: { kind: 'xfam', bits: [0] } }),
      rule(0x1000, { do: 've', unless: [LONG] }),
      rule(0x20000, { do: 'set', unless: [{ kind: 'any', of: [{ kind: 'not', of: { kind: 'xfam', bits: [9] } }] }] }),
      rule(0x100000, {
        do: 'set',
        unless: [{ kind: 'any', of: [{ kind: 'not', of: { kind: 'xfam', bits: [9] } }, PERFMON] }],
      }),
      rule(0x200000, { do: 'follow', condition: { kind: 'attributes', bits: [29] } }),
    ];
    const own = (names: readonly number[]) => stackOf({ words: [word(names)] }, {}, made({}, rules));
    const noFp = hostOf({ [hostKey(0xd, 0)]: [0x602fe, 0, 0, 0] });
    const of = (names: readonly number[], ...hosts: readonly Host[]) =>
      poolOf(
        own(names),
        hosts.map((host, at) => ({ name: `h${at}`, host })),
      );
    // Bits 9 and 12 are 1 wherever a TD has the component that must be 1.
    const apart = of([9, 12], hostOf(), noFp);
    expect([apart.without, eax(apart.apart)]).toEqual([[], [9, 12]]);
    // Bit 2 has no name: no TD under this QEMU has it, and nobody has to leave it out.
    const unnamed = of([0], hostOf(), without(0x4));
    expect([eax(unnamed.hosts[0]?.adds), unnamed.without, eax(unnamed.apart)]).toEqual([[], [], []]);
    expect(eax(of([0, 2], hostOf()).features)).toContain(2);
    // What the guest decides some TD has; a constant only where something else may set it; an attribute where KVM has it.
    expect(eax(of([0, 1, 2, 8, 14, 17, 20, 21], hostOf()).features)).toEqual([0, 1, 2, 8, 14]);
  });

  test('asks a host for each leaf by its own sub-leaf, and takes what it lacks for 0', () => {
    const lowest = { eax: 0x1, ebx: 0x1, ecx: 0x1, edx: 0x1 };
    const leaf = { fixed0: { eax: 0xfffffffe, ebx: 0xfffffffe, ecx: 0xfffffffe, edx: 0xfffffffe }, allow: lowest };
    const module = release('2.0.04', [leaf, { ...leaf, leaf: 11, subleaf: null }], MODULE, []);
    const words = [PLACE, { ...PLACE, leaf: 11, subleaf: null }].flatMap((place) =>
      REGISTERS.map((register) => word([0], 0, { ...place, register })),
    );
    const part = (host: Host, facts: Partial<ModuleRelease> = {}) =>
      poolOf(stackOf({ words }, { attributes: 1n }, { ...module, module: { ...module.module, ...facts } }), [
        { name: 'h', host },
      ]);
    const shown = (host: Host) => part(host).features.map((feature) => formatPlace(feature));
    expect(shown({ ...hostOf(), leaves: new Map() })).toEqual([]);
    expect(shown(hostOf({ [hostKey(7, 1)]: [0, 0, 1, 1], [hostKey(11, 0)]: [1, 0, 0, 0] }))).toEqual([
      '7.1.ECX',
      '7.1.EDX',
      '0xb.EAX',
    ]);
    expect(shown(hostOf({ [hostKey(7, 1)]: [0, 0, 0, 0], [hostKey(11, 1)]: [1, 0, 0, 0] }))).toEqual([]);
    expect(part(hostOf(), { attributes: null }).attributes).toBe(0n);
  });

  test('names the numbers in which hosts differ', () => {
    const other = hostOf({ [hostKey(1, 0)]: [0xc06f2, 0, 0, 0], [hostKey(0x80000008, 0)]: [0x3034, 0, 0, 0] });
    expect(pool(hostOf(), other).numbers).toEqual(['family, model and stepping (1.EAX): 0x806f8, 0xc06f2']);
    const narrow = hostOf({ [hostKey(0x80000008, 0)]: [0x392e, 0, 0, 0] });
    expect(pool(narrow, hostOf()).numbers).toEqual(['physical address bits (0x80000008.EAX[7:0]): 0x2e, 0x34']);
  });
});

test('what KVM reports is held against the release, the host and the filter', () => {
  const stack = stackOf({}, { deny: [entry(0x8000)], adds: [entry(0x20000)] });
  const host = hostOf({ [hostKey(7, 1)]: [0x7, 0x2, 0, 0] });
  // Chosen freely: 0xc003; cleared at most: 0x4 as the host has it; without what is denied, with what is added.
  const right: Registers = [0x24007, 0x6, 0, 0];
  const check = (values: Registers | null, extra: Readonly<Record<string, Registers>> = {}, on = host) =>
    checkCapabilities(stack, on, {
      ...hostOf(),
      leaves: new Map([...(values === null ? [] : [[hostKey(7, 1), values] as const]), ...Object.entries(extra)]),
    }).map(({ unexpected, missing, ...place }) => [formatPlace(place), unexpected, missing]);
  expect(check(right)).toEqual([]);
  expect(check([0x24017, 0x6, 0, 0])).toEqual([['7.1.EAX', 0x10, 0]]);
  expect(check([0x24006, 0x2, 0, 0x80000000])).toEqual([
    ['7.1.EAX', 0, 0x1],
    ['7.1.EBX', 0, 0x4],
    ['7.1.EDX', 0x80000000, 0],
  ]);
  expect(check(right, {}, hostOf({ [hostKey(7, 1)]: [0x3, 0x2, 0, 0] }))).toEqual([['7.1.EAX', 0x4, 0]]);
  // A bit that a host without the leaf cannot show is not missed.
  const [, ...others] = [...host.leaves].sort(([a]) => (a === hostKey(7, 1) ? -1 : 1));
  expect(check([0x24003, 0x4, 0, 0], {}, { ...host, leaves: new Map(others) })).toEqual([]);
  expect(check(null)).toEqual([
    ['7.1.EAX', 0, 0x24007],
    ['7.1.EBX', 0, 0x6],
  ]);
  // A leaf without sub-leaves is told without one, and what a host without the leaf has is 0 at its lowest bit too.
  const bare = release(
    '2.0.04',
    [{ leaf: 11, subleaf: null, fixed0: { eax: 0xfffffffe }, allow: { eax: 1 } }],
    MODULE,
    [],
  );
  const found = (leaves: readonly (readonly [string, Registers])[]) =>
    checkCapabilities(
      stackOf({}, {}, bare),
      { ...hostOf(), leaves: new Map() },
      { ...hostOf(), leaves: new Map(leaves) },
    ).map(({ unexpected, missing, ...place }) => [formatPlace(place), unexpected, missing]);
  expect([found([]), found([[hostKey(11, 0), [1, 0, 0, 0]]])]).toEqual([[], [['0xb.EAX', 1, 0]]]);
  // A leaf that the release does not have.
  expect(check(right, { [hostKey(11, 2)]: [0, 0x8, 0, 0], [hostKey(12, 0)]: [0, 0, 0, 0] })).toEqual([
    ['0xb.2.EBX', 0x8, 0],
  ]);
});
