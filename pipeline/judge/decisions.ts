import { type Decided, type Finding, type FoundPlace, LEVELS, type Level } from '../model/finding.ts';
import { and, FULL, formatBits, hasBit, without } from '../model/mask.ts';
import { compareVersions } from '../model/order.ts';
import { formatPlace, type Place, samePlace } from '../model/place.ts';
import type { SettledPlace } from '../model/review.ts';
import type { IdleDecision } from './project.ts';
import type { PlaceMask } from './rule.ts';

/**
 * What a decision is about: one finding by its fingerprint, or all that a rule or bits name, for the releases and kernels of a range.
 * Null stands for all.
 */
export type DecisionSelector = { readonly fingerprint: string } | RangeSelector;

type RangeSelector = {
  readonly rule: string | null;
  readonly bits: PlaceMask | null;
  /** `2.0.08`, `>=6.16`, `>=6.16,<7.0`. */
  readonly release: string | null;
  readonly policy: string | null;
};

export type Decision = Decided & { readonly selector: DecisionSelector };

/** A day as `2026-11-21`; compared as text. */
export type Day = string;

/** Whether a version lies in a range: parts with commas, all of which must hold; a part without a sign is that version. */
export const isInRange = (range: string, version: string): boolean =>
  range.split(',').every((part) => {
    const [, sign = '', bound = ''] = /^\s*(>=|<=|>|<|=)?\s*(.*?)\s*$/.exec(part) ?? [];
    const order = compareVersions(version, bound);
    if (sign === '>=') return order >= 0;
    if (sign === '<=') return order <= 0;
    if (sign === '>') return order > 0;
    return sign === '<' ? order < 0 : order === 0;
  });

/**
 * Marks the findings that people decided on: by its fingerprint or rule, or bit by bit, and then only where every bit of it is decided. A
 * decision holds on its last day. A decided finding stays in the report. Decisions that decide nothing come back beside.
 */
export function applyDecisions(
  findings: readonly Finding[],
  decisions: readonly Decision[],
  today: Day,
): { readonly findings: readonly Finding[]; readonly idle: readonly IdleDecision[] } {
  const active = decisions.filter((decision) => !isExpired(decision, today));
  const idle =
    (problem: IdleDecision['problem']) =>
    ({ selector, reason, until }: Decision): IdleDecision => ({
      problem,
      selector: selectorText(selector),
      reason,
      until,
    });
  return {
    findings: findings.map((finding) => ({ ...finding, decided: decidedBy(finding, active) })),
    idle: [
      ...active
        .filter(({ selector }) => !findings.some((finding) => matches(selector, finding)))
        .map(idle('unmatched')),
      ...decisions.filter((decision) => isExpired(decision, today)).map(idle('expired')),
    ],
  };
}

const isExpired = ({ until }: Decision, today: Day): boolean => until !== null && until < today;
const decidedAs = ({ reason, by, until }: Decision): Decided => ({ reason, by, until });

/**
 * Parts exposed features that a release had before, under one KVM version, into those that a decision covers and the rest. They are no
 * findings there, so that only decisions on their bits or on `exposed-unreviewed` reach them.
 */
export function applyToStanding(
  places: readonly FoundPlace[],
  { release, policy }: { readonly release: string; readonly policy: string },
  decisions: readonly Decision[],
  today: Day,
): { readonly standing: readonly FoundPlace[]; readonly settled: readonly SettledPlace[] } {
  const holds = decisions.flatMap((decision) => {
    const { selector } = decision;
    if ('fingerprint' in selector || isExpired(decision, today)) return [];
    const isAbout = selector.rule === null || selector.rule === 'exposed-unreviewed';
    return isAbout && isWithin(selector, release, policy)
      ? [{ bits: selector.bits, decided: decidedAs(decision) }]
      : [];
  });
  const settled: SettledPlace[] = [];
  const standing = places.flatMap((place): readonly FoundPlace[] => {
    let left = place.mask;
    for (const { bits, decided } of holds) {
      if (bits !== null && !samePlace(bits, place)) continue;
      const mask = bits === null ? left : and(left, bits.mask);
      if (mask !== 0) settled.push({ ...partOf(place, mask), decided });
      left = without(left, mask);
    }
    return left === 0 ? [] : [partOf(place, left)];
  });
  return { standing, settled };
}

const partOf = (place: FoundPlace, mask: number): FoundPlace => ({
  ...place,
  mask,
  bits: place.bits.filter(({ bit }) => hasBit(mask, bit)),
});

/** Decisions that hold today and are about a bit: those that name it, and of an exposed one those that name all such bits. */
export const decisionsOn = (
  decisions: readonly Decision[],
  bit: { readonly place: Place; readonly bit: number; readonly isExposed: boolean },
  today: Day,
): readonly Decision[] =>
  decisions.filter((decision) => {
    const { selector } = decision;
    if ('fingerprint' in selector || isExpired(decision, today)) return false;
    const { rule, bits } = selector;
    if (bits !== null) return samePlace(bits, bit.place) && hasBit(bits.mask, bit.bit);
    return rule === 'exposed-unreviewed' && bit.isExposed;
  });

/** The decision on a finding: one on all of it, or the first of those that together name all its bits. */
function decidedBy(finding: Finding, decisions: readonly Decision[]): Decided | null {
  const own = decisions.filter(({ selector }) => matches(selector, finding));
  const whole = own.find(({ selector }) => 'fingerprint' in selector || selector.bits === null);
  const named = own.flatMap(({ selector }) =>
    'fingerprint' in selector || selector.bits === null ? [] : [selector.bits],
  );
  const isAll = finding.places.every(
    (place) =>
      named.filter((bits) => samePlace(bits, place)).reduce((mask, bits) => without(mask, bits.mask), place.mask) === 0,
  );
  const decision = whole ?? (isAll ? own[0] : undefined);
  return decision === undefined ? null : decidedAs(decision);
}

/** Whether a selector names a finding, or some of its bits. */
function matches(selector: DecisionSelector, { fingerprint, rule, places, subject }: Finding): boolean {
  if ('fingerprint' in selector) return selector.fingerprint === fingerprint;
  const { bits } = selector;
  if (selector.rule !== null && selector.rule !== rule) return false;
  if (bits !== null && !places.some((place) => samePlace(place, bits) && without(place.mask, bits.mask) !== place.mask))
    return false;
  return isWithin(selector, subject.to, subject.policy);
}

/** Whether a selector's ranges hold a release and a KVM version, null for none. */
const isWithin = (
  { release, policy }: Pick<RangeSelector, 'release' | 'policy'>,
  to: string,
  on: string | null,
): boolean =>
  (release === null || isInRange(release, to)) && (policy === null || (on !== null && isInRange(policy, on)));

/** A selector as one word: the fingerprint, or `exposed-unreviewed at 7.1.EAX[3] for 2.0.08 on >=6.16`. */
export function selectorText(selector: DecisionSelector): string {
  if ('fingerprint' in selector) return selector.fingerprint;
  const { rule, bits, release, policy } = selector;
  const where = bits === null ? '' : ` at ${formatPlace(bits)}${bits.mask === FULL ? '' : formatBits(bits.mask)}`;
  return [
    rule ?? 'all rules',
    where,
    release === null ? '' : ` for ${release}`,
    policy === null ? '' : ` on ${policy}`,
  ].join('');
}

/** Findings that count for a gate: at or above the level, and not decided. */
export const gating = (findings: readonly Finding[], level: Level): readonly Finding[] =>
  findings.filter((finding) => finding.decided === null && isAtLeast(finding.level, level));

export const isAtLeast = (level: Level, bound: Level): boolean => LEVELS.indexOf(level) >= LEVELS.indexOf(bound);
