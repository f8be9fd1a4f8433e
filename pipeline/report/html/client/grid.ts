import type { Cell, Dom, Model, PageData, Selection } from './types.ts';

/** The matrix: a real table with a row per register and a column per bit, repainted where a cell's meaning changed. */
export function createGrid(data: PageData, model: Model, dom: Dom) {
  const BITS = Array.from({ length: 32 }, (_, index) => 31 - index);
  const cells: HTMLTableCellElement[] = [];
  const texts: Text[] = [];
  const painted: string[] = [];
  const rows: HTMLTableRowElement[] = [];

  const build = (): void => {
    const body = dom.el('tbody');
    data.rows.forEach((row, index) => {
      const isFirst = data.rows[index - 1]?.leaf !== row.leaf;
      const line = dom.el('tr', isFirst ? { class: 'first' } : {}, dom.el('th', { scope: 'row' }, row.place));
      for (const bit of BITS) {
        const text = document.createTextNode('');
        const cell = document.createElement('td');
        cell.tabIndex = -1;
        cell.append(text);
        cells[index * 32 + bit] = cell;
        texts[index * 32 + bit] = text;
        line.append(cell);
      }
      rows.push(line);
      body.append(line);
    });
    const heads = BITS.map((bit) => dom.el('th', { scope: 'col' }, String(bit)));
    dom
      .byId('grid')
      .append(dom.el('thead', {}, dom.el('tr', {}, dom.el('th', { scope: 'col' }, 'Register'), ...heads)), body);
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

  const paintCell = (cell: Cell, selection: Selection, isOn: boolean, isChanged: boolean): void => {
    const { row, bit } = cell;
    const at = row * 32 + bit;
    const cls = model.classOf(row, selection.to, bit);
    const verdict = model.verdictOf(row, selection.kvm, selection.to, bit);
    const before = isChanged ? model.classOf(row, selection.from, bit) : -1;
    const key = `${isOn ? cls : -1} ${verdict} ${before}`;
    const element = cells[at];
    const text = texts[at];
    if (painted[at] === key || element === undefined || text === undefined) return;
    painted[at] = key;
    element.className = isOn ? `${model.styleOf(cls)}${isChanged ? ' changed' : ''}` : 'off';
    text.data = isOn ? (data.classes[cls]?.sign ?? '') : '';
    const sign = isOn && verdict >= 0 ? (data.verdicts[verdict]?.sign ?? '') : '';
    if (sign === '') delete element.dataset.verdict;
    else element.dataset.verdict = sign;
    element.setAttribute('aria-label', labelOf(cell, selection, isChanged));
  };

  /** Shows a selection; answers how many bits and registers the filter lets through. */
  const paint = (
    selection: Selection,
    matches: (row: number, bit: number) => boolean,
    isChanged: (row: number, bit: number, from: number, to: number) => boolean,
  ): { readonly bits: number; readonly registers: number } => {
    let bits = 0;
    let registers = 0;
    data.rows.forEach((_, row) => {
      let own = 0;
      for (const bit of BITS) {
        const isOn = matches(row, bit);
        if (isOn) own += 1;
        paintCell({ row, bit }, selection, isOn, isChanged(row, bit, selection.from, selection.to));
      }
      const line = rows[row];
      if (line !== undefined && line.hidden !== (own === 0)) line.hidden = own === 0;
      bits += own;
      if (own > 0) registers += 1;
    });
    dom.byId('grid').classList.toggle('overlay', selection.overlay);
    return { bits, registers };
  };

  const cellOf = (target: EventTarget | null): Cell | null => {
    const element = target instanceof Element ? target.closest('td') : null;
    const at = element === null ? -1 : cells.indexOf(element);
    return at < 0 ? null : { row: Math.floor(at / 32), bit: at % 32 };
  };
  const elementOf = ({ row, bit }: Cell): HTMLElement | undefined => cells[row * 32 + bit];
  const isShown = (row: number): boolean => rows[row]?.hidden === false;

  return { build, paint, labelOf, cellOf, elementOf, isShown };
}
