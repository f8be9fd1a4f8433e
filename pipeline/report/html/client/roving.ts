type Grid = readonly (readonly (HTMLElement | null)[])[];

const STEPS: Readonly<Record<string, readonly [row: number, column: number]>> = {
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  Home: [0, -1000],
  End: [0, 1000],
  PageDown: [8, 0],
  PageUp: [-8, 0],
};

/**
 * Makes cells of a table one stop of the tab order: arrows, Home, End and Page keys walk them, with Ctrl to the table's corners.
 * A place without a cell is passed over.
 */
export function roving(table: HTMLElement, cells: Grid, start: HTMLElement | null = null): void {
  const all = cells.flat().filter((cell) => cell !== null);
  let current = start ?? all[0] ?? null;
  for (const cell of all) cell.tabIndex = cell === current ? 0 : -1;
  const rowOf = (cell: HTMLElement): number => cells.findIndex((row) => row.includes(cell));
  const setCurrent = (cell: HTMLElement): void => {
    if (current !== null) current.tabIndex = -1;
    current = cell;
    cell.tabIndex = 0;
  };
  table.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLElement && all.includes(target)) setCurrent(target);
  });
  table.addEventListener('keydown', (event) => {
    const step = STEPS[event.key];
    if (step === undefined || current === null || event.altKey || event.metaKey || event.shiftKey) return;
    const row = rowOf(current);
    const from = [row, cells[row]?.indexOf(current) ?? -1] as const;
    const cell = event.ctrlKey ? cornerOf(cells, step) : nextOf(cells, from, step);
    event.preventDefault();
    if (cell === null) return;
    setCurrent(cell);
    cell.focus();
  });
}

/** The nearest cell in a direction, as far as the step goes at most. */
function nextOf(
  cells: Grid,
  [row, column]: readonly [number, number],
  [down, right]: readonly [number, number],
): HTMLElement | null {
  const [signDown, signRight] = [Math.sign(down), Math.sign(right)];
  const most = Math.max(Math.abs(down), Math.abs(right));
  const width = Math.max(...cells.map((each) => each.length));
  let found: HTMLElement | null = null;
  for (let [at, left, x, y] = [0, most, column, row]; left > 0 && at < cells.length + width; at += 1) {
    x += signRight;
    y += signDown;
    const cell = cells[y]?.[x];
    if (cells[y] === undefined || x < 0 || x >= width) break;
    if (cell == null) continue;
    found = cell;
    left -= 1;
  }
  return found;
}

function cornerOf(cells: Grid, [down, right]: readonly [number, number]): HTMLElement | null {
  const all = cells.flat().filter((cell) => cell !== null);
  return (down + right > 0 ? all.at(-1) : all[0]) ?? null;
}
