import { XFAM_NAMES } from './control.ts';
import type { ByGateKind } from './gate.ts';
import { type Place, samePlace, subleafOf } from './place.ts';
import type { Source } from './source.ts';

/** How a KVM version treats a TD's CPUID bits (DOMAIN: the five generations of the code). */
export const GENERATIONS = ['mask', 'supported-cpuid', 'none', 'denylist', 'allowlist'] as const;
export type Generation = (typeof GENERATIONS)[number];

/** A mask of one register in a policy, with the line it stands on. */
export type PolicyMask = Place & {
  readonly mask: number;
  readonly path: string;
  readonly line: number;
  /** Of code that asks for no sub-leaf: the mask, which stands at sub-leaf 0, holds for every other one but these. */
  readonly everySubleafBut?: readonly number[];
};

/** Whether a mask holds at a place. */
export const holdsAt = (entry: PolicyMask, place: Place): boolean =>
  samePlace(entry, place) ||
  (entry.leaf === place.leaf &&
    entry.register === place.register &&
    entry.everySubleafBut?.includes(subleafOf(place)) === false);

/** An MSR that KVM restores after TDH.VP.ENTER. */
export type Restore = { readonly msr: string; readonly by: string; readonly path: string; readonly line: number };

/**
 * How sure it is that a tree that somebody imported is upstream's: a patch on a mailing list names the blob of tdx.c, imports
 * of unrelated people agree on it, or one import says so.
 */
export const UPSTREAM_PROOFS = ['list-patch', 'imports-agree', 'one-import'] as const;
type Upstream = { readonly proof: (typeof UPSTREAM_PROOFS)[number]; readonly because: string };

/** A place in a file of the kernel, with a mask of a field of 64 bits. */
export type MaskAt = { readonly mask: bigint; readonly path: string; readonly line: number };

/**
 * What KVM refuses a module for, so that it runs no TD at all. Of TDX_FEATURES0 all bits of the mask must be set; of
 * ATTRIBUTES and XFAM no bit beyond the mask may be fixed to 1; and there may be at most so many CPUID_CONFIG entries.
 */
export type Requirement =
  | ({ readonly kind: 'features0' | 'attributes-fixed1' | 'xfam-fixed1' } & MaskAt)
  | { readonly kind: 'config-slots'; readonly limit: number; readonly path: string; readonly line: number };

/** KVM's own check of the register mask of TDG.VP.VMCALL: the line is that of the check, or of who takes the exit without one. */
export type VmcallCheck = {
  readonly check: 'none' | 'mask';
  readonly mask: bigint | null;
  readonly path: string;
  readonly line: number;
};

type Line = { readonly path: string; readonly line: number };

/**
 * Bits that KVM_TDX_CAPABILITIES and KVM_TDX_INIT_VM treat differently: user space may still set what is hidden and not
 * refused; what is shown and refused makes a set-up fail. Leaf, sub-leaf and register are null for all that the code does
 * not name. The lines are those that decide, or the functions' where nothing does.
 */
export type Disagreement = {
  readonly kind: 'hidden-not-refused' | 'shown-but-refused';
  readonly leaf: number | null;
  readonly subleaf: number | null;
  readonly register: Place['register'] | null;
  readonly mask: number;
  readonly shown: Line;
  readonly setUp: Line;
  /** What is told of sub-leaf 0 holds for every other sub-leaf but these, which are told apart where they differ. */
  readonly everySubleafBut?: readonly number[];
};

type Base = { readonly release: string; readonly because: string };

/** What one KVM revision does with a TD's CPUID, attributes, XFAM and host state. */
export type Policy = {
  /** Such as `6.16.1`: the kernel's version, or the name that a declared policy gives itself. */
  readonly version: string;
  readonly source: Source;
  /** How a person named it, where it was read from a disk: its version alone would be that of a shipped one. */
  readonly operand?: string;
  /** The module release that KVM's code was written against, as its authors said; not there where nobody did. */
  readonly base?: Base;
  /** Not there where the tree is upstream's own repository, or one that a user names. */
  readonly upstream?: Upstream;
  readonly generation: Generation;
  readonly deny: readonly PolicyMask[];
  /** Only where the allowlist generation is positively recognised. */
  readonly allow: readonly PolicyMask[];
  /** Bits that KVM itself reports as configurable beyond what the module says. */
  readonly adds: readonly PolicyMask[];
  /** TD attributes that KVM supports. */
  readonly attributes: bigint;
  /** XFAM that KVM supports, by feature name where the source names features, else a mask. */
  readonly xfam: bigint | readonly string[];
  readonly restores: readonly Restore[];
  /** The length of KVM's array of CPUID_CONFIG entries. */
  readonly configLimit: number | null;
  /** Where what KVM shows and what it takes differ; not there where both were not run. */
  readonly disagreements?: readonly Disagreement[];
  /** Not there where it was not read. */
  readonly requires?: readonly Requirement[];
  /** The bits that KVM sets in CONFIG_FLAGS; not there where they were not read. */
  readonly configFlags?: readonly MaskAt[];
  /** Not there where the code that takes the exit was not read. */
  readonly vmcall?: VmcallCheck;
  /** Feature names that KVM knows (a capability set in kvm_cpu_caps), as places. */
  readonly known: readonly PolicyMask[];
  readonly notes: readonly string[];
};

/** What a KVM version is read for. */
export const POLICY_FIELDS = [
  'generation',
  'deny',
  'allow',
  'adds',
  'attributes',
  'xfam',
  'configLimit',
  'configFlags',
  'requires',
  'restores',
  'vmcall',
  'known',
] as const;
type PolicyField = (typeof POLICY_FIELDS)[number];

/** KVM's XFAM as a mask: the source names features, XFAM numbers them. */
export function xfamMask({ xfam }: Pick<Policy, 'xfam'>): bigint {
  if (typeof xfam === 'bigint') return xfam;
  const names = new Set(xfam.map((name) => name.toUpperCase()));
  return [...XFAM_NAMES].reduce((mask, [bit, name]) => (names.has(name) ? mask | (1n << BigInt(bit)) : mask), 0n);
}

/** The bits that KVM sets in CONFIG_FLAGS; null where that was not read. */
export const configFlagsMask = ({ configFlags }: Pick<Policy, 'configFlags'>): bigint | null =>
  configFlags?.reduce((all, { mask }) => all | mask, 0n) ?? null;

/** The bits that KVM lets a TD have, by the field that gates name. */
export const supportedMasks = (policy: Pick<Policy, 'attributes' | 'xfam'>): ByGateKind<bigint> => ({
  attributes: policy.attributes,
  xfam: xfamMask(policy),
});

/**
 * What a person read of a KVM version whose tree could not be had whole, file by file: each field is read or not read, and nothing is
 * judged under it, because a field that was not read would be taken for an empty one.
 */
export type PartialPolicy = {
  readonly version: string;
  readonly source: Source;
  /** What the revision is. */
  readonly about: string;
  readonly read: readonly { readonly field: PolicyField; readonly says: string; readonly at: string }[];
  readonly notRead: readonly { readonly field: PolicyField; readonly because: string }[];
};
