import type { Cell, Dom, Model, PageData, Selection } from './types.ts';

/** The matrix as elements: a real table with a row per register and a column per bit. */
export function createGrid(data: PageData, model: Model, dom: Dom) {
  const BITS = Array.from({ length: 32 }, (_, index) => 31 - index);
  const cells: HTMLTableCellElement[] = [];
  const texts: Text[] = [];
  const rows: HTMLTableRowElement[] = [];
  const places = new Map<Element, Cell>();

  const rowOf = (index: number): HTMLTableRowElement => {
    const { place = '', leaf = -1 } = data.rows[index] ?? {};
    const isFirst = data.rows[index - 1]?.leaf !== leaf;
    const head = dom.el('th', { scope: 'row', role: 'rowheader' }, place);
    const line = dom.el('tr', { role: 'row', class: isFirst ? 'first' : false }, head);
    for (const bit of BITS) {
      const text = document.createTextNode('');
      const cell = document.createElement('td');
      cell.tabIndex = -1;
      cell.setAttribute('role', 'gridcell');
      cell.append(text);
      cells[index * 32 + bit] = cell;
      texts[index * 32 + bit] = text;
      places.set(cell, { row: index, bit });
      line.append(cell);
    }
    return line;
  };
  const build = (): void => {
    // The roles of a table are named, because the style lays its rows out as boxes.
    const body = dom.el('tbody', { role: 'rowgroup' });
    const column = { scope: 'col', role: 'columnheader' };
    const heads = BITS.map((bit) => dom.el('th', column, String(bit)));
    const first = dom.el('tr', { role: 'row' }, dom.el('th', column, 'Register'), ...heads);
    rows.push(...data.rows.map((_, index) => rowOf(index)));
    body.append(...rows);
    dom.byId('grid').append(dom.el('thead', { role: 'rowgroup' }, first), body);
  };

  /** A bit in words: what a screen reader says and the line above the matrix shows. */
  const labelOf = ({ row, bit }: Cell, { from, to, kvm }: Selection, isChanged: boolean): string => {
    const name = model.nameOf(row, bit);
    const [before, after] = [model.classOf(row, from, bit), model.classOf(row, to, bit)];
    const verdict = model.verdictOf(row, kvm, to, bit);
    const change = before === after ? ', gates changed' : `, changed from ${model.className(before)}`;
    const host = model.hostText(model.hostsOf(row, bit));
    return `${model.place(row)}[${bit}]${name === '' ? '' : ` ${name}`}: ${model.className(after)}${isChanged ? change : ''}${verdict < 0 ? '' : `, ${model.verdictName(verdict)}`}${host === '' ? '' : `, ${host}`}`;
  };

  const cellOf = (target: EventTarget | null): Cell | null => {
    const element = target instanceof Element ? target.closest('td') : null;
    return element === null ? null : (places.get(element) ?? null);
  };
  const elementOf = ({ row, bit }: Cell): HTMLElement | undefined => cells[row * 32 + bit];
  const isShown = (row: number): boolean => rows[row]?.hidden === false;

  let marked: HTMLElement | undefined;
  /** Marks the bit whose story is shown, and brings it into view in the matrix's own box. */
  const mark = (cell: Cell | null): void => {
    const element = cell === null ? undefined : elementOf(cell);
    if (element === marked) return;
    marked?.removeAttribute('aria-selected');
    element?.setAttribute('aria-selected', 'true');
    marked = element;
    const line = cell === null ? undefined : rows[cell.row];
    const box = dom.byId('grid').parentElement;
    if (line === undefined || box === null) return;
    const [top, height] = [line.offsetTop, box.clientHeight];
    if (top < box.scrollTop + 48 || top > box.scrollTop + height - 48) box.scrollTop = top - height / 2;
  };

  return { BITS, mark, cells, texts, rows, build, labelOf, cellOf, elementOf, isShown };
}
