import { type Finding, LEVELS } from '../../../model/finding.ts';
import { bitsOf } from '../../../model/mask.ts';
import { type PlaceLine, placeLines } from '../../places.ts';
import { itemOf } from '../../view.ts';
import { el, folded, span } from './dom.ts';
import type { Facts } from './facts.ts';
import { bitText, hashOf } from './route.ts';

type Context = Parameters<typeof hashOf>[0];

/** A place with its mask, and its names as links to the bits themselves; bits without a name as their numbers. */
export function placeRow({ where, mask, of }: PlaceLine, context: Context): HTMLElement {
  const [first] = of;
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, where),
    el('td', { class: 'mask' }, mask),
    el('td', {}, ...(first === undefined ? [] : bitLinks(first, context))),
  );
}

/** Neighbouring bits of one name are one link, to the lowest of them. */
function bitLinks(place: PlaceLine['of'][number], context: Context): readonly (Node | string)[] {
  const names = new Map(place.bits.map(({ bit, name }) => [bit, name]));
  const runs: { readonly name: string | null; readonly low: number; high: number }[] = [];
  for (const bit of bitsOf(place.mask)) {
    const last = runs.at(-1);
    const name = names.get(bit) ?? null;
    if (last !== undefined && last.name === name && last.high === bit - 1) last.high = bit;
    else runs.push({ name, low: bit, high: bit });
  }
  return runs.flatMap(({ name, low, high }) => {
    const range = high === low ? `[${low}]` : `[${high}:${low}]`;
    return [el('a', { href: hashOf({ ...context, bit: bitText(place, low) }) }, `${name ?? ''}${range}`), ' '];
  });
}

/** A finding with its reason, all its places, what to do and where it was read. */
function findingItem(facts: Facts, finding: Finding, context: Context): HTMLElement {
  const { headline, because, todo, decided } = itemOf(finding);
  const places = placeLines(finding.places);
  return el(
    'li',
    { class: 'finding' },
    el('p', {}, span(`level l-${finding.level}`, finding.level), ' ', el('strong', {}, headline)),
    ...(places.length === 0
      ? []
      : [el('table', { class: 'places' }, el('tbody', {}, ...places.map((line) => placeRow(line, context))))]),
    ...(decided === null ? [] : [el('p', {}, decided)]),
    el('p', {}, `Why: ${because}`),
    el('p', {}, `Do: ${todo}`),
    ...(finding.evidence.length === 0
      ? []
      : [
          el(
            'p',
            { class: 'source' },
            'Read in ',
            ...finding.evidence.flatMap((each, at) => [...(at === 0 ? [] : ['; ']), facts.evidence(each, each.line)]),
          ),
        ]),
    el('p', { class: 'source' }, `${finding.rule} ${finding.fingerprint}, for ${finding.for.join(', ')}`),
  );
}

/** Findings as a list, what is for information folded away. */
export function findingList(facts: Facts, findings: readonly Finding[], context: Context): readonly HTMLElement[] {
  if (findings.length === 0) return [el('p', {}, 'None.')];
  const list = (own: readonly Finding[]): HTMLElement =>
    el('ul', { class: 'findings' }, ...own.map((finding) => findingItem(facts, finding, context)));
  const [info, urgent] = [
    findings.filter(({ level }) => level === LEVELS[0]),
    findings.filter(({ level }) => level !== LEVELS[0]),
  ];
  return [
    ...(urgent.length === 0 ? [] : [list(urgent)]),
    ...(info.length === 0 ? [] : [folded('For information', String(info.length), () => [list(info)])]),
  ];
}
