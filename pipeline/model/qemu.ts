import type { GateId } from './gate.ts';
import type { Place } from './place.ts';
import type { Source } from './source.ts';

/** Bits of a register with the line of QEMU's source that says so. */
export type QemuMask = Place & { readonly mask: number; readonly path: string; readonly line: number };

/** Bits that QEMU takes for supported where a gate is open: an ATTRIBUTES bit or an XFAM bit that KVM supports. */
export type QemuGate = QemuMask & { readonly gate: GateId };

/** Bits that QEMU takes for supported though KVM does not report them; `isConditional` where a further test of QEMU's must hold. */
export type QemuSupport = QemuMask & { readonly isConditional: boolean };

/** A register that QEMU names bits of: what a `-cpu` line can ask for. */
export type QemuWord = Place & {
  readonly path: string;
  readonly line: number;
  /** Names by bit, lowest first; a bit without a name cannot be asked for. */
  readonly names: readonly { readonly bit: number; readonly name: string }[];
  /** Bits that `-cpu host` leaves out though they have a name. */
  readonly notAutomatic: number;
};

/** What one QEMU version does with a TD's CPUID, read from its tables. */
export type QemuFacts = {
  readonly version: string;
  readonly source: Source;
  /** `tdx_fixed1_bits`: bits that QEMU shows as 1 in every TD, whatever the release. */
  readonly fixed1: readonly QemuMask[];
  /** `kvm_arch_get_supported_cpuid()`: what QEMU adds to KVM_GET_SUPPORTED_CPUID; what neither holds nor `fixed1` it never asks for. */
  readonly supports: readonly QemuSupport[];
  /** `x86_cpu_expand_features()`: bits that QEMU sets itself where a package of the TD has more than one thread. */
  readonly threadBits: readonly QemuMask[];
  /** `tdx_attrs_maps[]` and `tdx_xfam_deps[]`. */
  readonly gates: readonly QemuGate[];
  /** ATTRIBUTES bits that QEMU lets a user ask for. */
  readonly attributes: { readonly mask: bigint; readonly path: string; readonly line: number };
  /** `x86_ext_save_areas[]`: the state components that QEMU knows, of which it sets in XFAM those that the CPU model has a feature of. */
  readonly xfam: { readonly mask: bigint; readonly path: string; readonly line: number };
  /** KVM's paravirtual features that QEMU offers to TDs: bits of 0x40000001.EAX. */
  readonly kvmFeatures: QemuMask;
  /** `feature_word_info[]`, CPUID words only. */
  readonly words: readonly QemuWord[];
};
