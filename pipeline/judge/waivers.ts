import type { Finding, Level, RuleId, Waiver } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { formatPlace, type Place, placeId } from '../model/place.ts';
import { CATALOGUE } from './catalogue.ts';
import { compareFindings, finish } from './finish.ts';

/** What a waiver names: one finding by its fingerprint, or all that a selector matches. */
export type WaiverSelector =
  | { readonly fingerprint: string }
  | {
      readonly rule: RuleId;
      readonly place: Place | null;
      readonly release: string | null;
      readonly policy: string | null;
    };

export type WaiverEntry = Waiver & { readonly selector: WaiverSelector };

/** A day as `2026-11-21`; compared as text. */
export type Day = string;

/**
 * Marks waived findings and adds a finding for each waiver that matches none or has expired. `today` decides whether a
 * waiver still holds: it holds on its last day. A waived finding stays in the report.
 */
export function applyWaivers(
  findings: readonly Finding[],
  waivers: readonly WaiverEntry[],
  today: Day,
  knowledge: Knowledge,
): readonly Finding[] {
  const isExpired = (waiver: WaiverEntry): boolean => waiver.until !== null && waiver.until < today;
  const active = waivers.filter((waiver) => !isExpired(waiver));
  const marked = findings.map((finding) => {
    const waiver = active.find((entry) => matches(entry.selector, finding));
    return waiver === undefined
      ? finding
      : { ...finding, waived: { reason: waiver.reason, by: waiver.by, until: waiver.until } };
  });
  const unmatched = active.filter((waiver) => !findings.some((finding) => matches(waiver.selector, finding)));
  const own = [
    ...unmatched.map((waiver) => waiverFinding('waiver-unmatched', waiver, knowledge)),
    ...waivers.filter(isExpired).map((waiver) => waiverFinding('waiver-expired', waiver, knowledge)),
  ];
  return [...marked, ...own.flat()].sort(compareFindings);
}

function matches(selector: WaiverSelector, finding: Finding): boolean {
  if ('fingerprint' in selector) return selector.fingerprint === finding.fingerprint;
  if (selector.rule !== finding.rule) return false;
  if (selector.place !== null && (finding.place === null || placeId(selector.place) !== placeId(finding.place)))
    return false;
  if (selector.release !== null && selector.release !== finding.subject.to) return false;
  return selector.policy === null || selector.policy === finding.subject.policy;
}

/** A waiver's selector as one word: the fingerprint, or `rule at 0x7.0x1.eax for 2.0.08 on 6.16.1`. */
export function selectorText(selector: WaiverSelector): string {
  if ('fingerprint' in selector) return selector.fingerprint;
  const { rule, place, release, policy } = selector;
  return [
    rule,
    place === null ? '' : ` at ${formatPlace(place)}`,
    release === null ? '' : ` for ${release}`,
    policy === null ? '' : ` on ${policy}`,
  ].join('');
}

function waiverFinding(
  rule: 'waiver-unmatched' | 'waiver-expired',
  waiver: WaiverEntry,
  knowledge: Knowledge,
): readonly Finding[] {
  const selector = selectorText(waiver.selector);
  const facts = { kind: 'waiver' as const, selector, reason: waiver.reason, until: waiver.until };
  return finish(CATALOGUE[rule], [{ facts }], { from: null, to: 'specs/waivers.yaml', policy: null }, knowledge);
}

/** Findings that count for a gate: at or above the level, and not waived. */
export function gating(findings: readonly Finding[], level: Level): readonly Finding[] {
  const order: readonly Level[] = ['info', 'warning', 'error'];
  return findings.filter((finding) => finding.waived === null && order.indexOf(finding.level) >= order.indexOf(level));
}
