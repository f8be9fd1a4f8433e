import { describe, expect, test } from 'vitest';
import { type Topic, topicsOf } from '../../pipeline/cases/topics.ts';
import type { ClobberFacts, MsrTransition } from '../../pipeline/model/clobber.ts';
import type { Condition, DeciderRule, DeciderRules } from '../../pipeline/model/decider-rules.ts';
import { unknownRelease } from '../../pipeline/specs/lists-file.ts';
import { clobbers, KNOWLEDGE, PLACE, policy, release } from '../judge/ground.ts';
import { moduleWith, specsOf } from './facts.ts';

const READ = 'a1'.repeat(48);
const NAMED = 'b2'.repeat(48);
const rules = (...hows: readonly ('read' | 'inferred')[]) =>
  ({ sources: hows.map((how) => ({ how })) }) as unknown as DeciderRules;
const facts = (name: string, extra: Partial<MsrTransition> = {}): ClobberFacts => ({
  ...clobbers('none', extra),
  release: name,
});
const SPECS = specsOf({
  releases: [
    moduleWith(release('1.5.06', []), {
      mrseam: READ,
      features0: 5n,
      attributes: { fixed0: 1n << 63n, fixed1: 0n },
      xfam: { fixed0: 0x8007n, fixed1: 3n },
    }),
    moduleWith(release('2.0.08', [{ allow: { eax: 0xc }, gates: new Map([[15, { eax: 0x4 }]]) }]), {}),
  ],
  known: [
    { ...unknownRelease('1.5.22'), mrseam: NAMED, features0: 7n },
    { ...unknownRelease('1.5.06'), mrseam: 'c3'.repeat(48) },
  ],
  deciders: new Map([
    ['1.5.06', rules('read', 'read')],
    ['2.0.08', rules('read', 'inferred')],
  ]),
  policies: [
    policy({ version: '6.16.1', attributes: 0n, xfam: ['fp', 'lbr'] }),
    policy({
      version: '7.1.5',
      attributes: 1n << 63n,
      xfam: 0x8003n,
      restores: [{ msr: 'MSR_IA32_UMWAIT_CONTROL', by: 'f', path: 'x.c', line: 9 }],
    }),
  ],
  clobbers: [facts('1.5.06'), facts('2.0.08', { exit: 'init', guard: 'g' })],
  knowledge: {
    ...KNOWLEDGE,
    clobbers: [
      ...KNOWLEDGE.clobbers,
      {
        ...KNOWLEDGE.clobbers.slice(0, 1)[0],
        feature: 'LBR-X',
        kind: 'clobber',
        bits: [],
        attributes: [],
        xfam: [15],
        msrs: ['LBR_DEPTH'],
        source: 's',
        line: 2,
      },
    ],
    names: [
      ...KNOWLEDGE.names,
      { ...PLACE, high: 5, low: 5, name: 'CLOB_TWO' },
      { ...PLACE, high: 6, low: 6, name: 'CLOBBER' },
    ],
  },
});
const ask = (text: string, specs = SPECS) => topicsOf(specs, text);
const one = (text: string, specs = SPECS): Topic => {
  const [topic, ...more] = ask(text, specs);
  if (topic === undefined || more.length > 0) throw new Error(`${text}: ${1 + more.length} topics`);
  return topic;
};
const releaseOf = (text: string) => {
  const topic = one(text);
  if (topic.kind !== 'release') throw new Error(topic.kind);
  return { ...topic.release, build: topic.build };
};

test('a register is an MSR where some release knows its address, or none knows what becomes of it', () => {
  const isMsr = (...addresses: readonly (number | null)[]) => {
    const all = addresses.map((address, at) => facts(['1.5.06', '2.0.08'][at] ?? '', { address }));
    const topic = one('UMWAIT_CONTROL', { ...SPECS, clobbers: all });
    return topic.kind === 'msr' ? topic.msr.isMsr : expect.fail(topic.kind);
  };
  expect([isMsr(0xe1), isMsr(null), isMsr(0xe1, null), isMsr()]).toEqual([true, false, true, true]);
});

describe('a release', () => {
  test('is found by name, by a build of it, and by what its binary measures to', () => {
    expect(
      ['1.5.06', 'TDX_1.5.06', READ, READ.slice(0, 8).toUpperCase(), `0x${READ}`].map(
        (text) => releaseOf(text).release,
      ),
    ).toEqual(Array(5).fill('1.5.06'));
    expect([releaseOf(NAMED).release, releaseOf(NAMED.slice(0, 12)).release]).toEqual(['1.5.22', '1.5.22']);
    expect([releaseOf('1.5.06.00.744').build, releaseOf('1.5.06').build, releaseOf(READ).build]).toEqual([
      '00.744',
      null,
      null,
    ]);
    // 16 digits are a fingerprint's, 7 are no digest.
    expect([ask(READ.slice(0, 16)), ask(READ.slice(0, 7))]).toEqual([[], []]);
  });

  test('comes with what is known of it and what was read', () => {
    expect(releaseOf('1.5.06')).toMatchObject({
      follows: null,
      mrseam: READ,
      features0: 5n,
      deciders: 'read',
      hostState: 'read',
      source: { path: 't.c' },
    });
    const published = (features0: bigint | null) => {
      const topic = one('1.5.06', { ...SPECS, known: [{ ...unknownRelease('1.5.06'), features0 }] });
      return topic.kind === 'release' ? topic.release.publishedFeatures0 : expect.fail(topic.kind);
    };
    expect([published(7n), published(5n), published(null)]).toEqual([7n, null, null]);
    // What the platform decides was read of the code: of a value that a list published nothing is said.
    const platform = (features0: bigint | null) => {
      const releases = [moduleWith(release('1.5.06', []), { features0, features0Conditional: [6] })];
      const topic = one('1.5.06', { ...SPECS, releases });
      return topic.kind === 'release' ? topic.release.features0Conditional : expect.fail(topic.kind);
    };
    expect([platform(5n), platform(null)]).toEqual([[6], []]);
    expect(releaseOf('2.0.08')).toMatchObject({
      follows: '1.5.06',
      mrseam: null,
      features0: null,
      known: null,
      deciders: 'partly-inferred',
    });
    expect(releaseOf('1.5.22')).toMatchObject({
      follows: null,
      mrseam: NAMED,
      features0: 7n,
      source: null,
      deciders: 'not-examined',
      hostState: 'not-read',
    });
  });
});

test('a kernel is found by its version, with or without what people write before it', () => {
  for (const text of ['6.16.1', 'v6.16.1', 'kvm-6.16.1', 'Linux 6.16.1', 'linux-v6.16.1'])
    expect(one(text)).toMatchObject({ kind: 'kernel', policy: { version: '6.16.1' } });
  expect(ask('6.16')).toEqual([]);
  const partial = ['7.3-rc1', '7.3-rc2'].map((version) => ({ version })) as unknown as typeof SPECS.partial;
  const specs = { ...SPECS, partial };
  expect(ask('v7.3-rc2', specs)).toEqual([{ kind: 'partial-kernel', partial: partial[1] }]);
  expect(ask('7.3', specs)).toEqual([]);
  expect(one('6.16.1', specs)).toMatchObject({ kind: 'kernel' });
});

describe('an MSR', () => {
  const msrOf = (text: string, specs = SPECS) => {
    const topic = one(text, specs);
    if (topic.kind !== 'msr') throw new Error(topic.kind);
    return topic.msr;
  };
  test('comes with its rows, how each release leaves it and where each kernel restores it', () => {
    for (const text of ['UMWAIT_CONTROL', 'MSR_IA32_UMWAIT_CONTROL', 'IA32_UMWAIT_CONTROL'])
      expect(msrOf(text)).toEqual({
        msr: 'UMWAIT_CONTROL',
        isMsr: true,
        rows: [KNOWLEDGE.clobbers[0]],
        examined: ['1.5.06', '2.0.08'],
        releases: [
          { release: '1.5.06', exit: 'none', guard: 'cpuid_flags.c' },
          { release: '2.0.08', exit: 'init', guard: 'g' },
        ],
        kernels: [
          { version: '6.16.1', restoredAt: null },
          { version: '7.1.5', restoredAt: 'x.c:9' },
        ],
        isClosed: false,
        isRun: true,
      });
    const [row] = KNOWLEDGE.clobbers;
    const two = row === undefined ? [] : [{ ...row, msrs: ['UMWAIT_CONTROL', 'MSR_OTHER'] }];
    const several = { ...SPECS, knowledge: { ...KNOWLEDGE, clobbers: two } };
    expect([msrOf('OTHER', several).rows, msrOf('UMWAIT_CONTROL', several).rows]).toEqual([two, two]);
    // A release that only a table of the MSR tells of, and a row alone, are enough to be asked about.
    expect(msrOf('LBR_DEPTH')).toMatchObject({ releases: [], isClosed: false, rows: [{ feature: 'LBR-X' }] });
    expect(ask('NO_SUCH_MSR')).toEqual([]);
    const only = { ...SPECS, clobbers: [], knowledge: { ...KNOWLEDGE, clobbers: [] } };
    expect(msrOf('UMWAIT_CONTROL', only).kernels).toHaveLength(2);
    expect(ask('UMWAIT_CONTROL', { ...only, policies: [] })).toEqual([]);
    expect(msrOf('UMWAIT_CONTROL', { ...only, policies: [], clobbers: [facts('1.5.06')] }).releases).toHaveLength(1);
  });

  test('is closed where each way that leaves it waits for attributes that no KVM sets', () => {
    const closed = (openers: MsrTransition['openers'], exit: MsrTransition['exit'] = 'none', attributes = 0n) =>
      msrOf('UMWAIT_CONTROL', {
        ...SPECS,
        policies: SPECS.policies.map((each) => ({ ...each, attributes })),
        clobbers: [facts('1.5.06', { openers, exit }), facts('2.0.08', { exit: 'restored' })],
      }).isClosed;
    const perfmon = { kind: 'attributes', bit: 63, name: 'PERFMON' } as const;
    const lbr = { kind: 'xfam', bit: 15, name: 'LBR' } as const;
    expect(closed([perfmon])).toBe(true);
    expect([closed([perfmon], 'none', 1n << 63n), closed([perfmon], 'none', 1n)]).toEqual([false, true]);
    // What an old release leaves that KVM refuses says nothing of the releases that it runs.
    const old = (configurable: readonly string[]) => {
      const { isClosed, isRun } = msrOf('UMWAIT_CONTROL', {
        ...SPECS,
        policies: SPECS.policies.map((each) => ({
          ...each,
          attributes: 0n,
          requires: [{ kind: 'features0', mask: 4n, path: 'tdx.c', line: 1 }],
        })),
        releases: SPECS.releases.map((each) =>
          moduleWith(each, { features0: configurable.includes(each.module.release) ? 4n : 0n }),
        ),
        clobbers: [facts('1.5.06', { openers: [] }), facts('2.0.08', { openers: [perfmon] })],
      });
      return [isClosed, isRun];
    };
    expect([old(['1.5.06', '2.0.08']), old(['2.0.08']), old([])]).toEqual([
      [false, true],
      [true, true],
      [false, false],
    ]);
    // What is not written on the way in, the module does not leave changed.
    const untouched = { ...SPECS, clobbers: [facts('1.5.06', { entry: [] })] };
    expect(msrOf('UMWAIT_CONTROL', untouched)).toMatchObject({ isClosed: false, isRun: false });
    const single = (exit: MsrTransition['exit']) => ({
      ...SPECS,
      policies: SPECS.policies.slice(0, 1),
      clobbers: [facts('1.5.06', { openers: [perfmon], exit })],
    });
    expect(msrOf('UMWAIT_CONTROL', single('none'))).toMatchObject({ isClosed: true, isRun: true });
    expect(msrOf('UMWAIT_CONTROL', single('restored'))).toMatchObject({ isClosed: false, isRun: false });
    expect([closed([]), closed([lbr]), closed([perfmon, lbr]), closed([perfmon], 'restored')]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('a bit of ATTRIBUTES or XFAM', () => {
  const controls = (text: string) =>
    ask(text).flatMap((topic) =>
      topic.kind === 'control' ? [`${topic.control.field} ${topic.control.bit} ${topic.control.name}`] : [],
    );
  test('is named by field and number, by field and name, or by name', () => {
    for (const text of [
      'ATTRIBUTES.PERFMON',
      'attributes:63',
      'attribute[63]',
      'TD.attributes 63',
      'PERFMON',
      'perfmon',
    ])
      expect([text, controls(text)]).toEqual([text, ['ATTRIBUTES 63 PERFMON']]);
    for (const text of ['XFAM[15]', 'xfam:15', 'XFAM.LBR', 'lbr'])
      expect([text, controls(text)]).toEqual([text, ['XFAM 15 LBR']]);
    expect(controls('CET')).toEqual(['XFAM 11 CET_USER', 'XFAM 12 CET_KERNEL']);
    expect([controls('xfam:64'), controls('xfam:63'), controls('15'), controls('attributes.LBR')]).toEqual([
      [],
      ['XFAM 63 null'],
      [],
      [],
    ]);
  });

  test('comes with what releases allow, kernels support, and stands behind it', () => {
    const of = (text: string) => ask(text).flatMap((topic) => (topic.kind === 'control' ? [topic.control] : []))[0];
    expect(of('XFAM.LBR')).toMatchObject({
      releases: [
        { release: '1.5.06', may: 'set' },
        { release: '2.0.08', may: 'unread' },
      ],
      kernels: [
        { version: '6.16.1', supports: true },
        { version: '7.1.5', supports: true },
      ],
      gated: [{ ...PLACE, mask: 0x4 }],
      rows: [{ feature: 'LBR-X' }],
    });
    expect(['xfam:0', 'xfam:2', 'xfam:5'].map((text) => of(text)?.releases[0]?.may)).toEqual([
      'always 1',
      'set',
      'always 0',
    ]);
    expect(of('xfam:2')).toMatchObject({ kernels: [{ supports: false }, { supports: false }], gated: [], rows: [] });
    expect(of('PERFMON')).toMatchObject({ kernels: [{ supports: false }, { supports: true }] });
    // The gates are those of the newest release.
    const [first, newest] = SPECS.releases;
    const gated = (...releases: readonly (typeof first)[]) =>
      ask('XFAM.LBR', { ...SPECS, releases: releases.filter((each) => each !== undefined) }).map(
        (topic) => topic.kind === 'control' && topic.control.gated.length,
      );
    expect([gated(newest, first), gated(newest), gated(first, newest)]).toEqual([[0], [1], [1]]);
    // Of a kernel that names its XFAM by features the attributes are a mask all the same.
    const named = { ...SPECS, policies: [policy({ attributes: 1n << 63n, xfam: ['fp'] })] };
    expect(ask('PERFMON', named)).toMatchObject([{ control: { kernels: [{ supports: true }] } }]);
  });
});

test('a family is features and rows whose names begin with a word, and what those rows open', () => {
  const family = (text: string) => ask(text).flatMap((topic) => (topic.kind === 'family' ? [topic] : []))[0];
  expect(family('clob')).toMatchObject({
    name: 'CLOB',
    rows: [{ feature: 'CLOB' }],
    members: [
      { name: 'CLOB', mask: 0x2 },
      { name: 'CLOB_TWO', mask: 0x20 },
    ],
  });
  expect(family('PLAIN')).toBeUndefined();
  const [row] = KNOWLEDGE.clobbers;
  const at = (low: number, name: string, place = {}) => ({ ...PLACE, ...place, high: low, low, name });
  const members = (
    text: string,
    bits: readonly { readonly mask: number }[],
    names: readonly ReturnType<typeof at>[],
  ) => {
    const clobbers =
      row === undefined ? [] : [{ ...row, feature: 'QUINCE things', bits: bits.map((bit) => ({ ...PLACE, ...bit })) }];
    const [topic] = ask(text, specsOf({ knowledge: { ...KNOWLEDGE, clobbers, names } }));
    return topic?.kind === 'family' ? topic.members.map(({ name }) => name) : null;
  };
  // What a row opens is of its family, whatever it is called; what stands elsewhere or at other bits is not.
  const named = [at(9, 'ZED'), at(1, 'ABLE'), at(2, 'BAKER'), at(1, 'DOG', { subleaf: 2 }), at(0, 'EASY', { leaf: 1 })];
  expect(members('quince', [{ mask: 0x2 }, { mask: 0x200 }], named)).toEqual(['ABLE', 'ZED']);
  expect(members('quince', [], named)).toBeNull();
  // They come by place, then by bit.
  const quinces = [
    at(9, 'QUINCE_9'),
    at(3, 'QUINCE_3'),
    at(1, 'QUINCE_X', { subleaf: 2 }),
    at(5, 'QUINCE_1', { leaf: 1 }),
  ];
  expect(members('quince', [], quinces)).toEqual(['QUINCE_1', 'QUINCE_3', 'QUINCE_9', 'QUINCE_X']);
  expect(members('Quince-', [], quinces)).toBeNull();
  expect(ask('(quince')).toEqual([]);
  // One alone is no family.
  const pears = [at(3, 'PEAR_1'), at(4, 'PEAR_2')];
  expect([members('pear', [], pears), members('pear', [], pears.slice(1))]).toEqual([['PEAR_1', 'PEAR_2'], null]);
  expect([family('C'), family('CLOB_'), family('lbr')]).toEqual([undefined, undefined, undefined]);
});

describe('what KVM_SET_CPUID2 is asked for', () => {
  test('is told of each kernel whose policy is known', () => {
    const asks = (version: string) => ({
      version,
      source: { repository: 'r', revision: version, path: 'p', blob: null },
      asks: [],
      unlisted: [],
    });
    const specs = { ...SPECS, cpuid2: { questions: [], kernels: [asks('6.15'), asks('6.16.1'), asks('7.1.5')] } };
    for (const text of ['KVM_SET_CPUID2', 'set_cpuid2', 'SET_CPUID'])
      expect(ask(text, specs), text).toEqual([
        {
          kind: 'cpuid2',
          kernels: [
            { version: '6.16.1', verdicts: [] },
            { version: '7.1.5', verdicts: [] },
          ],
        },
      ]);
    expect(ask('KVM_SET_CPUID2X', specs)).toEqual([]);
  });
});

test('a leaf that no table has, and a control of the guest, are topics', () => {
  expect(one('GPAW')).toMatchObject({ kind: 'flag', flag: { bit: 0 } });
  expect([one('0x12'), one('REDUCE_VE')]).toMatchObject([
    { kind: 'leaf', leaf: { leaf: 0x12, subleaf: null } },
    { kind: 'guest', guest: { control: 'REDUCE_VE' } },
  ]);
});

test('what rests on other releases is no reading of this one', () => {
  const learnt = (entryHow: string, exitHow: string) =>
    ({ learnt: { entry: { how: entryHow }, exit: { how: exitHow } } }) as unknown as Partial<MsrTransition>;
  const state = (...all: readonly Partial<MsrTransition>[]) => {
    const [first] = facts('1.5.06').msrs;
    const msrs = all.map((extra) => ({ ...first, ...extra })) as ClobberFacts['msrs'];
    return releaseOf2({ ...SPECS, clobbers: [{ ...facts('1.5.06'), msrs }] });
  };
  const releaseOf2 = (specs: typeof SPECS) => {
    const topic = one('1.5.06', specs);
    return topic.kind === 'release' ? topic.release.hostState : null;
  };
  expect(state({}, {})).toBe('read');
  expect(state(learnt('read', 'read'), {})).toBe('read');
  expect(state({}, learnt('inferred', 'read'))).toBe('partly-inferred');
  expect(state(learnt('read', 'inferred'), {})).toBe('partly-inferred');
});

test('a bit of ATTRIBUTES that clears others names them, as the newest release has it', () => {
  const cleared = (when: Condition, mask = 0x6): DeciderRule => ({
    id: 'r',
    stage: 'init',
    leaf: 7,
    masks: { eax: mask },
    effect: { do: 'clear', unless: [when] },
    source: 's',
    lines: null,
  });
  const not = (kind: 'attributes' | 'xfam', bit: number): Condition => ({ kind: 'not', of: { kind, bits: [bit] } });
  const clears = (text: string, ...own: readonly DeciderRule[]) => {
    const newest = release('2.0.08', [{ allow: { eax: 0xf } }], {}, own);
    const topic = one(text, specsOf({ releases: [release('1.5.06', [{}]), newest] }));
    return topic.kind === 'control' ? topic.control.clears : null;
  };
  const found = [{ ...PLACE, mask: 0x6 }];
  expect(clears('ATTRIBUTES:29', cleared(not('attributes', 29)))).toEqual(found);
  expect(clears('ATTRIBUTES:29', cleared(not('attributes', 30)), cleared(not('attributes', 29)))).toEqual(found);
  // Another bit, another field, and what is cleared where the bit is 0.
  expect(clears('ATTRIBUTES:29', cleared(not('attributes', 30)))).toEqual([]);
  expect(clears('ATTRIBUTES:29', cleared(not('xfam', 29)))).toEqual([]);
  expect(clears('ATTRIBUTES:29', cleared({ kind: 'attributes', bits: [29] }))).toEqual([]);
});
