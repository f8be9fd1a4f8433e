import type { Dom, Model, PageData, Selection } from './types.ts';

/** Small plots of bits per release, one per count, with the numbers as a table beside them. */
export function createTimeline(data: PageData, model: Model, dom: Dom) {
  const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [340, 132, 36, 12, 24];
  const x = (index: number): number => LEFT + (index * (WIDTH - LEFT - 12)) / Math.max(1, data.axis.length - 1);
  /** The line of a release, such as 1.5: lines branch off each other, so no stroke joins them. */
  const lineOf = (name: string): string => name.split(/[ .]/).slice(0, 2).join('.');

  type Series = { readonly title: string; readonly values: readonly number[] };
  const seriesOf = ({ kvm }: Selection): readonly Series[] => {
    const name = model.policyName(kvm);
    return [
      { title: 'configurable', values: data.counts.configurable },
      { title: 'fixed-1', values: data.counts.fixed1 },
      ...(kvm < 0
        ? []
        : [
            { title: `exposed by KVM ${name}`, values: data.counts.exposed[kvm] ?? [] },
            { title: `denied by KVM ${name}`, values: data.counts.denied[kvm] ?? [] },
          ]),
    ];
  };

  const strokes = (values: readonly number[], y: (value: number) => number): readonly SVGElement[] => {
    const points = data.axis
      .map(({ name, release }, index) => ({ name, release, index, value: values[release] ?? 0 }))
      .filter(({ release }) => release >= 0);
    return points.slice(1).flatMap((point, at) => {
      const before = points[at];
      if (before === undefined || lineOf(before.name) !== lineOf(point.name)) return [];
      const isGap = point.index - before.index > 1;
      return [
        dom.svg('line', {
          x1: x(before.index),
          y1: y(before.value),
          x2: x(point.index),
          y2: y(point.value),
          class: isGap ? 'stroke gap' : 'stroke',
        }),
      ];
    });
  };
  const plot = ({ title, values }: Series, selection: Selection): HTMLElement => {
    const most = Math.max(1, ...values);
    const y = (value: number): number => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
    const marks = data.axis.map(({ name, release }, index) => {
      if (release < 0)
        return dom.svg('text', { x: x(index), y: y(0) + 3, class: 'unread', 'text-anchor': 'middle' }, '×');
      const value = values[release] ?? 0;
      const isChosen = release === selection.from || release === selection.to;
      return dom.svg(
        'circle',
        { cx: x(index), cy: y(value), r: isChosen ? 5 : 3, class: isChosen ? 'dot chosen' : 'dot' },
        dom.svg('title', {}, `${name}: ${value}`),
      );
    });
    const labels = data.axis.flatMap(({ name }, index) =>
      index > 0 && lineOf(data.axis[index - 1]?.name ?? '') === lineOf(name)
        ? []
        : [dom.svg('text', { x: x(index), y: HEIGHT - 6, class: 'tick' }, lineOf(name))],
    );
    const [from, to] = [values[selection.from] ?? 0, values[selection.to] ?? 0];
    const says = `${title}: ${from} bits in ${model.releaseName(selection.from)}, ${to} in ${model.releaseName(selection.to)}`;
    return dom.el(
      'figure',
      {},
      dom.el('figcaption', {}, dom.el('strong', {}, title), ` ${from} → ${to}`),
      dom.svg(
        'svg',
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': says },
        dom.svg('line', { x1: LEFT, y1: y(0), x2: WIDTH - 6, y2: y(0), class: 'axis' }),
        dom.svg('text', { x: LEFT - 6, y: y(most) + 4, class: 'tick', 'text-anchor': 'end' }, String(most)),
        dom.svg('text', { x: LEFT - 6, y: y(0) + 4, class: 'tick', 'text-anchor': 'end' }, '0'),
        ...strokes(values, y),
        ...marks,
        ...labels,
      ),
    );
  };
  const numbers = (series: readonly Series[]): HTMLElement =>
    dom.table(
      'Bits per release',
      ['Release', ...series.map(({ title }) => title)],
      data.axis.map(({ name, release }) => [
        name,
        ...series.map(({ values }) => (release < 0 ? 'not read' : String(values[release] ?? 0))),
      ]),
    );
  const show = (selection: Selection): void => {
    const series = seriesOf(selection);
    dom.byId('plots').replaceChildren(...series.map((each) => plot(each, selection)));
    const fill = (): void => dom.byId('numbers').replaceChildren(numbers(series));
    // Nobody sees the table while it is folded away.
    const details = dom.byId<HTMLDetailsElement>('numbers-part');
    details.ontoggle = fill;
    if (details.open) fill();
  };
  return { show };
}
