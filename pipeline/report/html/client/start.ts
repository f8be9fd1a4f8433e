import { releaseNamed } from '../../../cases/named.ts';
import { bitsView } from './bits-view.ts';
import { briefingView } from './briefing-view.ts';
import { byId, el } from './dom.ts';
import { type Facts, nameOf, readFacts } from './facts.ts';
import { hostView } from './host-view.ts';
import { createMap } from './map-view.ts';
import { notesView } from './notes-view.ts';
import { bitText, contextOf, hashOf, type Problem, partsOf, type Route, readRoute, searched } from './route.ts';
import { storyView } from './story-view.ts';

/** Shows what the address names, and keeps page and address in step from then on. */
export function startPage(): void {
  const facts = readFacts();
  const view = byId('view');
  const map = createMap(facts);
  const notes = notesView(facts);
  const beside = el('section', { class: 'briefing', 'aria-labelledby': 'title' });
  const home = el('div', { class: 'home' }, map.element, beside, notes);
  let route: Route | null = null;

  const go = (hash: string): void => {
    if (hash === location.hash) show();
    else location.hash = hash;
  };
  const contentOf = (now: Route): readonly HTMLElement[] => {
    if (now.bit !== null) return storyView(facts, now, now.bit);
    if (now.view === 'bits') return bitsView(facts, now, go);
    if (now.view === 'host') return hostView(facts, now, go);
    map.mark(now);
    beside.replaceChildren(...briefingView(facts, now, go));
    return [home];
  };
  /** A field that was used keeps the focus: the view that it changes is made anew. */
  const show = (isFirst = false): void => {
    const found = readRoute(facts, location.hash);
    const field = document.activeElement instanceof HTMLSelectElement ? document.activeElement.id : '';
    if ('what' in found) {
      route = null;
      showProblem(view, found);
    } else {
      route = found;
      const content = contentOf(found);
      if (content.length !== 1 || view.firstElementChild !== content[0] || view.childElementCount !== 1)
        view.replaceChildren(...content);
      showLinks(found);
      showChosen(view);
    }
    const title = byId('title').textContent ?? '';
    document.title = `${title} · bitwatch`;
    if (isFirst) return;
    byId('status').textContent = title;
    const again = field === '' ? null : document.getElementById(field);
    (again ?? byId('title')).focus();
  };
  addEventListener('hashchange', () => show());
  document.addEventListener('keydown', (event) => onKey(event, () => route));
  listenSearch(facts, view, () => route, go);
  show(true);
  requestAnimationFrame(() => {
    document.documentElement.dataset.ready = 'yes';
    performance.mark('bitwatch-ready');
    prepare(facts);
  });
}

/** What is known of one release is worked out before somebody asks for it, one at a time while the page has nothing to do. */
function prepare({ specs, places }: Facts): void {
  const rest = [...specs.releases];
  const next = (): void => {
    const release = rest.shift();
    if (release === undefined) places();
    else if (release.registers.length >= 0) setTimeout(next, 0);
  };
  setTimeout(next, 0);
}

function showProblem(view: HTMLElement, { what, offers }: Problem): void {
  view.replaceChildren(
    el('h2', { id: 'title', tabindex: -1 }, 'Not found'),
    el('p', { class: 'warning' }, what),
    el('ul', { class: 'offers' }, ...offers.map(({ text, hash }) => el('li', {}, el('a', { href: hash }, text)))),
    el('p', {}, el('a', { href: '#' }, 'Show the map')),
  );
}

/** A table that is wider than its place opens where the cell is that was asked for. */
function showChosen(view: HTMLElement): void {
  for (const place of view.querySelectorAll('.scroll')) {
    const chosen = place.querySelector<HTMLElement>('td.chosen');
    if (chosen !== null) place.scrollLeft = chosen.offsetLeft + chosen.offsetWidth - place.clientWidth;
  }
}

function showLinks(route: Route): void {
  const context = contextOf(route);
  const current = route.bit === null ? route.view : '';
  for (const name of ['map', 'bits', 'host'] as const) {
    const anchor = document.getElementById(`to-${name}`);
    if (anchor === null) continue;
    anchor.setAttribute('href', hashOf({ ...context, view: name }));
    if (name === current) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  }
}

function onKey(event: KeyboardEvent, route: () => Route | null): void {
  const isTyping = event.target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === '/' && !isTyping) {
    event.preventDefault();
    byId('query').focus();
  } else if (event.key === 'Escape' && route() !== null) {
    const back = document.getElementById('back');
    if (back !== null) back.click();
  }
}

/** A search goes to the bit or release that it names, in every spelling that the command line takes. */
function listenSearch(facts: Facts, view: HTMLElement, route: () => Route | null, go: (hash: string) => void): void {
  const query = byId<HTMLInputElement>('query');
  const names = [...new Set(facts.specs.knowledge.names.map(({ name }) => name))].sort();
  byId('names').replaceChildren(...names.map((value) => el('option', { value })));
  const find = (): void => {
    const text = query.value.trim();
    if (text === '') return;
    const now = route();
    const context = now === null ? {} : { ...partsOf(now), bit: '' };
    const release = releaseNamed(facts.specs, text);
    if (release !== undefined) {
      go(hashOf({ to: nameOf(release), kvm: now?.kvm?.version ?? '' }));
      return;
    }
    const found = searched(facts, text, context);
    if ('bit' in found) {
      go(hashOf({ ...context, bit: bitText(...found.bit) }));
      return;
    }
    showProblem(view, found);
    byId('title').textContent = found.offers.length === 0 ? 'Not found' : 'Found';
    byId('title').focus();
  };
  byId('find').addEventListener('click', find);
  query.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') find();
  });
}
