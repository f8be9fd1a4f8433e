import { describe, expect, test } from 'vitest';
import { flagTopic, guestTopic, leafTopic } from '../../pipeline/cases/guest-topics.ts';
import type { ClassedRelease } from '../../pipeline/model/class.ts';
import type { Condition, DeciderRule } from '../../pipeline/model/decider-rules.ts';
import { policy, release, withControls } from '../judge/ground.ts';
import { specsOf } from './facts.ts';

const CLOB_AND_PLAIN = {
  leaf: 7,
  subleaf: 1,
  register: 'eax',
  mask: 0x6,
  bits: [
    { bit: 1, name: 'CLOB' },
    { bit: 2, name: 'PLAIN' },
  ],
};

const REDUCE: Condition = { kind: 'guest', control: 'REDUCE_VE' };
const rule = (leaf: number, masks: DeciderRule['masks'], effect: DeciderRule['effect']): DeciderRule => ({
  id: 'r',
  stage: 'guest',
  leaf,
  masks,
  effect,
  source: 's',
  lines: null,
});
const EVERY = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
const reduced = (leaf: number) => rule(leaf, EVERY, { do: 've', unless: [REDUCE] });
/** Leaf 7.1 whose EAX[2:1] the guest has a say in, and two leaves that it has to ask for. */
const LEAVES = [
  { leaf: 0x19, subleaf: null },
  { leaf: 2, subleaf: null },
  { leaf: 7, subleaf: 1, allow: { eax: 0xf } },
];
const RULES = [reduced(2), reduced(0x19), rule(7, { eax: 0x6 }, { do: 'clear', unless: [REDUCE] }), reduced(0xf)];
const NONE = { fixed0Leaves: [0x8, 0xf] };
const unread = release('1.5.05', LEAVES);
const before = withControls(release('1.5.06', LEAVES, NONE, RULES), ['ENUM_TOPOLOGY']);
const after = withControls(release('1.5.08', LEAVES, NONE, RULES), ['ENUM_TOPOLOGY', 'REDUCE_VE']);
const last = withControls(release('2.0.02', LEAVES, NONE, []), []);
const SPECS = specsOf({ releases: [unread, before, after, last] });

describe('a leaf that no release has in its tables', () => {
  const FAULT = { kind: 'decided', decider: { by: { kind: 've' }, conditions: [] } };
  const zero = (...conditions: readonly Condition[]) => ({
    kind: 'decided',
    decider: {
      by: { kind: 'constant', value: 0 },
      conditions: conditions.map((when) => ({ when, otherwise: 've' })),
    },
  });

  test('is told of each release, as far as its code was examined', () => {
    expect(leafTopic(SPECS, '0xf')).toEqual({
      leaf: 0xf,
      subleaf: null,
      releases: [
        { release: '1.5.05', beyond: null },
        { release: '1.5.06', beyond: zero(REDUCE) },
        { release: '1.5.08', beyond: zero(REDUCE) },
        { release: '2.0.02', beyond: zero() },
      ],
    });
    expect(leafTopic(SPECS, '0x12')?.releases.map(({ beyond }) => beyond)).toEqual([null, FAULT, zero(REDUCE), FAULT]);
  });

  test('is written as people write it', () => {
    const found = (text: string) => {
      const topic = leafTopic(SPECS, text);
      return topic === null ? null : [topic.leaf, topic.subleaf];
    };
    for (const text of ['0x12', ' leaf 0x12 ', 'CPUID.0x12', 'Leaf  0x12'])
      expect(found(text), text).toEqual([0x12, null]);
    expect(['0x12.3', '0x12.0x1f', '0x8000001F.0'].map(found)).toEqual([
      [0x12, 3],
      [0x12, 0x1f],
      [0x8000001f, 0],
    ]);
    expect(['12', 'leaf 12', '0x12.', '0x123456789', '0x12.x', 'the 0x12', '0x'].map(found)).toEqual(
      Array(7).fill(null),
    );
  });

  test('is none where a table has it, in one sub-leaf or in all, nor of the topology', () => {
    const asked = ['0x7', '0x7.1', '0x19', '0x19.4', '0xb', '0x1f', '0xb.1'];
    expect(asked.map((text) => leafTopic(SPECS, text))).toEqual(Array(asked.length).fill(null));
    expect(leafTopic(SPECS, '0x7.2')).toMatchObject({ leaf: 7, subleaf: 2 });
    const one = specsOf({ releases: [unread, release('1.5.08', [{ leaf: 0x12, subleaf: 0 }])] });
    expect([leafTopic(one, '0x12.0'), leafTopic(one, '0x12.1')?.subleaf]).toEqual([null, 1]);
  });
});

describe('a control of the guest', () => {
  test('is told by the releases that have it, and by what it does in the newest of them', () => {
    expect(guestTopic(SPECS, 'REDUCE_VE')).toEqual({
      control: 'REDUCE_VE',
      releases: [
        { release: '1.5.05', has: null },
        { release: '1.5.06', has: false },
        { release: '1.5.08', has: true },
        { release: '2.0.02', has: false },
      ],
      effect: {
        release: '1.5.08',
        answered: [2, 0x19],
        zero: { asked: [0xf], rest: true },
        decides: [CLOB_AND_PLAIN],
      },
    });
    expect(guestTopic(SPECS, 'ENUM_TOPOLOGY')?.effect).toEqual({
      release: '1.5.08',
      answered: [],
      zero: null,
      decides: [],
    });
  });

  test('that several leaves ask for answers each once, in order, and is that of the newest that has it', () => {
    const leaves = [0x19, 2, 0x1d].map((leaf) => ({ leaf, subleaf: null }));
    const topology: Condition = { kind: 'guest', control: 'ENUM_TOPOLOGY' };
    const asks = [reduced(0x1d), reduced(2), reduced(0x19), rule(0x8, EVERY, { do: 've', unless: [topology] })];
    const made = withControls(release('1.5.08', leaves, NONE, [...asks, reduced(0xf)]), ['ENUM_TOPOLOGY', 'REDUCE_VE']);
    const newer = withControls(release('1.5.09', leaves, NONE, asks), ['REDUCE_VE']);
    const effect = (control: string, ...releases: readonly ClassedRelease[]) =>
      guestTopic(specsOf({ releases }), control)?.effect;
    expect(effect('REDUCE_VE', unread, made)).toMatchObject({ release: '1.5.08', answered: [2, 0x19, 0x1d] });
    // Two controls stand before leaves that the tables lack, and each is said to be needed.
    const zero = { asked: [0x8, 0xf], rest: true };
    expect([effect('REDUCE_VE', made)?.zero, effect('ENUM_TOPOLOGY', made)?.zero]).toEqual([zero, zero]);
    expect(effect('REDUCE_VE', made, newer)?.release).toBe('1.5.09');
    expect(effect('ENUM_TOPOLOGY', made, newer)?.release).toBe('1.5.08');
  });

  test('that no release has does nothing that is known', () => {
    const topic = guestTopic(SPECS, 'VIRT_CPUID2');
    expect([topic?.effect, topic?.releases.map(({ has }) => has)]).toEqual([null, [null, false, false, false]]);
  });

  test('is named with or without its register', () => {
    const control = (text: string) => guestTopic(SPECS, text)?.control ?? null;
    expect([' reduce_ve ', 'td_ctls.REDUCE_VE'].map(control)).toEqual(['REDUCE_VE', 'REDUCE_VE']);
    expect(['REDUCE', 'X.TD_CTLS.REDUCE_VE', 'CR4.PKE'].map(control)).toEqual([null, null, null]);
  });
});

describe('a flag of CONFIG_FLAGS', () => {
  const FLAG: Condition = { kind: 'config-flags', bits: [3] };
  const behind = rule(7, { eax: 0x6 }, { do: 'clear', unless: [FLAG] });
  const other = rule(7, { eax: 0x8 }, { do: 'clear', unless: [{ kind: 'config-flags', bits: [4] }] });
  /** A release that knows these flags. */
  const flagged = (name: string, configFlags: bigint, rules: readonly DeciderRule[]): ClassedRelease => {
    const made = release(name, LEAVES, {}, rules);
    return made.rules === undefined
      ? made
      : { ...made, rules: { ...made.rules, limits: { ...made.rules.limits, configFlags } } };
  };
  const setting = (version: string, ...all: readonly bigint[]) =>
    policy({ version, configFlags: all.map((mask) => ({ mask, path: 'tdx.c', line: 1 })) });
  const specs = specsOf({
    releases: [
      unread,
      flagged('1.5.06', 0x18n, []),
      flagged('1.5.08', 0x9n, [behind, other]),
      flagged('2.0.02', 0x10n, [other]),
    ],
    policies: [policy({ version: '6.16' }), setting('6.17', 0x10n), setting('7.1', 0x1n, 0x8n)],
  });

  test('is told by releases and kernels, with what waits for it in the newest that has it', () => {
    expect(flagTopic(specs, ' config_flags.maxpa_virt ')).toEqual({
      bit: 3,
      name: 'MAXPA_VIRT',
      releases: [
        { release: '1.5.05', has: null },
        { release: '1.5.06', has: true },
        { release: '1.5.08', has: true },
        { release: '2.0.02', has: false },
      ],
      kernels: [
        { version: '6.16', sets: null },
        { version: '6.17', sets: false },
        { version: '7.1', sets: true },
      ],
      gated: [CLOB_AND_PLAIN],
    });
  });

  test('that nothing waits for, or that there is not, says so', () => {
    expect(flagTopic(specs, 'GPAW')).toMatchObject({ bit: 0, gated: [] });
    expect(flagTopic(specs, 'NO_RBP_MOD')).toMatchObject({ bit: 2, gated: [] });
    expect(flagTopic(specsOf({ releases: [unread] }), 'GPAW')).toMatchObject({ releases: [{ has: null }], gated: [] });
    expect(['MAXPA', 'XCONFIG_FLAGS.GPAW', 'REDUCE_VE'].map((text) => flagTopic(specs, text))).toEqual([
      null,
      null,
      null,
    ]);
  });
});
