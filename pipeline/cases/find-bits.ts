import { type BitSelection, parseBit } from '../model/bit-text.ts';
import { UsageError } from '../model/errors.ts';
import { bitMask, FULL, hasBit } from '../model/mask.ts';
import { comparePlaces, type Place, placeId, subleafOf } from '../model/place.ts';
import { suggest } from '../model/suggest.ts';
import type { Specs } from '../specs/store.ts';

/** The kernel's spelling of a name: the SDM writes RAO-INT where the kernel writes RAO_INT. */
const featureName = (text: string): string =>
  text
    .replace(/^X86_FEATURE_/i, '')
    .replaceAll('-', '_')
    .toUpperCase();

/** Whether a text is the kernel's name of a feature. */
export const isNamed = (specs: Specs, text: string): boolean =>
  specs.knowledge.names.some(({ name }) => featureName(name) === featureName(text));

/** What a command takes beside bits: the kinds, and the names that a mistyped one may stand for. */
type Beside = { readonly kinds: readonly string[]; readonly names: readonly string[] };
const NONE: Beside = { kinds: [], names: [] };

/** The bits that a user names: a place in any form, or the kernel's name of a feature. */
export function findBits(specs: Specs, text: string, beside: Beside = NONE): readonly BitSelection[] {
  const bit = parseBit(text);
  if (bit !== null) return [atKnownLeaf(specs, bit)];
  const leaf = registersOf(specs, text);
  if (leaf.length > 0) return leaf;
  const wanted = featureName(text);
  const named = specs.knowledge.names.filter((name) => featureName(name.name) === wanted);
  if (named.length === 0) {
    const known = new Set(specs.knowledge.names.map((name) => name.name));
    const hint = suggest(wanted, [...known]) || suggest(text, beside.names);
    throw new UsageError(
      `${JSON.stringify(text)} is no ${['bit (such as 7.1.EAX[19])', 'register', 'leaf', 'feature', ...beside.kinds].join(', ').replace(/, ([^,]*)$/, ' or $1')}${hint}`,
    );
  }
  return named.map(({ leaf, subleaf, register, high, low }) => {
    let mask = 0;
    for (let at = low; at <= high; at += 1) mask = (mask | bitMask(at)) >>> 0;
    return atKnownLeaf(specs, { place: { leaf, subleaf, register }, mask });
  });
}

/** `0x19`, `0x7.1`, `leaf 0x19`: every register of a leaf that a release has; none where the text is no leaf. */
function registersOf(specs: Specs, text: string): readonly BitSelection[] {
  const [, leaf, subleaf] = /^(?:leaf\s+|cpuid\.)?0x([0-9a-f]{1,8})(?:\.(0x[0-9a-f]+|\d+))?$/i.exec(text.trim()) ?? [];
  if (leaf === undefined) return [];
  const isOf = (place: Place): boolean =>
    place.leaf === Number.parseInt(leaf, 16) && (subleaf === undefined || subleafOf(place) === Number(subleaf));
  const places = specs.releases.flatMap(({ registers }) => registers.filter(isOf));
  const found = new Map(places.map((place) => [placeId(place), place]));
  return [...found.values()]
    .sort(comparePlaces)
    .map(({ leaf: of, subleaf: sub, register }) => ({ place: { leaf: of, subleaf: sub, register }, mask: FULL }));
}

/** Where the tables have the leaf without sub-leaves, sub-leaf 0 means the leaf itself; and the other way round. */
function atKnownLeaf(specs: Specs, { place, mask }: BitSelection): BitSelection {
  const has = (subleaf: number | null): boolean =>
    specs.releases.some(({ registers }) =>
      registers.some((register) => register.leaf === place.leaf && register.subleaf === subleaf),
    );
  if (has(place.subleaf)) return { place, mask };
  const other = place.subleaf === null ? 0 : place.subleaf === 0 ? null : place.subleaf;
  return has(other) ? { place: { ...place, subleaf: other }, mask } : { place, mask };
}

/** The set bits of a selection, lowest first. */
export function bitsIn(mask: number): readonly number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => hasBit(mask, bit));
}
