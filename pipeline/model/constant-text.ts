import type { ClassedRelease, RegisterClasses } from './class.ts';
import { constantOf } from './decider.ts';
import { or } from './mask.ts';
import { type Place, type Register, samePlace } from './place.ts';

/** The value of a register that is the same in every TD; null where a bit is not, or the code was not examined. */
export function constantAt(register: RegisterClasses | undefined): number | null {
  if (register === undefined || register.deciders.length === 0) return null;
  let value = 0;
  for (const { mask, decider } of register.deciders) {
    const bit = constantOf(decider);
    if (bit === null) return null;
    if (bit === 1) value = or(value, mask);
  }
  return value;
}

const bytesOf = (value: number): readonly number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** Letters, lowest byte first, as CPUID holds text: a small number looks like one letter, never like two. */
export function isText(value: number): boolean {
  let letters = 0;
  for (const byte of bytesOf(value)) {
    if (byte !== 0 && (byte < 0x20 || byte >= 0x7f)) return false;
    if (byte !== 0) letters += 1;
  }
  return letters !== 1;
}

/** The letters of registers, one after the other; a zero byte is none. */
export const textOf = (values: readonly number[]): string =>
  String.fromCharCode(...values.flatMap(bytesOf).filter((byte) => byte !== 0));

/** Twelve registers with one text. */
export const BRAND: readonly number[] = [0x80000002, 0x80000003, 0x80000004];
export const isBrand = (leaf: number): boolean => BRAND.includes(leaf);

const ALL: readonly Register[] = ['eax', 'ebx', 'ecx', 'edx'];
/** A name of 12 letters stands in three registers, in this order, as in leaf 0 (Intel SDM, CPUID). */
const VENDOR: readonly Register[] = ['ebx', 'edx', 'ecx'];

/** The registers that hold a text with this one, in the text's order: the brand string's three leaves, else a vendor string's three registers. */
function textPlaces({ leaf, subleaf, register }: Place): readonly Place[] {
  if (isBrand(leaf))
    return BRAND.flatMap((each) => ALL.map((name): Place => ({ leaf: each, subleaf, register: name })));
  return VENDOR.includes(register) ? VENDOR.map((name): Place => ({ leaf, subleaf, register: name })) : [];
}

/** Where a register stands in its text. */
export const textOrder = (place: Place): number => textPlaces(place).findIndex((each) => samePlace(each, place));

/** The text that every TD of a release reads from a register and those beside it; null where they hold none. */
export function constantText({ registers }: ClassedRelease, place: Place): string | null {
  const values = textPlaces(place).map((each) => constantAt(registers.find((known) => samePlace(known, each))));
  const known = values.flatMap((value) => (value === null ? [] : [value]));
  // The brand string's later leaves hold nothing where a release has no such leaf in its tables.
  const text = textOf(known);
  return text.trim().length >= 4 && known.every(isText) && (isBrand(place.leaf) || known.length === values.length)
    ? text
    : null;
}
