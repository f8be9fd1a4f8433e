import type { RegisterClasses } from './class.ts';
import { constantOf, type Decider } from './decider.ts';
import { and, or, rangeMask } from './mask.ts';
import type { Place } from './place.ts';

/** A name for a bit or a field of a register. */
export type BitName = Place & { readonly high: number; readonly low: number; readonly name: string };

/** What a field of several bits holds in a TD: one number, or what its deciders make of it; nothing without the leaf. */
export type FieldMeaning =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'decided'; readonly by: readonly Decider[] }
  /** The leaf is not in the table, or nobody examined who decides the field. */
  | { readonly kind: 'absent' | 'unknown' };

/** A field whose meaning differs between two releases. */
export type FieldChange = BitName & { readonly from: FieldMeaning; readonly to: FieldMeaning };

/** What bits `high` to `low` of a register hold. */
export function fieldMeaning(
  register: RegisterClasses | undefined,
  { high, low }: Pick<BitName, 'high' | 'low'>,
): FieldMeaning {
  if (register === undefined) return { kind: 'absent' };
  const range = rangeMask(high, low);
  const parts = register.deciders.filter(({ mask }) => and(mask, range) !== 0);
  if (parts.length === 0) return { kind: 'unknown' };
  const constants = parts.map(({ mask, decider }) => ({ mask: and(mask, range), bit: constantOf(decider) }));
  if (constants.every(({ bit }) => bit !== null)) {
    const ones = constants.reduce((all, { mask, bit }) => (bit === 1 ? or(all, mask) : all), 0);
    return { kind: 'value', value: ones >>> low };
  }
  // Bits that stay 0 at the end of a number say nothing of how it is made.
  return { kind: 'decided', by: parts.flatMap(({ decider }) => (constantOf(decider) === 0 ? [] : [decider])) };
}
