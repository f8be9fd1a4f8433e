import { followsOf } from '../../../cases/release-steps.ts';
import { MAP_STATES, type MapCell } from '../map.ts';
import { el, scrolling, span } from './dom.ts';
import { type Facts, nameOf } from './facts.ts';
import { hashOf, type Route } from './route.ts';
import { roving } from './roving.ts';
import { STATE_WORDS } from './words.ts';

/** The map of releases by KVM versions, the newest release first, and a way to mark what is shown beside it. */
export function createMap(facts: Facts): { readonly element: HTMLElement; readonly mark: (route: Route) => void } {
  const { specs } = facts;
  const links = new Map<string, HTMLElement>();
  const grid: (HTMLElement | null)[][] = [];
  const cellOf = (release: string, kvm: string, cell: MapCell | undefined): HTMLElement => {
    if (cell === undefined) return el('td', {}, span('none', 'not judged'));
    const { sign, name, says } = STATE_WORDS[cell.state];
    const number = numberOf(cell);
    const isOld = cell.state === 'decide' && cell.tally.decide === 0;
    const anchor = el(
      'a',
      {
        href: hashOf({ to: release, kvm }),
        title: says,
      },
      span('hidden', `${release} on KVM ${kvm}: `),
      el('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
      ...(number === '' ? [] : [span('number', number)]),
      ...(isOld ? [span('of', ' old')] : []),
      span('word', name),
    );
    links.set(`${release} ${kvm}`, anchor);
    return el('td', { class: `s-${cell.state}${isOld ? ' old' : ''}` }, anchor);
  };
  const rows = [...facts.axis].reverse().map(({ name, release }) => {
    if (release === null)
      return el(
        'tr',
        { class: 'unread' },
        el('th', { scope: 'row' }, name),
        el('td', { colspan: specs.policies.length }, 'known by name only, not read'),
      );
    const at = specs.releases.indexOf(release);
    const follows = followsOf(specs, name)?.follows;
    const cells = specs.policies.map(({ version }, kvm) => cellOf(name, version, facts.map[at]?.[kvm])).reverse();
    grid.push(cells.map((cell) => cell.querySelector('a')));
    return el(
      'tr',
      {},
      el('th', { scope: 'row' }, name, ...(follows === undefined ? [] : [span('after', `after ${follows}`)])),
      ...cells,
    );
  });
  const heads = specs.policies.map(({ version }) => el('th', { scope: 'col' }, version)).reverse();
  const table = el(
    'table',
    { class: 'map' },
    el('caption', { class: 'hidden' }, 'TDX module releases by KVM versions: what is to be decided'),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, span('hidden', 'Release, under '), 'KVM'), ...heads)),
    el('tbody', {}, ...rows),
  );
  roving(table, grid);
  const used = new Set(facts.map.flat().map(({ state }) => state));
  const legend = MAP_STATES.filter((state) => used.has(state)).map((state) => {
    const { sign, name, says } = STATE_WORDS[state];
    return el('li', { class: `s-${state}` }, span('sign', sign), el('strong', {}, ` ${name}`), ` ${says}`);
  });
  const element = el(
    'section',
    { class: 'map-part', 'aria-labelledby': 'map-title' },
    el('h2', { id: 'map-title', tabindex: -1 }, 'Releases by KVM versions'),
    el(
      'p',
      { class: 'soft' },
      'Each release is held against the one whose code it has. Numbers are bits, of clobbers findings, and of what changed also registers and findings; old ones are undecided since an older release. Choose a cell for its briefing.',
    ),
    scrolling('Map of releases by KVM versions', table),
    el('ul', { class: 'legend' }, ...legend),
  );
  let marked: HTMLElement | undefined;
  const mark = (route: Route): void => {
    marked?.removeAttribute('aria-current');
    marked = links.get(`${nameOf(route.to)} ${route.kvm?.version ?? ''}`);
    marked?.setAttribute('aria-current', 'true');
  };
  return { element, mark };
}

/** The number behind a state. */
function numberOf({ state, tally, standing }: MapCell): string {
  switch (state) {
    case 'clobber':
      return String(tally.lost);
    case 'decide':
      return String(tally.decide > 0 ? tally.decide : standing);
    case 'confirm':
      return String(tally.confirm);
    case 'changed':
      return String(tally.changed + tally.gone + tally.look);
    default:
      return '';
  }
}
