import { hex } from './mask.ts';

export const REGISTERS = ['eax', 'ebx', 'ecx', 'edx'] as const;
export type Register = (typeof REGISTERS)[number];

/**
 * A CPUID leaf and sub-leaf; `null` where the leaf has no sub-leaves (0xffffffff in the module's tables). The one rule of sub-leaves:
 * no sub-leaf is sub-leaf 0, as in the kernel's tables and to the CPU, which ignores ECX there. Whatever compares, finds or counts
 * places goes through the keys and orders of this file; how a place is written keeps what its source said.
 */
export type LeafKey = { readonly leaf: number; readonly subleaf: number | null };

/** One 32-bit register of a CPUID leaf. */
export type Place = LeafKey & { readonly register: Register };

/** The number that ECX selects: 0 where a leaf has no sub-leaves. */
export const subleafOf = ({ subleaf }: LeafKey): number => subleaf ?? 0;

/** True for the same leaf and sub-leaf. */
export const sameLeaf = (a: LeafKey, b: LeafKey): boolean => a.leaf === b.leaf && subleafOf(a) === subleafOf(b);

/** True for the same register. */
export const samePlace = (a: Place, b: Place): boolean => a.register === b.register && sameLeaf(a, b);

/** Total order of leaves: by leaf, then sub-leaf. */
export function compareLeaves(a: LeafKey, b: LeafKey): number {
  return a.leaf - b.leaf || subleafOf(a) - subleafOf(b);
}

/** Total order of places: by leaf, sub-leaf, then EAX, EBX, ECX, EDX. */
export function comparePlaces(a: Place, b: Place): number {
  return compareLeaves(a, b) || REGISTERS.indexOf(a.register) - REGISTERS.indexOf(b.register);
}

/** A key for maps: equal exactly for equal leaves. It is made often, so it is cheap and not meant to be read. */
export const leafId = (key: LeafKey): string => `${key.leaf}.${subleafOf(key)}`;
/** A key for maps: equal exactly for equal places. */
export const placeId = (place: Place): string => `${place.leaf}.${subleafOf(place)}.${place.register}`;

/** `0x7.1` or `0x80000008`, in the shape that people write: small leaves in hex without padding. */
export function formatLeaf(key: LeafKey): string {
  const leaf = key.leaf < 10 ? `${key.leaf}` : hex(key.leaf);
  const subleaf = key.subleaf === null ? '' : `.${key.subleaf < 10 ? key.subleaf : hex(key.subleaf)}`;
  return `${leaf}${subleaf}`;
}

/** `7.1.EAX`: the short form of a register, used in all reports. */
export const formatPlace = (place: Place): string => `${formatLeaf(place)}.${place.register.toUpperCase()}`;
