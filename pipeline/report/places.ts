import { bitsText } from '../model/bit-names.ts';
import type { FoundPlace, NamedBit } from '../model/finding.ts';
import { bitMask, FULL, hex32, or, runsOf } from '../model/mask.ts';
import { formatLeaf, formatPlace, type Place, subleafOf } from '../model/place.ts';

/** Registers of one leaf with the same mask and names, sub-leaves together: `4.{0,1,2}.EDX`, the mask, the names. */
export type PlaceLine = {
  readonly where: string;
  readonly mask: string;
  readonly names: string;
  /** The registers themselves, for a reader that goes on from here. */
  readonly of: readonly FoundPlace[];
};

/** `MCE[7] MTRR[12] MCA[14]`, a field once as `Stepping[3:0]`, bits without a name as runs: lowest bit first. */
function bitNames(bits: readonly NamedBit[]): string {
  const parts: { readonly name: string | null; readonly mask: number }[] = [];
  for (const { bit, name } of bits) {
    const last = parts.at(-1);
    const mask = bitMask(bit);
    if (last !== undefined && last.name === name) parts[parts.length - 1] = { name, mask: or(last.mask, mask) };
    else parts.push({ name, mask });
  }
  return parts.map(({ name, mask }) => `${name ?? ''}${runText(mask)}`).join(' ');
}

/** `[7]`, `[31:24]`, `[0-2,5]` for bits of one name that are not together. */
const runText = (mask: number): string =>
  `[${runsOf(mask)
    .map(({ high, low }) => (high === low ? `${low}` : `${high}:${low}`))
    .join(',')}]`;

/** Lines for places in total order: sub-leaves of a leaf that say the same are one line. */
export function placeLines(places: readonly FoundPlace[]): readonly PlaceLine[] {
  const groups: { readonly first: FoundPlace; readonly key: string; readonly places: FoundPlace[] }[] = [];
  for (const place of places) {
    const key = `${place.leaf} ${place.register} ${place.mask}`;
    const group = groups.find((each) => each.key === key);
    if (group === undefined) groups.push({ first: place, key, places: [place] });
    else group.places.push(place);
  }
  return groups.map(({ first, places: own }) => ({
    where: own.length === 1 ? formatPlace(first) : sharedText(first, own),
    mask: hex32(first.mask),
    names: first.mask === FULL ? '' : namesOf(first),
    of: own,
  }));
}

/** Names, where any bit has one: a mask alone says as much as numbers do. */
const namesOf = ({ bits }: FoundPlace): string =>
  bits.some(({ name }) => name !== null && name !== 'reserved') ? bitNames(bits) : '';

const sharedText = (first: Place, places: readonly Place[]): string =>
  `${formatLeaf({ leaf: first.leaf, subleaf: null })}.{${places.map((place) => subleafOf(place)).join(',')}}.${first.register.toUpperCase()}`;

/** `7.1.EAX RAO-INT[3]`, or the mask where no bit has a name; nothing but the register where all of it is meant. */
export const lineText = ({ where, mask, names }: PlaceLine): string =>
  [where, names === '' && mask !== hex32(FULL) ? mask : names].filter((part) => part !== '').join(' ');

/** Bits of one register as reviews name them; by place and numbers where none has a name: `1.EDX MCE[7] MCA[14]`, `7.1.EAX[3]`. */
export function namedBitsText(place: FoundPlace): string {
  const names = namesOf(place);
  return names === '' || place.mask === FULL ? bitsText(place, place.mask) : `${formatPlace(place)} ${names}`;
}

/** More registers than this are cut in a headline. */
export const SHOWN_PLACES = 4;

/** All places on one line, the first `most` of them, and how many more. */
export function placesText(places: readonly FoundPlace[], most = SHOWN_PLACES): string {
  const lines = placeLines(places);
  const shown = lines.slice(0, most).map(lineText).join('; ');
  return lines.length > most ? `${shown}; and ${lines.length - most} more` : shown;
}

/** `0x18`; `7.1` where the sub-leaves of a leaf are told that has others before them. */
export function leafText(places: readonly FoundPlace[]): string {
  const [first] = places;
  if (first === undefined) return 'none';
  const subleaves = [...new Set(places.map((place) => subleafOf(place)))];
  if (subleaves.includes(0)) return `0x${first.leaf.toString(16)}`;
  const shown = subleaves.length === 1 ? subleaves.join() : `{${subleaves.join(',')}}`;
  return `${formatLeaf({ leaf: first.leaf, subleaf: null })}.${shown}`;
}

/** ` under REDUCE_VE`: where a leaf injects #VE until the guest sets these controls. */
export const underGuest = (guest: readonly string[]): string =>
  guest.length === 0 ? '' : ` under ${guest.join(' and ')}`;
