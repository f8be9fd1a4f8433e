import { bitsOf, bitsOf64, FULL, without } from '../model/mask.ts';
import { fieldBits } from '../model/names.ts';
import { samePlace } from '../model/place.ts';
import { xfamMask } from '../model/policy.ts';
import { judgeQemu, openGates, QEMU_RULES, type QemuFinding, type QemuRule } from './qemu.ts';
import { featureOf, type Stack, type StackFeature, stackFeatures } from './stack.ts';

/**
 * Why a rule found nothing: `looked` counts the bits that it held against each other, `unexamined` those of them of which nobody read
 * who decides; `unread` names what of the release was not read, so that nothing could be found.
 */
export type Quiet = {
  readonly rule: QemuRule;
  readonly looked: number;
  readonly unexamined: number;
  readonly unread: 'ATTRIBUTES' | 'XFAM' | null;
};

/** The rules that found nothing in a stack, in the order of the list; none where KVM refuses the release. */
export function quietRules(stack: Stack, findings: readonly QemuFinding[] = judgeQemu(stack)): readonly Quiet[] {
  if (stack.kvm.runs.kind === 'no') return [];
  return QEMU_RULES.filter((rule) => findings.every((each) => each.rule !== rule)).map((rule) =>
    LOOKED[rule](stack, rule),
  );
}

type Look = (stack: Stack, rule: QemuRule) => Quiet;

const LOOKED: Readonly<Record<QemuRule, Look>> = {
  'qemu-fixed1-extra': (stack, rule) =>
    quiet(
      rule,
      stack.qemu.fixed1.flatMap((entry) => bitsOf(entry.mask).map((bit) => featureOf(stack, entry, bit))),
    ),
  'qemu-fixed1-missing': (stack, rule) => quiet(rule, checkedBits(stack)),
  'qemu-gate-differs': (stack, rule) => {
    const open = openGates(stack);
    const gated = stack.qemu.gates.filter(({ gate }) => open.has(gate));
    return quiet(
      rule,
      gated.flatMap((entry) => bitsOf(entry.mask).map((bit) => featureOf(stack, entry, bit))),
    );
  },
  'qemu-no-name': (stack, rule) =>
    quiet(
      rule,
      stackFeatures(stack).filter(({ verdict, gets }) => verdict !== null && gets !== 'kept-back'),
    ),
  'qemu-attributes': ({ release: { module }, kvm }, rule) => ({
    rule,
    looked: bitsOf64((module.attributes?.fixed0 ?? 0n) & kvm.policy.attributes).length,
    unexamined: 0,
    unread: module.attributes === null ? 'ATTRIBUTES' : null,
  }),
  'qemu-xfam': ({ release: { module }, kvm }, rule) => ({
    rule,
    looked: bitsOf64((module.xfam?.fixed0 ?? 0n) & ~(module.xfam?.fixed1 ?? 0n) & xfamMask(kvm.policy)).length,
    unexamined: 0,
    unread: module.xfam === null ? 'XFAM' : null,
  }),
};

/** Bits of the registers that QEMU's check of the TD looks at. */
const checkedBits = (stack: Stack): readonly StackFeature[] =>
  stack.release.registers
    .filter((place) => stack.qemu.words.some((word) => samePlace(word, place)))
    .flatMap((place) =>
      bitsOf(without(FULL, fieldBits(stack.names, place, FULL))).map((bit) => featureOf(stack, place, bit)),
    );

const quiet = (rule: QemuRule, features: readonly StackFeature[]): Quiet => ({
  rule,
  looked: features.length,
  unexamined: features.filter(({ gets }) => gets === 'not-examined').length,
  unread: null,
});
