import type { LeafKey } from '../../model/place.ts';

const LEAF = /^(?:leaf\s+)?(0x[0-9a-f]{1,8}|\d{1,9})(?:\s*\/\s*(?:all\s+)?(other\s+)?sub-?lea(?:f|ves)\b\s*(.*))?$/i;
const NUMBER = /^(?:0x[0-9a-f]{1,8}|\d{1,9})$/i;
const RANGE = /^(\w+)\s*(?:-|–|to|\.\.)\s*(\w+)$/i;
/** No leaf enumerates more sub-leaves than this; a longer range is a mistake. */
const MAX_SUBLEAVES = 256;

/** The leaves that one entry describes; `others` where it stands for all sub-leaves that are not listed. */
export type LeafLabel = { readonly keys: readonly LeafKey[] } | { readonly others: number };

function subleavesOf(text: string): readonly number[] | null {
  if (NUMBER.test(text)) return [Number(text)];
  const [, from, to] = RANGE.exec(text) ?? [];
  if (from === undefined || to === undefined || !NUMBER.test(from) || !NUMBER.test(to)) return null;
  const [first, last] = [Number(from), Number(to)];
  if (last < first || last - first >= MAX_SUBLEAVES) return null;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/**
 * Reads a leaf label: `0x80000008`, `0x7 / Sub-Leaf 0x1`, `0xb / Sub-Leaves 0x0-0x1`, `0x11 / Sub-Leaf N/A`, a list of
 * them after the slash, or `0x4 / All other Sub-Leaves`. `null` for anything else.
 */
export function parseLeafLabel(label: string): LeafLabel | null {
  const [, leafText, other, list] = LEAF.exec(label.trim()) ?? [];
  if (leafText === undefined) return null;
  const leaf = Number(leafText);
  if (list === undefined || /^n\/a$/i.test(list)) return { keys: [{ leaf, subleaf: null }] };
  if (other !== undefined) return list === '' ? { others: leaf } : null;
  if (/^(?:all\s+)?others?$/i.test(list)) return { others: leaf };
  const keys: LeafKey[] = [];
  for (const part of list.split(',')) {
    const subleaves = subleavesOf(part.trim());
    if (subleaves === null) return null;
    keys.push(...subleaves.map((subleaf) => ({ leaf, subleaf })));
  }
  return keys.length > MAX_SUBLEAVES ? null : { keys };
}
