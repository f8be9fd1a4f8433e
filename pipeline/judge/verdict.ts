import type { ClassedRelease, RegisterClasses } from '../model/class.ts';
import { XFAM_NAMES } from '../model/control.ts';
import type { Verdict } from '../model/finding.ts';
import { gateOf } from '../model/gate.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { and, bitsOf, or, rangeMask, without } from '../model/mask.ts';
import { namesOf } from '../model/names.ts';
import { type Place, placeId } from '../model/place.ts';
import { holdsAt, type Policy, type PolicyMask } from '../model/policy.ts';
import type { PlaceVerdict, ReleaseContext } from './rule.ts';

const CONFIGURABLE = ['config-direct', 'allow-direct'] as const;
const FORCED = ['fixed1', 'native'] as const;

/** The verdict on every configurable, fixed-1 and native bit of a release under a policy, in the order of places. */
export function verdictsOf(
  release: ClassedRelease,
  policy: Policy,
  base: ReleaseContext['base'],
  knowledge: Knowledge,
): readonly PlaceVerdict[] {
  const xfam = xfamMask(policy);
  return release.registers.flatMap((register) => {
    const place: Place = { leaf: register.leaf, subleaf: register.subleaf, register: register.register };
    const closed = closedMask(register, policy, xfam);
    return [
      ...CONFIGURABLE.flatMap((name) =>
        configurableVerdicts(place, name, register.classes.get(name) ?? 0, closed, policy, base),
      ),
      ...FORCED.flatMap((name) => knownVerdicts(place, name, register.classes.get(name) ?? 0, policy, knowledge)),
    ];
  });
}

/** Bits that stay 0 because KVM supports neither of their gates: a closed XFAM or attribute bit. */
function closedMask(register: RegisterClasses, policy: Policy, xfam: bigint): number {
  let closed = 0;
  for (const [gate, mask] of register.gates) {
    const { kind, bit } = gateOf(gate);
    const supported = kind === 'xfam' ? xfam : policy.attributes;
    if (((supported >> BigInt(bit)) & 1n) === 0n) closed = or(closed, mask);
  }
  return closed;
}

/** KVM's XFAM as a mask: the source names features, XFAM numbers them. */
function xfamMask(policy: Policy): bigint {
  if (typeof policy.xfam === 'bigint') return policy.xfam;
  const names = policy.xfam.map((name) => name.toUpperCase());
  return [...XFAM_NAMES]
    .filter(([, name]) => names.includes(name))
    .reduce((mask, [bit]) => mask | (1n << BigInt(bit)), 0n);
}

function configurableVerdicts(
  place: Place,
  name: 'config-direct' | 'allow-direct',
  mask: number,
  closed: number,
  policy: Policy,
  base: ReleaseContext['base'],
): readonly PlaceVerdict[] {
  const denied = and(mask, listed(policy.deny, place));
  const unreachable = and(without(mask, denied), closed);
  const open = without(mask, or(denied, unreachable));
  const reviewed = isAllowing(policy) ? listed(policy.allow, place) : (base.configurable.get(placeId(place)) ?? 0);
  const parts: readonly (readonly [Verdict, number])[] = [
    ['denied', denied],
    ['unreachable', unreachable],
    ['allowed', and(open, reviewed)],
    [isAllowing(policy) ? 'needs-optin' : 'exposed', without(open, reviewed)],
  ];
  return parts
    .filter(([, part]) => part !== 0)
    .map(([verdict, part]) => ({ ...place, mask: part, verdict, class: name }));
}

/** Only where KVM lists what a TD may have is an unlisted bit kept from it. */
const isAllowing = (policy: Policy): boolean =>
  policy.generation === 'allowlist' || policy.generation === 'supported-cpuid';

/** The bits of a register in a list. */
const listed = (list: readonly PolicyMask[], place: Place): number =>
  list.filter((entry) => holdsAt(entry, place)).reduce((mask, entry) => or(mask, entry.mask), 0);

/** A forced bit is known where KVM sets a capability for it, or the kernel has a name for it. */
function knownVerdicts(
  place: Place,
  name: 'fixed1' | 'native',
  mask: number,
  policy: Policy,
  knowledge: Knowledge,
): readonly PlaceVerdict[] {
  const named = namesOf(knowledge.names, place).reduce((all, item) => or(all, rangeMask(item.high, item.low)), 0);
  const known = and(mask, or(listed(policy.known, place), named));
  const parts: readonly (readonly [Verdict, number])[] = [
    ['known', known],
    ['unknown', without(mask, known)],
  ];
  return parts
    .filter(([, part]) => part !== 0)
    .map(([verdict, part]) => ({ ...place, mask: part, verdict, class: name }));
}

/** The verdict on one bit, null where the policy has nothing to say about its class. */
export function verdictOfBit(verdicts: readonly PlaceVerdict[], place: Place, bit: number): Verdict | null {
  const hit = verdicts.find((judged) => placeId(judged) === placeId(place) && bitsOf(judged.mask).includes(bit));
  return hit?.verdict ?? null;
}
