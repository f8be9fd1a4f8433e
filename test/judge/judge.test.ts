import { describe, expect, test } from 'vitest';
import { diffPolicies } from '../../pipeline/diff/policy.ts';
import { compareFindings } from '../../pipeline/judge/assemble.ts';
import { isRule, RULE_IDS, ruleOf, urgencyOf } from '../../pipeline/judge/catalogue.ts';
import { clobberFacts } from '../../pipeline/judge/clobber-facts.ts';
import { judgeCpuid2 } from '../../pipeline/judge/cpuid2.ts';
import {
  applyDecisions,
  applyToStanding,
  type Decision,
  decisionsOn,
  gating,
  isInRange,
} from '../../pipeline/judge/decisions.ts';
import { canonical } from '../../pipeline/judge/fingerprint.ts';
import { judgePolicy, judgePolicyStep, judgeProject, judgeRelease, kvmContext } from '../../pipeline/judge/judge.ts';
import { betweenLevel } from '../../pipeline/judge/levels.ts';
import { silenceOf } from '../../pipeline/judge/reply.ts';
import { runsOn } from '../../pipeline/judge/runs.ts';
import { openAfter, releaseEffects } from '../../pipeline/judge/series.ts';
import { countVerdicts, verdictOfBit } from '../../pipeline/judge/verdict.ts';
import { featureNamesOf } from '../../pipeline/model/control.ts';
import type { Condition, DeciderRule } from '../../pipeline/model/decider-rules.ts';
import type { Finding } from '../../pipeline/model/finding.ts';
import type { Knowledge } from '../../pipeline/model/knowledge.ts';
import type { Place } from '../../pipeline/model/place.ts';
import type { Policy } from '../../pipeline/model/policy.ts';
import type { Between, SeriesEffect } from '../../pipeline/model/series-effect.ts';
import { clobbers, entry, ground, KNOWLEDGE, PLACE, policy, project, release, restore, step, under } from './ground.ts';

const ALL = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
const offers = (mask: number, name: string) =>
  release(name, [{ fixed0: { ...ALL, eax: ~mask >>> 0 }, allow: { eax: mask } }]);
const [older, newer] = [release('2.0.02', [{}]), offers(0x5, '2.0.04')];

describe('a level', () => {
  const withLevels = (levels: Knowledge['levels']) =>
    step(older, newer, [], { ...KNOWLEDGE, levels }).map(({ rule, level }) => [rule, level]);
  const reason = 'r';

  test('of a leaf wins over one of the rule, which wins over the rule’s own', () => {
    const ofRule = { rule: 'configurable-added', leaf: null, level: 'info', reason } as const;
    const ofLeaf = { rule: 'configurable-added', leaf: { leaf: 7, subleaf: 1 }, level: 'error', reason } as const;
    expect(withLevels([])).toEqual([['configurable-added', 'warning']]);
    expect(withLevels([ofRule])).toEqual([['configurable-added', 'info']]);
    expect(withLevels([ofRule, ofLeaf])).toEqual([['configurable-added', 'error']]);
    expect(withLevels([{ ...ofLeaf, leaf: { leaf: 7, subleaf: null } }])).toEqual([['configurable-added', 'warning']]);
    expect(withLevels([{ ...ofRule, rule: 'leaf-added' }])).toEqual([['configurable-added', 'warning']]);
    // One of its leaves is enough.
    const two = [{ fixed0: { ...ALL, eax: 0xfffffffe }, allow: { eax: 0x1 } }].flatMap((leaf) => [
      leaf,
      { ...leaf, leaf: 9 },
    ]);
    const wide = step(release('2.0.02', [{}, { leaf: 9 }]), release('2.0.04', two), [], {
      ...KNOWLEDGE,
      levels: [ofLeaf],
    });
    expect(wide.map(({ rule, level, places }) => [rule, level, places.length])).toEqual([
      ['configurable-added', 'error', 2],
    ]);
  });
});

describe('a fingerprint', () => {
  const print = (knowledge: Knowledge) => step(older, newer, [], knowledge).map(({ fingerprint }) => fingerprint);

  test('keeps through names and levels, and follows bits and subject', () => {
    const levels = [{ rule: 'configurable-added', leaf: null, level: 'info', reason: 'r' }] as const;
    expect(print({ ...KNOWLEDGE, names: [], levels })).toEqual(print(KNOWLEDGE));
    const others = [
      step(older, offers(0x4, '2.0.04')),
      step(older, offers(0x5, '2.0.05')),
      under(offers(0x5, '2.0.04'), policy(), { from: older }),
    ].flatMap((findings) => findings.map(({ fingerprint }) => fingerprint));
    expect(new Set([...others, ...print(KNOWLEDGE)]).size).toBe(4);
  });
});

describe('a decision', () => {
  const person = { reason: 'known', by: 'A. Person', until: '2026-12-31' };
  const findings = under(newer, policy({ version: '6.16.1' }), { from: older });
  const decided = (selector: Decision['selector'], today = '2026-12-31') => {
    const { findings: judged, idle } = applyDecisions(findings, [{ ...person, selector }], today);
    return [judged.map(({ decided: each }) => each !== null), idle.map(({ problem }) => problem)];
  };
  const bits = (mask: number) => ({ rule: null, bits: { ...PLACE, mask }, release: null, policy: null });

  test('holds on its last day, and is told when it is over', () => {
    const selector = { fingerprint: findings[0]?.fingerprint ?? '' };
    expect(decided(selector)).toEqual([[true], []]);
    expect(decided(selector, '2027-01-01')).toEqual([[false], ['expired']]);
    expect(decided({ fingerprint: '0123456789abcdef' })).toEqual([[false], ['unmatched']]);
  });

  test('on bits decides a finding only with all of them', () => {
    expect(decided(bits(0x5))).toEqual([[true], []]);
    expect(decided(bits(0xffffffff))).toEqual([[true], []]);
    expect(decided(bits(0x4))).toEqual([[false], []]);
    expect(decided(bits(0x2))).toEqual([[false], ['unmatched']]);
    const both = [0x1, 0x4].map((mask): Decision => ({ ...person, selector: bits(mask) }));
    expect(applyDecisions(findings, both, '2026-12-01').findings.map((each) => each.decided?.by)).toEqual([
      'A. Person',
    ]);
  });

  test('for one KVM is for no other, and ranges hold for what comes', () => {
    const rule = { rule: 'exposed-unreviewed', bits: null, release: null, policy: null };
    expect(decided(rule)).toEqual([[true], []]);
    expect(decided({ ...rule, policy: '6.16.1' })).toEqual([[true], []]);
    expect(decided({ ...rule, policy: '6.17' })).toEqual([[false], ['unmatched']]);
    expect(decided({ ...rule, policy: '>=6.16', release: '>=2.0.04,<2.1' })).toEqual([[true], []]);
    expect(decided({ ...rule, release: '<2.0.04' })).toEqual([[false], ['unmatched']]);
    expect(decided({ ...rule, rule: 'leaf-added' })).toEqual([[false], ['unmatched']]);
    const sides = ['>6.16', '>=6.16', '=6.16', '6.16', '<=6.16', '<6.16'];
    expect(sides.map((range) => isInRange(range, '6.9'))).toEqual([false, false, false, false, true, true]);
    expect(sides.map((range) => isInRange(range, '7.0'))).toEqual([true, true, false, false, false, false]);
    expect(sides.map((range) => isInRange(range, '6.16'))).toEqual([false, true, true, true, true, false]);
    expect(['6.9', '6.16.1', '7.0'].map((version) => isInRange('>=6.16,<7.0', version))).toEqual([false, true, false]);
  });

  test('keeps a finding from the gate, not from the report', () => {
    const { findings: judged } = applyDecisions(findings, [{ ...person, selector: bits(0x5) }], '2026-12-01');
    expect(judged).toHaveLength(1);
    expect([gating(findings, 'warning').length, gating(findings, 'error').length]).toEqual([1, 0]);
    expect(gating(judged, 'info')).toEqual([]);
  });
});

test('of several ways out the worst is told, and only of writes that the feature opens', () => {
  const row = KNOWLEDGE.clobbers[0];
  if (row === undefined) throw new Error('no row');
  const exits = (...kinds: readonly ('none' | 'init' | 'restored' | 'unknown')[]) =>
    clobberFacts(row, { ...clobbers('none'), msrs: kinds.flatMap((kind) => clobbers(kind).msrs) }, null)[0]?.exit;
  expect(exits('restored', 'init', 'none', 'unknown')).toBe('unknown');
  expect([exits('restored', 'init', 'none'), exits('restored', 'init'), exits('restored'), exits()]).toEqual([
    'none',
    'init',
    'restored',
    'unknown',
  ]);
  const elsewhere = clobbers('none', { openers: [{ kind: 'cpuid', flag: 'f', ...PLACE, subleaf: 2, mask: 0x2 }] });
  expect(clobberFacts(row, elsewhere, policy({ restores: [restore] }))).toEqual([
    { feature: 'CLOB', msr: 'UMWAIT_CONTROL', exit: 'unknown', restoredByKvm: true },
  ]);
});

test('a finding says what it is about: the release and what it is held against, the kernel, or the project', () => {
  const subjects = (findings: readonly Finding[]) => findings.map(({ subject }) => subject);
  expect(subjects(step(older, newer))).toEqual([{ from: '2.0.02', to: '2.0.04', policy: null }]);
  expect(subjects(under(newer, policy({ version: '6.16.1' }), { from: older }))).toEqual([
    { from: '2.0.02', to: '2.0.04', policy: '6.16.1' },
  ]);
  expect(subjects(judgePolicy(policy({ deny: [entry(4)] }), ground()))).toEqual([
    { from: null, to: '6.99', policy: '6.99' },
  ]);
  expect(
    subjects(judgePolicyStep(policy({ version: '6.98' }), policy({ deny: [entry(4)] }), ground()).findings),
  ).toEqual([{ from: '6.98', to: '6.99', policy: null }]);
  const facts = { releases: [], published: [], unread: ['2.0.05'], clobbers: [], registers: [], decisions: [] };
  expect(subjects(judgeProject({ ...facts, knowledge: { ...KNOWLEDGE, clobbers: [] } }))).toEqual([
    { from: null, to: 'specs', policy: null },
  ]);
});

test('places of a finding stand in their order, whatever the order of a list', () => {
  const list = [{ ...entry(0x4), leaf: 9 }, { ...entry(0x4), register: 'ebx' as const }, entry(0x4)];
  const [found] = judgePolicy(policy({ deny: list }), ground());
  expect(found?.places.map(({ leaf, register, mask }) => [leaf, register, mask])).toEqual([
    [7, 'eax', 4],
    [7, 'ebx', 4],
    [9, 'eax', 4],
  ]);
});

describe('what is kept of a judgement is asked for again only where nothing changed', () => {
  const kept = offers(0x8, '2.0.04');
  const base = { release: '2.0.02', because: 'its authors said so' };
  const rules = (on: ReturnType<typeof ground>, kvm: Policy | null, [from, to] = [older, kept]) =>
    judgeRelease({ from, to, policy: kvm }, on).findings.map(({ rule, level }) => `${level} ${rule}`);

  test('by the ground', () => {
    const lost = release('2.0.06', [{}]);
    const [needed, unneeded] = [ground(), ground({ knowledge: { ...KNOWLEDGE, required: [] } })];
    for (let round = 0; round < 2; round += 1)
      expect([rules(needed, null, [kept, lost]), rules(unneeded, null, [kept, lost])]).toEqual([
        ['error required-bit-lost'],
        ['warning configurable-removed'],
      ]);
  });

  test('by the kernel, and by the release that it was written for', () => {
    const on = ground();
    const [free, denying] = [policy({ requires: [] }), policy({ requires: [], deny: [entry(0x8)] })];
    for (let round = 0; round < 2; round += 1)
      expect([rules(on, free), rules(on, denying), rules(on, null)]).toEqual([
        ['warning exposed-unreviewed'],
        ['info configurable-added'],
        ['warning configurable-added'],
      ]);
    const fixed = [
      release('2.0.02', [{}], { features0: 1n }),
      release('2.0.04', [{ fixed0: { ...ALL, eax: 0xffffffef }, fixed1: { eax: 0x10 } }], { features0: 1n }),
    ] as const;
    const also = (kvm: Policy) =>
      judgeRelease({ from: fixed[0], to: fixed[1], policy: kvm }, on).findings.flatMap((each) =>
        each.also.map(({ rule }) => rule),
      );
    expect([also(free), also(policy({ requires: [], base })), also(free)]).toEqual([
      [],
      ['fixed-change-without-feature'],
      [],
    ]);
  });

  test('by the base release and by the names', () => {
    const release_ = offers(0x80000005, '2.0.04');
    const kvm = policy({ requires: [] });
    const verdicts = (on: ReturnType<typeof ground>) =>
      kvmContext(release_, kvm, on).verdicts.map(({ mask, verdict }) => `${mask} ${verdict}`);
    const [plain, unnamed] = [ground(), ground({ knowledge: { ...KNOWLEDGE, names: [] } })];
    const based = ground({ releases: [offers(0x4, '1.5.06')], base: '1.5.06' });
    const expected = [
      ['2147483648 passed', '5 exposed'],
      ['2147483653 exposed'],
      ['4 passed', '2147483648 passed', '1 exposed'],
    ];
    for (let round = 0; round < 2; round += 1)
      expect([verdicts(plain), verdicts(unnamed), verdicts(based)]).toEqual(expected);
    expect([verdicts(based), verdicts(plain)]).toEqual([expected[2], expected[0]]);
  });
});

test('findings are in the order of their levels under a KVM of which nobody knows whether it runs the release', () => {
  const names = [{ ...PLACE, high: 4, low: 4, name: 'HOST' }];
  const to = release('2.0.04', [{ fixed0: { ...ALL, eax: 0xffffffeb }, allow: { eax: 0x4 } }]);
  const levels = (requires: Policy['requires']) => {
    const { requires: _, ...bare } = policy();
    const kvm = requires === undefined ? bare : { ...bare, requires };
    return judgeRelease({ from: older, to, policy: kvm }, ground({ knowledge: { ...KNOWLEDGE, names } })).findings.map(
      ({ rule, level }) => `${level} ${rule}`,
    );
  };
  expect(levels([])).toEqual(['error unfixed-not-configurable', 'warning exposed-unreviewed']);
  expect(levels(undefined)).toEqual(['warning exposed-unreviewed', 'warning unfixed-not-configurable']);
});

describe('a rule that comes later', () => {
  const lines = (before: ReturnType<typeof release>, after: ReturnType<typeof release>) =>
    step(before, after).map(({ rule, places, also }) => [rule, places[0]?.mask, also.map((each) => each.rule).join()]);
  const features = { features0: 1n };

  test('is a line of a finding with its own bits, once, and of none that has others', () => {
    const gates = new Map([
      [2, { eax: 0x1 }],
      [5, { eax: 0x4 }],
    ]);
    const open = { fixed0: { ...ALL, eax: 0xfffffffa } };
    expect(
      lines(release('2.0.02', [{}], features), release('2.0.04', [{ ...open, allow: { eax: 5 }, gates }], features)),
    ).toEqual([['configurable-added', 0x5, 'gate-changed,fixed-change-without-feature']]);
    const [found] = step(
      release('2.0.02', [{}], features),
      release('2.0.04', [{ fixed0: { ...ALL, eax: 0xffffffef }, fixed1: { eax: 0x10 } }], features),
    );
    expect([found?.rule, found?.also]).toEqual([
      'fixed1-added',
      [
        {
          rule: 'fixed-change-without-feature',
          facts: { kind: 'promise', promise: 'feature-bit', steps: [{ from: 'fixed0', to: 'fixed1' }] },
        },
      ],
    ]);
    // The gate of one bit is none of what another bit of the register did.
    expect(
      lines(
        release('2.0.02', [{ fixed0: { ...ALL, eax: 0xfffffffb }, gates: new Map([[2, { eax: 0x4 }]]) }]),
        release('2.0.04', [{ fixed0: { ...ALL, eax: 0xfffffffa }, allow: { eax: 0x1 } }]),
      ),
    ).toEqual([
      ['configurable-added', 0x1, ''],
      ['gate-changed', 0x4, ''],
    ]);
  });
});

describe('KVM runs a release', () => {
  const at = { path: 'tdx.c', line: 3 };
  const requires: Policy['requires'] = [
    { kind: 'features0', mask: 6n, ...at },
    { kind: 'attributes-fixed1', mask: 1n, ...at },
    { kind: 'xfam-fixed1', mask: 3n, ...at },
    { kind: 'config-slots', limit: 1, ...at },
  ];
  const masks = (fixed1: bigint) => ({ fixed0: 0xffn, fixed1 });
  const whole = { features0: 7n, attributes: masks(1n), xfam: masks(3n) };
  const runs = (extra: Parameters<typeof release>[2], leaves = [{ allow: { eax: 1 } }]) =>
    runsOn(release('2.0.04', leaves, extra), policy({ requires, configLimit: 1 }));

  test('that has what it requires and asks for nothing more', () => {
    expect(runs(whole)).toEqual({ kind: 'yes', slots: 1, limit: 1 });
    expect(runs({ ...whole, features0: 5n })).toMatchObject({
      kind: 'no',
      refusals: [{ kind: 'features0', bits: [{ bit: 1 }] }],
      evidence: [{ path: 'tdx.c', line: 3 }],
    });
    expect(runs({ ...whole, attributes: masks(3n) })).toMatchObject({
      refusals: [{ kind: 'attributes', bits: [{ bit: 1 }] }],
    });
    expect(runs({ ...whole, xfam: masks(7n) })).toMatchObject({
      refusals: [{ kind: 'xfam', bits: [{ bit: 2, name: 'AVX' }] }],
    });
    const two = [{ allow: { eax: 1 } }, { subleaf: 2, allow: { eax: 1 } }];
    expect(runs(whole, two)).toMatchObject({ refusals: [{ kind: 'config-slots', used: 2, limit: 1 }] });
  });

  test('or it is not known', () => {
    expect(runs({ ...whole, features0: null })).toMatchObject({ kind: 'unknown' });
    expect(runsOn(release('2.0.04', []), policy())).toEqual({
      kind: 'unknown',
      missing: ['what KVM 6.99 requires of a module'],
    });
  });

  test('a bit of TDX_FEATURES0 that the platform decides is told as such, and is the same finding', () => {
    const older = release('2.0.02', [], { features0: 0n });
    const judged = (features0Conditional: readonly number[]) =>
      step(
        older,
        release('2.0.04', [], { features0: 0x6n, features0Conditional, featureNames: new Map([[1, 'own']]) }),
      );
    const [plain, open] = [judged([]), judged([1])].map((findings) =>
      findings.find(({ rule }) => rule === 'feature-added'),
    );
    const name = expect.any(String);
    expect(plain?.facts).toMatchObject({
      bits: [
        { bit: 1, name: 'own' },
        { bit: 2, name },
      ],
    });
    expect(JSON.stringify(plain?.facts)).not.toContain('platform');
    expect(open?.facts).toMatchObject({
      bits: [
        { bit: 1, name: 'own', platform: true },
        { bit: 2, name },
      ],
    });
    expect(open?.fingerprint).toBe(plain?.fingerprint);
  });

  test('and what it lacks of TDX_FEATURES0 has the name that the release gives it, or the newest header', () => {
    const [known] = [...featureNamesOf(new Map())].filter(([bit]) => bit > 1);
    if (known === undefined) throw new Error('no name is known');
    const mask = (1n << BigInt(known[0])) | 1n;
    const judged = runsOn(
      release('2.0.04', [], { features0: 0n, featureNames: new Map([[0, 'own']]) }),
      policy({ requires: [{ kind: 'features0', mask, ...at }] }),
    );
    expect(judged).toMatchObject({
      refusals: [
        {
          bits: [
            { bit: 0, name: 'own' },
            { bit: known[0], name: known[1] },
          ],
        },
      ],
    });
  });
});

describe('a series', () => {
  const facts = ground({ releases: [older, newer], base: '2.0.02' });
  const effects = (before: Policy, after: Policy) =>
    releaseEffects(before, after, facts).map(({ release: name, verdicts, closed, opened }) => ({
      name,
      verdicts: verdicts.map(({ mask, from, to }) => [mask, from, to]),
      closed: closed.map(({ rule, mask }) => [rule, mask]),
      opened: opened.map(({ rule, mask }) => [rule, mask]),
    }));

  test('tells only what it changes', () => {
    const [before, after] = [policy(), policy({ deny: [entry(0x4)] })];
    expect(
      effects(before, before)
        .flatMap(({ verdicts, closed, opened }) => [verdicts, closed, opened])
        .flat(),
    ).toEqual([]);
    expect(effects(before, after)[1]).toEqual({
      name: '2.0.04',
      verdicts: [[0x4, 'exposed', 'denied']],
      closed: [['exposed-unreviewed', 0x4]],
      opened: [],
    });
    const [, { closed, verdicts } = { closed: [], verdicts: [] }] = releaseEffects(before, after, facts);
    expect([closed[0]?.bits, verdicts[0]?.bits, closed[0]?.place]).toEqual([
      [{ bit: 2, name: 'PLAIN' }],
      [{ bit: 2, name: 'PLAIN' }],
      PLACE,
    ]);
    const first = releaseEffects(null, after, facts)[1];
    expect(first?.verdicts.map(({ mask, from, to }) => [mask, from, to])).toEqual([
      [0x1, null, 'exposed'],
      [0x4, null, 'denied'],
    ]);
    expect([first?.closed, first?.opened.map(({ mask }) => mask)]).toEqual([[], [0x1]]);
    // Bits of one register that come from one verdict are one change, and host state is told of those that clobber it.
    const lost = ground({ ...facts, clobbers: new Map([['2.0.04', clobbers('none')]]) });
    const both = (from: Policy, to: Policy) =>
      releaseEffects(from, to, lost)[1]?.verdicts.map(({ mask, clobbers: host }) => [mask, host]);
    const two = policy({ deny: [entry(0x5)] });
    expect(both(before, two)).toEqual([[0x5, []]]);
    const wide = release('2.0.04', [{ fixed0: { ...ALL, eax: 0xfffffff9 }, allow: { eax: 0x6 } }]);
    const opened = (on: Parameters<typeof releaseEffects>[2]) =>
      releaseEffects(policy({ deny: [entry(0x6)] }), before, on)[0]?.verdicts.map(({ mask, clobbers: host }) => [
        mask,
        host,
      ]);
    const fact = { feature: 'CLOB', msr: 'UMWAIT_CONTROL', restoredByKvm: false };
    expect(opened({ ...lost, releases: [wide] })).toEqual([[0x6, [{ ...fact, exit: 'none' }]]]);
    expect(opened(ground({ releases: [wide] }))).toEqual([[0x6, [{ ...fact, exit: 'unknown' }]]]);
    // A rule that applied to a part of the bits is opened for the rest.
    expect(
      releaseEffects(policy({ deny: [entry(0x1)] }), before, facts)[1]?.opened.map(({ rule, mask }) => [rule, mask]),
    ).toEqual([['exposed-unreviewed', 0x1]]);
    // Of two findings of one rule on one register each keeps its bits.
    const other = { ...KNOWLEDGE.clobbers[0], feature: 'OTHER', bits: [{ ...PLACE, mask: 0x4 }] };
    const two_ = ground({
      releases: [wide],
      clobbers: new Map([['2.0.04', clobbers('none')]]),
      knowledge: { ...KNOWLEDGE, clobbers: [...KNOWLEDGE.clobbers, other as (typeof KNOWLEDGE.clobbers)[number]] },
    });
    expect(releaseEffects(before, policy({ version: '7' }), two_)[0]).toMatchObject({ opened: [], closed: [] });
    expect(releaseEffects(null, before, two_)[0]?.opened.map(({ rule, mask }) => [rule, mask])).toEqual([
      ['exposed-clobbers-host', 0x2],
      ['exposed-clobbers-host', 0x4],
    ]);
    expect(openAfter(['2.0.04', '9.9'], after, facts)).toMatchObject([
      { release: '2.0.04', findings: [{ rule: 'exposed-unreviewed', places: [{ mask: 0x1 }] }] },
    ]);
  });

  test('opens what a gate closed, and shuts it on the way back; what a VMM sets is told by its verdict', () => {
    const unless = [{ kind: 'xfam', bits: [11] }] as const;
    const rule = {
      id: 'r',
      stage: 'init',
      leaf: 7,
      masks: { eax: 0x6 },
      effect: { do: 'clear', unless },
      source: 's',
      lines: null,
    } as const;
    const gated = release('2.0.04', [{ fixed0: { ...ALL, eax: 0xfffffff9 }, allow: { eax: 0x4 } }], {}, [rule]);
    const [closed, open] = [policy({ xfam: 3n }), policy({ xfam: 0x803n })];
    const gates = (before: Policy, after: Policy) =>
      releaseEffects(before, after, ground({ releases: [gated] })).map(({ gates: { opened, shut }, verdicts }) => [
        opened.map(({ mask }) => mask),
        shut.map(({ mask }) => mask),
        verdicts.map(({ mask, from, to }) => [mask, from, to]),
      ]);
    expect(gates(closed, open)).toEqual([[[0x2], [], [[0x4, 'closed', 'exposed']]]]);
    expect(gates(open, closed)).toEqual([[[], [0x2], [[0x4, 'exposed', 'closed']]]]);
    expect(gates(open, open)).toEqual([[[], [], []]]);
    // Of a release that KVM refuses there is no TD that could get anything.
    const requires: Policy['requires'] = [{ kind: 'config-slots', limit: 0, path: 'tdx.c', line: 1 }];
    expect(gates({ ...closed, requires }, { ...open, requires })).toEqual([[[], [], []]]);
  });

  test('is news where something at warning changes, minor where restores or slots do, and none where only names do', () => {
    const before = policy();
    const silence = (after: Policy) =>
      silenceOf({
        series: { newer: null },
        outcome: {
          kind: 'applied',
          changes: diffPolicies(before, after, []),
          effects: [],
          between: [],
          findings: judgePolicyStep(before, after, facts).findings,
        },
      } as unknown as SeriesEffect);
    expect(silence(policy({ known: [entry(0x4)] }))).toEqual({ kind: 'unchanged' });
    for (const after of [{ restores: [restore] }, { configLimit: 128 }, { attributes: 1n }])
      expect(silence(policy(after))).toEqual({ kind: 'minor' });
    expect(silence(policy({ deny: [entry(1)] }))).toBeNull();
  });
});

test('a KVM that refuses a release has no verdicts', () => {
  const requires: Policy['requires'] = [{ kind: 'features0', mask: 1n, path: 'tdx.c', line: 1 }];
  const refused = release('2.0.04', [{ allow: { eax: 1 } }], { features0: 0n });
  const taken = release('2.0.04', [{ allow: { eax: 1 } }], { features0: 1n });
  expect(kvmContext(refused, policy({ requires }), ground()).verdicts).toEqual([]);
  expect(kvmContext(taken, policy({ requires }), ground()).verdicts).toHaveLength(1);
});

describe('a bit is closed', () => {
  const rule = (effect: DeciderRule['effect']): DeciderRule => ({
    id: 'r',
    stage: 'init',
    leaf: 7,
    masks: { eax: 0x4 },
    effect,
    source: 's',
    lines: null,
  });
  const verdicts = (effect: DeciderRule['effect'], kvm: Partial<Policy>) =>
    kvmContext(
      release('2.0.04', [{ fixed0: { ...ALL, eax: 0xfffffffa }, direct: { eax: 0x5 } }], {}, [rule(effect)]),
      policy({ requires: [], ...kvm }),
      ground(),
    ).verdicts.map(({ mask, verdict }) => [mask, verdict]);
  const flags = (mask: bigint) => ({ configFlags: [{ mask, path: 'tdx.c', line: 1 }] });
  const [open, closed] = [
    [[0x5, 'exposed']],
    [
      [0x4, 'closed'],
      [0x1, 'exposed'],
    ],
  ];

  test('by CONFIG_FLAGS as by ATTRIBUTES and XFAM, where KVM never sets the gate', () => {
    for (const [kind, without_, with_] of [
      ['config-flags', flags(0x5n), flags(0x8n)],
      ['attributes', { attributes: 0x5n }, { attributes: 0x8n }],
      ['xfam', { xfam: 0x5n }, { xfam: 0x8n }],
    ] as const) {
      const effect = { do: 'clear', unless: [{ kind, bits: [3] }] } as const;
      expect([kind, verdicts(effect, { ...flags(0n), ...without_ })]).toEqual([kind, closed]);
      expect([kind, verdicts(effect, { ...flags(0n), ...with_ })]).toEqual([kind, open]);
    }
  });

  test('where the module computes the width unless MAXPA_VIRT is set', () => {
    const effect = { do: 'compute', what: 'maxpa', when: [], open: false } as const;
    expect(verdicts(effect, flags(0x5n))).toEqual(closed);
    expect(verdicts(effect, flags(0x8n))).toEqual(open);
    expect(verdicts({ ...effect, what: 'fms' }, flags(0x5n))).toEqual(open);
  });

  test('where it is 0 in every TD, whatever the VMM passes', () => {
    expect(verdicts({ do: 'zero' }, {})).toEqual(closed);
    expect(verdicts({ do: 'one' }, {})).toEqual(open);
  });

  test('by the lowest flag too', () => {
    expect(verdicts({ do: 'clear', unless: [{ kind: 'config-flags', bits: [0] }] }, flags(0x8n))).toEqual(closed);
    expect(verdicts({ do: 'clear', unless: [{ kind: 'config-flags', bits: [0] }] }, flags(0x1n))).toEqual(open);
  });

  test('by no flag where it was not read which flags KVM sets', () => {
    expect(verdicts({ do: 'clear', unless: [{ kind: 'config-flags', bits: [3] }] }, {})).toEqual(open);
    expect(verdicts({ do: 'set', unless: [{ kind: 'config-flags', bits: [3] }] }, flags(0n))).toEqual(open);
  });
});

describe('which bits a decision is about', () => {
  const person = { reason: 'known', by: 'A. Person', until: null };
  const two = step(
    older,
    release('2.0.04', [{ fixed0: { ...ALL, eax: 0xfffffffb, ebx: 0xfffffffe }, allow: { eax: 4, ebx: 1 } }]),
  );
  const of = (...selectors: readonly Decision['selector'][]) => {
    const { findings, idle } = applyDecisions(
      two,
      selectors.map((selector) => ({ ...person, selector })),
      '2026-11-21',
    );
    return [findings.map(({ decided }) => decided !== null), idle.length];
  };
  const eax = { ...PLACE, mask: 4 };
  const ebx = { ...PLACE, register: 'ebx' as const, mask: 1 };
  const all = { rule: null, bits: null, release: null, policy: null };

  test('all of them must be named, by one or by several', () => {
    expect(two.map(({ places }) => places.length)).toEqual([2]);
    expect(of({ ...all, bits: eax })).toEqual([[false], 0]);
    expect(of({ ...all, bits: eax }, { ...all, bits: ebx })).toEqual([[true], 0]);
    expect(of({ ...all, bits: eax }, { ...all, bits: { ...ebx, mask: 2 } })).toEqual([[false], 1]);
    expect(of({ ...all, bits: { ...ebx, mask: 5 } })).toEqual([[false], 0]);
    expect(of({ ...all, bits: { ...eax, register: 'ecx' } })).toEqual([[false], 1]);
  });

  test('a finding without a place is decided by rule or fingerprint, never by bits', () => {
    const [moved] = step(release('2.0.02', [], { cpuidFlags: [] }), release('2.0.04', [], { cpuidFlags: ['a'] }));
    if (moved === undefined) throw new Error('nothing found');
    const decide = (selector: Decision['selector']) =>
      applyDecisions([moved], [{ ...person, selector }], '2026-11-21').findings[0]?.decided ?? null;
    expect([moved.rule, moved.places]).toEqual(['cpuid-flag-added', []]);
    expect(decide({ ...all, rule: 'cpuid-flag-added' })).toEqual(person);
    expect(decide({ fingerprint: moved.fingerprint })).toEqual(person);
    expect(decide({ ...all, bits: eax })).toBeNull();
  });

  test('are told in one word', () => {
    const text = (selector: Decision['selector']) =>
      applyDecisions([], [{ ...person, selector }], '2026-11-21').idle[0]?.selector;
    expect(text({ fingerprint: '0123456789abcdef' })).toBe('0123456789abcdef');
    expect(text(all)).toBe('all rules');
    expect(text({ rule: 'leaf-added', bits: eax, release: '2.0.08', policy: '>=6.16' })).toBe(
      'leaf-added at 7.1.EAX[2] for 2.0.08 on >=6.16',
    );
    expect(text({ ...all, bits: { ...eax, mask: 0xffffffff }, policy: '6.16' })).toBe('all rules at 7.1.EAX on 6.16');
    expect(text({ ...all, release: '2.0.08' })).toBe('all rules for 2.0.08');
  });
});

describe('what runs is not known', () => {
  test.each([
    ['attributes-fixed1', 'ATTRIBUTES of 2.0.04'],
    ['xfam-fixed1', 'XFAM of 2.0.04'],
    ['features0', 'TDX_FEATURES0 of 2.0.04'],
  ] as const)('where a requirement of %s meets a release that does not say it', (kind, missing) => {
    const requires: Policy['requires'] = [{ kind, mask: 1n, path: 'tdx.c', line: 3 }];
    expect(runsOn(release('2.0.04', []), policy({ requires }))).toEqual({ kind: 'unknown', missing: [missing] });
  });

  test('and nothing is an error there', () => {
    const facts = clobbers('none');
    const levels = (requires: Policy['requires']) => {
      const kvm = policy({ ...(requires === undefined ? {} : { requires }) });
      const { requires: _, ...bare } = kvm;
      const whole = ground({ releases: [older, offers(0x2, '2.0.04')], clobbers: new Map([['2.0.04', facts]]) });
      const judged = judgeRelease(
        { from: older, to: offers(0x2, '2.0.04'), policy: requires === undefined ? bare : kvm },
        whole,
      );
      return judged.findings.map(({ rule, level }) => [rule, level]);
    };
    expect(levels([])).toEqual([['exposed-clobbers-host', 'error']]);
    expect(levels(undefined)).toEqual([['exposed-clobbers-host', 'warning']]);
    expect(
      levels([{ kind: 'config-slots', limit: 0, path: 'x.c', line: 1 }]).every(([, level]) => level === 'info'),
    ).toBe(true);
  });
});

describe('under a KVM', () => {
  test('exposed features that the release before had stay standing, numbers do not', () => {
    const [before, after] = [offers(0x80000005, '2.0.02'), offers(0x80000007, '2.0.04')];
    const { kvm } = judgeRelease(
      { from: before, to: after, policy: policy({ requires: [], deny: [entry(0x1)] }) },
      ground(),
    );
    expect(kvm).toMatchObject({
      runs: { kind: 'yes', slots: 1, limit: null },
      standing: [{ ...PLACE, mask: 0x4, bits: [{ bit: 2, name: 'PLAIN' }] }],
      verdicts: [
        { verdict: 'denied', features: 1, fieldBits: 0 },
        { verdict: 'passed', features: 0, fieldBits: 1 },
        { verdict: 'exposed', features: 2, fieldBits: 0 },
      ],
    });
  });

  test('a decision on some of the bits that stood before leaves the others', () => {
    const places = [
      {
        ...PLACE,
        mask: 0x6,
        bits: [
          { bit: 1, name: null },
          { bit: 2, name: 'PLAIN' },
        ],
      },
    ];
    const decision = (mask: number, place: Place) => ({
      ...{ reason: 'r', by: 'B', until: '2026-11-21' },
      selector: { rule: null, bits: { ...place, mask }, release: null, policy: '>=7.0' },
    });
    const apply = (mask: number, place: Place, policy: string, today = '2026-11-21') =>
      applyToStanding(places, { release: '2.0.04', policy }, [decision(mask, place)], today);
    const [whole] = places;
    expect(apply(0x4, PLACE, '7.0')).toEqual({
      standing: [{ ...whole, mask: 0x2, bits: [{ bit: 1, name: null }] }],
      settled: [
        {
          ...whole,
          mask: 0x4,
          bits: [{ bit: 2, name: 'PLAIN' }],
          decided: { reason: 'r', by: 'B', until: '2026-11-21' },
        },
      ],
    });
    const nothing = { standing: places, settled: [] };
    expect(apply(0x8, PLACE, '7.0')).toEqual(nothing);
    expect(apply(0x4, { ...PLACE, leaf: PLACE.leaf + 1 }, '7.0')).toEqual(nothing);
    expect(apply(0x4, PLACE, '6.19')).toEqual(nothing);
    expect(apply(0x4, PLACE, '7.0', '2026-11-22')).toEqual(nothing);
    expect(apply(0x6, PLACE, '7.0').standing).toEqual([]);
    const named = (rule: string) => ({
      ...decision(0x4, PLACE),
      selector: { rule, bits: null, release: null, policy: null },
    });
    const settledBy = (rule: string) =>
      applyToStanding(places, { release: '2.0.04', policy: '7.0' }, [named(rule)], '2026-11-21').settled.map(
        ({ mask }) => mask,
      );
    expect([settledBy('exposed-unreviewed'), settledBy('native-added')]).toEqual([[0x6], []]);
  });

  test('on a bit are those that name it, and of an exposed one those that name all of these', () => {
    const about = (selector: Decision['selector'], until: string | null = null): Decision => ({
      ...{ selector, reason: 'r', by: 'B', until },
    });
    const of = (bits: { readonly mask: number; readonly leaf?: number } | null, rule: string | null = null) =>
      about({ rule, bits: bits === null ? null : { ...PLACE, ...bits }, release: null, policy: null });
    const on = (decision: Decision, bit = 2, isExposed = true): boolean =>
      decisionsOn([decision], { place: PLACE, bit, isExposed }, '2026-11-21').length === 1;
    expect([on(of({ mask: 0x4 })), on(of({ mask: 0x4 }), 1), on(of({ mask: 0x4, leaf: 9 }))]).toEqual([
      true,
      false,
      false,
    ]);
    expect([on(of({ mask: 0x4 }), 2, false), on(of({ mask: 0x4 }, 'native-added'))]).toEqual([true, true]);
    const rule = of(null, 'exposed-unreviewed');
    expect([on(rule), on(rule, 2, false), on(of(null, 'native-added')), on(of(null))]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(on(about({ fingerprint: '0123456789abcdef' }))).toBe(false);
    const dated = (until: string) => on(about(rule.selector, until));
    expect([dated('2026-11-21'), dated('2026-11-20')]).toEqual([true, false]);
  });

  test('the verdict on one bit is that of its register, none where a VMM cannot set it', () => {
    const { verdicts } = kvmContext(offers(0x5, '2.0.04'), policy({ requires: [], deny: [entry(0x1)] }), ground());
    const of = (bit: number, extra = {}) => verdictOfBit(verdicts, { ...PLACE, ...extra }, bit);
    expect([of(0), of(2), of(1), of(0, { register: 'ebx' }), of(0, { subleaf: 0 })]).toEqual([
      'denied',
      'exposed',
      null,
      null,
      null,
    ]);
    const twice = release('2.0.04', [{ fixed0: { ...ALL, eax: ~0x6 >>> 0 }, allow: { eax: 2 }, direct: { eax: 4 } }]);
    expect(countVerdicts(kvmContext(twice, policy({ requires: [] }), ground()).verdicts)).toEqual([
      { verdict: 'exposed', features: 2, fieldBits: 0 },
    ]);
  });

  test('a disagreement that the kernel before had too is no news of the step', () => {
    const split = (mask: number): NonNullable<Policy['disagreements']>[number] => ({
      kind: 'hidden-not-refused',
      ...PLACE,
      mask,
      shown: { path: 'tdx.c', line: 3 },
      setUp: { path: 'tdx.c', line: 9 },
    });
    const rules = (from: readonly number[], to: readonly number[]) =>
      judgePolicyStep(
        policy({ version: '6.98', disagreements: from.map(split) }),
        policy({ disagreements: to.map(split) }),
        ground(),
      ).findings.map(({ rule, places }) => [rule, places[0]?.mask]);
    expect([rules([4], [4]), rules([], [4]), rules([4], [8])]).toEqual([
      [],
      [['hidden-not-refused', 4]],
      [['hidden-not-refused', 8]],
    ]);
    const wide = (everySubleafBut?: readonly number[]) => ({
      disagreements: [{ ...split(4), ...(everySubleafBut === undefined ? {} : { everySubleafBut }) }],
    });
    const widened = (from: readonly number[] | undefined, to: readonly number[] | undefined) =>
      judgePolicyStep(policy(wide(from)), policy(wide(to)), ground()).findings.map(({ rule }) => rule);
    // One that comes to hold for more sub-leaves is; for fewer it is none.
    expect([widened(undefined, []), widened([1, 2], [1])]).toEqual([['hidden-not-refused'], ['hidden-not-refused']]);
    expect([widened([], undefined), widened([1], [1, 2]), widened([1], [1])]).toEqual([[], [], []]);
    // By level, then as rules are, whether it is a state or a step.
    const question = (about: 'host' | 'kvm') => ({
      id: 'q',
      asks: [],
      guards: [],
      about,
      msrs: [],
      decides: 'd',
      differs: 'f',
    });
    const at = { path: 'pmu.c', function: 'refresh', line: 12 };
    const newly = policy({ source: { ...policy().source, revision: 'new' }, deny: [entry(4)] });
    const kernel = { version: '6.99', source: newly.source, asks: [{ question: 'q', at, guard: null }], unlisted: [] };
    const faults = (about: 'host' | 'kvm', from: Policy = policy({ version: '6.98' })) =>
      judgePolicyStep(
        from,
        newly,
        ground({ cpuid2: { questions: [question(about)], kernels: [kernel] } }),
      ).findings.map(({ rule, level }) => `${level} ${rule}`);
    expect(faults('host')).toEqual(['warning set-cpuid2-decides-host', 'warning policy-deny-added']);
    expect(faults('kvm')).toEqual(['warning policy-deny-added', 'info set-cpuid2-decides-host']);
    expect(faults('kvm', newly)).toEqual([]);
    // A list that is stale is a state of its own, and no part of a step.
    expect(
      judgePolicyStep(
        policy({ version: '6.98' }),
        policy({ deny: [entry(4)] }),
        ground({ releases: [newer] }),
      ).findings.map(({ rule }) => rule),
    ).toEqual(['policy-deny-added']);
  });

  test('a list that a kernel loses is told with the line where it stood', () => {
    const lost = judgePolicyStep(
      policy({ version: '6.98', deny: [entry(4)], source: { ...policy().source, revision: 'old' } }),
      policy({ source: { ...policy().source, revision: 'new' } }),
      ground(),
    ).findings;
    expect(
      lost.map(({ rule, evidence }) => [rule, evidence.map(({ revision, line }) => `${revision}:${line}`)]),
    ).toEqual([['policy-deny-removed', ['old:7']]]);
  });
});

test('a feature that KVM restores nothing of is restored by the host’s own extended state only where every write is', () => {
  const row = KNOWLEDGE.clobbers[0];
  if (row === undefined) throw new Error('no row');
  const restored = (...bys: readonly ('xrstors' | 'vmcs')[]) =>
    clobberFacts(row, { ...clobbers('none'), msrs: bys.flatMap((by) => clobbers('init', { by }).msrs) }, policy())[0]
      ?.restoredByKvm;
  expect([restored('xrstors'), restored('xrstors', 'vmcs'), restored('vmcs'), restored()]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(clobberFacts(row, null, null)[0]?.restoredByKvm).toBeNull();
});

test('findings stand by level, then urgency, then place, those without a place first', () => {
  const mixed = step(
    release('2.0.02', [{ leaf: 9, subleaf: 0 }, {}], { cpuidFlags: [], attributes: { fixed0: 0n, fixed1: 0n } }),
    release(
      '2.0.04',
      [
        { leaf: 9, subleaf: 0, fixed0: { ...ALL, eax: 0xfffffffe }, allow: { eax: 1 } },
        { fixed1: { eax: 4 }, fixed0: { ...ALL, eax: 0xfffffffb } },
      ],
      {
        cpuidFlags: ['a'],
        attributes: { fixed0: 1n << 63n, fixed1: 0n },
      },
    ),
  );
  expect(mixed.map(({ level, rule }) => `${level} ${rule}`)).toEqual([
    'warning configurable-added',
    'warning fixed1-added',
    'info attribute-added',
    'info cpuid-flag-added',
  ]);
  expect([...mixed].reverse().sort(compareFindings)).toEqual(mixed);
  const at = (mask: number, extra: object = {}) =>
    ({ ...mixed[0], places: [{ ...PLACE, mask, bits: [] }], fingerprint: 'a', ...extra }) as Finding;
  const none = { ...at(1), places: [] } as Finding;
  const ordered = [
    none,
    { ...none, fingerprint: 'b' },
    at(1),
    at(1, { fingerprint: 'b' }),
    at(2),
    at(1, { places: [{ ...PLACE, leaf: 8, mask: 1, bits: [] }] }),
  ];
  expect([...ordered].reverse().sort(compareFindings)).toEqual(ordered);
  expect([compareFindings(none, at(1)), compareFindings(at(1), none), compareFindings(at(1), at(1))]).toEqual([
    -1, 1, 0,
  ]);
});

test('a state within a series is an error where a TD gets what the series keeps from it', () => {
  const level = (kind: Between['kind']) => betweenLevel({ kind, after: 1, until: 2, isUnnamed: false, places: [] });
  expect((['hidden-not-refused', 'open', 'shown-but-refused', 'refused', 'unread'] as const).map(level)).toEqual([
    'error',
    'error',
    'warning',
    'warning',
    'warning',
  ]);
});

test('what an answer of KVM_SET_CPUID2 comes to, what a VMM can lie about first', () => {
  const ids = ['guest', 'kvm', 'host', 'free', 'told', 'never'] as const;
  const about = { guest: 'guest', kvm: 'kvm', host: 'host', free: 'host', told: 'guest', never: 'host' } as const;
  const at = { path: 'x.c', function: 'f', line: 1 };
  const judged = judgeCpuid2(
    ids.map((id) => ({ id, asks: [], guards: [], about: about[id], msrs: [], decides: '', differs: '' })),
    {
      version: '6.99',
      source: policy().source,
      asks: ids
        .filter((id) => id !== 'never')
        .map((question) => ({ question, at, guard: ['free', 'told'].includes(question) ? null : at })),
      unlisted: [],
    },
  );
  expect(judged.map(({ question, outcome, ask }) => [question.id, outcome, ask?.question ?? null])).toEqual([
    ['free', 'lie', 'free'],
    ['host', 'kept', 'host'],
    ['kvm', 'required', 'kvm'],
    ['guest', 'shown', 'guest'],
    ['told', 'shown', 'told'],
    ['never', 'not-asked', null],
  ]);
});

test('a rule that there is not is a bug', () => {
  expect(ruleOf('needs-optin').id).toBe('needs-optin');
  expect(() => ruleOf('no-such-rule')).toThrow('no rule no-such-rule');
});

test('the catalogue knows its rules and no others, and a rule that it does not know is the least urgent', () => {
  expect([isRule('needs-optin'), isRule('no-such-rule'), isRule('')]).toEqual([true, false, false]);
  const urgencies = RULE_IDS.map(urgencyOf);
  expect(new Set(urgencies).size).toBe(RULE_IDS.length);
  expect(urgencyOf('no-such-rule')).toBeGreaterThan(Math.max(...urgencies));
});

test('a fingerprint does not hang on the order in which facts were written', () => {
  expect(canonical({ b: 1, a: [{ d: 2, c: null }] })).toEqual(canonical({ a: [{ c: null, d: 2 }], b: 1 }));
  expect(canonical({ b: 1, a: 2, c: 3 })).toEqual([
    ['a', 2],
    ['b', 1],
    ['c', 3],
  ]);
  expect(canonical([2, 1])).toEqual([2, 1]);
});

describe('a bit that was 1 in every TD', () => {
  const rule = (effect: DeciderRule['effect']): DeciderRule => ({
    id: 'r',
    stage: 'guest',
    leaf: 7,
    masks: { eax: 0x4 },
    effect,
    source: 's',
    lines: null,
  });
  const told = (when: Condition, otherwise: 'set' | 'clear' = 'set', before: 0 | 1 = 1) =>
    step(
      release(
        '2.0.02',
        [{ fixed1: { eax: before === 1 ? 0x4 : 0 }, fixed0: { ...ALL, eax: before === 1 ? 0xfffffffb : 0xffffffff } }],
        {},
        [],
      ),
      release('2.0.04', [{ direct: { eax: 0x4 }, fixed0: { ...ALL, eax: 0xfffffffb } }], {}, [
        rule({ do: otherwise, unless: [when] }),
      ]),
    ).some(({ rule: id, also }) => id === 'meaning-changed' || also.some((each) => each.rule === 'meaning-changed'));
  const guest: Condition = { kind: 'guest', control: 'REDUCE_VE' };
  const gate: Condition = { kind: 'attributes', bits: [5] };

  test('changes its meaning where it stays 1 only until the guest asks for something else', () => {
    const asks: readonly Condition[] = [
      guest,
      { kind: 'paravirt', bit: 3 },
      { kind: 'not', of: guest },
      { kind: 'any', of: [gate, guest] },
    ];
    for (const when of asks) expect([when, told(when)]).toEqual([when, true]);
    const others: readonly Condition[] = [
      gate,
      { kind: 'not', of: gate },
      { kind: 'any', of: [gate, { kind: 'xfd' }] },
    ];
    for (const when of others) expect([when, told(when)]).toEqual([when, false]);
    expect([told(guest, 'clear'), told(guest, 'set', 0)]).toEqual([false, false]);
  });
});

describe('the facts themselves', () => {
  const rcx = { interface: 'TDG.VP.VMCALL', register: 'RCX', line: 1 } as const;
  const checks = (mustBeClear: bigint) => [
    {
      interface: rcx.interface,
      register: rcx.register,
      mustBeSet: 0n,
      mustBeClear,
      conditional: [],
      path: 'x.c',
      line: 1,
    },
  ];

  test('of a register are those of the newest release whose check was read', () => {
    const registers = [{ ...rcx, column: 'documented' as const, mustBeSet: 0n, mustBeClear: 0x3n }];
    const mask = (...all: readonly bigint[][]) =>
      project({
        registers,
        clobbers: all.map((each) => ({
          ...clobbers('restored'),
          registerChecks: each.flatMap((clear) => checks(clear)),
        })),
      })
        .filter(({ rule }) => rule === 'register-mask-mismatch')
        .map(({ facts }) =>
          facts.kind === 'register-mask' ? [facts.documented, facts.enforced, facts.validated] : [],
        );
    expect(mask([0x3n])).toEqual([]);
    expect(mask([0x3n], [0xf00000011n])).toEqual([
      ['set none, clear 1:0', 'set none, clear 35:32, 4, 0', 'not checked'],
    ]);
    expect(mask([0x7n], [])).toEqual([['set none, clear 1:0', 'set none, clear 2:0', 'not checked']]);
    expect(mask([0x7n], [0x3n])).toEqual([]);
  });

  test('about host state list each row once, in order', () => {
    const write = (msr: string, guard: string) => clobbers('none', { msr: `IA32_${msr}`, guard }).msrs;
    const all = {
      ...clobbers('none'),
      msrs: [...write('B', 'g'), ...write('A', 'h'), ...write('A', 'g'), ...write('B', 'g')],
    };
    const rows = project({ clobbers: [all], knowledge: { ...KNOWLEDGE, clobbers: [] } }).flatMap(({ facts }) =>
      facts.kind === 'clobber-rows' ? facts.rows.map(({ msr, feature }) => `${msr} ${feature}`) : [],
    );
    expect(rows).toEqual(['A g', 'A h', 'B g']);
  });

  test('of a disagreement name a place only where the code names leaf and register', () => {
    const at = { path: 'tdx.c', line: 3 };
    const places = (leaf: number | null, register: 'eax' | null) =>
      judgePolicy(
        policy({
          disagreements: [{ kind: 'shown-but-refused', leaf, subleaf: null, register, mask: 4, shown: at, setUp: at }],
        }),
        ground(),
      )
        .filter(({ rule }) => rule === 'shown-but-refused')
        .map((finding) => [
          finding.places.length,
          finding.facts.kind === 'split' ? finding.facts.isNamed : null,
          finding.level,
        ]);
    expect([places(7, 'eax'), places(7, null), places(null, 'eax'), places(null, null)]).toEqual([
      [[1, true, 'warning']],
      [[0, false, 'warning']],
      [[0, false, 'warning']],
      [[0, false, 'warning']],
    ]);
  });
});

test('a list is stale by the bits that no register of its leaf offers, down to the lowest', () => {
  const releases = [release('2.0.08', [{ allow: { eax: 0x1, ebx: 0x4 } }])];
  const stale = (...deny: Policy['deny']) =>
    judgePolicy(policy({ deny }), ground({ releases }))
      .filter(({ rule }) => rule === 'deny-stale')
      .flatMap(({ places }) => places.map(({ register, mask }) => [register, mask]));
  expect(stale(entry(0x1), { ...entry(0x4), register: 'ebx' })).toEqual([]);
  expect(stale(entry(0x3), { ...entry(0x5), register: 'ebx' })).toEqual([
    ['eax', 0x2],
    ['ebx', 0x1],
  ]);
});

test('a field is told as one by its lowest bit alone', () => {
  const names = [{ ...PLACE, high: 3, low: 0, name: 'NUMBER' }];
  const knowledge = { ...KNOWLEDGE, names };
  const { verdicts } = kvmContext(
    release('2.0.08', [{ allow: { eax: 0x1 } }]),
    policy({ requires: [] }),
    ground({ knowledge }),
  );
  expect(verdicts).toMatchObject([{ ...PLACE, mask: 0x1, verdict: 'passed', isField: true }]);
});
