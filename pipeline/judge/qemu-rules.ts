import type { Level } from '../model/finding.ts';
import { QEMU_RULES, type QemuRule } from './qemu.ts';

/** A rule about a module, a KVM and a QEMU together, which `bitwatch stack` judges; its findings are none of a review. */
export type StackRule = {
  readonly id: QemuRule;
  readonly title: string;
  /** The loudest that it is. */
  readonly level: Level;
  readonly mirror: null;
  readonly noMirror: string;
  readonly why: string;
  readonly action: string;
  readonly scope: 'stack';
};

const TEXTS: Readonly<Record<QemuRule, Pick<StackRule, 'title' | 'level' | 'why' | 'action'>>> = {
  'qemu-fixed1-extra': {
    title: 'QEMU takes a bit for 1 in every TD, and the release lets it be 0',
    level: 'warning',
    why: 'With -cpu host a TD gets what nobody asked for; where the host or a gate says 0, QEMU warns, or fails with enforce.',
    action: 'Leave the bit out by name (-cpu host,-NAME), or take it out of QEMU’s table.',
  },
  'qemu-fixed1-missing': {
    title: 'The release gives TDs a bit that QEMU takes for unsupported',
    level: 'warning',
    why: 'QEMU warns that TDX forces the bit, or fails with enforce.',
    action: 'Add the bit to QEMU’s table of fixed bits, or to that of the gate which it has.',
  },
  'qemu-gate-differs': {
    title: 'QEMU ties a bit to an ATTRIBUTES or XFAM bit, and the release does not',
    level: 'warning',
    why: 'QEMU takes the bit for supported where it is not, or for unsupported where it is.',
    action: 'Give the bit its gate of the release in QEMU’s tables.',
  },
  'qemu-no-name': {
    title: 'The release offers a feature, KVM passes it, and QEMU has no name for it',
    level: 'info',
    why: '-cpu host takes bits that have names: no TD gets the feature.',
    action: 'Name the feature in QEMU, or leave it out of what TDs are promised.',
  },
  'qemu-attributes': {
    title: 'The release and KVM take a bit of ATTRIBUTES that QEMU cannot ask for',
    level: 'info',
    why: 'No TD of this QEMU has what the attribute opens.',
    action: 'Add the attribute to those that QEMU supports.',
  },
  'qemu-xfam': {
    title: 'The release and KVM take a bit of XFAM that QEMU never sets',
    level: 'info',
    why: 'QEMU asks for the state components that it knows: no TD of it has the extended state, nor the bits that wait for it.',
    action: 'Add the state component to QEMU.',
  },
};

export const STACK_RULES: readonly StackRule[] = QEMU_RULES.map((id) => ({
  id,
  ...TEXTS[id],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  scope: 'stack',
}));
