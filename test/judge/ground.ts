import { ruleOf } from '../../pipeline/judge/catalogue.ts';
import { type Ground, judgeProject, judgeRelease } from '../../pipeline/judge/judge.ts';
import { type ClassedRelease, classify } from '../../pipeline/model/class.ts';
import type { ClobberFacts, MsrTransition } from '../../pipeline/model/clobber.ts';
import type { DeciderRule, Limits } from '../../pipeline/model/decider-rules.ts';
import type { Finding } from '../../pipeline/model/finding.ts';
import type { Knowledge } from '../../pipeline/model/knowledge.ts';
import { hex32 } from '../../pipeline/model/mask.ts';
import type { ModuleRelease, RegisterMasks } from '../../pipeline/model/module.ts';
import { formatPlace } from '../../pipeline/model/place.ts';
import type { Policy } from '../../pipeline/model/policy.ts';
import type { PolicyChanges } from '../../pipeline/model/series-effect.ts';

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
type Extra = Partial<
  Pick<
    ModuleRelease,
    'attributes' | 'xfam' | 'features0' | 'features0Conditional' | 'featureNames' | 'cpuidFlags' | 'fixed0Leaves'
  >
>;

const ALL: RegisterMasks = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };

const NO_LIMITS = {
  configFlags: 0n,
  maxVcpus: 1,
  maxL2Vms: 0,
  lastBaseLeaf: 0x23,
  lastExtendedLeaf: null,
  minMaxpa: 36,
  tdControls: [],
  families: [],
  archCapabilities: { one: 0n, zero: 0n, config: 0n },
};

/** A release of one or more leaves, 7.1 unless another is named; bits are fixed to 0 unless said. */
export function release(
  name: string,
  leaves: readonly Leaf[],
  extra: Extra = {},
  rules: readonly DeciderRule[] | null = null,
): ClassedRelease {
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
  const code =
    rules === null
      ? undefined
      : {
          release: name,
          like: null,
          reason: '',
          sources: [],
          rules,
          limits: NO_LIMITS,
          checks: [],
          functions: [],
          unexamined: [],
        };
  return { module, registers: classify(module, code), rules: code };
}

/** The same release, whose code has other limits. */
export const withLimits = (made: ClassedRelease, limits: Partial<Limits>): ClassedRelease =>
  made.rules === undefined ? made : { ...made, rules: { ...made.rules, limits: { ...NO_LIMITS, ...limits } } };

/** The same release, with these bits of TD_CTLS for the guest to write. */
export const withControls = (made: ClassedRelease, tdControls: Limits['tdControls']): ClassedRelease =>
  withLimits(made, { tdControls });

export const PLACE = { leaf: 7, subleaf: 1, register: 'eax' } as const;
export const KNOWLEDGE: Knowledge = {
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
      source: 's',
      line: 1,
    },
  ],
  names: [
    { ...PLACE, high: 1, low: 1, name: 'CLOB' },
    { ...PLACE, high: 2, low: 2, name: 'PLAIN' },
    { ...PLACE, high: 31, low: 28, name: 'NUMBER' },
  ],
  levels: [],
};
export const policy = (extra: Partial<Policy> = {}): Policy => ({
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
export const entry = (mask: number) => ({ ...PLACE, mask, path: 'tdx.c', line: 7 });
export const restore = { msr: 'MSR_IA32_UMWAIT_CONTROL', by: 'f', path: 'tdx.c', line: 9 };
export const clobbers = (exit: MsrTransition['exit'], extra: Partial<MsrTransition> = {}): ClobberFacts => ({
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
      ...extra,
    },
  ],
  notes: [],
});

export const ground = (extra: Partial<Ground> = {}): Ground => ({
  releases: [],
  clobbers: new Map(),
  knowledge: KNOWLEDGE,
  cpuid2: { questions: [], kernels: [] },
  base: null,
  ...extra,
});

/** Findings of a step, under no KVM; the shipped ones were written against 1.5.06. */
export const step = (
  from: ClassedRelease,
  to: ClassedRelease,
  facts: readonly (readonly [string, ClobberFacts])[] = [],
  knowledge = KNOWLEDGE,
): readonly Finding[] =>
  judgeRelease({ from, to, policy: null }, ground({ clobbers: new Map(facts), knowledge, base: '1.5.06' })).findings;

/** Findings of a release under a KVM that was written against `base`, coming from `from`. */
export const under = (
  to: ClassedRelease,
  kvm: Policy,
  { from, facts, knowledge = KNOWLEDGE, base }: Partial<Under> = {},
): readonly Finding[] => {
  const before = from ?? release('1.5.05', [{}]);
  const releases = [before, to, ...(base === undefined ? [] : [base])];
  return judgeRelease(
    { from: before, to, policy: { requires: [], ...kvm } },
    ground({
      releases,
      clobbers: new Map(facts === undefined ? [] : [[to.module.release, facts]]),
      knowledge,
      base: base?.module.release ?? null,
    }),
  ).findings;
};
type Under = {
  readonly from: ClassedRelease;
  readonly facts: ClobberFacts;
  readonly knowledge: Knowledge;
  readonly base: ClassedRelease;
};

const evidenceText = ({ repository, path, line: at }: Finding['evidence'][number]): string =>
  `${repository.replace('example/', '')} ${path}:${at}`;

/** One finding as a line: level, rule, verdict, whom it is for where the rule says otherwise, places with masks, facts, and the lines that say so. */
export const line = ({ level, rule, verdict, places, facts, also, evidence, for: people }: Finding): string =>
  [
    level,
    rule,
    ...(verdict === null ? [] : [verdict]),
    ...(people === ruleOf(rule).for ? [] : [`for ${people.join(', ')}`]),
    places.map((place) => `${formatPlace(place)} ${hex32(place.mask)}`).join(', ') || '-',
    JSON.stringify(facts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
    ...(also.length === 0 ? [] : [`also ${also.map((each) => each.rule).join(', ')}`]),
    ...(evidence.length === 0 ? [] : [`at ${evidence.map(evidenceText).join(', ')}`]),
  ].join(' | ');

export const NONE = { added: [], removed: [] };
/** Two policies that do not differ. */
export const CHANGES: PolicyChanges = {
  generation: { from: 'denylist', to: 'denylist' },
  deny: NONE,
  allow: NONE,
  adds: NONE,
  known: NONE,
  restores: NONE,
  attributes: { added: 0n, removed: 0n },
  xfam: NONE,
  configLimit: { from: 80, to: 80 },
};

/** What is found of the facts themselves, of nothing but what a test says. */
export const project = (extra: Partial<Parameters<typeof judgeProject>[0]>): readonly Finding[] =>
  judgeProject({
    releases: [],
    published: [],
    unread: [],
    clobbers: [],
    registers: [],
    decisions: [],
    knowledge: KNOWLEDGE,
    ...extra,
  });
