import { gatesAsked } from '../model/decider.ts';
import { GATE_KINDS, type GateId, gateId, gateOf } from '../model/gate.ts';
import { bitMask, bitsOf, bitsOf64, FULL, or, without } from '../model/mask.ts';
import { fieldBits } from '../model/names.ts';
import { type Place, placeId, samePlace } from '../model/place.ts';
import { supportedMasks, xfamMask } from '../model/policy.ts';
import type { Evidence } from '../model/source.ts';
import { atQemu, featureOf, isOne, type Stack, type StackFeature, stackFeatures, wordAt } from './stack.ts';

export const QEMU_RULES = [
  'qemu-fixed1-extra',
  'qemu-fixed1-missing',
  'qemu-gate-differs',
  'qemu-no-name',
  'qemu-attributes',
  'qemu-xfam',
] as const;
export type QemuRule = (typeof QEMU_RULES)[number];

/** What a rule found, as facts; `place` is null for bits of ATTRIBUTES and XFAM. */
export type QemuFinding = {
  readonly rule: QemuRule;
  readonly level: 'warning' | 'info';
  /** `settable`: asked for by `-cpu host`; `depends`: where the host or a gate says 0; `never`, `always`, `host`: what the module gives; `no-leaf`: KVM does not report the leaf, and QEMU's check passes over it; `ve`: the leaf injects #VE. */
  readonly how:
    | 'settable'
    | 'depends'
    | 'never'
    | 'no-leaf'
    | 've'
    | 'always'
    | 'host'
    | 'other-gate'
    | 'no-name'
    | 'not-asked';
  readonly place: Place | null;
  readonly bits: readonly number[];
  /** The gate that QEMU takes, for a rule about gates. */
  readonly gate: GateId | null;
  readonly evidence: readonly Evidence[];
};

/** All that the rules find in a stack, by rule in the order of the list, then by place. Empty where KVM refuses the release. */
export function judgeQemu(stack: Stack): readonly QemuFinding[] {
  if (stack.kvm.runs.kind === 'no') return [];
  return QEMU_RULES.flatMap((rule) => RULES[rule](stack));
}

const RULES: Readonly<Record<QemuRule, (stack: Stack) => readonly QemuFinding[]>> = {
  'qemu-fixed1-extra': fixed1Extra,
  'qemu-fixed1-missing': fixed1Missing,
  'qemu-gate-differs': gateDiffers,
  'qemu-no-name': noName,
  'qemu-attributes': attributesNotAsked,
  'qemu-xfam': xfamNotAsked,
};

/** QEMU takes a bit for 1 in every TD, and the release lets it be 0. */
function fixed1Extra(stack: Stack): readonly QemuFinding[] {
  return stack.qemu.fixed1.flatMap((entry) => {
    const features = bitsOf(entry.mask).map((bit) => featureOf(stack, entry, bit));
    const howOf = ({ gets, decider }: StackFeature): QemuFinding['how'] | null => {
      // QEMU's check takes a bit that the guest decides, as SYSCALL, for set.
      if (isOne(gets) || gets === 'guest' || gets === 'not-examined') return null;
      if (gets === 'never' || gets === 'no-leaf' || gets === 've') return gets;
      if (gets !== 'kept-back' && decider?.by.kind === 'vmm') return 'settable';
      return 'depends';
    };
    return grouped(features, howOf).map(([how, list]) =>
      finding(
        stack,
        {
          rule: 'qemu-fixed1-extra',
          how,
          level: how === 'settable' || how === 'no-leaf' || how === 've' ? 'info' : 'warning',
        },
        entry,
        list,
      ),
    );
  });
}

/** The release gives a bit that QEMU takes for unsupported: its check says that TDX forces it on, or fails with `enforce`. */
function fixed1Missing(stack: Stack): readonly QemuFinding[] {
  const open = openGates(stack);
  return stack.release.registers.flatMap((place) => {
    if (wordAt(stack.qemu, place) === undefined) return [];
    const features = bitsOf(without(FULL, fieldBits(stack.names, place, FULL)))
      .map((bit) => featureOf(stack, place, bit))
      .filter(({ ask }) => !ask.isFixed1 && !ask.gates.some((gate) => open.has(gate)));
    const howOf = ({ gets, decider }: StackFeature): QemuFinding['how'] | null => {
      if (isOne(gets)) return 'always';
      // What a closed gate keeps at 0, no TD shows.
      const gates = decider === null ? [] : gatesAsked(decider);
      const isReachable = gates.every((gate) => open.has(gate) && isAsked(stack, gate));
      return (gets === 'host' || (gets === 'gated' && gates.length > 0)) && isReachable ? 'host' : null;
    };
    return grouped(features, howOf).map(([how, list]) =>
      finding(stack, { rule: 'qemu-fixed1-missing', how, level: 'warning' }, place, list),
    );
  });
}

/** Whether some TD of this QEMU has the ATTRIBUTES or XFAM bit: what KVM supports it need not know. */
function isAsked({ qemu, release: { module } }: Stack, gate: GateId): boolean {
  const { kind, bit } = gateOf(gate);
  return (((qemu[kind].mask | (module[kind]?.fixed1 ?? 0n)) >> BigInt(bit)) & 1n) === 1n;
}

/** QEMU ties a bit to an ATTRIBUTES or XFAM bit, and the release does not. Gates that nobody can open are left out: QEMU does not use them. */
function gateDiffers(stack: Stack): readonly QemuFinding[] {
  const open = openGates(stack);
  const gates = stack.qemu.gates.filter(({ gate }) => open.has(gate));
  const keys = [...new Map(gates.map((each) => [`${each.gate} ${placeId(each)}`, each])).values()];
  return keys.flatMap((key) => {
    const entries = gates.filter((each) => each.gate === key.gate && samePlace(each, key));
    const features = entries.flatMap((entry) => bitsOf(entry.mask).map((bit) => featureOf(stack, entry, bit)));
    const howOf = ({ gets, decider }: StackFeature): QemuFinding['how'] | null => {
      if (isOne(gets)) return 'always';
      if (gets === 'never' || gets === 'no-leaf' || gets === 've') return gets;
      return decider === null || gatesAsked(decider).includes(key.gate) ? null : 'other-gate';
    };
    return grouped(features, howOf).map(([how, list]) => ({
      ...finding(
        stack,
        { rule: 'qemu-gate-differs', how, level: how === 'no-leaf' || how === 've' ? 'info' : 'warning' },
        key,
        list,
      ),
      gate: key.gate,
    }));
  });
}

/** A feature that the release lets a VMM set and KVM passes, and that `-cpu host` never sets. */
function noName(stack: Stack): readonly QemuFinding[] {
  const features = stackFeatures(stack).filter(({ gets }) => gets === 'never-asked');
  return stack.release.registers.flatMap((place) => {
    const here = features.filter((each) => samePlace(each, place));
    return here.length === 0
      ? []
      : [finding(stack, { rule: 'qemu-no-name', how: 'no-name', level: 'info' }, place, here)];
  });
}

function attributesNotAsked({ release, kvm, qemu }: Stack): readonly QemuFinding[] {
  const may = release.module.attributes?.fixed0 ?? 0n;
  const bits = bitsOf64(may & kvm.policy.attributes & ~qemu.attributes.mask);
  return controlFinding('qemu-attributes', bits, [atQemu(qemu, qemu.attributes)]);
}

/** XFAM bits of state components that QEMU does not know; the two that must be 1 need none. */
function xfamNotAsked({ release, kvm, qemu }: Stack): readonly QemuFinding[] {
  const masks = release.module.xfam;
  if (masks === null) return [];
  const bits = bitsOf64(masks.fixed0 & ~masks.fixed1 & xfamMask(kvm.policy) & ~qemu.xfam.mask);
  return controlFinding('qemu-xfam', bits, [atQemu(qemu, qemu.xfam)]);
}

function controlFinding(
  rule: QemuRule,
  bits: readonly number[],
  evidence: readonly Evidence[],
): readonly QemuFinding[] {
  return bits.length === 0 ? [] : [{ rule, level: 'info', how: 'not-asked', place: null, bits, gate: null, evidence }];
}

/** ATTRIBUTES and XFAM bits that the release lets be 1 and KVM supports. */
export function openGates({ release: { module }, kvm: { policy } }: Stack): ReadonlySet<GateId> {
  const supported = supportedMasks(policy);
  return new Set(
    GATE_KINDS.flatMap((kind) =>
      bitsOf64((module[kind]?.fixed0 ?? 0n) & supported[kind]).map((bit) => gateId({ kind, bit })),
    ),
  );
}

function grouped(
  features: readonly StackFeature[],
  howOf: (feature: StackFeature) => QemuFinding['how'] | null,
): readonly (readonly [QemuFinding['how'], readonly StackFeature[]])[] {
  const groups = new Map<QemuFinding['how'], StackFeature[]>();
  for (const feature of features) {
    const how = howOf(feature);
    if (how !== null) groups.set(how, [...(groups.get(how) ?? []), feature]);
  }
  return [...groups];
}

function finding(
  stack: Stack,
  { rule, how, level }: Pick<QemuFinding, 'rule' | 'how' | 'level'>,
  { leaf, subleaf, register }: Place,
  features: readonly StackFeature[],
): QemuFinding {
  const word = wordAt(stack.qemu, { leaf, subleaf, register });
  const evidence = features.flatMap((feature) => feature.evidence);
  const all = [...evidence, ...(word === undefined ? [] : [atQemu(stack.qemu, word)])];
  const unique = [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
  return {
    rule,
    level,
    how,
    place: { leaf, subleaf, register },
    bits: features.map(({ bit }) => bit),
    gate: null,
    evidence: unique,
  };
}

/** The mask of a finding's bits, for a register. */
export const findingMask = ({ bits }: QemuFinding): number => bits.reduce((mask, bit) => or(mask, bitMask(bit)), 0);
