import { CONFIG_FLAG_NAMES } from '../model/control.ts';
import { and, bitsOf64, formatBits, without } from '../model/mask.ts';
import { formatPlace, type Place, REGISTERS } from '../model/place.ts';
import { configFlagsMask, holdsAt, type Policy, type PolicyMask, xfamMask } from '../model/policy.ts';
import type { ConfigEntry, Host, Registers, TdCase } from './case.ts';
import type { Program } from './program.ts';

/** What KVM makes of a case before the module sees it: the TD_PARAMS that it writes, or why its call fails. */
export type KvmResult =
  | { readonly kind: 'passed'; readonly question: TdCase; readonly set: readonly string[] }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * What every KVM that was read sets in TD_PARAMS itself (setup_tdparams and what it calls, arch/x86/kvm/vmx/tdx.c, 6.16 to 7.1):
 * its CONFIG_FLAGS (NO_RBP_MOD where they were not read), the EPT of 4 or 5 levels and GPAW by the guest's address width that user space puts into leaf 0x80000008,
 * which KVM takes out again.
 */
const NO_RBP_MOD = 1n << 2n;
const GPAW = 1n;
const WIDTH: Place = { leaf: 0x80000008, subleaf: null, register: 'eax' };
const WIDTH_MASK = 0x00ff0000;
const EPT = { 48: 0x1en, 52: 0x26n } as const;

/** KVM_TDX_INIT_VM up to TDH.MNG.INIT: its own checks of ATTRIBUTES, XFAM and CPUID, then what it sets. */
export function throughKvm(program: Program, features0: bigint | null, policy: Policy, question: TdCase): KvmResult {
  const { params } = question;
  const refused =
    modulesRefusal(program, features0, policy) ??
    beyond('ATTRIBUTES', params.attributes, policy.attributes) ??
    beyond('XFAM', params.xfam, xfamMask(policy)) ??
    vcpusRefusal(program, params.maxVcpus) ??
    cpuidRefusal(program, policy, params.cpuidConfig);
  if (refused !== null) return { kind: 'refused', why: refused };
  const width = widthOf(params.cpuidConfig);
  if (width !== 48 && width !== 52)
    return {
      kind: 'refused',
      why:
        width === 0
          ? `no guest address width, 48 or 52, in ${formatPlace(WIDTH)}[23:16]: KVM takes it from there`
          : `a guest address width of ${width} bits in ${formatPlace(WIDTH)}[23:16] is neither 48 nor 52`,
    };
  if (width === 52 && !hasFiveLevels(question.host))
    return {
      kind: 'refused',
      why: 'EINVAL: a guest address width of 52 bits needs an EPT of 5 levels, which the host lacks (IA32_VMX_EPT_VPID_CAP, MSR 0x48c, bit 7)',
    };
  const ownFlags = configFlagsMask(policy) ?? NO_RBP_MOD;
  const isWide = width === 52;
  const configFlags = (ownFlags & ~GPAW) | (isWide ? GPAW : 0n);
  return {
    kind: 'passed',
    question: {
      ...question,
      params: {
        ...params,
        configFlags,
        eptpControls: EPT[isWide ? 52 : 48],
        numL2Vms: 0,
        msrConfigCtls: 0,
        archCapabilities: 0n,
        cpuidConfig: params.cpuidConfig.map(withoutWidth),
      },
    },
    set: [
      `CONFIG_FLAGS ${bitsOf64(configFlags)
        .map((bit) => CONFIG_FLAG_NAMES.get(bit) ?? `bit ${bit}`)
        .join(' and ')}, nothing else`,
      `EPTP_CONTROLS of ${isWide ? 5 : 4} levels`,
      `MAX_VCPUS ${params.maxVcpus}: KVM takes the number of the host’s processors, here what the case names`,
      'no L2 VMs and no configuration of IA32_ARCH_CAPABILITIES',
    ],
  };
}

const EPT_VPID_CAP = 0x48c;
/** Five levels of EPT, as a host has them whose MSR is not given. */
const hasFiveLevels = (host: Host): boolean => (((host.msrs.get(EPT_VPID_CAP) ?? -1n) >> 7n) & 1n) === 1n;

/**
 * KVM takes MAX_VCPUS from the host's processors alone, and brings up no TDX where the module takes fewer (tdx_vm_init and
 * __tdx_bringup, arch/x86/kvm/vmx/tdx.c, 6.16 to 7.1).
 */
function vcpusRefusal({ release, limits }: Program, processors: number): string | null {
  if (processors === 0) return 'MAX_VCPUS of 0: KVM takes the number of the host’s processors, at least 1';
  return processors > limits.maxVcpus
    ? `KVM enables no TDX on a host of ${processors} processors, for ${release} takes at most ${limits.maxVcpus} virtual CPUs in a TD`
    : null;
}

/** A module that KVM does not take at all. */
function modulesRefusal(program: Program, features0: bigint | null, { requires }: Policy): string | null {
  for (const requirement of requires ?? [])
    if (requirement.kind === 'features0' && features0 !== null && (features0 & requirement.mask) !== requirement.mask)
      return `KVM needs TDX_FEATURES0 bits that ${program.release} lacks: ${bitsOf64(requirement.mask & ~features0).join(', ')}`;
  return null;
}

const beyond = (name: string, given: bigint, supported: bigint): string | null =>
  (given & ~supported) === 0n
    ? null
    : `EINVAL: KVM does not support ${name} bits ${bitsOf64(given & ~supported).join(', ')}`;

const sumAt = (entries: readonly PolicyMask[], place: Place): number =>
  entries.filter((entry) => holdsAt(entry, place)).reduce((mask, entry) => (mask | entry.mask) >>> 0, 0);

/** An entry that no slot of the module takes, or with a bit that this KVM refuses, ends the call. */
function cpuidRefusal(program: Program, policy: Policy, entries: readonly ConfigEntry[]): string | null {
  for (const { leaf, subleaf, values } of entries) {
    const row = program.rows[program.find(leaf, subleaf)];
    if (row === undefined || row.slot === null)
      return `EINVAL: leaf ${formatPlace({ leaf, subleaf, register: 'eax' }).replace(/\.EAX$/, '')} cannot be configured`;
    for (const [index, register] of REGISTERS.entries()) {
      const place = { leaf, subleaf: row.subleaf, register };
      const given = values[index] ?? 0;
      const denied =
        policy.generation === 'denylist'
          ? and(given, sumAt(policy.deny, place))
          : policy.generation === 'allowlist'
            ? without(given, (sumAt(policy.allow, place) | sumAt(policy.adds, place)) >>> 0)
            : 0;
      if (denied !== 0)
        return `EINVAL: KVM ${policy.version} does not let a TD have ${formatPlace(place)}${formatBits(denied)}`;
    }
  }
  return null;
}

const isWidth = ({ leaf }: ConfigEntry): boolean => leaf === WIDTH.leaf;
const widthOf = (entries: readonly ConfigEntry[]): number =>
  and(entries.find(isWidth)?.values[0] ?? 0, WIDTH_MASK) >>> 16;

function withoutWidth(entry: ConfigEntry): ConfigEntry {
  if (!isWidth(entry)) return entry;
  const [eax, ebx, ecx, edx] = entry.values;
  const values: Registers = [without(eax, WIDTH_MASK), ebx, ecx, edx];
  return { ...entry, values };
}
