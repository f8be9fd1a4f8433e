import { describe, expect, test } from 'vitest';
import { type Ground, judgeRelease } from '../../pipeline/judge/judge.ts';
import type { ClobberFacts, MsrTransition, Opener } from '../../pipeline/model/clobber.ts';
import type { ClobberRow } from '../../pipeline/model/knowledge.ts';
import type { Policy } from '../../pipeline/model/policy.ts';
import { entry, ground, KNOWLEDGE, PLACE, policy, release } from './ground.ts';

const OPENER: Opener = { kind: 'cpuid', flag: 'f', ...PLACE, mask: 0x6 };
const PERFMON: Opener = { kind: 'attributes', bit: 63, name: 'PERFMON' };
const LBR: Opener = { kind: 'xfam', bit: 15, name: 'LBR' };
const write = (msr: string, extra: Partial<MsrTransition> = {}): MsrTransition => ({
  msr,
  address: null,
  guard: null,
  entry: [
    { path: 'e.c', line: 3, guards: [] },
    { path: 'f.c', line: 4, guards: [] },
  ],
  exit: 'none',
  exitAt: [],
  reason: null,
  openers: [],
  ...extra,
});
const facts = (...msrs: readonly MsrTransition[]): ClobberFacts => ({
  release: 'x',
  source: { repository: 'example/module', revision: 'c'.repeat(40), path: 'p', blob: null },
  msrs,
  notes: [],
});
const [older, newer] = [release('2.0.02', [{}]), release('2.0.04', [{}])];
const row = (msr: string, kind: ClobberRow['kind']): ClobberRow => ({
  feature: 'F',
  kind,
  bits: [],
  attributes: [],
  xfam: [],
  msrs: [msr],
  source: 's',
  line: 1,
});

type Given = {
  readonly from?: ClobberFacts;
  readonly to?: ClobberFacts;
  readonly kvm?: Partial<Policy>;
  readonly rows?: readonly ClobberRow[];
};
function judged({ from, to, kvm, rows = [] }: Given) {
  const clobbers = new Map<string, ClobberFacts>();
  if (from !== undefined) clobbers.set('2.0.02', from);
  if (to !== undefined) clobbers.set('2.0.04', to);
  const whole: Ground = ground({ clobbers, knowledge: { ...KNOWLEDGE, clobbers: rows } });
  const under = kvm === undefined ? null : policy({ requires: [], ...kvm });
  return judgeRelease({ from: older, to: newer, policy: under }, whole);
}
const care = (transition: MsrTransition, kvm?: Partial<Policy>) => {
  const { hostState, findings } = judged({
    from: facts(),
    to: facts(transition),
    ...(kvm === undefined ? {} : { kvm }),
  });
  const [finding] = findings;
  return [hostState.kind === 'examined' ? hostState.worse[0]?.kvm : hostState.kind, finding?.rule, finding?.level];
};

describe('what KVM does about a write that a release newly leaves behind', () => {
  test('nothing is said without a KVM', () =>
    expect(care(write('IA32_A'))).toEqual([null, 'clobber-added', 'warning']));

  test('it is an error where KVM neither restores the MSR nor closes every opener', () => {
    const harm = ['nothing', 'clobber-added', 'error'];
    const closed = ['closes', 'clobber-added', 'info'];
    expect(care(write('IA32_A'), {})).toEqual(harm);
    expect(care(write('IA32_A'), { restores: [{ msr: 'MSR_IA32_B', by: 'f', path: 'x.c', line: 9 }] })).toEqual(harm);
    expect(care(write('IA32_A'), { restores: [{ msr: 'MSR_A', by: 'f', path: 'x.c', line: 9 }] })[0]).toBe('restores');
    expect(care(write('IA32_A', { openers: [OPENER] }), { deny: [entry(0x2)] })).toEqual(closed);
    expect(care(write('IA32_A', { openers: [OPENER] }), { deny: [entry(0x1)] })).toEqual(harm);
    expect(care(write('IA32_A', { openers: [OPENER] }), { deny: [{ ...entry(0x2), subleaf: 2 }] })).toEqual(harm);
    expect(care(write('IA32_A', { openers: [PERFMON] }), { attributes: ~(1n << 63n) & ((1n << 64n) - 1n) })).toEqual(
      closed,
    );
    expect(care(write('IA32_A', { openers: [PERFMON] }), { attributes: 1n << 63n })).toEqual(harm);
    expect(care(write('IA32_A', { openers: [LBR] }), { xfam: ['fp', 'sse', 'avx'] })).toEqual(closed);
    expect(care(write('IA32_A', { openers: [LBR] }), { xfam: ['fp', 'lbr'], attributes: 0n })).toEqual(harm);
    expect(care(write('IA32_A', { openers: [PERFMON, LBR] }), { attributes: 0n, xfam: ['lbr'] })).toEqual(harm);
    expect(care(write('IA32_A', { openers: [PERFMON, LBR] }), { attributes: 0n, xfam: [] })).toEqual(closed);
  });

  test('extended state comes back with the host’s own', () => {
    expect(care(write('IA32_A', { by: 'xrstors' }), {})).toEqual(['restores', 'clobber-added', 'info']);
    expect(care(write('IA32_A', { by: 'vmcs' }), {})).toEqual(['nothing', 'clobber-added', 'error']);
  });
});

test('what is new or left in another way does not stand too', () => {
  const { hostState } = judged({
    from: facts(write('IA32_A'), write('IA32_B')),
    to: facts(write('IA32_A'), write('IA32_B', { exit: 'init' }), write('IA32_C')),
    kvm: {},
  });
  if (hostState.kind !== 'examined') throw new Error(hostState.kind);
  const names = (list: readonly { readonly msr: string }[]) => list.map(({ msr }) => msr);
  expect([
    names(hostState.worse),
    names(hostState.otherwise),
    names(hostState.standing),
    names(hostState.better),
  ]).toEqual([['C'], ['B'], ['A'], []]);
});

test('harm is told apart from what KVM cares for, each with the first line of the way in', () => {
  const { findings } = judged({
    from: facts(),
    to: facts(
      write('IA32_B', { openers: [PERFMON] }),
      write('IA32_A'),
      write('IA32_C', { exit: 'init', openers: [OPENER], entry: [{ path: 'e.c', line: null, guards: [] }] }),
    ),
    kvm: { deny: [entry(0x2)], attributes: 1n << 63n },
  });
  expect(
    findings.map(({ level, facts: each, evidence }) => [
      level,
      each,
      evidence.map(({ path, line }) => `${path}:${line}`),
    ]),
  ).toEqual([
    [
      'error',
      {
        kind: 'host-state',
        change: 'added',
        msrs: [
          { msr: 'A', exit: 'none', openers: [], kvm: 'nothing' },
          { msr: 'B', exit: 'none', openers: ['attributes:63'], kvm: 'nothing' },
        ],
      },
      ['e.c:3'],
    ],
    [
      'info',
      {
        kind: 'host-state',
        change: 'added',
        msrs: [{ msr: 'C', exit: 'init', openers: ['7.1.EAX[2,1]'], kvm: 'closes' }],
      },
      [],
    ],
  ]);
});

test('what a release no longer leaves behind is for information, with the line of the release that left it', () => {
  const { findings } = judged({ from: facts(write('IA32_A')), to: facts(), kvm: {} });
  expect(findings.map(({ rule, level, evidence }) => [rule, level, evidence.map(({ path }) => path)])).toEqual([
    ['clobber-removed', 'info', ['e.c']],
  ]);
});

describe('the host’s state', () => {
  const change = (msr: string, extra = {}) => ({ msr, isRange: false, kvm: null, restoredAt: null, ...extra });

  test('is worse, better or otherwise; what people argued to be harmless is none of it', () => {
    const { hostState } = judged({
      from: facts(write('IA32_GONE'), write('IA32_OTHER'), write('IA32_SAME')),
      to: facts(
        write('IA32_NEW', { range: true }),
        write('IA32_OTHER', { exit: 'init', exitValue: '0x0' }),
        write('IA32_SAME'),
        write('IA32_ARGUED'),
      ),
      rows: [row('ARGUED', 'functional'), row('SAME', 'clobber')],
    });
    expect(hostState).toEqual({
      kind: 'examined',
      how: 'derived',
      worse: [change('NEW', { isRange: true })],
      better: [change('GONE')],
      otherwise: [change('OTHER')],
      standing: [],
    });
  });

  test('names the line of KVM that restores', () => {
    const restores = [{ msr: 'MSR_IA32_NEW', by: 'f', path: 'x.c', line: 9 }];
    const { hostState } = judged({ from: facts(), to: facts(write('IA32_NEW')), kvm: { restores } });
    expect(hostState).toMatchObject({
      worse: [{ kvm: 'restores', restoredAt: { repository: 'example/linux', path: 'x.c', line: 9 } }],
    });
  });

  test('was learnt as surely as the least sure of its ways', () => {
    const how = (...ways: readonly (readonly ['derived' | 'read' | 'inferred', 'derived' | 'read' | 'inferred'])[]) => {
      const one = (each: 'derived' | 'read' | 'inferred') =>
        each === 'inferred' ? ({ how: each, from: ['1'] } as const) : ({ how: each } as const);
      const msrs = ways.map(([entryWay, exitWay], at) =>
        write(`IA32_${at}`, { learnt: { entry: one(entryWay), exit: one(exitWay) } }),
      );
      const { hostState } = judged({ from: facts(), to: facts(...msrs, write('IA32_LAST')) });
      return hostState.kind === 'examined' ? hostState.how : null;
    };
    expect([how(), how(['derived', 'derived']), how(['read', 'derived']), how(['derived', 'read'])]).toEqual([
      'derived',
      'derived',
      'read',
      'read',
    ]);
    expect([how(['read', 'read'], ['derived', 'inferred']), how(['inferred', 'read'])]).toEqual([
      'inferred',
      'inferred',
    ]);
  });

  test('of a release that was not examined is not said to be none', () => {
    const of = (given: Given) => judged(given).hostState;
    expect(of({})).toEqual({ kind: 'not-examined', releases: ['2.0.02', '2.0.04'] });
    expect(of({ from: facts() })).toEqual({ kind: 'not-examined', releases: ['2.0.04'] });
    expect(of({ to: facts(write('IA32_A')) })).toEqual({ kind: 'not-examined', releases: ['2.0.02'] });
    expect(judged({ to: facts(write('IA32_A')), kvm: {} }).findings).toEqual([]);
  });
});
