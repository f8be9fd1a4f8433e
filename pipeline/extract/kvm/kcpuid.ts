import { DataError } from '../../model/errors.ts';
import type { BitName } from '../../model/field.ts';
import { compareTexts } from '../../model/order.ts';
import { comparePlaces, type Place, placeId, REGISTERS } from '../../model/place.ts';
import type { FeatureTable } from './features.ts';

export const KCPUID_PATH = 'tools/arch/x86/kcpuid/cpuid.csv';
/** Sub-leaf ranges of this file stand for leaves with many sub-leaves of one layout; beyond this many it is a slip. */
const MAX_SUBLEAVES = 64;

/**
 * Reads `cpuid.csv`: leaf, sub-leaves, register, bits, short name, description. A range of sub-leaves is written high to
 * low, as bits are: `31:0` names 32 of them. Throws a DataError with the line.
 */
export function readKcpuid(file: string, text: string): readonly BitName[] {
  return text.split('\n').flatMap((line, index): readonly BitName[] => {
    if (/^\s*(#|$)/.test(line)) return [];
    const bad = (expected: string, found: string): DataError =>
      new DataError({ where: { file, line: index + 1 }, expected, found: JSON.stringify(found) });
    const [leaf = '', subleaves = '', register = '', bits = '', name = ''] = line.split(',').map((cell) => cell.trim());
    if (!/^0x[0-9a-f]{1,8}$/i.test(leaf)) throw bad('a leaf in hex', leaf);
    const range = /^(0x[0-9a-f]+|\d+)(?::(0x[0-9a-f]+|\d+))?$/i.exec(subleaves);
    if (range === null) throw bad('a sub-leaf or a range of them', subleaves);
    const place = REGISTERS.find((candidate) => candidate === register.toLowerCase());
    if (place === undefined) throw bad('a register', register);
    const field = /^(\d{1,2})(?::(\d{1,2}))?$/.exec(bits);
    const high = Number(field?.[1] ?? 99);
    const low = Number(field?.[2] ?? field?.[1] ?? 99);
    if (high > 31 || low > high) throw bad('bits from 31 to 0', bits);
    if (!/^\S+$/.test(name)) throw bad('a short name', name);
    const last = Number(range[1]);
    const first = Number(range[2] ?? range[1]);
    if (first > last || last - first >= MAX_SUBLEAVES)
      throw bad(`a range of at most ${MAX_SUBLEAVES} sub-leaves, high to low`, subleaves);
    return Array.from({ length: last - first + 1 }, (_, step) => ({
      leaf: Number(leaf),
      subleaf: first + step,
      register: place,
      high,
      low,
      name,
    }));
  });
}

/** One table of names: the kernel's feature name of a bit wins over the list's; fields keep the list's name. */
export function namesTable(features: FeatureTable, fields: readonly BitName[]): readonly BitName[] {
  const named = new Map<string, BitName>();
  const key = (place: Place, high: number, low: number): string => `${placeId(place)}:${high}:${low}`;
  for (const field of fields) {
    const name = { ...field, name: field.high === field.low ? field.name.toUpperCase() : field.name };
    if (!named.has(key(field, field.high, field.low))) named.set(key(field, field.high, field.low), name);
  }
  // Two features of one bit (aliases of AMD and Intel): the first in order of names, whatever the header's order.
  for (const [name, { bit, ...place }] of [...features.bits].sort(([a], [b]) => compareTexts(b, a)))
    named.set(key(place, bit, bit), { ...place, high: bit, low: bit, name });
  return [...named.values()].sort((a, b) => comparePlaces(a, b) || b.high - a.high || b.low - a.low);
}
