import type { ClassedRelease } from '../model/class.ts';
import { type FieldChange, fieldMeaning } from '../model/field.ts';
import type { Finding } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { and, rangeMask } from '../model/mask.ts';
import { namesOf } from '../model/names.ts';
import { registerOf } from './lookup.ts';

/** Changes that are told of bits, and that mean something else where the bits are a number. */
const OF_BITS: ReadonlySet<Finding['facts']['kind']> = new Set([
  'class',
  'configurable',
  'not-configurable',
  'promise',
  'static-leaf',
]);

/** The fields of several bits that a finding's bits belong to, with what each held and holds now, where that differs. */
export function fieldChanges(
  { facts, places }: Finding,
  from: ClassedRelease,
  to: ClassedRelease,
  { names }: Pick<Knowledge, 'names'>,
): readonly FieldChange[] {
  if (!OF_BITS.has(facts.kind)) return [];
  return places.flatMap((place) =>
    namesOf(names, place)
      .filter(({ high, low, name }) => high > low && name !== 'reserved' && and(place.mask, rangeMask(high, low)) !== 0)
      .map((field) => ({
        ...field,
        from: fieldMeaning(registerOf(from, place), field),
        to: fieldMeaning(registerOf(to, place), field),
      }))
      .filter((change) => JSON.stringify(change.from) !== JSON.stringify(change.to)),
  );
}
