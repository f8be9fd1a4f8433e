import { type ClassedRelease, configurableMask, type RegisterClasses } from '../model/class.ts';
import { constantOf, flagsAsked } from '../model/decider.ts';
import type { Backing, Verdict } from '../model/finding.ts';
import { gateOf } from '../model/gate.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { and, countBits, hasBit, or, without } from '../model/mask.ts';
import type { Place } from '../model/place.ts';
import { samePlace } from '../model/place.ts';
import { holdsAt, type Policy, type PolicyMask } from '../model/policy.ts';
import type { VerdictCount } from '../model/review.ts';
import { classBits, numberBits, registerOf, xfamMask } from './lookup.ts';
import type { PlaceVerdict } from './rule.ts';

const CONFIGURABLE = ['config-direct', 'allow-direct'] as const;

/** The verdict on every bit that a VMM may set, in the order of places. `base` is the release that KVM's code was written against. */
export function verdictsOf(
  release: ClassedRelease,
  policy: Policy,
  base: ClassedRelease | null,
  knowledge: Knowledge,
): readonly PlaceVerdict[] {
  const xfam = xfamMask(policy);
  return release.registers.flatMap((register) => {
    if (configurableMask(register) === 0) return [];
    const place: Place = { leaf: register.leaf, subleaf: register.subleaf, register: register.register };
    const parts = partsOf(place, configurableMask(register), closedMask(register, policy, xfam), {
      policy,
      base,
      knowledge,
    });
    return CONFIGURABLE.flatMap((name) =>
      parts.flatMap((part): readonly PlaceVerdict[] => {
        const mask = and(part.mask, register.classes.get(name) ?? 0);
        return mask === 0 ? [] : [{ ...place, ...part, mask, class: name }];
      }),
    );
  });
}

/** Bits that the VMM has no say in: KVM never sets one of their gates in ATTRIBUTES, XFAM or CONFIG_FLAGS, or they are 0 in every TD. */
export function closedMask(register: RegisterClasses, policy: Policy, xfam = xfamMask(policy)): number {
  let closed = 0;
  for (const [gate, mask] of register.gates) {
    const { kind, bit } = gateOf(gate);
    const supported = kind === 'xfam' ? xfam : policy.attributes;
    if (((supported >> BigInt(bit)) & 1n) === 0n) closed = or(closed, mask);
  }
  // Where it was not read which flags KVM sets, no flag closes anything.
  const flags = policy.configFlags?.reduce((all, { mask }) => all | mask, 0n) ?? null;
  for (const { decider, mask } of register.deciders) {
    const isShut = flags !== null && flagsAsked(decider).some((bit) => ((flags >> BigInt(bit)) & 1n) === 0n);
    if (isShut || constantOf(decider) === 0) closed = or(closed, mask);
  }
  return closed;
}

type Part = {
  readonly mask: number;
  readonly verdict: Verdict;
  readonly backing: Backing | null;
  readonly isField: boolean;
};
type Ground = { readonly policy: Policy; readonly base: ClassedRelease | null; readonly knowledge: Knowledge };

/** The bits of a register by verdict: what is denied or closed first, then who stands behind the rest, the strongest first. */
function partsOf(place: Place, mask: number, closed: number, ground: Ground): readonly Part[] {
  const { policy, base, knowledge } = ground;
  const parts: Part[] = [];
  let rest = mask;
  const numbers = numberBits(knowledge, place, mask);
  const take = (bits: number, verdict: Verdict, backing: Backing | null = null): void => {
    const own = and(bits, rest);
    rest = without(rest, own);
    for (const [part, isField] of [
      [without(own, numbers), false],
      [and(own, numbers), true],
    ] as const)
      if (part !== 0) parts.push({ mask: part, verdict, backing, isField });
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
    take(classBits(base, place, 'fixed1'), 'passed', { kind: 'fixed1-before', release });
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
  return own.filter((entry) => holdsAt(entry, place)).reduce((mask, entry) => or(mask, entry.mask), 0);
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
