import { createAddress } from './address.ts';
import { createChanges } from './changes.ts';
import { createControls } from './controls.ts';
import { createDifferences } from './differences.ts';
import { createDom } from './dom.ts';
import { createFilter } from './filter.ts';
import { createFindings } from './findings.ts';
import { createGrid } from './grid.ts';
import { createGridKeys } from './grid-keys.ts';
import { createGridPaint } from './grid-paint.ts';
import { createModel } from './model.ts';
import { createNotes } from './notes.ts';
import { createStory } from './story.ts';
import { createStoryParts } from './story-parts.ts';
import { createTimeline } from './timeline.ts';
import type { Cell, PageData, Selection } from './types.ts';

/** Joins the parts, shows what the address names, and keeps page and address in step from then on. */
export function startPage() {
  const dom = createDom();
  const data: PageData = JSON.parse(dom.byId('data').textContent ?? '');
  const model = createModel(data);
  const differences = createDifferences(data, model);
  const filter = createFilter(data, model, differences.isChanged);
  const address = createAddress(data);
  const grid = createGrid(data, model, dom);
  const painter = createGridPaint(data, model, dom, grid);
  const changes = createChanges(data, model, dom);
  const timeline = createTimeline(data, model, dom);
  const parts = createStoryParts(data, model, dom);
  const findings = createFindings(data, dom, parts.evidence);
  const story = createStory(model, dom, parts, findings, () => closeStory());
  const controls = createControls(data, dom, (change) => update(change));
  const keys = createGridKeys(data, dom, grid, (cell) => openStory(cell));
  const notes = createNotes(data, model, dom, parts.evidence);
  let selection = address.read(location.hash);
  /** Where the reader was when a story opened: Esc goes back there. */
  let origin: HTMLElement | null = null;

  /** Browsers refuse addresses that change many times a second, as a slider would have it. */
  let timer: ReturnType<typeof setTimeout> | undefined;
  const writeAddress = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, '', address.write(selection)), 80);
  };
  const readout = (cell: Cell): void => {
    const isChanged = differences.isChanged(cell.row, cell.bit, selection.from, selection.to);
    dom.byId('readout').textContent = grid.labelOf(cell, selection, isChanged);
  };
  const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
  const showBits = (): void => {
    const matches = filter.matches(selection);
    const count = painter.paint(selection, matches, differences.isChanged);
    keys.keepShown();
    changes.show(differences.between(selection.from, selection.to, selection.kvm), selection, matches, (cell) =>
      openStory(cell),
    );
    dom.byId('matched').textContent = filter.isActive(selection)
      ? `The filter passes ${plural(count.bits, 'bit')} in ${plural(count.registers, 'register')}.`
      : `${plural(count.bits, 'bit')} in ${plural(count.registers, 'register')}.`;
    const beyond = differences.beyond(selection.from, selection.to);
    dom.byId('beyond').replaceChildren(...beyond.map((line) => dom.el('li', {}, line)));
    dom.byId('beyond-part').hidden = beyond.length === 0;
    dom.byId('caption').textContent =
      `CPUID bits of TDX module ${model.releaseName(selection.to)}, changes against ${model.releaseName(selection.from)} framed${selection.kvm < 0 ? '' : `, verdicts of KVM ${model.policyName(selection.kvm)}`}`;
  };
  const showStory = (): void => {
    story.show(selection);
    grid.mark(selection.cell);
  };
  const show = (): void => {
    controls.show(selection);
    showBits();
    timeline.show(selection);
    showStory();
  };
  const update = (change: Partial<Selection>): void => {
    selection = { ...selection, ...change };
    show();
    writeAddress();
  };
  const openStory = (cell: Cell): void => {
    if (selection.cell === null) origin = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    selection = { ...selection, cell };
    showStory();
    writeAddress();
    story.focus();
  };
  const closeStory = (): void => {
    const { cell } = selection;
    selection = { ...selection, cell: null };
    showStory();
    writeAddress();
    if (origin?.isConnected === true && origin !== document.body) origin.focus();
    else if (cell !== null) keys.focus(cell);
    origin = null;
  };
  /** Goes to a part of the page and leaves the address to the selection. */
  const jump = (event: Event): void => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    if (link === null) return;
    event.preventDefault();
    const part = dom.byId((link.getAttribute('href') ?? '').slice(1));
    part.scrollIntoView();
    part.focus({ preventScroll: true });
  };
  const onKey = (event: KeyboardEvent): void => {
    const isTyping = event.target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === 'Escape' && selection.cell !== null) closeStory();
    else if (event.key === '/' && !isTyping && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      dom.byId('query').focus();
    }
  };

  notes.showRead();
  findings.showAll();
  notes.showLegend();
  controls.fill();
  grid.build();
  show();
  controls.listen(() => selection);
  keys.listen(readout);
  painter.watch();
  document.addEventListener('keydown', onKey);
  document.addEventListener('click', jump);
  addEventListener('hashchange', () => {
    selection = address.read(location.hash);
    show();
  });
  requestAnimationFrame(() => {
    document.documentElement.dataset.ready = 'yes';
    performance.mark('bitwatch-ready');
  });
}
