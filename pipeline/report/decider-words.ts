import type { Beyond } from '../model/beyond-tables.ts';
import type { RegisterClasses } from '../model/class.ts';
import { ATTRIBUTE_NAMES, CONFIG_FLAG_NAMES, PARAVIRT_NAMES } from '../model/control.ts';
import { type Decider, type Decision, deciderOfBit } from '../model/decider.ts';
import type { Computation, Condition } from '../model/decider-rules.ts';
import { hasBit } from '../model/mask.ts';
import { formatPlace, type Place } from '../model/place.ts';
import { configFlagsMask, holdsAt, type Policy, type PolicyMask } from '../model/policy.ts';

const COMPUTED: Readonly<Record<Computation, string>> = {
  fms: 'family, model and stepping: the platform’s, or what the VMM configured and the module checks',
  'xsave-max': 'computed: the size of the XSAVE area for all user components of XFAM',
  'xsave-user': 'computed when the guest asks: the size of the XSAVE area for XCR0',
  'xsave-all': 'computed when the guest asks: the size of the compacted XSAVE area for XCR0 and IA32_XSS',
  'tsc-frequency': 'TD_PARAMS.TSC_FREQUENCY',
  maxpa: 'the host’s number of physical address bits, or under MAXPA_VIRT the VMM’s',
  maxgpa: 'computed: what the host and GPAW allow',
  'initial-apic-id': 'the virtual CPU: its x2APIC id under ENUM_TOPOLOGY, else its index',
  'x2apic-id': 'the x2APIC id of the virtual CPU',
  topology: 'the VMM’s topology, or the host’s where the VMM configured none',
  'topology-core': 'computed from leaf 0x1F',
  'native-cache': 'the VMM until the guest sets REDUCE_VE, then the host',
};

const named = (kind: string, names: ReadonlyMap<number, string>, bits: readonly number[]): string =>
  bits.map((bit) => (names.has(bit) ? `${kind}.${names.get(bit)}` : `${kind}[${bit}]`)).join(' and ');

/** A condition in words, as what must be so: `XFAM[17] and XFAM[18]`, `the guest’s REDUCE_VE`. */
function conditionWords(condition: Condition): string {
  switch (condition.kind) {
    case 'xfam':
      return condition.bits.map((bit) => `XFAM[${bit}]`).join(' and ');
    case 'attributes':
      return named('ATTRIBUTES', ATTRIBUTE_NAMES, condition.bits);
    case 'config-flags':
      return named('CONFIG_FLAGS', CONFIG_FLAG_NAMES, condition.bits);
    case 'cpuid':
      return `the TD’s own ${formatPlace(condition.place)}[${condition.bit}]`;
    case 'guest':
      return guestWords(condition.control);
    case 'paravirt':
      return `the guest’s FEATURE_PARAVIRT_CTRL.${PARAVIRT_NAMES[condition.bit] ?? condition.bit}`;
    case 'xfd':
      return 'a component of XFAM that faults by XFD on the host';
    case 'not':
      return `no ${conditionWords(condition.of)}`;
    case 'any':
      return condition.of.map(conditionWords).join(' or ');
  }
}

function guestWords(control: string): string {
  if (control === 'LONG_MODE') return 'the guest’s 64-bit mode';
  if (control === 'TSX_CPUID_CLEAR') return 'the guest’s IA32_TSX_CTRL.TSX_CPUID_CLEAR';
  return control.startsWith('CR4.') ? `the guest’s ${control}` : `the guest’s TD_CTLS.${control}`;
}

/** A decision in words: what gives the bit its value. */
function decisionWords(by: Decision): string {
  switch (by.kind) {
    case 'constant':
      return `always ${by.value}`;
    case 'host':
      return 'the host’s value';
    case 'vmm':
      return 'the VMM chooses';
    case 'vmm-and-host':
      return 'the VMM may clear what the host has';
    case 've':
      return 'none: the leaf injects #VE';
    case 'td-params':
      return `follows TD_PARAMS.${by.field}`;
    case 'computed':
      return COMPUTED[by.what];
    default:
      return `follows ${conditionWords(by)}`;
  }
}

/**
 * Who decides a bit, in one sentence without a full stop, such as `the VMM may clear what the host has; 0 without XFAM[2]` or
 * `the VMM chooses; 1 until the guest’s TD_CTLS.REDUCE_VE, then 0 without the guest’s FEATURE_PARAVIRT_CTRL.MCA`.
 */
export function deciderWords({ by, conditions }: Decider): string {
  const [ve, values] = [
    conditions.filter(({ otherwise }) => otherwise === 've'),
    conditions.filter(({ otherwise }) => otherwise !== 've'),
  ];
  const forced = values.filter(({ otherwise }) => otherwise === 1);
  const cleared = values.filter(({ otherwise }) => otherwise === 0).map(({ when }) => when);
  const parts = [
    ...ve.map(({ when }) => `#VE ${withoutWords(when)}`),
    ...forced.map(({ when }) => `1 until ${conditionWords(when)}`),
    // Under a condition that is told already, the rest of an alternative says enough.
    ...cleared.map((when) => {
      const rest = forced.length > 0 && when.kind === 'any' ? when.of.filter(({ kind }) => kind !== 'not') : [when];
      return `${forced.length > 0 ? 'then ' : ''}${without(rest)}`;
    }),
  ];
  return [decisionWords(by), ...parts].join('; ').replace('; then', ', then');
}

/**
 * `0 without XFAM[2]`; where the condition is an absence, `0 with ATTRIBUTES.MIGRATABLE`; where an absence is one way out of
 * several, `under the guest’s TD_CTLS.REDUCE_VE 0 without the guest’s FEATURE_PARAVIRT_CTRL.DCA`.
 */
function without(conditions: readonly Condition[]): string {
  const { absent, present } = partsOf(conditions);
  if (present.length === 0) return `0 with ${absent.join(' and ')}`;
  return `${absent.length === 0 ? '' : `under ${absent.join(' and ')} `}0 without ${present.join(' or ')}`;
}

/** `without the guest’s TD_CTLS.REDUCE_VE`; of absences alone what brings it about: `with A and B`. */
function withoutWords(condition: Condition): string {
  const { absent, present } = partsOf([condition]);
  return present.length === 0 ? `with ${absent.join(' and ')}` : `without ${conditionWords(condition)}`;
}

/** What must not be so, and what must, of conditions of which one is enough. */
function partsOf(conditions: readonly Condition[]): {
  readonly absent: readonly string[];
  readonly present: readonly string[];
} {
  const all = conditions.flatMap((condition) => (condition.kind === 'any' ? condition.of : [condition]));
  return {
    absent: all.flatMap((condition) => (condition.kind === 'not' ? [conditionWords(condition.of)] : [])),
    present: all.filter(({ kind }) => kind !== 'not').map(conditionWords),
  };
}

/** What a TD reads of a leaf that the tables lack. */
export function beyondWords(beyond: Beyond): string {
  if (beyond.kind === 'decided')
    return beyond.decider.by.kind === 've' ? 'it injects #VE' : deciderWords(beyond.decider);
  if (beyond.kind === 'whole-leaf')
    return `answered as leaf 0x${beyond.leaf.toString(16)} is, which has no sub-leaves there`;
  const last = `answered as leaf 0x${beyond.leaf.toString(16)}, the last base leaf`;
  return beyond.isHosts ? `#VE; where the host has no such leaf either, ${last}` : last;
}

const WIDTH: PolicyMask = { leaf: 0x80000008, subleaf: null, register: 'eax', mask: 0x00ff0000, path: '', line: 0 };
const isWidth = (entry: PolicyMask, bit: number): boolean => holdsAt(entry, WIDTH) && hasBit(WIDTH.mask, bit);

/** What a KVM itself does with a bit: what it reports of its own, and CONFIG_FLAGS that the bit needs and KVM never sets. */
export function kvmPartWords(
  policy: Policy,
  place: Place,
  bit: number,
  // The register in each release that has it.
  registers: readonly RegisterClasses[],
): readonly string[] {
  const own = policy.adds.filter((entry) => holdsAt(entry, place) && hasBit(entry.mask, bit));
  const conditions = registers
    .filter(({ deciders }) => deciders.length > 0)
    .flatMap(({ deciders }) => deciderOfBit(place, deciders, bit).conditions.map(({ when }) => when));
  const needed = conditions.flatMap((when) => (when.kind === 'config-flags' ? when.bits : []));
  const set = configFlagsMask(policy);
  const missing = set === null ? [] : [...new Set(needed)].filter((flag) => ((set >> BigInt(flag)) & 1n) === 0n);
  return [
    ...own.map((entry) =>
      isWidth(entry, bit)
        ? 'KVM reports the field itself, the guest’s MAXPHYADDR: the VMM asks for 48 or 52 bits there, KVM sets GPAW and the levels of the EPT by it and hands the module 0'
        : 'KVM reports it itself, whatever the module offers',
    ),
    ...(missing.length === 0
      ? []
      : [`KVM never sets ${named('CONFIG_FLAGS', CONFIG_FLAG_NAMES, missing)}: a TD on it reads 0`]),
  ];
}
