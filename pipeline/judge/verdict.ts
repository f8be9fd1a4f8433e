import { type ClassedRelease, configurableMask, type RegisterClasses } from '../model/class.ts';
import { constantOf, flagsAsked } from '../model/decider.ts';
import type { Backing, Verdict } from '../model/finding.ts';
import { gateOf } from '../model/gate.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { and, countBits, hasBit, or, without } from '../model/mask.ts';
import { once, onceFor } from '../model/once.ts';
import type { Place } from '../model/place.ts';
import { samePlace } from '../model/place.ts';
import { configFlagsMask, holdsAt, type Policy, type PolicyMask, supportedMasks } from '../model/policy.ts';
import type { VerdictCount } from '../model/review.ts';
import { numberBits, registerOf } from './lookup.ts';
import type { PlaceVerdict } from './rule.ts';

const CONFIGURABLE = ['config-direct', 'allow-direct'] as const;

/** The verdict on every bit that a VMM may set, in the order of places. `base` is the release that KVM's code was written against. */
export function verdictsOf(
  release: ClassedRelease,
  policy: Policy,
  base: ClassedRelease | null,
  knowledge: Knowledge,
): readonly PlaceVerdict[] {
  const supported = supportedMasks(policy);
  return settablesOf(release, knowledge).flatMap((settable) => {
    const { register: classed, place } = settable;
    const { leaf, subleaf, register } = place;
    const parts = partsOf(settable, closedMask(classed, policy, supported), policy, base);
    const found: PlaceVerdict[] = [];
    for (const name of CONFIGURABLE) {
      const own = classed.classes.get(name) ?? 0;
      for (const { mask: all, verdict, backing, isField } of parts) {
        const mask = and(all, own);
        if (mask !== 0) found.push({ leaf, subleaf, register, mask, verdict, backing, isField, class: name });
      }
    }
    return found;
  });
}

/** A register with bits that a VMM may set, whatever KVM it is; `numbers` are those of fields. */
type Settable = {
  readonly register: RegisterClasses;
  readonly place: Place;
  readonly mask: number;
  readonly numbers: number;
};
const settablesOf = once((release: ClassedRelease, knowledge: Knowledge): readonly Settable[] =>
  release.registers.flatMap((register) => {
    const mask = configurableMask(register);
    const place: Place = { leaf: register.leaf, subleaf: register.subleaf, register: register.register };
    return mask === 0 ? [] : [{ register, place, mask, numbers: numberBits(knowledge, place, mask) }];
  }),
);

/** Bits that the VMM has no say in: KVM never sets one of their gates in ATTRIBUTES, XFAM or CONFIG_FLAGS, or they are 0 in every TD. */
export function closedMask(register: RegisterClasses, policy: Policy, supported = supportedMasks(policy)): number {
  let closed = 0;
  for (const { kind, bit, mask } of gatedBits(register.gates)) {
    if (((supported[kind] >> BigInt(bit)) & 1n) === 0n) closed = or(closed, mask);
  }
  // Where it was not read which flags KVM sets, no flag closes anything.
  const flags = flagsOf(policy);
  for (const { decider, mask } of register.deciders) {
    const isShut = flags !== null && flagsAsked(decider).some((bit) => ((flags >> BigInt(bit)) & 1n) === 0n);
    if (isShut || constantOf(decider) === 0) closed = or(closed, mask);
  }
  return closed;
}

/** The bits that each gate of a register decides over. */
const gatedBits = onceFor((gates: RegisterClasses['gates']) =>
  [...gates].map(([gate, mask]) => ({ ...gateOf(gate), mask })),
);

const flagsOf = onceFor(configFlagsMask);

type Part = {
  readonly mask: number;
  readonly verdict: Verdict;
  readonly backing: Backing | null;
  readonly isField: boolean;
};

/** The bits of a register by verdict: what is denied or closed first, then who stands behind the rest, the strongest first. */
function partsOf(
  { place, mask, numbers }: Settable,
  closed: number,
  policy: Policy,
  base: ClassedRelease | null,
): readonly Part[] {
  const parts: Part[] = [];
  let rest = mask;
  const take = (bits: number, verdict: Verdict, backing: Backing | null = null): void => {
    const own = and(bits, rest);
    rest = without(rest, own);
    const [features, fields] = [without(own, numbers), and(own, numbers)];
    if (features !== 0) parts.push({ mask: features, verdict, backing, isField: false });
    if (fields !== 0) parts.push({ mask: fields, verdict, backing, isField: true });
  };
  take(listed(policy.deny, place), 'denied');
  take(closed, 'closed');
  if (isAllowing(policy)) {
    take(listed(policy.allow, place), 'allowed');
    take(rest, 'needs-optin');
    return parts;
  }
  if (base !== null) {
    const register = registerOf(base, place);
    const release = base.module.release;
    take(register === undefined ? 0 : configurableMask(register), 'passed', { kind: 'base', release });
    take(register?.classes.get('fixed1') ?? 0, 'passed', { kind: 'fixed1-before', release });
  }
  take(numbers, 'passed', { kind: 'field' });
  take(listed(policy.known, place), 'passed', { kind: 'caps' });
  take(rest, 'exposed');
  return parts;
}

/** Only where KVM lists what a TD may have is an unlisted bit kept from it. */
const isAllowing = (policy: Policy): boolean =>
  policy.generation === 'allowlist' || policy.generation === 'supported-cpuid';

/** A list by leaf: every release asks it for each of its registers. */
const LISTS = new WeakMap<readonly PolicyMask[], ReadonlyMap<number, readonly PolicyMask[]>>();

/** The bits of a register in a list. */
export function listed(list: readonly PolicyMask[], place: Place): number {
  let leaves = LISTS.get(list);
  if (leaves === undefined) {
    const numbers = [...new Set(list.map(({ leaf }) => leaf))];
    leaves = new Map(numbers.map((leaf) => [leaf, list.filter((entry) => entry.leaf === leaf)]));
    LISTS.set(list, leaves);
  }
  const own = leaves.get(place.leaf) ?? [];
  return own.reduce((mask, entry) => (holdsAt(entry, place) ? or(mask, entry.mask) : mask), 0);
}

/** Features, and apart from them bits of fields, by verdict, in the order of verdicts. */
export function countVerdicts(verdicts: readonly PlaceVerdict[]): readonly VerdictCount[] {
  const counts = new Map<Verdict, VerdictCount>();
  for (const { verdict, mask, isField } of verdicts) {
    const { features, fieldBits } = counts.get(verdict) ?? { features: 0, fieldBits: 0 };
    const bits = countBits(mask);
    counts.set(verdict, {
      verdict,
      features: features + (isField ? 0 : bits),
      fieldBits: fieldBits + (isField ? bits : 0),
    });
  }
  return [...counts.values()];
}

/** The verdict on one bit, null where the VMM cannot set it. */
export const verdictOfBit = (verdicts: readonly PlaceVerdict[], place: Place, bit: number): Verdict | null =>
  verdicts.find((judged) => samePlace(judged, place) && hasBit(judged.mask, bit))?.verdict ?? null;
