import { type GateId, gateId } from '../../model/gate.ts';
import type { LeafKey } from '../../model/place.ts';
import type { Virtualization } from '../../model/virtualization.ts';

/** TD attributes that gate CPUID fields, by the names that the tables use, with their bits in ATTRIBUTES. */
const ATTRIBUTES: Readonly<Record<string, number>> = { LASS: 27, PKS: 30, KL: 31, PERFMON: 63 };

function xfamBits(details: string, key: LeafKey): readonly number[] | null {
  const bits: number[] = [];
  for (const [, inner = ''] of details.matchAll(/XFAM\s*\[([^\]]*)\]/gi)) {
    for (const part of inner.split(',')) {
      const range = /^\s*(\d{1,2})\s*(?::\s*(\d{1,2})\s*)?$/.exec(part);
      if (/^\s*n\s*$/i.test(part) && key.subleaf !== null) bits.push(key.subleaf);
      else if (range === null) return null;
      else {
        const high = Number(range[1]);
        const low = Number(range[2] ?? high);
        if (high < low || high > 63) return null;
        for (let bit = low; bit <= high; bit += 1) bits.push(bit);
      }
    }
  }
  return bits.length === 0 ? null : bits;
}

function attributeBits(details: string): readonly number[] | null {
  const bits = Object.entries(ATTRIBUTES).flatMap(([name, bit]) =>
    new RegExp(`\\b${name}\\b`, 'i').test(details) ? [bit] : [],
  );
  return bits.length === 0 ? null : bits;
}

/**
 * The XFAM and attribute bits that gate a field, from its details: `XFAM[7:5]`, `XFAM[n]` (n is the sub-leaf),
 * `PERFMON`. Empty for a type without such gates; `null` where the details do not say which.
 */
export function gatesOf(
  { allow }: Virtualization,
  key: LeafKey,
  details: string | null,
  configuration: string | null,
): readonly GateId[] | null {
  const text = details ?? '';
  const xfam = allow.includes('xfam') ? xfamBits(text, key) : [];
  const attributes = allow.includes('attributes')
    ? (attributeBits(text) ?? attributeBits((configuration ?? '').replaceAll('_', ' ')))
    : [];
  if (xfam === null || attributes === null) return null;
  const ascending = (bits: readonly number[]): readonly number[] => [...new Set(bits)].sort((a, b) => a - b);
  return [
    ...ascending(attributes).map((bit) => gateId({ kind: 'attributes', bit })),
    ...ascending(xfam).map((bit) => gateId({ kind: 'xfam', bit })),
  ];
}
