import { RULES } from '../../pipeline/judge/catalogue.ts';
import type { Finding, FindingFacts, RuleId } from '../../pipeline/model/finding.ts';
import type { ReportFacts } from '../../pipeline/model/review.ts';

/** Facts of every kind under a rule that has them; `text` stands wherever a source's text can. */
export function everyKind(text: string): readonly (readonly [RuleId, FindingFacts])[] {
  return [
    ['configurable-added', { kind: 'class-change', from: 'fixed0', to: 'allow-direct', gates: ['xfam:2'] }],
    [
      'exposed-clobbers-host',
      {
        kind: 'clobber',
        from: null,
        to: 'allow-direct',
        clobbers: [{ feature: text, msr: text, exit: 'none', restoredByKvm: false }],
      },
    ],
    ['leaf-added', { kind: 'leaf', from: 'absent', to: 'present', fixed1: true, known: false }],
    ['gate-changed', { kind: 'gate', gate: 'attributes:30', opened: true }],
    ['unfixed-not-configurable', { kind: 'promise', from: 'fixed1', to: 'native' }],
    ['required-bit-lost', { kind: 'required', from: 'config-direct', to: 'fixed0', reason: text }],
    ['static-leaf-extended', { kind: 'static-leaf', from: 'fixed0', to: 'config-direct', reason: text }],
    ['attribute-added', { kind: 'attribute', bit: 30, name: text }],
    ['xfam-removed', { kind: 'xfam', bit: 15, name: null }],
    ['feature-added', { kind: 'feature', bit: 21, name: text }],
    ['feature-renumbered', { kind: 'feature-moved', name: text, fromBit: 1, toBit: 2 }],
    ['feature-renumbered', { kind: 'feature-renamed', bit: 21, from: text, to: text }],
    ['cpuid-flag-added', { kind: 'cpuid-flag', flag: text }],
    ['clobber-added', { kind: 'msr', msr: text, exit: text, openers: [text] }],
    ['clobber-undocumented', { kind: 'clobber-row', feature: text, msr: text }],
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
    ['exposed-unreviewed', { kind: 'verdict', class: 'allow-direct', since: text, functional: [] }],
    ['deny-stale', { kind: 'stale', list: 'deny' }],
    ['policy-deny-added', { kind: 'policy', list: 'deny' }],
    ['restore-added', { kind: 'restore', msr: text }],
    ['waiver-expired', { kind: 'waiver', selector: text, reason: text, until: '2027-01-01' }],
    ['facts-missing', { kind: 'missing', what: text }],
    ['sources-disagree', { kind: 'disagreement', what: text, left: text, right: text }],
  ];
}

const levelOf = (rule: RuleId): Finding['level'] => RULES.find(({ id }) => id === rule)?.level ?? 'info';

function findingOf(rule: RuleId, facts: FindingFacts, text: string, index: number): Finding {
  return {
    fingerprint: index.toString(16).padStart(16, '0'),
    rule,
    level: levelOf(rule),
    subject: { from: text, to: text, policy: text },
    place: { leaf: 7, subleaf: 1, register: 'eax' },
    mask: 0x00880080,
    bits: [
      { bit: 7, name: 'CMPCCXADD' },
      { bit: 19, name: text },
      { bit: 23, name: null },
    ],
    verdict: rule === 'exposed-unreviewed' ? 'exposed' : null,
    facts,
    evidence: [{ repository: text, revision: '0123456789abcdef0123', path: `${text}/tables.c`, line: 12 }],
    waived: index % 5 === 4 ? { reason: text, by: text, until: null } : null,
  };
}

/** A report with every kind of finding, `text` in every place that a source fills. */
export function reportOf(text: string): ReportFacts {
  const source = { repository: text, revision: '0123456789abcdef0123', path: text, blob: null };
  const participant = { name: text, source, notes: [text] };
  return {
    reviews: [
      {
        id: text,
        from: participant,
        to: participant,
        policy: null,
        diff: null,
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
