import type { ClassedRelease, RegisterClasses } from '../model/class.ts';
import type { Decider } from '../model/decider.ts';
import type { BitName } from '../model/field.ts';
import type { GateId } from '../model/gate.ts';
import { bitMask, bitsOf, FULL, hasBit, without } from '../model/mask.ts';
import { fieldBits, namedBits } from '../model/names.ts';
import { type Place, samePlace } from '../model/place.ts';
import { supportedMasks } from '../model/policy.ts';
import type { QemuFacts, QemuWord } from '../model/qemu.ts';
import type { Evidence } from '../model/source.ts';
import type { Cpuid2Verdict } from './cpuid2.ts';
import { evidenceOf, registerOf } from './lookup.ts';
import type { KvmContext, PlaceVerdict } from './rule.ts';

/** A module release, a KVM and a QEMU that work together. */
export type Stack = {
  readonly release: ClassedRelease;
  readonly kvm: KvmContext;
  readonly qemu: QemuFacts;
  readonly names: readonly BitName[];
  /** What KVM asks of KVM_SET_CPUID2; null where this kernel was not read for it. */
  readonly cpuid2: readonly Cpuid2Verdict[] | null;
};

/** How QEMU asks for a bit. */
export type Ask = {
  /** What `-cpu` calls it; null where QEMU has no name, so that `-cpu host` leaves it out: it takes migratable bits, and those have names. */
  readonly name: string | null;
  /** False for a named bit that `-cpu host` leaves out. */
  readonly isAutomatic: boolean;
  /** Whether QEMU's check of what the TD got looks at the register. */
  readonly isChecked: boolean;
  readonly isFixed1: boolean;
  /** Whether QEMU takes the bit for supported, without which it drops it however it is asked; `told` where a further test of QEMU's must hold. */
  readonly support: 'yes' | 'told' | 'no';
  /** Whether QEMU sets the bit itself where a package of the TD has more than one thread. */
  readonly isOfThreads: boolean;
  readonly gates: readonly GateId[];
};

/** What a TD gets of a bit under a stack. */
export const GETS = [
  'always',
  'after-ve',
  'host-cpu',
  'threads',
  'told',
  'by-name',
  'unsupported',
  'never-asked',
  'kept-back',
  'gated',
  'shut',
  'host',
  'guest',
  'never',
  've',
  'no-leaf',
  'not-examined',
] as const;
export type Gets = (typeof GETS)[number];

export type StackFeature = Place & {
  readonly bit: number;
  readonly name: string | null;
  readonly decider: Decider | null;
  readonly verdict: PlaceVerdict['verdict'] | null;
  readonly ask: Ask;
  readonly gets: Gets;
  readonly evidence: readonly Evidence[];
};

/** One bit under a stack: who offers, who passes, who asks, and what comes of it. */
export function featureOf(stack: Stack, place: Place, bit: number): StackFeature {
  const register = registerOf(stack.release, place);
  const decider = register === undefined ? null : deciderAt(register, bit);
  const verdict = stack.kvm.verdicts.find((each) => samePlace(each, place) && hasBit(each.mask, bit))?.verdict ?? null;
  const ask = askOf(stack, place, bit);
  const { leaf, subleaf, register: name } = place;
  return {
    leaf,
    subleaf,
    register: name,
    bit,
    name: namedBits(stack.names, place, bitMask(bit))[0]?.name ?? null,
    decider,
    verdict,
    ask,
    gets: register === undefined ? 'no-leaf' : decider === null ? 'not-examined' : getsOf(stack, decider, verdict, ask),
    evidence: [
      ...evidenceOf(stack.release, place),
      ...kvmEvidence(stack, place, bit),
      ...qemuEvidence(stack.qemu, place, bit),
    ],
  };
}

const deciderAt = ({ deciders }: RegisterClasses, bit: number): Decider | null =>
  deciders.find(({ mask }) => hasBit(mask, bit))?.decider ?? null;

export const wordAt = (qemu: QemuFacts, place: Place): QemuWord | undefined =>
  qemu.words.find((word) => samePlace(word, place));

function askOf({ qemu, kvm }: Stack, place: Place, bit: number): Ask {
  const word = wordAt(qemu, place);
  const has = (each: Place & { readonly mask: number }): boolean => samePlace(each, place) && hasBit(each.mask, bit);
  return {
    name: word?.names.find((each) => each.bit === bit)?.name ?? null,
    isAutomatic: word !== undefined && !hasBit(word.notAutomatic, bit),
    isChecked: word !== undefined,
    isFixed1: qemu.fixed1.some(has),
    support: supportOf({ qemu, kvm }, has),
    isOfThreads: qemu.threadBits.some(has),
    gates: qemu.gates.filter(has).map(({ gate }) => gate),
  };
}

/**
 * QEMU starts from KVM_GET_SUPPORTED_CPUID, which reports KVM's capabilities, adds to it, and keeps of both what KVM_TDX_CAPABILITIES
 * lists. Of a KVM whose capabilities are not stated nothing is held to be missing.
 */
function supportOf(
  { qemu, kvm: { policy } }: Pick<Stack, 'qemu' | 'kvm'>,
  has: (each: Place & { readonly mask: number }) => boolean,
): Ask['support'] {
  const added = qemu.supports.filter(has);
  if (policy.known.length === 0 || [...policy.known, ...qemu.fixed1].some(has)) return 'yes';
  if (added.some(({ isConditional }) => !isConditional)) return 'yes';
  return added.length > 0 ? 'told' : 'no';
}

/** Verdicts under which a bit never reaches the module. */
const BLOCKED: readonly PlaceVerdict['verdict'][] = ['denied', 'closed', 'needs-optin'];

// The stack, who decides the bit, what KVM makes of it, and how QEMU asks for it.
function getsOf(stack: Stack, decider: Decider, verdict: PlaceVerdict['verdict'] | null, ask: Ask): Gets {
  if (decider.by.kind === 've') return 've';
  if (isAlways(stack.release, decider, 1)) return isAnswered(decider) ? 'always' : 'after-ve';
  if (isAlways(stack.release, decider, 0)) return 'never';
  if (isSettable(decider)) {
    if (verdict !== null && BLOCKED.includes(verdict)) return 'kept-back';
    if (ask.name === null) return 'never-asked';
    if (ask.support === 'no') return 'unsupported';
    if (ask.isOfThreads) return 'threads';
    if (ask.support === 'told') return 'told';
    return ask.isAutomatic ? 'host-cpu' : 'by-name';
  }
  if (decider.by.kind === 'guest') return 'guest';
  const isGated =
    decider.by.kind !== 'host' ||
    decider.conditions.some(({ otherwise, when }) => otherwise === 0 && when.kind !== 'guest');
  if (!isGated) return 'host';
  return isShut(stack, decider) ? 'shut' : 'gated';
}

/** Whether the bit waits for an ATTRIBUTES or XFAM bit that this KVM or this QEMU never sets. */
function isShut({ release: { module }, kvm: { policy }, qemu }: Stack, { by, conditions }: Decider): boolean {
  if (conditions.some(({ otherwise }) => otherwise === 1)) return false;
  const supported = supportedMasks(policy);
  const asked = [by, ...conditions.filter(({ otherwise }) => otherwise === 0).map(({ when }) => when)];
  return asked.some((each) => {
    if (each.kind !== 'xfam' && each.kind !== 'attributes') return false;
    const { fixed0, fixed1 } = module[each.kind] ?? { fixed0: ~0n, fixed1: 0n };
    const open = (supported[each.kind] & qemu[each.kind].mask & fixed0) | fixed1;
    return each.bits.some((bit) => ((open >> BigInt(bit)) & 1n) === 0n);
  });
}

/** Whether the leaf answers every guest, whatever the guest has set. */
const isAnswered = ({ conditions }: Decider): boolean => conditions.every(({ otherwise }) => otherwise !== 've');

/** 1 in every TD that reads it. */
export const isOne = (gets: Gets): boolean => gets === 'always' || gets === 'after-ve';

const isSettable = ({ by }: Decider): boolean => by.kind === 'vmm' || by.kind === 'vmm-and-host';

/** True where every TD that gets an answer gets this value; XFAM bits that must be 1 are no condition. */
function isAlways({ module }: ClassedRelease, { by, conditions }: Decider, value: 0 | 1): boolean {
  const rest = conditions.filter(({ otherwise }) => otherwise !== 've' && otherwise !== value);
  if (by.kind === 'constant') return by.value === value && rest.length === 0;
  const one = module.xfam?.fixed1 ?? 0n;
  return (
    value === 1 && rest.length === 0 && by.kind === 'xfam' && by.bits.every((bit) => ((one >> BigInt(bit)) & 1n) === 1n)
  );
}

function kvmEvidence({ kvm: { policy } }: Stack, place: Place, bit: number): readonly Evidence[] {
  const { repository, revision } = policy.source;
  return [...policy.deny, ...policy.allow]
    .filter((entry) => samePlace(entry, place) && hasBit(entry.mask, bit))
    .map(({ path, line }) => ({ repository, revision, path, line }));
}

function qemuEvidence(qemu: QemuFacts, place: Place, bit: number): readonly Evidence[] {
  const masks = [...qemu.fixed1, ...qemu.supports, ...qemu.threadBits, ...qemu.gates].filter(
    (each) => samePlace(each, place) && hasBit(each.mask, bit),
  );
  const word = wordAt(qemu, place);
  const named = word?.names.some((each) => each.bit === bit) === true ? [word] : [];
  return [...masks, ...named].map((at) => atQemu(qemu, at));
}

export const atQemu = (
  { source }: QemuFacts,
  { path, line }: { readonly path: string; readonly line: number },
): Evidence => ({
  repository: source.repository,
  revision: source.revision,
  path,
  line,
});

/** The stack with the lists of one register alone: they are searched for each of its bits. */
function stackAt(stack: Stack, place: Place): Stack {
  const { kvm, qemu } = stack;
  const here = <T extends Place>(all: readonly T[]): readonly T[] => all.filter((each) => samePlace(each, place));
  const policy = { ...kvm.policy, deny: here(kvm.policy.deny), allow: here(kvm.policy.allow) };
  return {
    ...stack,
    kvm: { ...kvm, verdicts: here(kvm.verdicts), policy },
    qemu: {
      ...qemu,
      words: here(qemu.words),
      fixed1: here(qemu.fixed1),
      supports: here(qemu.supports),
      threadBits: here(qemu.threadBits),
      gates: here(qemu.gates),
    },
  };
}

/** Every feature bit that a VMM may set, and every bit that QEMU names or fixes and some TD may have, in the order of places. */
export function stackFeatures(stack: Stack): readonly StackFeature[] {
  return stack.release.registers.flatMap((place) => {
    const here = stackAt(stack, place);
    const candidates = without(FULL, fieldBits(here.names, place, FULL));
    return bitsOf(candidates)
      .map((bit) => featureOf(here, place, bit))
      .filter(({ gets, ask, verdict, bit }) => {
        if (gets === 'never' || gets === 've' || gets === 'not-examined') return false;
        const isNumber = here.kvm.verdicts.some(
          (each) => each.isField && samePlace(each, place) && hasBit(each.mask, bit),
        );
        return !isNumber && (verdict !== null || ask.name !== null || ask.isFixed1 || ask.gates.length > 0);
      });
  });
}
