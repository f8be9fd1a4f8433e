import { followsOf } from '../../../cases/release-steps.ts';
import { groundOf } from '../../../cases/reviews.ts';
import { kvmContext } from '../../../judge/judge.ts';
import { registerOf } from '../../../judge/lookup.ts';
import type { PlaceVerdict } from '../../../judge/rule.ts';
import {
  absentRegister,
  CELL_CLASSES,
  type ClassedRelease,
  classOfBit,
  configurableMask,
  type RegisterClasses,
} from '../../../model/class.ts';
import { deciderText } from '../../../model/decider-text.ts';
import { VERDICTS, type Verdict } from '../../../model/finding.ts';
import { and, bitMask, countBits, FULL, hasBit, or, without } from '../../../model/mask.ts';
import { namedBits } from '../../../model/names.ts';
import { formatLeaf, leafId, type Place, samePlace } from '../../../model/place.ts';
import { LETTER_LEGEND, letterOf } from '../../bits/register-table.ts';
import { pairFields } from './briefing-view.ts';
import { choice, el, folded, scrolling, signLink, span } from './dom.ts';
import { type Facts, nameOf } from './facts.ts';
import { bitText, contextOf, hashOf, type Route } from './route.ts';
import { roving } from './roving.ts';
import { CLASS_STYLE, VERDICT_WORDS } from './words.ts';

/** One register of the two releases that are compared. */
type Row = {
  readonly place: Place;
  readonly before: RegisterClasses;
  readonly now: RegisterClasses;
  readonly verdicts: readonly PlaceVerdict[];
  readonly changed: number;
  /** The bits that the reader asked for. */
  readonly shown: number;
};

const SHOWS = ['', 'settable', ...VERDICTS, 'all'] as const;
const SHOW_TEXT: Readonly<Record<string, string>> = {
  '': 'what changed',
  settable: 'what a VMM may set',
  all: 'every register',
};

/** Every bit of a release: leaves with what the reader asked for, the others a line each. */
export function bitsView(facts: Facts, route: Route, go: (hash: string) => void): readonly HTMLElement[] {
  const { specs } = facts;
  const { to, kvm } = route;
  const from = route.from ?? fromOf(facts, to);
  const show = SHOWS.find((each) => each === route.show) ?? '';
  const verdicts = kvm === null ? [] : kvmContext(to, kvm, groundOf(specs)).verdicts;
  const rows = facts.places().map((place) => rowOf(place, { from, to, verdicts, show }));
  const leaves = [...grouped(rows).values()];
  const isWanted = (own: readonly Row[]): boolean => show !== 'all' && own.some(({ shown }) => shown !== 0);
  const [wanted, others] = [leaves.filter(isWanted), leaves.filter((own) => !isWanted(own))];
  const bits = rows.reduce((sum, { shown }) => sum + countBits(shown), 0);
  const on = kvm === null ? '' : ` on KVM ${kvm.version}`;
  const what = SHOW_TEXT[show] ?? `${show}: ${VERDICT_WORDS[show as Verdict].says}`;
  return [
    el('p', {}, el('a', { href: hashOf(contextOf(route)), id: 'back' }, '← Back (Esc)')),
    el('h2', { id: 'title', tabindex: -1 }, `All bits of TDX module ${nameOf(to)}${on}, against ${nameOf(from)}`),
    pairFields(
      facts,
      route,
      go,
      choice('show', {
        label: 'Show',
        options: SHOWS.map((value) => ({ value, text: SHOW_TEXT[value] ?? value })),
        value: show,
        onChange: (value) => go(hashOf({ ...contextOf(route), to: nameOf(to), view: 'bits', show: value })),
      }),
    ),
    el(
      'p',
      {},
      `${bits} ${bits === 1 ? 'bit' : 'bits'}: ${what}. Framed: decided otherwise than in ${nameOf(from)}. Arrow keys walk a leaf, Enter opens a bit.`,
    ),
    ...wanted.map((own, at) => {
      const before = wanted.slice(0, at).reduce((sum, each) => sum + each.length, 0);
      return leafOf(own, { facts, route }, before < MOST_OPEN ? 'open' : 'wanted');
    }),
    ...(others.length === 0
      ? []
      : [
          folded(wanted.length === 0 ? 'The leaves' : 'The other leaves', String(others.length), () =>
            others.map((own) => leafOf(own, { facts, route }, 'other')),
          ),
        ]),
    folded('Signs', '', () => [
      el('p', {}, `${LETTER_LEGEND}.`),
      el(
        'ul',
        { class: 'legend' },
        ...Object.values(VERDICT_WORDS).map(({ sign, name, says }) =>
          el('li', {}, span('sign', sign), el('strong', {}, ` ${name}`), ` ${says}`),
        ),
      ),
    ]),
  ];
}

/** The release that another is held against where nobody chose one; the oldest against itself. */
function fromOf({ specs }: Facts, to: ClassedRelease): ClassedRelease {
  const follows = followsOf(specs, nameOf(to))?.follows;
  return specs.releases.find((release) => nameOf(release) === follows) ?? to;
}

type Scope = {
  readonly from: ClassedRelease;
  readonly to: ClassedRelease;
  readonly verdicts: readonly PlaceVerdict[];
  readonly show: (typeof SHOWS)[number];
};

function rowOf(place: Place, { from, to, verdicts, show }: Scope): Row {
  const [before, now] = [
    registerOf(from, place) ?? absentRegister(place),
    registerOf(to, place) ?? absentRegister(place),
  ];
  const own = verdicts.filter((each) => samePlace(each, place));
  const changed = changedMask(before, now);
  const shown =
    show === ''
      ? changed
      : show === 'all'
        ? FULL
        : show === 'settable'
          ? configurableMask(now)
          : own.filter(({ verdict }) => verdict === show).reduce((mask, each) => or(mask, each.mask), 0);
  return { place, before, now, verdicts: own, changed, shown };
}

/** Bits whose class or decider differs, as far as the code of both was examined. */
function changedMask(before: RegisterClasses, now: RegisterClasses): number {
  let mask = CELL_CLASSES.reduce(
    (all, name) => or(all, without(now.classes.get(name) ?? 0, before.classes.get(name) ?? 0)),
    0,
  );
  for (const old of before.deciders)
    for (const after of now.deciders) {
      const both = and(old.mask, after.mask);
      if (both !== 0 && deciderText(old.decider) !== deciderText(after.decider)) mask = or(mask, both);
    }
  return mask;
}

function grouped(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const leaves = new Map<string, Row[]>();
  for (const row of rows) {
    const own = leaves.get(leafId(row.place)) ?? [];
    own.push(row);
    leaves.set(leafId(row.place), own);
  }
  return leaves;
}

/** What a table's links and names need. */
type Around = { readonly facts: Facts; readonly route: Route };

/** So many registers are laid out at once; leaves with more of what was asked for are a line each, with their bits counted. */
const MOST_OPEN = 16;

/** A leaf with the registers that have what was asked for, or, where it has none of that, a line that opens to all of them. */
function leafOf(rows: readonly Row[], around: Around, how: 'open' | 'wanted' | 'other'): HTMLElement {
  const isWanted = how !== 'other';
  const [first] = rows;
  const own = isWanted ? rows.filter(({ shown }) => shown !== 0) : rows;
  const bits = own.reduce((sum, { shown }) => sum + countBits(shown), 0);
  const title = first === undefined ? '' : formatLeaf(first.place);
  const count = isWanted ? `${bits} ${bits === 1 ? 'bit' : 'bits'}` : '';
  return folded(`Leaf ${title}`, count, () => [leafTable(own, around, title)], how === 'open');
}

/** The names of a register's bits, by bit. */
function namesOf({ specs }: Facts, place: Place): readonly (string | null)[] {
  const names: (string | null)[] = [];
  for (const { bit, name } of namedBits(specs.knowledge.names, place, FULL)) names[bit] = name;
  return names;
}

const BITS = Array.from({ length: 32 }, (_, index) => 31 - index);

function leafTable(rows: readonly Row[], around: Around, title: string): HTMLElement {
  const grid: (HTMLElement | null)[][] = [];
  const lines = rows.map((row) => {
    const names = namesOf(around.facts, row.place);
    const cells = BITS.map((bit) => cellOf(row, bit, names[bit] ?? null, around.route));
    grid.push(cells.map((cell) => cell.querySelector('a')));
    return el('tr', {}, el('th', { scope: 'row' }, row.place.register.toUpperCase()), ...cells);
  });
  const table = el(
    'table',
    { class: 'bits' },
    el('caption', { class: 'hidden' }, `Leaf ${title} of TDX module ${nameOf(around.route.to)}`),
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        el('th', { scope: 'col' }, span('hidden', 'Register')),
        ...BITS.map((bit) => el('th', { scope: 'col' }, String(bit))),
      ),
    ),
    el('tbody', {}, ...lines),
  );
  roving(table, grid);
  return scrolling(`Leaf ${title}`, table);
}

function cellOf(
  { place, now, verdicts, changed, shown }: Row,
  bit: number,
  name: string | null,
  route: Route,
): HTMLElement {
  const letter = now.classes.has('absent') ? '.' : letterOf(now, bit);
  const verdict = verdicts.find((each) => and(each.mask, bitMask(bit)) !== 0)?.verdict;
  const isChanged = hasBit(changed, bit);
  // What the table says of it would be read as what a TD gets.
  const what = letter === 'd' ? 'decided otherwise' : classOfBit(now, bit);
  const label = `${bitText(place, bit)}${name === null ? '' : ` ${name}`}: ${what}${verdict === undefined ? '' : `, ${verdict}`}${isChanged ? ', changed' : ''}`;
  const anchor = signLink(
    hashOf({ ...contextOf(route), view: route.view, show: route.show, bit: bitText(place, bit) }),
    label,
    letter,
    ...(verdict === undefined || verdict === 'passed' ? [] : [el('sup', {}, VERDICT_WORDS[verdict].sign)]),
  );
  const classes = [
    `c-${CLASS_STYLE[letter] ?? 'na'}`,
    ...(isChanged ? ['changed'] : []),
    ...(hasBit(shown, bit) ? [] : ['off']),
  ];
  return el('td', { class: classes.join(' ') }, anchor);
}
