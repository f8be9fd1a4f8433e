import type { Dom, PageData, Selection } from './types.ts';

type Change = Partial<Selection>;

/** The fields above the matrix: what they offer, what they show, and what the reader did. */
export function createControls(data: PageData, dom: Dom, changed: (change: Change) => void) {
  const select = (id: string): HTMLSelectElement => dom.byId<HTMLSelectElement>(id);
  const options = (id: string, items: readonly (readonly [value: string, text: string, isOff?: boolean])[]): void =>
    select(id).replaceChildren(
      ...items.map(([value, text, isOff]) => dom.el('option', { value, disabled: isOff === true }, text)),
    );
  const words = (list: PageData['classes']) => list.map(({ sign, name }) => [name, `${sign} ${name}`] as const);

  const fill = (): void => {
    const releases = data.axis.map(
      ({ name, release }) =>
        [release < 0 ? '' : String(release), release < 0 ? `${name} (not read)` : name, release < 0] as const,
    );
    options('from', releases);
    options('to', releases);
    options(
      'kvm',
      data.policies.map(({ name }, index) => [String(index), name] as const),
    );
    options('leaf', [['', 'all leaves'], ...data.leaves.map((leaf) => [leaf, leaf] as const)]);
    options('class', [['', 'all classes'], ['configurable', 'C or A: configurable'], ...words(data.classes)]);
    options('verdict', [['', 'all verdicts'], ...words(data.verdicts)]);
    const slider = dom.byId<HTMLInputElement>('slider');
    slider.max = String(Math.max(0, data.releases.length - 1));
  };

  const show = (selection: Selection): void => {
    select('from').value = String(selection.from);
    select('to').value = String(selection.to);
    select('kvm').value = String(selection.kvm);
    select('leaf').value = selection.leaf;
    select('class').value = selection.cls;
    select('verdict').value = selection.verdict;
    select('host').value = selection.host;
    dom.byId<HTMLInputElement>('changed').checked = selection.changed;
    dom.byId<HTMLInputElement>('overlay').checked = selection.overlay;
    const query = dom.byId<HTMLInputElement>('query');
    if (query.value !== selection.query) query.value = selection.query;
    const slider = dom.byId<HTMLInputElement>('slider');
    slider.value = String(selection.to);
    slider.setAttribute('aria-valuetext', data.releases[selection.to]?.name ?? 'none');
    dom.byId<HTMLButtonElement>('older').disabled = selection.to <= 0;
    dom.byId<HTMLButtonElement>('newer').disabled = selection.to >= data.releases.length - 1;
  };

  const listen = (current: () => Selection): void => {
    const on = (id: string, event: string, change: (value: string) => Change): void =>
      dom
        .byId<HTMLInputElement>(id)
        .addEventListener(event, () => changed(change(dom.byId<HTMLInputElement>(id).value)));
    on('from', 'change', (value) => ({ from: Number(value) }));
    on('to', 'change', (value) => ({ to: Number(value) }));
    on('kvm', 'change', (value) => ({ kvm: Number(value) }));
    on('slider', 'input', (value) => ({ to: Number(value) }));
    on('older', 'click', () => ({ to: Math.max(0, current().to - 1) }));
    on('newer', 'click', () => ({ to: Math.min(data.releases.length - 1, current().to + 1) }));
    on('leaf', 'change', (leaf) => ({ leaf }));
    on('query', 'input', (query) => ({ query }));
    on('class', 'change', (cls) => ({ cls }));
    on('verdict', 'change', (verdict) => ({ verdict }));
    on('host', 'change', (host) => ({ host }));
    on('changed', 'change', () => ({ changed: dom.byId<HTMLInputElement>('changed').checked }));
    on('overlay', 'change', () => ({ overlay: dom.byId<HTMLInputElement>('overlay').checked }));
    on('clear', 'click', () => ({ leaf: '', query: '', cls: '', verdict: '', host: '', changed: false }));
  };
  return { fill, show, listen };
}
