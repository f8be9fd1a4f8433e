import { describe, expect, test } from 'vitest';
import { CATALOGUE, RULES } from '../../pipeline/judge/catalogue.ts';
import { CHANGE_TABLE } from '../../pipeline/judge/change-table.ts';
import { judgePolicy, judgePolicyStep, judgeRelease, judgeStep } from '../../pipeline/judge/judge.ts';
import { applyWaivers, gating } from '../../pipeline/judge/waivers.ts';
import { CELL_CLASSES, type ClassedRelease, classify } from '../../pipeline/model/class.ts';
import type { ClobberFacts } from '../../pipeline/model/clobber.ts';
import { type Finding, RULE_IDS, type RuleId } from '../../pipeline/model/finding.ts';
import type { Knowledge } from '../../pipeline/model/knowledge.ts';
import type { ModuleRelease, RegisterMasks } from '../../pipeline/model/module.ts';
import type { Policy } from '../../pipeline/model/policy.ts';

type Leaf = {
  readonly leaf?: number;
  readonly subleaf?: number | null;
  readonly faulting?: boolean;
  readonly fixed0?: RegisterMasks;
  readonly fixed1?: RegisterMasks;
  readonly allow?: RegisterMasks;
  readonly direct?: RegisterMasks;
  readonly gates?: ReadonlyMap<number, RegisterMasks>;
};
type Extra = Partial<Pick<ModuleRelease, 'attributes' | 'xfam' | 'features0' | 'featureNames' | 'cpuidFlags'>>;

const ALL: RegisterMasks = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };

/** A release of one or more leaves, 7.1 unless another is named; bits are fixed to 0 unless said. */
function release(name: string, leaves: readonly Leaf[], extra: Extra = {}): ClassedRelease {
  const keys = leaves.map((each) => ({ leaf: each.leaf ?? 7, subleaf: each.subleaf === undefined ? 1 : each.subleaf }));
  const module: ModuleRelease = {
    release: name,
    source: { repository: 'example/module', revision: 'a'.repeat(40), path: 't.c', blob: null, licence: 'MIT' },
    alsoRead: [],
    spreadsheetFormat: 8,
    lookup: leaves.map((each, slot) => ({
      ...(keys[slot] ?? { leaf: 0, subleaf: null }),
      slot,
      line: slot + 1,
      faulting: each.faulting ?? false,
      verifyMask: {},
      verifyValue: {},
      verifySame: {},
      fixed0OrDynamic: each.fixed0 ?? ALL,
      fixed1: each.fixed1 ?? {},
    })),
    configurable: leaves.flatMap((each, slot) =>
      each.allow === undefined && each.direct === undefined
        ? []
        : [
            {
              ...(keys[slot] ?? { leaf: 0, subleaf: null }),
              slot,
              configDirect: each.direct ?? {},
              allowDirect: each.allow ?? {},
            },
          ],
    ),
    xfamMasks: leaves.flatMap((each, slot) =>
      each.gates === undefined ? [] : [{ ...(keys[slot] ?? { leaf: 0, subleaf: null }), bits: each.gates }],
    ),
    fixed0Leaves: [],
    attributes: null,
    xfam: null,
    features0: null,
    features0Conditional: [],
    featureNames: new Map(),
    mrseam: null,
    cpuidFlags: null,
    notes: [],
    ...extra,
  };
  return { module, registers: classify(module) };
}

const PLACE = { leaf: 7, subleaf: 1, register: 'eax' } as const;
const KNOWLEDGE: Knowledge = {
  required: [{ ...PLACE, mask: 0x8, name: 'NEEDED', reason: 'KVM needs it' }],
  staticRegisters: [{ leaf: 4, subleaf: null, register: null, reason: 'cache parameters' }],
  clobbers: [
    {
      feature: 'CLOB',
      kind: 'clobber',
      bits: [{ ...PLACE, mask: 0x2 }],
      attributes: [],
      xfam: [],
      msrs: ['UMWAIT_CONTROL'],
      source: 'a test',
      line: 1,
    },
  ],
  names: [{ ...PLACE, high: 1, low: 1, name: 'CLOB' }],
  levels: [],
};
const policy = (extra: Partial<Policy> = {}): Policy => ({
  version: '6.99',
  source: { repository: 'example/linux', revision: 'b'.repeat(40), path: 'tdx.c', blob: null },
  generation: 'denylist',
  deny: [],
  allow: [],
  adds: [],
  attributes: 0n,
  xfam: ['fp', 'sse'],
  restores: [],
  configLimit: null,
  known: [],
  notes: [],
  ...extra,
});
const entry = (mask: number) => ({ ...PLACE, mask, path: 'tdx.c', line: 7 });
const restore = { msr: 'MSR_IA32_UMWAIT_CONTROL', by: 'f', path: 'tdx.c', line: 9 };
const clobbers = (exit: 'none' | 'restored'): ClobberFacts => ({
  release: 'x',
  source: { repository: 'r', revision: 'c', path: 'p', blob: null },
  msrs: [
    {
      msr: 'IA32_UMWAIT_CONTROL',
      address: 0xe1,
      guard: 'cpuid_flags.c',
      entry: [{ path: 'e.c', line: 3, guards: [] }],
      exit,
      exitAt: [],
      reason: null,
      openers: [],
    },
  ],
  notes: [],
});

const step = (
  from: ClassedRelease,
  to: ClassedRelease,
  facts: readonly (readonly [string, ClobberFacts])[] = [],
): readonly Finding[] => judgeStep(from, to, new Map(facts), KNOWLEDGE).findings;
const under = (to: ClassedRelease, kvm: Policy, base = release('1.5.06', [{}])): readonly Finding[] =>
  judgeRelease(to, kvm, base, null, new Map(), KNOWLEDGE).findings;

const older = '2.0.02';
const newer = '2.0.04';
const fixedOff = (mask: number): RegisterMasks => ({ ...ALL, eax: ~mask >>> 0 });
const plain = release(older, [{}]);
const configurable = release(newer, [{ fixed0: fixedOff(0x4), allow: { eax: 0x4 } }]);
const FEATURES = { features0: 1n };

/** For each rule: findings of a case that fires it, and of one that comes close and does not. */
const CASES: Readonly<Partial<Record<RuleId, readonly [() => readonly Finding[], () => readonly Finding[]]>>> = {
  'configurable-added': [
    () => step(plain, configurable),
    () => step(configurable, release(newer, [{ fixed0: fixedOff(0x4), allow: { eax: 0x4 } }])),
  ],
  'configurable-added-clobbers-host': [
    () => step(plain, release(newer, [{ fixed0: fixedOff(0x2), allow: { eax: 0x2 } }])),
    () => step(plain, configurable),
  ],
  'configurable-removed': [() => step(configurable, plain), () => step(plain, configurable)],
  'fixed1-added': [
    () => step(plain, release(newer, [{ fixed0: fixedOff(0x4), fixed1: { eax: 0x4 } }])),
    () => step(plain, configurable),
  ],
  'fixed1-removed': [
    () => step(release(older, [{ fixed0: fixedOff(0x4), fixed1: { eax: 0x4 } }]), plain),
    () => step(configurable, plain),
  ],
  'fixed0-added': [() => step(configurable, plain), () => step(plain, configurable)],
  'native-added': [() => step(plain, release(newer, [{ fixed0: fixedOff(0x4) }])), () => step(plain, configurable)],
  'leaf-added': [() => step(plain, release(newer, [{}, { leaf: 9, subleaf: null }])), () => step(plain, configurable)],
  'leaf-removed': [
    () => step(release(older, [{}, { leaf: 9, subleaf: null }]), plain),
    () => step(plain, release(newer, [{}, { leaf: 9, subleaf: null }])),
  ],
  've-removed': [
    () => step(release(older, [{ faulting: true }]), plain),
    () => step(plain, release(newer, [{ faulting: true }])),
  ],
  've-added': [
    () => step(plain, release(newer, [{ faulting: true }])),
    () => step(release(older, [{ faulting: true }]), plain),
  ],
  'gate-changed': [
    () =>
      step(
        configurable,
        release(newer, [{ fixed0: fixedOff(0x4), allow: { eax: 0x4 }, gates: new Map([[2, { eax: 0x4 }]]) }]),
      ),
    () => step(plain, configurable),
  ],
  'unfixed-not-configurable': [
    () => step(plain, release(newer, [{ fixed0: fixedOff(0x4) }])),
    () => step(plain, release(newer, [{ fixed0: fixedOff(0x4), gates: new Map([[2, { eax: 0x4 }]]) }])),
  ],
  'fixed-change-without-feature': [
    () =>
      step(release(older, [{}], FEATURES), release(newer, [{ fixed0: fixedOff(0x4), allow: { eax: 0x4 } }], FEATURES)),
    () =>
      step(
        release(older, [{}], FEATURES),
        release(newer, [{ fixed0: fixedOff(0x4), allow: { eax: 0x4 } }], { features0: 3n }),
      ),
  ],
  'required-bit-lost': [
    () => step(release(older, [{ fixed0: fixedOff(0x8), allow: { eax: 0x8 } }]), plain),
    () => step(configurable, plain),
  ],
  'static-leaf-extended': [
    () =>
      step(
        release(older, [{ leaf: 4, subleaf: 0 }]),
        release(newer, [{ leaf: 4, subleaf: 0, fixed0: fixedOff(0x4), direct: { eax: 0x4 } }]),
      ),
    () => step(plain, configurable),
  ],
  'attribute-added': [
    () =>
      step(
        release(older, [], { attributes: { fixed0: 1n, fixed1: 0n } }),
        release(newer, [], { attributes: { fixed0: 3n, fixed1: 0n } }),
      ),
    () => step(release(older, [], { attributes: { fixed0: 1n, fixed1: 0n } }), release(newer, [])),
  ],
  'attribute-removed': [
    () =>
      step(
        release(older, [], { attributes: { fixed0: 3n, fixed1: 0n } }),
        release(newer, [], { attributes: { fixed0: 1n, fixed1: 0n } }),
      ),
    () => step(release(older, []), release(newer, [], { attributes: { fixed0: 1n, fixed1: 0n } })),
  ],
  'xfam-added': [
    () =>
      step(
        release(older, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
        release(newer, [], { xfam: { fixed0: 7n, fixed1: 3n } }),
      ),
    () =>
      step(
        release(older, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
        release(newer, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
      ),
  ],
  'xfam-removed': [
    () =>
      step(
        release(older, [], { xfam: { fixed0: 7n, fixed1: 3n } }),
        release(newer, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
      ),
    () =>
      step(
        release(older, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
        release(newer, [], { xfam: { fixed0: 7n, fixed1: 3n } }),
      ),
  ],
  'feature-added': [
    () => step(release(older, [], FEATURES), release(newer, [], { features0: 3n })),
    () => step(release(older, []), release(newer, [], { features0: 3n })),
  ],
  'feature-removed': [
    () => step(release(older, [], { features0: 3n }), release(newer, [], FEATURES)),
    () => step(release(older, [], FEATURES), release(newer, [], { features0: 3n })),
  ],
  'feature-renumbered': [
    () =>
      step(
        release(older, [], { featureNames: new Map([[21, 'a']]) }),
        release(newer, [], { featureNames: new Map([[21, 'b']]) }),
      ),
    () =>
      step(
        release(older, [], { featureNames: new Map([[21, 'a']]) }),
        release(newer, [], {
          featureNames: new Map([
            [21, 'a'],
            [22, 'b'],
          ]),
        }),
      ),
  ],
  'cpuid-flag-added': [
    () => step(release(older, [], { cpuidFlags: ['a'] }), release(newer, [], { cpuidFlags: ['a', 'b'] })),
    () => step(release(older, []), release(newer, [], { cpuidFlags: ['b'] })),
  ],
  'cpuid-flag-removed': [
    () => step(release(older, [], { cpuidFlags: ['a', 'b'] }), release(newer, [], { cpuidFlags: ['a'] })),
    () => step(release(older, [], { cpuidFlags: ['b'] }), release(newer, [])),
  ],
  'clobber-added': [
    () =>
      step(plain, release(newer, [{}]), [
        [older, clobbers('restored')],
        [newer, clobbers('none')],
      ]),
    () =>
      step(plain, release(newer, [{}]), [
        [older, clobbers('none')],
        [newer, clobbers('none')],
      ]),
  ],
  'clobber-removed': [
    () =>
      step(plain, release(newer, [{}]), [
        [older, clobbers('none')],
        [newer, clobbers('restored')],
      ]),
    () => step(plain, release(newer, [{}]), [[newer, clobbers('restored')]]),
  ],
  'config-slots-near-limit': [
    () => under(configurable, policy({ configLimit: 1 })),
    () => under(configurable, policy({ configLimit: 2 })),
  ],
  'needs-optin': [
    () => under(configurable, policy({ generation: 'allowlist' })),
    () => under(configurable, policy({ generation: 'allowlist', allow: [entry(0x4)] })),
  ],
  'exposed-unreviewed': [
    () => under(configurable, policy()),
    () => under(configurable, policy(), release('1.5.06', [{ fixed0: fixedOff(0x4), allow: { eax: 0x4 } }])),
  ],
  'exposed-clobbers-host': [
    () => under(release(newer, [{ fixed0: fixedOff(0x2), allow: { eax: 0x2 } }]), policy()),
    () => under(release(newer, [{ fixed0: fixedOff(0x2), allow: { eax: 0x2 } }]), policy({ restores: [restore] })),
  ],
  'allow-stale': [
    () => judgePolicy(policy({ generation: 'allowlist', allow: [entry(0x40)] }), [configurable], KNOWLEDGE),
    () => judgePolicy(policy({ generation: 'allowlist', allow: [entry(0x4)] }), [configurable], KNOWLEDGE),
  ],
  'deny-stale': [
    () => judgePolicy(policy({ deny: [entry(0x40)] }), [configurable], KNOWLEDGE),
    () => judgePolicy(policy({ deny: [entry(0x4)] }), [configurable], KNOWLEDGE),
  ],
  'policy-allow-added': [
    () => judgePolicyStep(policy(), policy({ allow: [entry(4)] }), KNOWLEDGE),
    () => judgePolicyStep(policy({ allow: [entry(4)] }), policy({ allow: [{ ...entry(4), line: 99 }] }), KNOWLEDGE),
  ],
  'policy-allow-removed': [
    () => judgePolicyStep(policy({ allow: [entry(4)] }), policy(), KNOWLEDGE),
    () => judgePolicyStep(policy(), policy({ allow: [entry(4)] }), KNOWLEDGE),
  ],
  'policy-deny-added': [
    () => judgePolicyStep(policy(), policy({ deny: [entry(4)] }), KNOWLEDGE),
    () => judgePolicyStep(policy({ deny: [entry(6)] }), policy({ deny: [entry(4), entry(2)] }), KNOWLEDGE),
  ],
  'policy-deny-removed': [
    () => judgePolicyStep(policy({ deny: [entry(4)] }), policy(), KNOWLEDGE),
    () => judgePolicyStep(policy(), policy({ deny: [entry(4)] }), KNOWLEDGE),
  ],
  'restore-added': [
    () => judgePolicyStep(policy(), policy({ restores: [restore] }), KNOWLEDGE),
    () => judgePolicyStep(policy({ restores: [restore] }), policy({ restores: [{ ...restore, by: 'g' }] }), KNOWLEDGE),
  ],
  'restore-removed': [
    () => judgePolicyStep(policy({ restores: [restore] }), policy(), KNOWLEDGE),
    () => judgePolicyStep(policy(), policy({ restores: [restore] }), KNOWLEDGE),
  ],
};

const ids = (findings: readonly Finding[]): readonly RuleId[] => findings.map(({ rule }) => rule);

describe('each rule', () => {
  test.each(RULES.filter(({ scope }) => scope !== 'project').map(({ id }) => id))(
    '%s fires, and a near miss does not fire it',
    (id) => {
      const [fires, misses] = CASES[id] ?? [];
      if (fires === undefined || misses === undefined) throw new Error(`${id} has no case`);
      expect(ids(fires())).toContain(id);
      expect(ids(misses())).not.toContain(id);
    },
  );

  test('has a mirror that knows it, or a reason to have none', () => {
    for (const rule of RULES) {
      if (rule.mirror === null) expect([rule.id, rule.noMirror ?? '']).not.toEqual([rule.id, '']);
      else expect([rule.id, CATALOGUE[rule.mirror].mirror]).toEqual([rule.id, rule.id]);
    }
    expect(RULES.map(({ id }) => id)).toEqual([...RULE_IDS]);
  });
});

test('the change table names a rule for every pair of classes that differ', () => {
  for (const from of CELL_CLASSES)
    for (const to of CELL_CLASSES)
      expect([from, to, CHANGE_TABLE[from][to].length > 0]).toEqual([from, to, from !== to]);
});

test('levels: a clobbering fixed-1 bit, a gate that opens, an override of a leaf', () => {
  const gated = release(older, [{ fixed0: fixedOff(0x4), allow: { eax: 0x4 }, gates: new Map([[2, { eax: 0x4 }]]) }]);
  expect(step(gated, configurable).find(({ rule }) => rule === 'gate-changed')?.level).toBe('warning');
  expect(step(configurable, gated).find(({ rule }) => rule === 'gate-changed')?.level).toBe('info');
  const fixed = step(plain, release(newer, [{ fixed0: fixedOff(0x6), fixed1: { eax: 0x6 } }])).filter(
    ({ rule }) => rule === 'fixed1-added',
  );
  expect(fixed.map(({ mask, facts }) => [mask, facts.kind])).toEqual([
    [0x2, 'clobber'],
    [0x4, 'class-change'],
  ]);
  const louder = {
    ...KNOWLEDGE,
    levels: [
      { rule: 'configurable-added' as const, leaf: { leaf: 7, subleaf: 1 }, level: 'error' as const, reason: 'r' },
    ],
  };
  expect(
    judgeStep(plain, configurable, new Map(), louder).findings.find(({ rule }) => rule === 'configurable-added')?.level,
  ).toBe('error');
});

test('verdicts: denied, allowed since the base, exposed when newer, unreachable behind a closed gate', () => {
  const offered = release(newer, [
    { fixed0: fixedOff(0x1f), allow: { eax: 0x1f }, gates: new Map([[2, { eax: 0x10 }]]) },
  ]);
  const base = release('1.5.06', [{ fixed0: fixedOff(0x4), allow: { eax: 0x4 } }]);
  const { verdicts } = judgeRelease(offered, policy({ deny: [entry(0x1)] }), base, null, new Map(), KNOWLEDGE);
  expect(verdicts.map(({ verdict, mask }) => [verdict, mask])).toEqual([
    ['denied', 0x1],
    ['unreachable', 0x10],
    ['allowed', 0x4],
    ['exposed', 0xa],
  ]);
  const open = judgeRelease(
    offered,
    policy({ xfam: 0x7n, deny: [entry(0x1)] }),
    base,
    null,
    new Map(),
    KNOWLEDGE,
  ).verdicts;
  expect(open.find(({ verdict }) => verdict === 'unreachable')).toBeUndefined();
});

test('a fingerprint keeps through wording, level, lines and names, and follows place and arguments', () => {
  const [first] = step(plain, configurable);
  const renamed = judgeStep(plain, configurable, new Map(), {
    ...KNOWLEDGE,
    names: [],
    levels: [{ rule: 'configurable-added', leaf: null, level: 'info', reason: 'r' }],
  }).findings;
  expect(renamed.map(({ fingerprint }) => fingerprint)).toContain(first?.fingerprint);
  const other = step(plain, release(newer, [{ fixed0: fixedOff(0x10), allow: { eax: 0x10 } }]));
  expect(other.map(({ fingerprint }) => fingerprint)).not.toContain(first?.fingerprint);
});

test('waivers: a waived finding stays and does not gate; one that matches nothing or is expired is a finding', () => {
  const findings = step(plain, configurable);
  const [first] = findings;
  const waiver = {
    reason: 'known',
    by: 'A. Person',
    until: '2026-12-31',
    selector: { fingerprint: first?.fingerprint ?? '' },
  };
  const waived = applyWaivers(findings, [waiver], '2026-12-31', KNOWLEDGE);
  expect(waived.map(({ rule }) => rule)).toEqual(findings.map(({ rule }) => rule));
  expect(gating(waived, 'info').length).toBe(gating(findings, 'info').length - 1);
  expect(ids(applyWaivers(findings, [waiver], '2027-01-01', KNOWLEDGE))).toContain('waiver-expired');
  const lost = { ...waiver, selector: { rule: 'leaf-removed' as const, place: null, release: null, policy: null } };
  expect(ids(applyWaivers(findings, [lost], '2026-12-01', KNOWLEDGE))).toContain('waiver-unmatched');
});

describe('a mask of a policy that holds for every sub-leaf', () => {
  const every = { ...entry(0x40), subleaf: 0, everySubleafBut: [2] };
  const at = (subleaf: number | null): ClassedRelease => release('1.5.08', [{ subleaf, allow: { eax: 0x40 } }]);
  const ids = (findings: readonly Finding[]): readonly RuleId[] => findings.map(({ rule }) => rule);

  test('allows at each sub-leaf, and at a leaf without, but not where the code says otherwise', () => {
    const allowing = policy({ generation: 'allowlist', allow: [every] });
    expect(ids(under(at(0), allowing))).not.toContain('needs-optin');
    expect(ids(under(at(1), allowing))).not.toContain('needs-optin');
    expect(ids(under(at(null), allowing))).not.toContain('needs-optin');
    expect(ids(under(at(2), allowing))).toContain('needs-optin');
  });

  test('is stale only if no sub-leaf is offered, and is more than a mask of one sub-leaf', () => {
    const allowing = policy({ generation: 'allowlist', allow: [every] });
    expect(ids(judgePolicy(allowing, [at(1)], KNOWLEDGE))).not.toContain('allow-stale');
    expect(ids(judgePolicy(allowing, [at(2)], KNOWLEDGE))).toContain('allow-stale');
    const one = policy({ generation: 'allowlist', allow: [{ ...entry(0x40), subleaf: 0 }] });
    expect(ids(judgePolicyStep(one, allowing, KNOWLEDGE))).toContain('policy-allow-added');
    expect(ids(judgePolicyStep(allowing, one, KNOWLEDGE))).toContain('policy-allow-removed');
    expect(ids(judgePolicyStep(allowing, allowing, KNOWLEDGE))).toEqual([]);
  });
});
