import type { Dom, Grid, Model, PageData, Selection } from './types.ts';

type Matches = (row: number, bit: number) => boolean;
type IsChanged = (row: number, bit: number, from: number, to: number) => boolean;

/** Paints the matrix: the rows in view at once, the others once that is shown, and only cells whose meaning changed. */
export function createGridPaint(data: PageData, model: Model, dom: Dom, grid: Grid) {
  const painted: number[] = [];
  const inView = new Set<Element>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** All that a cell shows, as one number; -1 stands for none and becomes 0. */
  const keyOf = (cls: number, verdict: number, before: number): number =>
    (cls + 1) * 256 + (verdict + 1) * 16 + (before + 1);

  // biome-ignore lint/complexity/useMaxParams: it runs for each of some 10,000 cells: no object is made for one.
  const paintCell = (row: number, bit: number, selection: Selection, isOn: boolean, isChanged: boolean): void => {
    const at = row * 32 + bit;
    const cls = model.classOf(row, selection.to, bit);
    const verdict = model.verdictOf(row, selection.kvm, selection.to, bit);
    const key = keyOf(isOn ? cls : -1, verdict, isChanged ? model.classOf(row, selection.from, bit) : -1);
    const [element, text] = [grid.cells[at], grid.texts[at]];
    if (painted[at] === key || element === undefined || text === undefined) return;
    painted[at] = key;
    element.className = isOn ? `${model.styleOf(cls)}${isChanged ? ' changed' : ''}` : 'off';
    const sign = isOn ? (data.classes[cls]?.sign ?? '') : '';
    if (text.data !== sign) text.data = sign;
    const overlay = isOn ? (data.verdicts[verdict]?.sign ?? '') : '';
    if ((element.dataset.verdict ?? '') !== overlay) element.dataset.verdict = overlay;
    element.setAttribute('aria-label', grid.labelOf({ row, bit }, selection, isChanged));
  };

  /** Shows a selection; answers how many bits and registers the filter lets through. */
  const paint = (
    selection: Selection,
    matches: Matches,
    isChanged: IsChanged,
  ): { readonly bits: number; readonly registers: number } => {
    clearTimeout(timer);
    const paintRow = (row: number): void => {
      for (const bit of grid.BITS)
        paintCell(row, bit, selection, matches(row, bit), isChanged(row, bit, selection.from, selection.to));
    };
    const later: number[] = [];
    let bits = 0;
    let registers = 0;
    grid.rows.forEach((line, row) => {
      const own = grid.BITS.filter((bit) => matches(row, bit)).length;
      const wasHidden = line.hidden;
      if (wasHidden !== (own === 0)) line.hidden = own === 0;
      // A row that comes into view with this selection must not show the last one's.
      if (inView.has(line) || (wasHidden && own > 0)) paintRow(row);
      else later.push(row);
      bits += own;
      if (own > 0) registers += 1;
    });
    if (inView.size === 0) later.forEach(paintRow);
    else timer = setTimeout(() => later.forEach(paintRow), 100);
    dom.byId('grid').classList.toggle('overlay', selection.overlay);
    return { bits, registers };
  };

  /** Keeps account of the rows in view, and some around them. */
  const watch = (): void => {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries)
          if (isIntersecting) inView.add(target);
          else inView.delete(target);
      },
      { root: dom.byId('grid').parentElement, rootMargin: '200px' },
    );
    for (const line of grid.rows) observer.observe(line);
  };
  return { paint, watch };
}
