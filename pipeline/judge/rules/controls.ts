import { ATTRIBUTE_NAMES, CONFIG_FLAG_NAMES, featureNamesOf, XFAM_NAMES } from '../../model/control.ts';
import { type DeciderRules, TD_CONTROL_BITS, TD_CONTROLS } from '../../model/decider-rules.ts';
import type { ControlKind } from '../../model/finding.ts';
import { configSlotsOf } from '../../model/module.ts';
import type { Draft, ReleaseContext, Rule } from '../rule.ts';
import { controlBits } from '../runs.ts';
import { type Direction, mirrored } from './mirrored.ts';

/** All bits of a mask in one draft; none where the mask is empty. */
const controlDrafts = (
  control: ControlKind,
  change: Direction,
  mask: bigint,
  names: ReadonlyMap<number, string>,
): readonly Draft[] =>
  mask === 0n ? [] : [{ facts: { kind: 'control', control, change, bits: controlBits(mask, names) } }];

export const [attributeAdded, attributeRemoved] = mirrored(
  'attribute',
  'release',
  ({ diff }, change) => controlDrafts('attributes', change, diff.attributes.fixed0[change], ATTRIBUTE_NAMES),
  {
    added: {
      title: 'A TD attribute became available',
      level: 'info',
      for: ['kernel', 'userspace'],
      why: 'A TD may be created with the attribute where KVM supports it and the platform has what it needs; attributes gate CPUID bits and change how the module treats the TD.',
      action: 'Decide whether KVM and user space support the attribute.',
    },
    removed: {
      title: 'A TD attribute is no longer available',
      level: 'warning',
      for: ['userspace', 'operator'],
      why: 'A TD that asks for the attribute no longer starts.',
      action: 'Remove the attribute from TD configurations for this release.',
    },
  },
);

export const [xfamAdded, xfamRemoved] = mirrored(
  'xfam',
  'release',
  ({ diff }, change) => controlDrafts('xfam', change, diff.xfam.fixed0[change], XFAM_NAMES),
  {
    added: {
      title: 'An XFAM bit became available',
      level: 'info',
      for: ['kernel', 'userspace'],
      why: 'A TD may be created with the extended feature where KVM supports it and the host has it; its CPUID bits open with it.',
      action: 'Decide whether KVM saves and restores the state of the feature.',
    },
    removed: {
      title: 'An XFAM bit is no longer available',
      level: 'warning',
      for: ['userspace', 'operator'],
      why: 'A TD that asks for the extended feature no longer starts.',
      action: 'Remove the feature from TD configurations for this release.',
    },
  },
);

export const [featureAdded, featureRemoved] = mirrored(
  'feature',
  'release',
  ({ diff, from, to }, change) => {
    const { featureNames, features0Conditional } = (change === 'added' ? to : from).module;
    const mask = diff.features0[change];
    if (mask === 0n) return [];
    const bits = controlBits(mask, featureNamesOf(featureNames)).map((each) =>
      features0Conditional.includes(each.bit) ? { ...each, platform: true as const } : each,
    );
    return [{ facts: { kind: 'control', control: 'features0', change, bits } }];
  },
  {
    added: {
      title: 'A TDX_FEATURES0 bit was set',
      level: 'info',
      for: ['kernel', 'userspace'],
      why: 'The module announces a capability; KVM and user space adjust by it.',
      action:
        'Read what the feature changes for CPUID and for KVM; some a guest turns on without the VMM, as ve_reduction.',
    },
    removed: {
      title: 'A TDX_FEATURES0 bit is no longer set',
      level: 'warning',
      for: ['kernel', 'userspace'],
      why: 'Software that relies on the capability no longer finds it.',
      action: 'Check users of the feature before the release is rolled out.',
    },
  },
);

/** What the code of both releases takes; nothing where one of them was not examined. */
function codeDrafts(
  { from, to }: Pick<ReleaseContext, 'from' | 'to'>,
  control: 'config-flags' | 'td-ctls',
  change: Direction,
): readonly Draft[] {
  if (from.rules === undefined || to.rules === undefined) return [];
  const [before, after] = [maskOf(from.rules, control), maskOf(to.rules, control)];
  const mask = change === 'added' ? after & ~before : before & ~after;
  return controlDrafts(control, change, mask, control === 'td-ctls' ? TD_CONTROL_NAMES : CONFIG_FLAG_NAMES);
}

const maskOf = ({ limits }: DeciderRules, control: 'config-flags' | 'td-ctls'): bigint =>
  control === 'config-flags'
    ? limits.configFlags
    : limits.tdControls.reduce((mask, name) => mask | (1n << BigInt(TD_CONTROL_BITS[name])), 0n);

const TD_CONTROL_NAMES: ReadonlyMap<number, string> = new Map(TD_CONTROLS.map((name) => [TD_CONTROL_BITS[name], name]));

export const [configFlagAdded, configFlagRemoved] = mirrored(
  'config-flag',
  'release',
  (context, change) => codeDrafts(context, 'config-flags', change),
  {
    added: {
      title: 'A bit of CONFIG_FLAGS became available',
      level: 'info',
      for: ['kernel'],
      why: 'KVM may ask for it in TD_PARAMS, some only where the platform has what they need; some of these bits give a VMM a say in CPUID that it had not before.',
      action: 'Decide whether KVM sets the flag.',
    },
    removed: {
      title: 'A bit of CONFIG_FLAGS is no longer available',
      level: 'warning',
      for: ['kernel'],
      why: 'TDH.MNG.INIT returns OPERAND_INVALID for a TD that is built with the flag.',
      action: 'Do not set the flag on this release.',
    },
  },
);

export const [guestControlAdded, guestControlRemoved] = mirrored(
  'guest-control',
  'release',
  (context, change) => codeDrafts(context, 'td-ctls', change),
  {
    added: {
      title: 'A guest may set a new bit of TD_CTLS',
      level: 'info',
      for: ['userspace', 'operator'],
      why: 'The guest sets it without the VMM, and some of these bits decide which CPUID leaves are answered and what they hold.',
      action: 'Read what the guest turns on with it: `bitwatch explain` has each by its name.',
    },
    removed: {
      title: 'A guest may no longer set a bit of TD_CTLS',
      level: 'warning',
      for: ['userspace', 'operator'],
      why: 'The guest’s write of TD_CTLS is refused, and what it decided is as it was without it.',
      action: 'Check guests that set the bit.',
    },
  },
);

export const featureRenumbered = {
  id: 'feature-renumbered',
  title: 'A TDX_FEATURES0 bit changed its name or its number',
  level: 'info',
  for: ['kernel', 'userspace'],
  mirror: null,
  noMirror: 'A renumbering back is the same finding.',
  why: 'A VMM that tests the bit by its old meaning draws the wrong conclusion on one of the two releases. It is a warning where KVM requires the bit.',
  action: 'Test the bit only on releases where its meaning is known.',
  scope: 'release',
  judge: ({ diff: { features0 }, kvm }): readonly Draft[] => {
    const { moved, renamed } = features0;
    const required = (kvm?.policy.requires ?? []).reduce(
      (all, each) => (each.kind === 'features0' ? all | each.mask : all),
      0n,
    );
    const bits = [...moved.flatMap(({ from, to }) => [from, to]), ...renamed.map(({ bit }) => bit)];
    const isRequired = bits.some((bit) => ((required >> BigInt(bit)) & 1n) === 1n);
    if (bits.length === 0) return [];
    return [{ facts: { kind: 'features-renumbered', moved, renamed }, level: isRequired ? 'warning' : 'info' }];
  },
} as const satisfies Rule;

export const [cpuidFlagAdded, cpuidFlagRemoved] = mirrored(
  'cpuid-flag',
  'release',
  ({ diff: { cpuidFlags } }, change): readonly Draft[] =>
    cpuidFlags[change].length === 0 ? [] : [{ facts: { kind: 'cpuid-flags', change, flags: cpuidFlags[change] } }],
  {
    added: {
      title: 'The module tracks a new CPUID flag',
      level: 'info',
      for: ['kernel'],
      why: 'The module notes a CPUID bit in cpuid_flags where code at TD entry, TD exit or MSR access is to depend on it, now or later: an early warning of host state that may be touched. Some flags are in no use yet.',
      action: 'Read what depends on the flag, if anything does, before the bit is let through.',
    },
    removed: {
      title: 'The module no longer tracks a CPUID flag',
      level: 'info',
      for: ['kernel'],
      why: 'The flag is gone under this name: code that depended on it is gone, runs always, or asks another flag.',
      action: 'Check what became of the code behind the flag.',
    },
  },
);

export const configSlotsNearLimit = {
  id: 'config-slots-near-limit',
  title: 'The release’s CPUID_CONFIG entries come close to KVM’s array',
  level: 'warning',
  for: ['kernel'],
  mirror: null,
  noMirror: 'Fewer entries need no action.',
  why: 'KVM refuses a module with more CPUID_CONFIG entries than its array holds; TDX then does not start at all.',
  action: 'Raise the array size in KVM before the next release needs it.',
  scope: 'release',
  judge: ({ to, kvm }): readonly Draft[] => {
    const used = configSlotsOf(to.module);
    const limit = kvm?.policy.configLimit ?? null;
    return limit === null || used * 4 < limit * 3 ? [] : [{ facts: { kind: 'config-slots', used, limit } }];
  },
} as const satisfies Rule;
