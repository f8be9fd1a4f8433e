import type { RuleId } from '../../pipeline/judge/catalogue.ts';
import { judgePolicy, judgePolicyStep, judgeRelease } from '../../pipeline/judge/judge.ts';
import type { ClobberFacts } from '../../pipeline/model/clobber.ts';
import type { Cpuid2Facts, Cpuid2Question } from '../../pipeline/model/cpuid2.ts';
import type { Condition, DeciderRule } from '../../pipeline/model/decider-rules.ts';
import type { Finding } from '../../pipeline/model/finding.ts';
import type { Knowledge } from '../../pipeline/model/knowledge.ts';
import type { RegisterMasks } from '../../pipeline/model/module.ts';
import type { Policy } from '../../pipeline/model/policy.ts';
import {
  clobbers,
  entry,
  ground,
  KNOWLEDGE,
  PLACE,
  policy,
  project,
  release,
  restore,
  step,
  under,
  withLimits,
} from './ground.ts';

const CHANGED = [
  { path: 'src/init.c', name: 'mask', line: 12, kind: 'changed' },
  { path: 'src/init.c', name: 'gone', line: null, kind: 'gone' },
] as const;
const older = '2.0.02';
const newer = '2.0.04';
const ALL: RegisterMasks = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
const off = (mask: number): RegisterMasks => ({ ...ALL, eax: ~mask >>> 0 });
const plain = release(older, [{}]);
const offers = (mask: number, name = newer) => release(name, [{ fixed0: off(mask), allow: { eax: mask } }]);
const fixed = (mask: number, name = newer) => release(name, [{ fixed0: off(mask), fixed1: { eax: mask } }]);
const passes = (mask: number, name = newer) => release(name, [{ fixed0: off(mask) }]);
const FEATURES = { features0: 1n };
const knowing = (extra: Partial<Knowledge>): Knowledge => ({ ...KNOWLEDGE, ...extra });
const functional = {
  feature: 'HELP',
  kind: 'functional',
  attributes: [],
  xfam: [],
  msrs: [],
  line: 2,
  source: 's',
} as const;
const policyStep = (from: Partial<Policy>, to: Partial<Policy>, extra = ground()): readonly Finding[] =>
  judgePolicyStep(policy({ version: '6.98', ...from }), policy(to), extra).findings;
const perfmonRow = {
  feature: 'PERF',
  kind: 'clobber',
  bits: [],
  attributes: [63],
  xfam: [],
  msrs: ['PEBS_ENABLE'],
  line: 3,
  source: 's',
} as const;
const lbrRow = {
  feature: 'LBR',
  kind: 'clobber',
  bits: [],
  attributes: [],
  xfam: [15],
  msrs: ['LBR_DEPTH'],
  line: 4,
  source: 's',
} as const;
const behind = ground({
  clobbers: new Map([
    ['x', clobbers('none', { msr: 'IA32_PEBS_ENABLE', openers: [{ kind: 'attributes', bit: 63, name: 'PERFMON' }] })],
    ['y', clobbers('none', { msr: 'IA32_LBR_DEPTH', openers: [{ kind: 'xfam', bit: 15, name: 'LBR' }] })],
  ]),
  knowledge: knowing({ clobbers: [perfmonRow, lbrRow] }),
});
const rcx = { interface: 'TDG.VP.VMCALL', register: 'RCX', line: 1 } as const;
const veRule = (effect: DeciderRule['effect'], stage: DeciderRule['stage'] = 'guest'): DeciderRule => ({
  id: 'r',
  stage,
  leaf: 7,
  masks: { eax: 0x4 },
  effect,
  source: 's',
  lines: null,
});
const untilReduceVe = veRule({ do: 'set', unless: [{ kind: 'guest', control: 'REDUCE_VE' }] });
const coded = (name: string, leaf: Parameters<typeof release>[1][number], rules: readonly DeciderRule[]) =>
  release(name, [leaf], {}, rules);

const asksVe = (leaf: number): DeciderRule => ({
  ...veRule({ do: 've', unless: [{ kind: 'guest', control: 'REDUCE_VE' }] }),
  leaf,
  masks: ALL,
});
/** A release with leaves that no table has and that read as 0, some of them once the guest asks. */
const zeros = (name: string, fixed0Leaves: readonly number[], rules: readonly DeciderRule[] | null = [asksVe(0xc)]) =>
  release(name, [{}], { fixed0Leaves }, rules);

const split = (kind: 'hidden-not-refused' | 'shown-but-refused') => ({
  kind,
  ...PLACE,
  mask: 0x4,
  shown: { path: 'tdx.c', line: 3 },
  setUp: { path: 'tdx.c', line: 9 },
});

const OPENER = { kind: 'cpuid', ...PLACE, mask: 0x2, flag: 'clob_supported' } as const;
const CLOB = { msrs: ['UMWAIT_CONTROL'], openers: [OPENER] };
const question = (extra: Partial<Cpuid2Question> = {}): Cpuid2Question => ({
  id: 'counters',
  asks: [{ path: 'pmu.c', function: 'refresh', word: 'guest_cpu_cap_has', isCall: false }],
  guards: [[{ path: 'pmu.c', function: 'refresh', word: 'is_td_vcpu', isCall: false }]],
  about: 'host',
  msrs: CLOB.msrs,
  decides: 'which counters run',
  differs: 'nothing',
  ...extra,
});
const askedAt = { path: 'arch/x86/kvm/pmu.c', function: 'refresh', line: 12 };
const guardedAt = { ...askedAt, line: 5 };
const unlistedAt = { path: 'arch/x86/kvm/vmx/tdx.c', function: 'tdx_run', line: 31, word: 'guest_cpu_cap_has' };

/** A policy whose kernel asks one question, guarded or not, on a release that leaves the MSR behind where a TD has the feature. */
const asking = (
  { guard = null, ...extra }: Partial<Cpuid2Question> & { readonly guard?: typeof guardedAt | null } = {},
  kvm: Partial<Policy> = {},
  exit: Parameters<typeof clobbers>[0] = 'init',
  line: number | null = 3,
  knowledge = KNOWLEDGE,
  newer: readonly ClobberFacts[] = [],
): readonly Finding[] =>
  judgePolicy(
    policy(kvm),
    ground({
      knowledge,
      releases: [release('x', [{}]), release('y', [{}])],
      clobbers: new Map([
        ['x', clobbers(exit, { openers: CLOB.openers, entry: [{ path: 'e.c', line, guards: [] }] })],
        ...newer.map((facts) => [facts.release, facts] as const),
      ]),
      cpuid2: {
        questions: [question(extra)],
        kernels: [
          {
            version: '6.99',
            source: policy().source,
            asks: [{ question: 'counters', at: askedAt, guard }],
            unlisted: [],
          },
        ],
      },
    }),
  );
const asks = (facts: Partial<Cpuid2Facts> | null, questions: readonly Cpuid2Question[] = [question()]) =>
  judgePolicy(
    policy(),
    ground({
      cpuid2: {
        questions,
        kernels:
          facts === null
            ? []
            : [
                {
                  version: '6.99',
                  source: policy().source,
                  asks: [{ question: 'counters', at: askedAt, guard: guardedAt }],
                  unlisted: [],
                  ...facts,
                },
              ],
      },
    }),
  );

const writtenFor = (name: string) => ({ release: name, because: 'its authors said so' });
const unfixed = release(older, [{ fixed0: off(0x10) }], FEATURES);
const fixing = release(newer, [{ fixed0: off(0x10), fixed1: { eax: 0x10 } }], FEATURES);

/** A clobbering row of two MSRs, of one of which nothing is known. */
const twoMsrs = {
  feature: 'CLOB',
  kind: 'clobber',
  bits: [{ ...PLACE, mask: 0x2 }],
  attributes: [],
  xfam: [],
  msrs: ['UMWAIT_CONTROL', 'NOT_READ'],
  source: 's',
  line: 1,
} as const;
/** A release that lacks what KVM requires of it. */
const refused = (mask: number) => release(newer, [{ fixed0: off(mask), allow: { eax: mask } }], FEATURES);
const refusing = (extra: Partial<Policy>): Policy =>
  policy({ requires: [{ kind: 'features0', mask: 2n, path: 'tdx.c', line: 1 }], ...extra });
/** A leaf that gives a text of up to 16 letters, in the order of a vendor's name and then EAX. */
const words = (leaf: number, text: string) => {
  const fixed1: Record<string, number> = {};
  for (const [at, register] of (['ebx', 'edx', 'ecx', 'eax'] as const).entries())
    fixed1[register] = [0, 1, 2, 3].reduce(
      (word, byte) => word + (text.charCodeAt(at * 4 + byte) || 0) * 256 ** byte,
      0,
    );
  const fixed0 = Object.fromEntries(Object.entries(fixed1).map(([register, word]) => [register, ~word >>> 0]));
  return { leaf, subleaf: null, fixed0, fixed1 };
};
const BRAND = 0x80000002;
const nameOf = (high: number, low: number, name: string) => ({ ...PLACE, high, low, name });
const xfamRule: DeciderRule = { ...veRule({ do: 'xfam-masks' }, 'init'), masks: ALL };
const waits = (mask: number, when: Condition): DeciderRule => ({
  ...veRule({ do: 'clear', unless: [when] }, 'guest'),
  masks: { eax: mask },
});
const of = (name: string, facts: ClobberFacts): ClobberFacts => ({
  ...facts,
  source: { ...facts.source, repository: `example/${name}` },
});
/** PERFMON's MSR as each of several releases leaves it. */
const pebs = (...exits: readonly Parameters<typeof clobbers>[0][]) =>
  ground({
    clobbers: new Map(
      exits.map((exit, at) => [
        `${at}`,
        clobbers(exit, { msr: 'IA32_PEBS_ENABLE', openers: [{ kind: 'attributes', bit: 63, name: 'PERFMON' }] }),
      ]),
    ),
    knowledge: knowing({ clobbers: [perfmonRow] }),
  });

type Case = {
  readonly fires: () => readonly Finding[];
  readonly near: Readonly<Record<string, () => readonly Finding[]>>;
};

/** For each rule a case that fires it, and cases that come close: each result is in the golden file, line by line. */
export const CASES = {
  'required-bit-lost': {
    fires: () => step(offers(0x8, older), release(newer, [])),
    near: {
      'of two registers the required one': () =>
        step(
          release(older, [{ fixed0: { ...off(0x8), ecx: 0xfffffff7 }, allow: { eax: 0x8, ecx: 0x8 } }]),
          release(newer, [{}]),
        ),
      'the lowest bit': () =>
        step(offers(0x5, older), plain, [], {
          ...KNOWLEDGE,
          required: [{ ...PLACE, mask: 0x1, name: 'NEEDED', reason: 'KVM needs it' }],
        }),

      'another bit': () => step(offers(0x4, older), release(newer, [])),
      'it was not there': () => step(plain, release(newer, [])),
      'it stays native': () => step(offers(0x8, older), passes(0x8)),
    },
  },
  'exposed-clobbers-host': {
    fires: () => under(offers(0x6), policy(), { facts: clobbers('none') }),
    near: {
      'allowed by a list it is lost all the same': () =>
        under(offers(0x2), policy({ generation: 'allowlist', allow: [entry(0x2)] }), { facts: clobbers('none') }),
      'written at two places, of which the first is cited': () =>
        under(offers(0x2), policy(), {
          facts: clobbers('none', {
            entry: [
              { path: 'e.c', line: 3, guards: [] },
              { path: 'e.c', line: 9, guards: [] },
            ],
          }),
        }),

      'of two MSRs one is shown to be lost': () =>
        under(offers(0x2), policy(), { facts: clobbers('none'), knowledge: knowing({ clobbers: [twoMsrs] }) }),

      'the module restores it': () => under(offers(0x2), policy(), { facts: clobbers('restored') }),
      'KVM restores it': () => under(offers(0x2), policy({ restores: [restore] }), { facts: clobbers('none') }),
      'KVM denies it': () => under(offers(0x2), policy({ deny: [entry(0x2)] }), { facts: clobbers('none') }),
      'not examined is no proof': () => under(offers(0x2), policy()),
      'passed by caps it is lost all the same': () =>
        under(offers(0x2), policy({ known: [entry(0x2)] }), { facts: clobbers('init') }),
      'the release before had it': () =>
        under(offers(0x2), policy(), { from: offers(0x2, older), facts: clobbers('none') }),
      'a row that says no sub-leaf means sub-leaf 0': () =>
        under(release(newer, [{ subleaf: 0, fixed0: off(0x2), allow: { eax: 0x2 } }]), policy(), {
          from: release(older, [{ subleaf: 0 }]),
          facts: clobbers('none'),
          knowledge: knowing({
            clobbers: KNOWLEDGE.clobbers.map((row) => ({ ...row, bits: [{ ...PLACE, subleaf: null, mask: 0x2 }] })),
          }),
        }),
    },
  },
  'configurable-added-clobbers-host': {
    fires: () => step(plain, offers(0x6), [[newer, clobbers('init')]]),
    near: {
      'KVM refuses the release, whatever it restores': () =>
        under(refused(0x2), refusing({ restores: [restore] }), { facts: clobbers('none'), base: plain }),

      'the module restores it': () => step(plain, offers(0x2), [[newer, clobbers('restored')]]),
      'no clobbering bit': () => step(plain, offers(0x4)),
    },
  },
  'exposed-unreviewed': {
    fires: () => under(offers(0x5), policy()),
    near: {
      'the base release lacks the leaf': () => under(offers(0x1), policy(), { base: release('1.5.06', []) }),
      'the base release offers one that caps name': () =>
        under(offers(0x4), policy({ known: [entry(0x4)] }), { base: offers(0x4, '1.5.06') }),
      'KVM never opens its gate, whatever caps name': () =>
        under(
          release(newer, [{ fixed0: off(0x4), allow: { eax: 0x4 }, gates: new Map([[2, { eax: 0x4 }]]) }]),
          policy({ known: [entry(0x4)] }),
        ),
      'denied by one of several entries': () =>
        under(
          offers(0x4),
          policy({ deny: [entry(0x4), { ...entry(0x8), line: 8 }, { ...entry(0x4), register: 'ebx', line: 9 }] }),
        ),

      'one is argued to be harmless': () =>
        under(offers(0x5), policy(), {
          knowledge: knowing({ clobbers: [{ ...functional, kind: 'harmless', bits: [entry(0x4)], source: 'no MSR' }] }),
        }),
      'the base release offers one': () => under(offers(0x5), policy(), { base: offers(0x4, '1.5.06') }),
      'every TD of the base had one': () => under(offers(0x5), policy(), { base: fixed(0x4, '1.5.06') }),
      'the base itself': () => under(offers(0x5, '1.5.06'), policy(), { base: offers(0x5, '1.5.06') }),
      'caps name one': () => under(offers(0x5), policy({ known: [entry(0x4)] })),
      'denied before closed': () =>
        under(
          release(newer, [{ fixed0: off(0x5), allow: { eax: 0x5 }, gates: new Map([[2, { eax: 0x5 }]]) }]),
          policy({ deny: [entry(0x4)] }),
        ),
      'a gate that KVM opens': () =>
        under(
          release(newer, [{ fixed0: off(0x4), allow: { eax: 0x4 }, gates: new Map([[2, { eax: 0x4 }]]) }]),
          policy({ xfam: ['fp', 'sse', 'avx'] }),
        ),
      'a number': () => under(offers(0xf0000000), policy()),
      'functional, of this sub-leaf only': () =>
        under(offers(0x4), policy(), {
          knowledge: knowing({
            clobbers: [
              { ...functional, bits: [{ ...PLACE, mask: 0x4 }] },
              { ...functional, feature: 'OTHER', bits: [{ ...PLACE, subleaf: 2, mask: 0x4 }] },
            ],
          }),
        }),
      'KVM refuses the release': () =>
        under(release(newer, [{ fixed0: off(0x5), allow: { eax: 0x5 } }], FEATURES), {
          ...policy(),
          requires: [{ kind: 'features0', mask: 2n, path: 'tdx.c', line: 1 }],
        }),
    },
  },
  'needs-optin': {
    fires: () => under(offers(0x5), policy({ generation: 'allowlist', allow: [entry(0x4)] })),
    near: {
      allowed: () => under(offers(0x4), policy({ generation: 'allowlist', allow: [entry(0x4)] })),
      'KVM_GET_SUPPORTED_CPUID is a list of what is allowed': () =>
        under(offers(0x4), policy({ generation: 'supported-cpuid' })),
      'for every sub-leaf but one': () =>
        under(
          release(newer, [
            { subleaf: 1, allow: { eax: 0x40 } },
            { subleaf: 2, allow: { eax: 0x40 } },
          ]),
          policy({ generation: 'allowlist', allow: [{ ...entry(0x40), subleaf: 0, everySubleafBut: [2] }] }),
          { from: release(older, [{ subleaf: 1 }, { subleaf: 2 }]) },
        ),
    },
  },
  'leaf-removed': {
    fires: () => step(release(older, [{}, { leaf: 9, subleaf: 0 }, { leaf: 9, subleaf: 1 }]), plain),
    near: { 'another came': () => step(plain, release(newer, [{}, { leaf: 9, subleaf: null }])) },
  },
  've-added': {
    fires: () => step(plain, release(newer, [{ faulting: true }])),
    near: { 'it ended': () => step(release(older, [{ faulting: true }]), plain) },
  },
  've-removed': {
    fires: () => step(release(older, [{ faulting: true }]), release(newer, [{}])),
    near: {
      'only where the guest asks': () =>
        step(
          coded(older, { faulting: true }, []),
          coded(newer, {}, [veRule({ do: 've', unless: [{ kind: 'guest', control: 'REDUCE_VE' }] })]),
        ),
    },
  },
  'meaning-changed': {
    fires: () =>
      step(
        coded(older, { fixed0: off(0x4), fixed1: { eax: 0x4 } }, []),
        coded(newer, { fixed0: off(0x4), direct: { eax: 0x4 } }, [untilReduceVe]),
      ),
    near: {
      'beside what others ask': () =>
        step(
          coded(older, { fixed0: off(0x4), fixed1: { eax: 0x4 } }, []),
          coded(newer, { fixed0: off(0x4), direct: { eax: 0x4 } }, [
            veRule({ do: 'clear', unless: [{ kind: 'attributes', bits: [5] }] }, 'init'),
            untilReduceVe,
          ]),
        ),

      'it was no constant': () =>
        step(
          coded(older, { fixed0: off(0x4), direct: { eax: 0x4 } }, []),
          coded(newer, { fixed0: off(0x4), direct: { eax: 0x4 } }, [untilReduceVe]),
        ),
      'the code was not examined': () =>
        step(fixed(0x4, older), coded(newer, { fixed0: off(0x4), direct: { eax: 0x4 } }, [untilReduceVe])),
    },
  },
  'configurable-removed': {
    fires: () => step(offers(0x4, older), release(newer, [{}])),
    near: { 'it came': () => step(plain, offers(0x4)) },
  },
  'configurable-added': {
    fires: () => step(plain, offers(0x5)),
    near: {
      'other bits, registers and leaves lose one': () =>
        step(
          release(older, [
            { fixed0: { ...off(0x2), ebx: 0xfffffffe }, allow: { eax: 0x2, ebx: 0x1 } },
            { leaf: 9, fixed0: off(0x1), allow: { eax: 0x1 } },
          ]),
          release(newer, [{ fixed0: off(0x1), allow: { eax: 0x1 } }, { leaf: 9 }]),
        ),
      'a number in a leaf that came is part of it': () => step(release(older, []), offers(0xf0000004)),
      'a number in a leaf that was there, beside one that came': () =>
        step(
          plain,
          release(newer, [
            { fixed0: off(0xf0000000), allow: { eax: 0xf0000000 } },
            { leaf: 9, subleaf: null },
          ]),
        ),
      'a number that an allowlist does not name': () => under(offers(0xf0000000), policy({ generation: 'allowlist' })),

      'nothing changed': () => step(offers(0x4, older), offers(0x4)),
      'a number is no feature': () => step(plain, offers(0xf0000004)),
      'names are of the register': () =>
        step(plain, release(newer, [{ fixed0: { ...ALL, ebx: 0xfffffffb }, allow: { ebx: 0x4 } }])),
    },
  },
  'leaf-added': {
    fires: () => step(plain, release(newer, [{}, { leaf: 9, subleaf: null }])),
    near: {
      'a fixed 1 in a leaf that nobody knows': () =>
        step(plain, release(newer, [{}, { leaf: 9, subleaf: null, fixed0: off(0x1), fixed1: { eax: 0x1 } }])),
      'a fixed 1 in a leaf that names know': () =>
        step(plain, release(newer, [{}, { leaf: 9, subleaf: null, fixed0: off(0x1), fixed1: { eax: 0x1 } }]), [], {
          ...KNOWLEDGE,
          names: [{ leaf: 9, subleaf: 0, register: 'eax', high: 5, low: 5, name: 'N' }],
        }),
      'a gate in a new leaf is part of it': () =>
        step(release(older, []), release(newer, [{ fixed0: off(0x4), gates: new Map([[2, { eax: 0x4 }]]) }])),
    },
  },
  'zero-leaves-added': {
    fires: () => step(zeros(older, []), withLimits(zeros(newer, [3, 0xc]), { tdControls: ['REDUCE_VE'] })),
    near: {
      'with and without conditions': () => step(zeros(older, []), zeros(newer, [3, 0xc])),
      'one more without conditions': () => step(zeros(older, [0xc]), zeros(newer, [3, 0xc])),
      'the release before was not examined': () => step(zeros(older, [], null), zeros(newer, [3])),
      'this release was not examined': () => step(zeros(older, []), zeros(newer, [3], null)),

      'each without conditions': () => step(zeros(older, [3]), zeros(newer, [3, 8])),
      'one that the table has now is told as a leaf': () =>
        step(zeros(older, [3]), release(newer, [{}, { leaf: 8, subleaf: null }], { fixed0Leaves: [3, 8] }, [])),
      'nothing is said of code that was not examined': () => step(zeros(older, [], null), zeros(newer, [3, 0xc], null)),
      'nothing changed': () => step(zeros(older, [3, 0xc]), zeros(newer, [0xc, 3])),
    },
  },
  'zero-leaves-removed': {
    fires: () => step(withLimits(zeros(older, [3, 0xc]), { tdControls: ['REDUCE_VE'] }), zeros(newer, [3])),
    near: {
      'one that the guest had to ask for came into the table': () =>
        step(zeros(older, [0xc]), release(newer, [{}, { leaf: 0xc, subleaf: null }], {}, [])),

      'every other leaf alone': () =>
        step(withLimits(zeros(older, []), { tdControls: ['REDUCE_VE'] }), zeros(newer, [])),
      'one that came into the table is told as a leaf': () =>
        step(zeros(older, [8]), release(newer, [{}, { leaf: 8, subleaf: null }], {}, [])),
    },
  },
  'constant-changed': {
    fires: () =>
      step(
        coded(older, { fixed0: off(0x41424344), fixed1: { eax: 0x41424344 } }, []),
        coded(newer, { fixed0: off(0x41424345), fixed1: { eax: 0x41424345 } }, []),
      ),
    near: {
      'one word of the brand string is told with all twelve': () =>
        step(
          release(
            older,
            [
              words(BRAND, 'BRANDNAMEOFAKIND'),
              words(BRAND + 1, 'ANDOFANOTHERONE '),
              words(BRAND + 2, 'AT LAST THE THIRD'),
            ],
            {},
            [],
          ),
          release(
            newer,
            [
              words(BRAND, 'BRANDNAMEOFAKIND'),
              words(BRAND + 1, 'ANDOFANOTHERTWO '),
              words(BRAND + 2, 'AT LAST THE THIRD'),
            ],
            {},
            [
              asksVe(BRAND),
              { ...asksVe(BRAND + 1), effect: { do: 've', unless: [{ kind: 'guest', control: 'VIRT_CPUID2' }] } },
            ],
          ),
        ),
      'the name of a vendor in its order, and another text apart': () =>
        step(
          release(older, [words(0, 'GenuineNames'), words(0x21, 'IntelTDX')], {}, []),
          release(newer, [words(0, 'GenuineOther'), words(0x21, 'IntelTDY')], {}, [asksVe(0x21)]),
        ),
      'beside a sub-leaf that came': () =>
        step(
          release(older, [words(7, 'TEXT')], {}, []),
          release(newer, [words(7, 'NEXT'), { leaf: 7, subleaf: 2 }], {}, []),
        ),
      'the release before was not examined': () =>
        step(release(older, [words(7, 'TEXT')]), release(newer, [words(7, 'NEXT')], {}, [])),
      'this release was not examined': () =>
        step(release(older, [words(7, 'TEXT')], {}, []), release(newer, [words(7, 'NEXT')])),
      'it was no text': () =>
        step(
          coded(older, { fixed0: off(0x01424344), fixed1: { eax: 0x01424344 } }, []),
          coded(newer, { fixed0: off(0x41424344), fixed1: { eax: 0x41424344 } }, []),
        ),

      'no text': () =>
        step(
          coded(older, { fixed0: off(0x01424344), fixed1: { eax: 0x01424344 } }, []),
          coded(newer, { fixed0: off(0x01424345), fixed1: { eax: 0x01424345 } }, []),
        ),
    },
  },
  'unfixed-not-configurable': {
    fires: () => step(plain, passes(0x5)),
    near: {
      'a number of the host': () => step(plain, passes(0xf0000004)),
      'from fixed 1': () => step(fixed(0x4, older), passes(0x4)),

      'a gate has it': () => step(plain, release(newer, [{ fixed0: off(0x4), gates: new Map([[2, { eax: 0x4 }]]) }])),
      'two gates are two stories': () =>
        step(
          plain,
          release(newer, [
            {
              fixed0: off(0x7),
              gates: new Map([
                [2, { eax: 0x3 }],
                [5, { eax: 0x6 }],
              ]),
            },
          ]),
        ),
      'the guest decides': () =>
        step(
          coded(older, {}, []),
          coded(newer, { fixed0: off(0x4) }, [
            veRule({ do: 'follow', condition: { kind: 'guest', control: 'CR4.PKE' } }),
          ]),
        ),
      'another bit has a say': () =>
        step(
          coded(older, {}, []),
          coded(newer, { fixed0: off(0x4) }, [
            veRule({ do: 'clear', unless: [{ kind: 'cpuid', place: PLACE, bit: 8 }] }, 'init'),
          ]),
        ),
    },
  },
  'fixed1-added': {
    fires: () => step(plain, fixed(0xf0000006), [[newer, clobbers('none')]]),
    near: {
      'the module restores it, with the lines of both releases': () =>
        step(
          release(older, [{ leaf: 9 }, {}]),
          release(newer, [{ fixed0: off(0x2), fixed1: { eax: 0x2 } }, { leaf: 9 }]),
          [[newer, clobbers('restored')]],
        ),
      'a flag within a number counts with it': () =>
        step(fixed(0x10, older), fixed(0x20), [], knowing({ names: [nameOf(7, 4, 'FIELD'), nameOf(5, 5, 'FLAG')] })),
      'a number at the lowest bits': () =>
        step(fixed(0x1, older), fixed(0x2), [], knowing({ names: [nameOf(3, 0, 'FIELD')], clobbers: [] })),
      'a number beside the lowest bit and another register that are 0 now': () =>
        step(
          release(older, [{ fixed0: { ...off(0x10000001), ebx: 0 }, fixed1: { eax: 0x10000001, ebx: 0xffffffff } }]),
          release(newer, [
            { fixed0: { ...off(0x20000000), ebx: 0x7fffffff }, fixed1: { eax: 0x20000000, ebx: 0x80000000 } },
          ]),
        ),
      'a number beside a bit of none that is 0 now': () => step(fixed(0x10000004, older), fixed(0x30000000)),
      'a number in another value, by the code that was examined': () =>
        step(
          coded(older, { fixed0: off(0x50000000), fixed1: { eax: 0x50000000 } }, []),
          coded(newer, { fixed0: off(0xa0000000), fixed1: { eax: 0xa0000000 } }, []),
        ),
      'a number in another value, a bit of which the code computes': () =>
        step(
          coded(older, { fixed0: off(0x50000000), fixed1: { eax: 0x50000000 } }, []),
          coded(newer, { fixed0: off(0xa0000000), fixed1: { eax: 0xa0000000 } }, [
            {
              ...veRule({ do: 'follow', condition: { kind: 'attributes', bits: [30] } }, 'init'),
              masks: { eax: 0x40000000 },
            },
          ]),
        ),

      'of two MSRs one is shown to be lost': () =>
        step(plain, fixed(0x2), [[newer, clobbers('none')]], knowing({ clobbers: [twoMsrs] })),

      'a number in another value is one finding': () => step(fixed(0x50000000, older), fixed(0xa0000004)),
      'a number and a feature that is 0 now': () => step(fixed(0x50000004, older), fixed(0x60000000)),
      'a number that somebody decides now': () => step(fixed(0x50000000, older), passes(0xf0000000)),
      'it was one': () => step(fixed(0x4, older), fixed(0x4)),
      'the module restores what it clobbers': () => step(plain, fixed(0x2), [[newer, clobbers('restored')]]),
      'not examined is no proof': () => step(plain, fixed(0x2)),
      'only by the table': () =>
        step(
          coded(older, {}, []),
          coded(newer, { fixed0: off(0x4), fixed1: { eax: 0x4 } }, [
            veRule({ do: 'follow', condition: { kind: 'attributes', bits: [30] } }, 'init'),
          ]),
        ),
    },
  },
  'fixed0-added': {
    fires: () => step(passes(0xf0000004, older), release(newer, [{}])),
    near: {
      'the lowest bit': () => step(passes(0x1, older), plain),
      'by the code that was examined': () => step(coded(older, { fixed0: off(0x4) }, []), coded(newer, {}, [])),
      'only by the table': () =>
        step(
          coded(older, { fixed0: off(0x5) }, []),
          coded(newer, {}, [
            veRule({ do: 'follow', condition: { kind: 'attributes', bits: [30] } }, 'init'),
            { ...veRule({ do: 'one' }, 'init'), masks: { eax: 0x1 } },
          ]),
        ),
      'it was 0': () => step(plain, release(newer, [{}])),
    },
  },
  'native-added': {
    fires: () =>
      step(release(older, [{}]), release(newer, [{ fixed0: off(0x4), gates: new Map([[2, { eax: 0x4 }]]) }])),
    near: { 'it was native': () => step(passes(0x4, older), passes(0x4)) },
  },
  'fixed1-removed': {
    fires: () => step(fixed(0x4, older), release(newer, [{ fixed0: off(0x4), gates: new Map([[2, { eax: 0x4 }]]) }])),
    near: { 'it was none': () => step(plain, offers(0x4)) },
  },
  'static-leaf-extended': {
    fires: () =>
      step(release(older, [{ leaf: 4, subleaf: 0 }]), release(newer, [{ leaf: 4, subleaf: 0, fixed0: off(0x4) }])),
    near: {
      'from fixed 1, and from what was open': () =>
        step(
          release(older, [{ leaf: 4, subleaf: 0, fixed0: off(0x7), fixed1: { eax: 0x1 } }]),
          release(newer, [{ leaf: 4, subleaf: 0, fixed0: off(0x7), allow: { eax: 0x3 }, fixed1: { eax: 0x4 } }]),
        ),

      'another leaf': () => step(plain, passes(0x4)),
      'it loses bits': () =>
        step(release(older, [{ leaf: 4, subleaf: 0, fixed0: off(0x4) }]), release(newer, [{ leaf: 4, subleaf: 0 }])),
    },
  },
  'choice-changed': {
    fires: () => step(offers(0x4, older), release(newer, [{ fixed0: off(0x4), direct: { eax: 0x4 } }])),
    near: { 'it came': () => step(plain, offers(0x4)) },
  },
  'gate-changed': {
    fires: () => step(release(older, [{ fixed0: off(0x4), gates: new Map([[2, { eax: 0x4 }]]) }]), passes(0x4)),
    near: {
      'of the lowest bit, gates in their order': () =>
        step(
          release(older, [
            {
              fixed0: off(0x1),
              gates: new Map([
                [9, { eax: 0x1 }],
                [2, { eax: 0x1 }],
              ]),
            },
          ]),
          passes(0x1),
        ),
      'of bits of which one is 1 in every TD': () =>
        step(
          coded(older, { fixed0: off(0x5), fixed1: { eax: 0x1 }, gates: new Map([[2, { eax: 0x5 }]]) }, [xfamRule]),
          coded(newer, { fixed0: off(0x5), fixed1: { eax: 0x1 } }, []),
        ),

      'of a bit that a VMM may set': () =>
        step(
          release(older, [{ fixed0: off(0x4), allow: { eax: 0x4 }, gates: new Map([[2, { eax: 0x4 }]]) }]),
          offers(0x4),
        ),
      'one gate for another': () =>
        step(
          release(older, [{ fixed0: off(0x4), gates: new Map([[2, { eax: 0x4 }]]) }]),
          release(newer, [{ fixed0: off(0x4), gates: new Map([[5, { eax: 0x4 }]]) }]),
        ),
      'of a bit that is 0': () =>
        step(
          coded(older, { gates: new Map([[2, { eax: 0x4 }]]) }, []),
          coded(newer, { gates: new Map([[5, { eax: 0x4 }]]) }, []),
        ),
    },
  },
  'decider-changed': {
    fires: () =>
      step(
        coded(older, { fixed0: off(0x4) }, []),
        coded(newer, { fixed0: off(0x4) }, [
          veRule({ do: 'clear', unless: [{ kind: 'cpuid', place: PLACE, bit: 8 }] }, 'init'),
        ]),
      ),
    near: {
      'bits that wait each for a bit of its own are one story': () =>
        step(
          coded(older, { fixed0: off(0xff) }, []),
          coded(newer, { fixed0: off(0xff) }, [
            ...[0x1, 0x2].map((mask) => waits(mask, { kind: 'paravirt', bit: mask })),
            ...[0x4, 0x8].map((mask) => waits(mask, { kind: 'cpuid', place: PLACE, bit: mask })),
            waits(0x10, { kind: 'guest', control: 'REDUCE_VE' }),
          ]),
        ),

      'tables differ, the code does not': () =>
        step(
          coded(older, { fixed0: off(0x4) }, [veRule({ do: 'zero' }, 'init')]),
          coded(newer, {}, [veRule({ do: 'zero' }, 'init')]),
        ),
    },
  },
  'fixed-change-without-feature': {
    fires: () =>
      step(release(older, [{}], FEATURES), release(newer, [{ fixed0: off(0x4), allow: { eax: 0x4 } }], FEATURES)),
    near: {
      'leaves that come and go, and choices, are no fixed bits': () =>
        step(
          release(older, [{ fixed0: off(0x14), allow: { eax: 0x10 } }, { leaf: 8 }], FEATURES),
          release(newer, [{ fixed0: off(0x14), allow: { eax: 0x4 } }, { leaf: 9 }], FEATURES),
        ),
      'it becomes fixed, to 1 and to 0': () =>
        step(
          release(older, [{ fixed0: off(0x14) }], FEATURES),
          release(newer, [{ fixed0: off(0x4), fixed1: { eax: 0x4 } }], FEATURES),
        ),

      'a feature bit came with it': () =>
        step(
          release(older, [{}], FEATURES),
          release(newer, [{ fixed0: off(0x4), allow: { eax: 0x4 } }], { features0: 3n }),
        ),
      'before the promise': () =>
        step(
          release('1.5.05', [{}], FEATURES),
          release('1.5.06', [{ fixed0: off(0x4), allow: { eax: 0x4 } }], FEATURES),
        ),
      'before the promise by this KVM’s own file': () =>
        under(fixing, policy({ base: writtenFor(newer) }), { from: unfixed }),
      'after it by this KVM’s own file': () => under(fixing, policy({ base: writtenFor(older) }), { from: unfixed }),
      'nobody says for which release KVM was written': () => under(fixing, policy(), { from: unfixed }),
      'a feature is not known': () => step(release(older, [{}], FEATURES), offers(0x4)),
    },
  },
  'config-slots-near-limit': {
    fires: () =>
      under(
        release(newer, [
          { subleaf: 1, allow: { eax: 1 } },
          { subleaf: 2, allow: { eax: 1 } },
          { subleaf: 3, allow: { eax: 1 } },
        ]),
        policy({ configLimit: 4, deny: [{ ...entry(1), subleaf: 0, everySubleafBut: [] }] }),
        { from: release(older, [{ subleaf: 1 }, { subleaf: 2 }, { subleaf: 3 }]) },
      ),
    near: {
      'two of three': () =>
        under(
          release(newer, [
            { subleaf: 1, allow: { eax: 1 } },
            { subleaf: 2, allow: { eax: 1 } },
          ]),
          policy({ configLimit: 3, deny: [{ ...entry(1), subleaf: 0, everySubleafBut: [] }] }),
          { from: release(older, [{ subleaf: 1 }, { subleaf: 2 }]) },
        ),
    },
  },
  'clobber-added': {
    fires: () =>
      step(plain, release(newer, [{}]), [
        [older, clobbers('restored')],
        [newer, clobbers('none')],
      ]),
    near: {
      'with the line of its own release': () =>
        step(plain, release(newer, [{}]), [
          [older, of('before', clobbers('restored'))],
          [newer, of('after', clobbers('none'))],
        ]),
      'one that KVM restores beside one that it does not': () =>
        judgeRelease(
          { from: plain, to: release(newer, [{}]), policy: policy({ requires: [], restores: [restore] }) },
          ground({
            clobbers: new Map([
              [older, { ...clobbers('restored'), msrs: [] }],
              [
                newer,
                { ...clobbers('none'), msrs: [...clobbers('none').msrs, ...clobbers('none', { msr: 'IA32_B' }).msrs] },
              ],
            ]),
          }),
        ).findings,

      'as before': () =>
        step(plain, release(newer, [{}]), [
          [older, clobbers('none')],
          [newer, clobbers('none')],
        ]),
      'argued to be no loss': () =>
        step(
          plain,
          release(newer, [{}]),
          [
            [older, clobbers('restored')],
            [newer, clobbers('none')],
          ],
          knowing({ clobbers: [{ ...functional, bits: [], msrs: ['UMWAIT_CONTROL'] }] }),
        ),
      'before was not examined': () => step(plain, release(newer, [{}]), [[newer, clobbers('none')]]),
    },
  },
  'clobber-removed': {
    fires: () =>
      step(plain, release(newer, [{}]), [
        [older, clobbers('none')],
        [newer, clobbers('restored')],
      ]),
    near: {
      'with the line of its own release': () =>
        step(plain, release(newer, [{}]), [
          [older, of('before', clobbers('none'))],
          [newer, of('after', clobbers('restored'))],
        ]),
      'before was not examined': () => step(plain, release(newer, [{}]), [[newer, clobbers('restored')]]),
    },
  },
  'attribute-removed': {
    fires: () =>
      step(
        release(older, [], { attributes: { fixed0: 3n, fixed1: 0n } }),
        release(newer, [], { attributes: { fixed0: 1n, fixed1: 0n } }),
      ),
    near: {
      'of fixed 1': () =>
        step(
          release(older, [], { attributes: { fixed0: 3n, fixed1: 2n } }),
          release(newer, [], { attributes: { fixed0: 3n, fixed1: 0n } }),
        ),
    },
  },
  'config-flag-added': {
    fires: () =>
      step(withLimits(zeros(older, []), { configFlags: 1n }), withLimits(zeros(newer, []), { configFlags: 0x99n })),
    near: {
      'nothing changed': () =>
        step(withLimits(zeros(older, []), { configFlags: 9n }), withLimits(zeros(newer, []), { configFlags: 9n })),
      'code that was not examined': () =>
        step(zeros(older, [], null), withLimits(zeros(newer, []), { configFlags: 9n })),
    },
  },
  'config-flag-removed': {
    fires: () =>
      step(withLimits(zeros(older, []), { configFlags: 9n }), withLimits(zeros(newer, []), { configFlags: 1n })),
    near: {},
  },
  'guest-control-added': {
    fires: () =>
      step(
        withLimits(zeros(older, []), { tdControls: ['LOCK'] }),
        withLimits(zeros(newer, []), { tdControls: ['VIRT_CPUID2', 'LOCK'] }),
      ),
    near: {
      'the lowest one': () =>
        step(
          withLimits(zeros(older, []), { tdControls: ['LOCK'] }),
          withLimits(zeros(newer, []), { tdControls: ['PENDING_VE_DISABLE', 'LOCK'] }),
        ),
      'another order': () =>
        step(
          withLimits(zeros(older, []), { tdControls: ['LOCK', 'VIRT_CPUID2'] }),
          withLimits(zeros(newer, []), { tdControls: ['VIRT_CPUID2', 'LOCK'] }),
        ),
    },
  },
  'guest-control-removed': {
    fires: () => step(withLimits(zeros(older, []), { tdControls: ['LOCK'] }), zeros(newer, [])),
    near: {},
  },
  'attribute-added': {
    fires: () =>
      step(
        release(older, [], { attributes: { fixed0: 1n, fixed1: 0n } }),
        release(newer, [], { attributes: { fixed0: (1n << 63n) + 3n, fixed1: 0n } }),
      ),
    near: {
      'not known': () => step(release(older, [], { attributes: { fixed0: 1n, fixed1: 0n } }), release(newer, [])),
    },
  },
  'xfam-removed': {
    fires: () =>
      step(
        release(older, [], { xfam: { fixed0: 7n, fixed1: 3n } }),
        release(newer, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
      ),
    near: {
      same: () =>
        step(
          release(older, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
          release(newer, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
        ),
    },
  },
  'xfam-added': {
    fires: () =>
      step(
        release(older, [], { xfam: { fixed0: 3n, fixed1: 3n } }),
        release(newer, [], { xfam: { fixed0: 7n, fixed1: 3n } }),
      ),
    near: { 'not known': () => step(release(older, []), release(newer, [], { xfam: { fixed0: 7n, fixed1: 3n } })) },
  },
  'feature-renumbered': {
    fires: () =>
      step(
        release(older, [], {
          featureNames: new Map([
            [50, 'a'],
            [21, 'b'],
          ]),
        }),
        release(newer, [], {
          featureNames: new Map([
            [56, 'a'],
            [21, 'c'],
          ]),
        }),
      ),
    near: {
      'KVM requires the number that it moved to': () =>
        under(
          release(newer, [], { features0: 1n << 56n, featureNames: new Map([[56, 'a']]) }),
          policy({ requires: [{ kind: 'features0', mask: 1n << 56n, path: 'tdx.c', line: 1 }] }),
          { from: release(older, [], { features0: 1n << 56n, featureNames: new Map([[50, 'a']]) }) },
        ),
      'nobody requires bit 0': () =>
        step(
          release(older, [], { featureNames: new Map([[0, 'a']]) }),
          release(newer, [], { featureNames: new Map([[0, 'b']]) }),
        ),

      'KVM requires the bit': () =>
        under(
          release(newer, [], { features0: 2n, featureNames: new Map([[1, 'b']]) }),
          {
            ...policy(),
            requires: [{ kind: 'features0', mask: 2n, path: 'tdx.c', line: 1 }],
          },
          { from: release(older, [], { features0: 2n, featureNames: new Map([[1, 'a']]) }) },
        ),
      'one came': () =>
        step(
          release(older, [], { featureNames: new Map([[21, 'a']]) }),
          release(newer, [], {
            featureNames: new Map([
              [21, 'a'],
              [22, 'b'],
            ]),
          }),
        ),
    },
  },
  'feature-removed': {
    fires: () => step(release(older, [], { features0: 3n }), release(newer, [], FEATURES)),
    near: {
      'by the name that the release before gives it': () =>
        step(
          release(older, [], { features0: 3n, featureNames: new Map([[1, 'old']]) }),
          release(newer, [], { features0: 1n, featureNames: new Map([[1, 'new']]) }),
        ),
      'one came': () => step(release(older, [], FEATURES), release(newer, [], { features0: 3n })),
    },
  },
  'feature-added': {
    fires: () =>
      step(release(older, [], FEATURES), release(newer, [], { features0: 3n, featureNames: new Map([[1, 'own']]) })),
    near: { 'not known': () => step(release(older, []), release(newer, [], { features0: 3n })) },
  },
  'cpuid-flag-added': {
    fires: () => step(release(older, [], { cpuidFlags: ['a'] }), release(newer, [], { cpuidFlags: ['a', 'c', 'b'] })),
    near: { 'not known': () => step(release(older, []), release(newer, [], { cpuidFlags: ['b'] })) },
  },
  'cpuid-flag-removed': {
    fires: () => step(release(older, [], { cpuidFlags: ['a', 'b'] }), release(newer, [], { cpuidFlags: ['a'] })),
    near: { 'not known': () => step(release(older, [], { cpuidFlags: ['b'] }), release(newer, [])) },
  },
  'set-cpuid2-decides-host': {
    fires: () => asking(),
    near: {
      'of two rows one argues no loss': () =>
        asking(
          {},
          {},
          'init',
          3,
          knowing({ clobbers: [...KNOWLEDGE.clobbers, { ...functional, bits: [entry(0x2)], msrs: CLOB.msrs }] }),
        ),
      'a newer release was read without its lines': () =>
        asking({}, {}, 'init', 3, KNOWLEDGE, [
          { ...clobbers('init', { openers: CLOB.openers, entry: [] }), release: 'y' },
        ]),

      'KVM checks': () => asking({ guard: guardedAt }),
      'the guest alone is told': () => asking({ about: 'guest' }),
      'KVM goes on without an answer': () => asking({ about: 'kvm' }),
      'no MSR is behind it': () => asking({ msrs: [] }),
      'another MSR is behind it': () => asking({ msrs: ['XSS'] }),
      'KVM restores the MSR': () => asking({}, { restores: [restore] }),
      'KVM denies what opens it': () => asking({}, { deny: [entry(0x2)] }),
      'the module restores the MSR': () => asking({}, {}, 'restored'),
      'the way out is not known': () => asking({}, {}, 'unknown'),
      'no line says where the module writes it': () => asking({}, {}, 'init', null),
      'no such release runs': () =>
        asking({}, { requires: [{ kind: 'config-slots', limit: -1, path: 'tdx.c', line: 2 }] }),
      'not asked': () => asks({ asks: [] }),
      'another kernel': () => asking({}, { source: { ...policy().source, revision: 'c'.repeat(40) } }),
    },
  },
  'set-cpuid2-not-examined': {
    fires: () => asks({ unlisted: [unlistedAt] }),
    near: {
      'one of each': () => asks({ asks: [], unlisted: [unlistedAt] }),

      'the kernel was not read': () => asks(null),
      'a question was not found': () => asks({ asks: [] }),
      both: () => asks({ asks: [], unlisted: [unlistedAt, { ...unlistedAt, line: 40 }] }),
      'all were': () => asks({}),
      'nobody asks': () => asks(null, []),
    },
  },
  'hidden-not-refused': {
    fires: () => judgePolicy(policy({ disagreements: [split('hidden-not-refused')] }), ground()),
    near: {
      'the other way': () => judgePolicy(policy({ disagreements: [split('shown-but-refused')] }), ground()),
      'all that no code names': () =>
        judgePolicy(
          policy({ disagreements: [{ ...split('hidden-not-refused'), leaf: null, subleaf: null, register: null }] }),
          ground(),
        ),
      'not run': () => judgePolicy(policy(), ground()),
    },
  },
  'shown-but-refused': {
    fires: () => judgePolicy(policy({ disagreements: [split('shown-but-refused')] }), ground()),
    near: { agree: () => judgePolicy(policy({ disagreements: [] }), ground()) },
  },
  'policy-deny-removed': {
    fires: () => policyStep({ deny: [entry(0x6)] }, { deny: [entry(0x2)] }),
    near: {
      'with the line of its own tree': () =>
        policyStep({ deny: [entry(0x4)], source: { ...policy().source, repository: 'example/before' } }, {}),

      'in two parts': () => policyStep({ deny: [entry(0x6)] }, { deny: [entry(0x4), { ...entry(0x2), line: 99 }] }),
    },
  },
  'policy-deny-added': {
    fires: () => policyStep({}, { deny: [entry(0x4), entry(0x4)] }),
    near: {
      'with the line of its own tree': () =>
        policyStep({ source: { ...policy().source, repository: 'example/before' } }, { deny: [entry(0x4)] }),
      'another line': () => policyStep({ deny: [entry(0x4)] }, { deny: [{ ...entry(0x4), line: 99 }] }),
    },
  },
  'policy-allow-removed': {
    fires: () => policyStep({ allow: [entry(4)] }, {}),
    near: {
      'less wide': () =>
        policyStep(
          { allow: [{ ...entry(0x40), subleaf: 0, everySubleafBut: [2] }] },
          { allow: [{ ...entry(0x40), subleaf: 0 }] },
        ),
    },
  },
  'policy-allow-added': {
    fires: () => policyStep({}, { allow: [entry(4)] }),
    near: {
      'the same': () => policyStep({ allow: [entry(4)] }, { allow: [{ ...entry(4), line: 99 }] }),
      wider: () =>
        policyStep(
          { allow: [{ ...entry(0x40), subleaf: 0 }] },
          { allow: [{ ...entry(0x40), subleaf: 0, everySubleafBut: [2] }] },
        ),
      'no less wide': () =>
        policyStep(
          { allow: [{ ...entry(0x40), subleaf: 0, everySubleafBut: [] }] },
          { allow: [{ ...entry(0x40), subleaf: 0, everySubleafBut: [2] }] },
        ),
    },
  },
  'policy-attribute-removed': {
    fires: () => policyStep({ attributes: 3n }, { attributes: 1n }),
    near: {
      'whatever is behind it': () => policyStep({ attributes: (1n << 63n) + 1n }, { attributes: 1n }, behind),
      none: () => policyStep({ attributes: 3n }, { attributes: 3n }),
    },
  },
  'policy-attribute-added': {
    fires: () => policyStep({ attributes: 1n }, { attributes: (1n << 63n) + 1n }, behind),
    near: {
      'one way out is shown, another is not known': () =>
        policyStep({ attributes: 1n }, { attributes: (1n << 63n) + 1n }, pebs('none', 'unknown')),
      'the way out is not known': () =>
        policyStep({ attributes: 1n }, { attributes: (1n << 63n) + 1n }, pebs('unknown')),

      'nothing is behind it': () => policyStep({ attributes: 1n }, { attributes: (1n << 30n) + 1n }, behind),
      'KVM restores what is': () =>
        policyStep(
          { attributes: 1n },
          { attributes: (1n << 63n) + 1n, restores: [{ ...restore, msr: 'MSR_IA32_PEBS_ENABLE' }] },
          behind,
        ),
    },
  },
  'policy-xfam-removed': {
    fires: () => policyStep({ xfam: ['fp', 'sse', 'avx'] }, { xfam: 3n }),
    near: { 'by name or by mask': () => policyStep({ xfam: ['fp', 'sse'] }, { xfam: 3n }) },
  },
  'policy-xfam-added': {
    fires: () => policyStep({ xfam: 3n }, { xfam: ['fp', 'sse', 'lbr'] }, behind),
    near: { 'nothing is behind it': () => policyStep({ xfam: 3n }, { xfam: ['fp', 'sse', 'cet_user'] }, behind) },
  },
  'restore-removed': {
    fires: () => policyStep({ restores: [restore] }, {}),
    near: { 'it came': () => policyStep({}, { restores: [restore] }) },
  },
  'restore-added': {
    fires: () => policyStep({}, { restores: [restore] }),
    near: {
      'by another function': () =>
        policyStep({ restores: [restore] }, { restores: [{ ...restore, msr: 'IA32_UMWAIT_CONTROL', by: 'g' }] }),
    },
  },
  'deny-stale': {
    fires: () => judgePolicy(policy({ deny: [entry(0x44)] }), ground({ releases: [offers(0x4)] })),
    near: {
      'offered by another register': () =>
        judgePolicy(policy({ deny: [{ ...entry(0x4), register: 'ebx' }] }), ground({ releases: [offers(0x4)] })),

      'its lowest bit': () => judgePolicy(policy({ deny: [entry(0x5)] }), ground({ releases: [offers(0x4)] })),
      offered: () => judgePolicy(policy({ deny: [entry(0x4)] }), ground({ releases: [offers(0x4)] })),
    },
  },
  'allow-stale': {
    fires: () =>
      judgePolicy(policy({ generation: 'allowlist', allow: [entry(0x44)] }), ground({ releases: [offers(0x4)] })),
    near: {
      'offered at one of the sub-leaves': () =>
        judgePolicy(
          policy({ generation: 'allowlist', allow: [{ ...entry(0x4), subleaf: 0, everySubleafBut: [] }] }),
          ground({ releases: [offers(0x4)] }),
        ),
    },
  },
  'sources-disagree': {
    fires: () =>
      project({ releases: [release(newer, [], { features0: 6n })], published: [{ release: newer, features0: 5n }] }),
    near: {
      'in the lowest bit alone': () =>
        project({ releases: [release(newer, [], { features0: 6n })], published: [{ release: newer, features0: 7n }] }),
      agree: () =>
        project({ releases: [release(newer, [], { features0: 6n })], published: [{ release: newer, features0: 6n }] }),
      'another release': () =>
        project({ releases: [release(newer, [], { features0: 6n })], published: [{ release: older, features0: 5n }] }),
    },
  },
  'register-mask-mismatch': {
    fires: () =>
      project({
        registers: [
          { ...rcx, column: 'documented', mustBeSet: 0n, mustBeClear: 0xffffffff00000003n },
          { ...rcx, column: 'enforced', mustBeSet: 0n, mustBeClear: 0xffffffff00000013n },
        ],
      }),
    near: {
      'who checks nothing does not disagree': () =>
        project({
          registers: [
            { ...rcx, column: 'documented', mustBeSet: 0n, mustBeClear: 3n },
            { ...rcx, column: 'validated', mustBeSet: null, mustBeClear: null },
          ],
        }),
    },
  },
  'clobber-undocumented': {
    fires: () => project({ clobbers: [clobbers('none', { msr: 'IA32_NEW' })] }),
    near: {
      'in every TD': () => project({ clobbers: [clobbers('none', { msr: 'IA32_NEW', guard: null })] }),
      restored: () => project({ clobbers: [clobbers('restored', { msr: 'IA32_NEW' })] }),
    },
  },
  'clobber-unsupported': {
    fires: () => project({}),
    near: {
      evidence: () =>
        project({ clobbers: [clobbers('none', { openers: [{ kind: 'cpuid', flag: 'c', ...PLACE, mask: 0x2 }] })] }),
    },
  },
  'facts-missing': { fires: () => project({ unread: ['2.0.05'] }), near: { 'all read': () => project({}) } },
  'host-state-not-examined': {
    fires: () => project({ releases: [plain] }),
    near: { examined: () => project({ releases: [plain], clobbers: [{ ...clobbers('restored'), release: older }] }) },
  },
  'deciding-code-changed': {
    fires: () => step(plain, { ...passes(0, newer), unexamined: CHANGED }),
    near: {
      'a few lines lead there': () =>
        step(plain, {
          ...passes(0, newer),
          unexamined: [1, 2, 3, 4].map((line) => ({ path: 'src/init.c', name: `f${line}`, line, kind: 'changed' })),
        }),
      'under a KVM': () => under({ ...passes(0, newer), unexamined: CHANGED }, policy(), { from: plain }),
      'the same release under no KVM': () => {
        const alone = { ...plain, unexamined: CHANGED };
        return step(alone, alone);
      },

      'the same code': () => step(plain, { ...passes(0, newer), unexamined: [] }),
      'the release before': () => step({ ...plain, unexamined: CHANGED }, passes(0, newer)),
      'held against nothing under a KVM': () => {
        const alone = { ...plain, unexamined: CHANGED };
        return under(alone, policy(), { from: alone });
      },
    },
  },
  'deciders-not-examined': {
    fires: () => project({ releases: [plain] }),
    near: {
      examined: () => project({ releases: [release(older, [{}], {}, [])] }),
      'its code changed': () => project({ releases: [{ ...plain, unexamined: CHANGED }] }),
    },
  },
  'level-unknown-rule': {
    fires: () =>
      project({ knowledge: knowing({ levels: [{ rule: 'no-such-rule', leaf: null, level: 'error', reason: 'r' }] }) }),
    near: {
      'a rule': () =>
        project({ knowledge: knowing({ levels: [{ rule: 'leaf-added', leaf: null, level: 'error', reason: 'r' }] }) }),
    },
  },
  'waiver-expired': {
    fires: () => project({ decisions: [{ problem: 'expired', selector: 's', reason: 'r', until: '2026-01-01' }] }),
    near: { none: () => project({}) },
  },
  'waiver-unmatched': {
    fires: () => project({ decisions: [{ problem: 'unmatched', selector: 's', reason: 'r', until: null }] }),
    near: { none: () => project({}) },
  },
} as const satisfies Readonly<Record<RuleId, Case>>;
