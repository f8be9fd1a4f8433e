import type { BitName } from './field.ts';
import type { NamedBit } from './finding.ts';
import { and, bitsOf, or, rangeMask } from './mask.ts';
import { type Place, placeId } from './place.ts';

/** Names index by register: names are many, findings are many more. */
const indexes = new WeakMap<readonly BitName[], ReadonlyMap<string, readonly BitName[]>>();

/** The names of a register. */
export function namesOf(names: readonly BitName[], place: Place): readonly BitName[] {
  let index = indexes.get(names);
  if (index === undefined) {
    const built = new Map<string, BitName[]>();
    for (const name of names) {
      const key = placeId(name);
      const list = built.get(key);
      if (list === undefined) built.set(key, [name]);
      else list.push(name);
    }
    index = built;
    indexes.set(names, built);
  }
  return index.get(placeId(place)) ?? [];
}

/** Every bit of a mask with its name: a flag's own, a field's for each of its bits, or null. */
export function namedBits(names: readonly BitName[], place: Place, mask: number): readonly NamedBit[] {
  const known = namesOf(names, place);
  return bitsOf(mask).map((bit) => ({ bit, name: nameOf(known, bit) }));
}

/** A name of the single bit wins over that of a field which covers it. */
function nameOf(known: readonly BitName[], bit: number): string | null {
  const hits = known.filter((name) => bit >= name.low && bit <= name.high);
  const narrow = [...hits].sort((a, b) => a.high - a.low - (b.high - b.low))[0];
  return narrow?.name ?? null;
}

/** The bits of a mask that belong to fields of several bits: numbers and texts, not features. */
export function fieldBits(names: readonly BitName[], place: Place, mask: number): number {
  const fields = namesOf(names, place).filter((name) => name.high > name.low);
  return fields.reduce((all, { high, low }) => or(all, and(mask, rangeMask(high, low))), 0);
}
