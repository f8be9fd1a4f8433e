import type { FieldChange, FieldMeaning } from '../../model/field.ts';
import type { Finding, FoundPlace } from '../../model/finding.ts';
import { or, rangeMask, without } from '../../model/mask.ts';
import { formatPlace, samePlace } from '../../model/place.ts';
import { deciderWords } from '../decider-words.ts';

/** More fields than this are left to JSON. */
const FIELDS = 4;

/** `phys_addr_bits[7:0] was 52 and is …`: what numbers of several bits hold; sub-leaves that say the same once. */
export function fieldsText({ fields = [] }: Finding): string {
  const told = [
    ...new Set(
      fields.map(
        ({ name, high, low, from, to }) => `${name}[${high}:${low}]: ${meaningText(from)} -> ${meaningText(to)}.`,
      ),
    ),
  ];
  const more = told.length - FIELDS;
  return [...told.slice(0, FIELDS), ...(more > 0 ? [`And ${more} more fields.`] : [])].join(' ');
}

/** `7.0.EAX leaf7_n_subleaves 1 -> 2`: numbers that are the same in every TD of both releases, where that is all there is. */
export function numbersOf(finding: Finding): readonly string[] {
  const steps = isOfNumbers(finding, ({ from, to }) => from.kind === 'value' && to.kind === 'value');
  return !steps
    ? []
    : (finding.fields ?? []).flatMap(({ name, from, to, ...place }) =>
        from.kind === 'value' && to.kind === 'value'
          ? [`${formatPlace(place)} ${name} ${from.value} -> ${to.value}`]
          : [],
      );
}

/** Whether all bits belong to numbers that are the same in every TD now. */
export const holdNumbers = (finding: Finding): boolean =>
  finding.facts.kind === 'class' && isOfNumbers(finding, ({ to }) => to.kind === 'value');

/** Whether all bits belong to fields like these. */
function isOfNumbers({ places, fields = [] }: Finding, isLike: (field: FieldChange) => boolean): boolean {
  const like = fields.filter(isLike);
  const isIn = (place: FoundPlace): boolean =>
    without(
      place.mask,
      like.filter((each) => samePlace(each, place)).reduce((mask, { high, low }) => or(mask, rangeMask(high, low)), 0),
    ) === 0;
  return places.length > 0 && places.every(isIn);
}

/** What a field holds, in words. */
function meaningText(meaning: FieldMeaning): string {
  switch (meaning.kind) {
    case 'value':
      return `always ${meaning.value > 0xffff ? `0x${meaning.value.toString(16)}` : meaning.value}`;
    case 'decided':
      return [...new Set(meaning.by.map(deciderWords))].join(', or ');
    case 'absent':
      return 'not in the table';
    case 'unknown':
      return 'not examined';
  }
}
