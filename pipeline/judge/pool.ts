import type { Decider, Decision } from '../model/decider.ts';
import type { Condition } from '../model/decider-rules.ts';
import { and, hasBit, or, without } from '../model/mask.ts';
import { type LeafKey, type Place, REGISTERS, subleafOf } from '../model/place.ts';
import { holdsAt, type PolicyMask, xfamMask } from '../model/policy.ts';
import { type Host, hostKey } from '../td/case.ts';
import { SUPERVISOR_COMPONENTS, USER_COMPONENTS } from '../td/platform.ts';
import { registerOf } from './lookup.ts';
import { type Gets, type Stack, type StackFeature, stackFeatures } from './stack.ts';

/** What a TD can have on one host. */
type PoolHost = {
  readonly name: string;
  readonly xfam: bigint;
  readonly attributes: bigint;
  readonly features: readonly StackFeature[];
};

/** What a TD can have on every host of a pool, and what each adds. */
export type Pool = {
  readonly xfam: bigint;
  readonly attributes: bigint;
  readonly features: readonly StackFeature[];
  readonly hosts: readonly (PoolHost & { readonly adds: readonly StackFeature[] })[];
  /** Names that `-cpu host` has to leave out on the host that adds them. */
  readonly without: readonly string[];
  /** What a host adds and no VMM can take away. */
  readonly apart: readonly StackFeature[];
  /** Numbers in which hosts differ. */
  readonly numbers: readonly string[];
};

/** Features only: numbers that have to be equal for a migration are told apart. At least one host. */
export function poolOf(stack: Stack, hosts: readonly { readonly name: string; readonly host: Host }[]): Pool {
  const all = stackFeatures(stack);
  const each = hosts.map(({ name, host }) => hostPart(stack, all, name, host));
  const isShared = (feature: StackFeature): boolean => each.every(({ features }) => features.includes(feature));
  const added = all.filter((feature) => !isShared(feature) && each.some(({ features }) => features.includes(feature)));
  const canLeave = ({ gets, ask }: StackFeature): boolean =>
    ask.name !== null && gets !== 'host' && gets !== 'always' && gets !== 'after-ve';
  return {
    xfam: each.reduce((mask, { xfam }) => mask & xfam, each[0]?.xfam ?? 0n),
    attributes: each.reduce((mask, { attributes }) => mask & attributes, each[0]?.attributes ?? 0n),
    features: all.filter(isShared),
    hosts: each.map((part) => ({ ...part, adds: part.features.filter((feature) => !isShared(feature)) })),
    without: [...new Set(added.filter(canLeave).flatMap(({ ask }) => ask.name ?? []))],
    apart: added.filter((feature) => !canLeave(feature)),
    numbers: numbersApart(hosts.map(({ host }) => host)),
  };
}

const LASS = 27n;

// The stack, its features, and the host with its name.
function hostPart(stack: Stack, all: readonly StackFeature[], name: string, host: Host): PoolHost {
  const at = (key: LeafKey): readonly number[] => host.leaves.get(hostKey(key.leaf, subleafOf(key))) ?? [0, 0, 0, 0];
  const [user = 0] = at({ leaf: 0xd, subleaf: 0 });
  const [, , supervisor = 0] = at({ leaf: 0xd, subleaf: 1 });
  const { module } = stack.release;
  const xfam =
    (module.xfam?.fixed0 ?? 0n) &
    xfamMask(stack.kvm.policy) &
    BigInt(or(and(user, USER_COMPONENTS), and(supervisor, SUPERVISOR_COMPONENTS)));
  const [lass = 0] = at({ leaf: 7, subleaf: 1 });
  const settable = (module.attributes?.fixed0 ?? 0n) & stack.kvm.policy.attributes;
  const attributes = hasBit(lass, 6) ? settable : settable & ~(1n << LASS);
  const has = (feature: StackFeature): boolean => {
    const onHost = hasBit(at(feature)[REGISTERS.indexOf(feature.register)] ?? 0, feature.bit);
    return feature.decider !== null && canHave(feature, feature.decider, { xfam, attributes, onHost });
  };
  return { name, xfam, attributes, features: all.filter(has) };
}

type Ground = { readonly xfam: bigint; readonly attributes: bigint; readonly onHost: boolean };

/** What no TD has under the KVM and the QEMU of the stack, whatever the host has. */
const BEYOND: readonly Gets[] = ['kept-back', 'unsupported', 'never-asked'];

/** Whether some TD has the bit and reads it: conditions are asked in their order, and the last one that does not hold decides. */
function canHave({ gets }: StackFeature, { by, conditions }: Decider, ground: Ground): boolean {
  if (BEYOND.includes(gets)) return false;
  let can = canBeOne(by, ground);
  for (const { when, otherwise } of conditions)
    if (otherwise === 1) can = can || canFail(when, ground);
    else can = can && canHold(when, ground);
  return can;
}

function canBeOne(by: Decision, ground: Ground): boolean {
  switch (by.kind) {
    case 'xfam':
    case 'attributes':
      return canHold(by, ground);
    case 'constant':
      return by.value === 1;
    case 'host':
    case 'vmm-and-host':
      return ground.onHost;
    default:
      return true;
  }
}

/** What is not of XFAM or ATTRIBUTES can be either way. */
function canHold(condition: Condition, ground: Ground): boolean {
  switch (condition.kind) {
    case 'xfam':
    case 'attributes':
      return condition.bits.every((bit) => ((ground[condition.kind] >> BigInt(bit)) & 1n) === 1n);
    case 'not':
      return canFail(condition.of, ground);
    case 'any':
      return condition.of.some((each) => canHold(each, ground));
    default:
      return true;
  }
}

/** XFAM bits that every TD has are in no condition of their own. */
function canFail(condition: Condition, ground: Ground): boolean {
  if (condition.kind === 'not') return canHold(condition.of, ground);
  return condition.kind !== 'any' || condition.of.every((each) => canFail(each, ground));
}

const NUMBERS: readonly (readonly [string, LeafKey, number])[] = [
  ['family, model and stepping (1.EAX)', { leaf: 1, subleaf: null }, 0xffffffff],
  ['physical address bits (0x80000008.EAX[7:0])', { leaf: 0x80000008, subleaf: null }, 0xff],
];

function numbersApart(hosts: readonly Host[]): readonly string[] {
  return NUMBERS.flatMap(([what, { leaf }, mask]) => {
    const values = hosts.map(({ leaves }) => and(leaves.get(hostKey(leaf, 0))?.[0] ?? 0, mask));
    return new Set(values).size > 1 ? [`${what}: ${values.map((value) => `0x${value.toString(16)}`).join(', ')}`] : [];
  });
}

/** A register that KVM reports as configurable otherwise than the facts say. */
export type CaptureDifference = LeafKey & {
  readonly register: (typeof REGISTERS)[number];
  /** Reported, and no fact says so. */
  readonly unexpected: number;
  /** Not reported, though the release, the host and KVM give it. */
  readonly missing: number;
};

/** What KVM reports held against what the release, the host and KVM's filter should give; empty where they agree. */
export function checkCapabilities(stack: Stack, host: Host, reported: Host): readonly CaptureDifference[] {
  const { release, kvm } = stack;
  const keys = new Map<string, LeafKey>();
  for (const key of release.registers) keys.set(hostKey(key.leaf, subleafOf(key)), key);
  for (const key of reported.leaves.keys()) {
    const [leaf = 0, subleaf = 0] = key.split('.').map(Number);
    if (!keys.has(key)) keys.set(key, { leaf, subleaf });
  }
  return [...keys].flatMap(([key, { leaf, subleaf }]) =>
    REGISTERS.flatMap((register, index) => {
      const place = { leaf, subleaf, register };
      const classes = registerOf(release, place)?.classes;
      const native = host.leaves.get(key)?.[index] ?? 0;
      const offered = or(classes?.get('config-direct') ?? 0, and(classes?.get('allow-direct') ?? 0, native));
      const expected = or(without(offered, maskAt(kvm.policy.deny, place)), maskAt(kvm.policy.adds, place));
      const found = reported.leaves.get(key)?.[index] ?? 0;
      const [unexpected, missing] = [without(found, expected), without(expected, found)];
      return unexpected === 0 && missing === 0 ? [] : [{ leaf, subleaf, register, unexpected, missing }];
    }),
  );
}

const maskAt = (list: readonly PolicyMask[], place: Place): number =>
  list.filter((entry) => holdsAt(entry, place)).reduce((mask, entry) => or(mask, entry.mask), 0);
