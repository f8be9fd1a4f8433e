import { type RuleId, ruleOf } from '../../pipeline/judge/catalogue.ts';
import type { MaskChange, ReleaseDiff } from '../../pipeline/model/change.ts';
import type { Finding, FindingFacts } from '../../pipeline/model/finding.ts';
import type { ReportFacts } from '../../pipeline/model/review.ts';

const steps = [{ from: 'fixed1', to: 'native' }] as const;

/** Facts of every kind under a rule that has them; `text` stands wherever a source's text can. */
export function everyKind(text: string): readonly (readonly [RuleId, FindingFacts])[] {
  return [
    [
      'configurable-added',
      {
        kind: 'configurable',
        steps: [{ from: 'fixed0', to: 'allow-direct' }],
        verdict: 'passed',
        backing: { kind: 'caps' },
        clobbers: [],
        functional: [text],
        base: text,
      },
    ],
    [
      'exposed-clobbers-host',
      {
        kind: 'configurable',
        steps: [],
        verdict: 'exposed',
        backing: null,
        clobbers: [{ feature: text, msr: text, exit: 'none', restoredByKvm: false }],
        functional: [],
        base: text,
      },
    ],
    ['configurable-removed', { kind: 'not-configurable', steps: [{ from: 'allow-direct', to: 'fixed0' }] }],
    ['native-added', { kind: 'class', to: 'native', steps, gates: ['xfam:2'], clobbers: [] }],
    ['constant-changed', { kind: 'constant', guest: [], before: [0x41424344], after: [0x41424345] }],
    ['leaf-added', { kind: 'leaf', leaf: 7, change: 'added', fixed1: true, known: false, guest: ['REDUCE_VE'] }],
    [
      'decider-changed',
      {
        kind: 'decider',
        steps: [
          {
            from: { by: { kind: 'constant', value: 1 }, conditions: [] },
            to: { by: { kind: 'vmm' }, conditions: [{ when: { kind: 'xfam', bits: [2] }, otherwise: 0 }] },
          },
        ],
      },
    ],
    ['gate-changed', { kind: 'gate', added: ['attributes:30'], removed: ['xfam:5'] }],
    ['unfixed-not-configurable', { kind: 'promise', promise: 'unfixed', steps }],
    ['required-bit-lost', { kind: 'required', reasons: [text], steps }],
    ['static-leaf-extended', { kind: 'static-leaf', reasons: [text], steps }],
    ['attribute-added', { kind: 'control', control: 'attributes', change: 'added', bits: [{ bit: 30, name: text }] }],
    ['xfam-removed', { kind: 'control', control: 'xfam', change: 'removed', bits: [{ bit: 15, name: null }] }],
    ['feature-added', { kind: 'control', control: 'features0', change: 'added', bits: [{ bit: 21, name: text }] }],
    [
      'feature-renumbered',
      {
        kind: 'features-renumbered',
        moved: [{ name: text, from: 1, to: 2 }],
        renamed: [{ bit: 21, from: text, to: text }],
      },
    ],
    ['cpuid-flag-added', { kind: 'cpuid-flags', change: 'added', flags: [text] }],
    [
      'clobber-added',
      {
        kind: 'host-state',
        change: 'added',
        msrs: [{ msr: text, exit: 'init', openers: [text], kvm: 'nothing' }],
      },
    ],
    ['clobber-undocumented', { kind: 'clobber-rows', problem: 'undocumented', rows: [{ feature: text, msr: text }] }],
    ['config-slots-near-limit', { kind: 'config-slots', used: 120, limit: 128 }],
    [
      'register-mask-mismatch',
      {
        kind: 'register-mask',
        interface: text,
        register: text,
        documented: text,
        enforced: text,
        validated: text,
      },
    ],
    ['hidden-not-refused', { kind: 'split', side: 'hidden-not-refused', isNamed: true }],
    [
      'set-cpuid2-decides-host',
      {
        kind: 'set-cpuid2',
        question: text,
        about: 'host',
        decides: text,
        guards: [text],
        lost: [{ feature: text, msr: text, exit: 'init', restoredByKvm: false }],
      },
    ],
    ['set-cpuid2-not-examined', { kind: 'set-cpuid2-open', unlisted: [text], unfound: [text] }],
    ['deny-stale', { kind: 'stale', list: 'deny' }],
    ['policy-deny-added', { kind: 'policy-list', list: 'deny', change: 'added' }],
    [
      'policy-xfam-added',
      {
        kind: 'policy-control',
        control: 'xfam',
        change: 'added',
        bits: [{ bit: 11, name: text }],
        clobbers: [{ feature: text, msr: text, exit: 'none', restoredByKvm: true }],
      },
    ],
    ['restore-added', { kind: 'restore', change: 'added', msrs: [text] }],
    ['waiver-expired', { kind: 'decision', problem: 'expired', selector: text, reason: text, until: '2027-01-01' }],
    ['level-unknown-rule', { kind: 'override', rule: text }],
    ['facts-missing', { kind: 'missing', releases: [text] }],
    [
      'deciding-code-changed',
      { kind: 'deciding-code', changes: [{ path: text, name: text, line: 12, kind: 'changed' }] },
    ],
    ['deciders-not-examined', { kind: 'not-examined', what: 'deciders', releases: [text] }],
    ['host-state-not-examined', { kind: 'not-examined', what: 'host-state', releases: [text] }],
    ['sources-disagree', { kind: 'disagreement', what: text, left: text, right: text }],
  ];
}

function findingOf(rule: RuleId, facts: FindingFacts, text: string, index: number): Finding {
  const { level, for: audiences } = ruleOf(rule);
  return {
    fingerprint: index.toString(16).padStart(16, '0'),
    rule,
    level,
    for: audiences,
    subject: { from: text, to: text, policy: text },
    places: [
      {
        leaf: 7,
        subleaf: 1,
        register: 'eax',
        mask: 0x00880080,
        bits: [
          { bit: 7, name: 'CMPCCXADD' },
          { bit: 19, name: text },
          { bit: 23, name: null },
        ],
      },
      ...[0, 1].map((subleaf) => ({ leaf: 4, subleaf, register: 'edx' as const, mask: 0xfffffff8, bits: [] })),
    ],
    verdict: facts.kind === 'configurable' ? facts.verdict : null,
    facts,
    also: index === 0 ? [{ rule: 'gate-changed', facts: { kind: 'gate', added: ['xfam:2'], removed: [] } }] : [],
    evidence: [{ repository: text, revision: '0123456789abcdef0123', path: `${text}/tables.c`, line: 12 }],
    decided: index % 5 === 4 ? { reason: text, by: text, until: null } : null,
  };
}

const SAME: MaskChange = { from: null, to: null, added: 0n, removed: 0n };
const NONE = { added: [], removed: [] };
const DIFF: ReleaseDiff = {
  from: 'a',
  to: 'b',
  changes: [],
  gates: [],
  deciders: [],
  fixed0Leaves: NONE,
  attributes: { fixed0: SAME, fixed1: SAME },
  xfam: { fixed0: SAME, fixed1: SAME },
  features0: { ...SAME, moved: [], renamed: [] },
  cpuidFlags: NONE,
  configSlots: { from: 1, to: 1 },
  leaves: NONE,
  coverage: { cells: 32, unknown: ['XFAM of a is not known and was not compared'] },
};

/** A report with every kind of finding, `text` in every place that a source fills. */
export function reportOf(text: string): ReportFacts {
  const source = { repository: text, revision: '0123456789abcdef0123', path: text, blob: null };
  const participant = { name: text, source, notes: [text] };
  return {
    reviews: [
      {
        kind: 'release',
        id: text,
        from: participant,
        to: participant,
        policy: participant,
        diff: DIFF,
        lineage: { follows: text, why: text, before: text, between: [text] },
        kvm: {
          runs: { kind: 'yes', slots: 28, limit: 128 },
          verdicts: [{ verdict: 'exposed', features: 1, fieldBits: 2 }],
          standing: [],
          settled: [],
        },
        passed: [],
        isOldest: false,
        disputed: [],
        hostState: { kind: 'not-examined', releases: [text] },
        findings: everyKind(text).map(([rule, facts], index) => findingOf(rule, facts, text, index)),
        command: `bitwatch review ${text}`,
      },
    ],
    coverage: {
      releases: [text],
      policies: [text],
      unread: [{ release: text, reason: text }],
      cells: 128,
      skipped: [text],
    },
  };
}
