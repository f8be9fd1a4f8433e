import type { Cell, Dom, Grid, PageData } from './types.ts';

/** Keyboard and pointer in the matrix: one cell is in the tab order, arrows move, Enter opens. */
export function createGridKeys(data: PageData, dom: Dom, grid: Grid, open: (cell: Cell) => void) {
  let current: Cell = { row: 0, bit: 31 };

  const setCurrent = (cell: Cell): void => {
    grid.elementOf(current)?.setAttribute('tabindex', '-1');
    current = cell;
    grid.elementOf(current)?.setAttribute('tabindex', '0');
  };
  /** The next shown row in a direction, or the same where there is none. */
  const shownRow = (row: number, step: 1 | -1, count: number): number => {
    let found = row;
    let left = count;
    for (let next = row + step; next >= 0 && next < data.rows.length && left > 0; next += step) {
      if (!grid.isShown(next)) continue;
      found = next;
      left -= 1;
    }
    return found;
  };
  const moved = (event: KeyboardEvent): Cell | null => {
    const { row, bit } = current;
    const all = event.ctrlKey ? data.rows.length : 1;
    if (event.key === 'ArrowRight') return { row, bit: Math.max(0, bit - 1) };
    if (event.key === 'ArrowLeft') return { row, bit: Math.min(31, bit + 1) };
    if (event.key === 'ArrowDown') return { row: shownRow(row, 1, all), bit };
    if (event.key === 'ArrowUp') return { row: shownRow(row, -1, all), bit };
    if (event.key === 'PageDown') return { row: shownRow(row, 1, 12), bit };
    if (event.key === 'PageUp') return { row: shownRow(row, -1, 12), bit };
    if (event.key === 'Home') return { row: event.ctrlKey ? shownRow(row, -1, all) : row, bit: 31 };
    if (event.key === 'End') return { row: event.ctrlKey ? shownRow(row, 1, all) : row, bit: 0 };
    return null;
  };
  const focus = (cell: Cell): void => {
    setCurrent(cell);
    grid.elementOf(cell)?.focus();
  };
  /** A filter may have hidden the row that was in the tab order. */
  const keepShown = (): void => {
    if (grid.isShown(current.row)) return;
    const row = data.rows.findIndex((_, index) => grid.isShown(index));
    if (row >= 0) setCurrent({ row, bit: current.bit });
  };

  const listen = (readout: (cell: Cell) => void): void => {
    const table = dom.byId('grid');
    setCurrent(current);
    table.addEventListener('keydown', (event) => {
      if (event.altKey || event.metaKey) return;
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        open(current);
        return;
      }
      const cell = moved(event);
      if (cell === null) return;
      event.preventDefault();
      focus(cell);
    });
    table.addEventListener('click', (event) => {
      const cell = grid.cellOf(event.target);
      if (cell === null) return;
      setCurrent(cell);
      open(cell);
    });
    const show = (event: Event): void => {
      const cell = grid.cellOf(event.target);
      if (cell !== null) readout(cell);
    };
    table.addEventListener('mouseover', show);
    table.addEventListener('focusin', (event) => {
      const cell = grid.cellOf(event.target);
      if (cell !== null) setCurrent(cell);
      show(event);
    });
  };
  return { listen, focus, keepShown };
}
