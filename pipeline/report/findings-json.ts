import { hex, hex32 } from '../model/mask.ts';
import type { Item, View } from './view.ts';

/** `bitwatch.findings/1`. Findings without a place have null for leaf, sub-leaf and register. */
export function findingsJson(view: View) {
  return {
    schema: 'bitwatch.findings/1',
    counts: view.counts,
    reviews: view.sections.map(({ id, title, counts, command, notes }) => ({ id, title, counts, command, notes })),
    findings: view.sections.flatMap(({ id, items }) => items.map((item) => findingJson(item, id))),
    coverage: view.coverage,
  };
}

export function findingJson({ finding, headline, because, todo }: Item, review: string) {
  const { place } = finding;
  return {
    fingerprint: finding.fingerprint,
    rule: finding.rule,
    level: finding.level,
    review,
    from: finding.subject.from,
    to: finding.subject.to,
    policy: finding.subject.policy,
    leaf: place === null ? null : hex(place.leaf),
    subleaf: place === null || place.subleaf === null ? null : hex(place.subleaf),
    register: place === null || finding.mask === 0 ? null : place.register,
    mask: hex32(finding.mask),
    bits: finding.bits,
    verdict: finding.verdict,
    headline,
    because,
    todo,
    facts: finding.facts,
    evidence: finding.evidence,
    waived: finding.waived,
  };
}
