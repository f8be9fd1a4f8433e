import { DataError, type Location } from '../../model/errors.ts';
import { type Cell, type Row, readDocument, type Table } from './document.ts';

/** Makes the error of a cell: `bad('a register', 'one of EAX, EBX, ECX, EDX')`. Parsers throw what it returns. */
export type Bad = (expected: string, hint?: string) => DataError;

/** Turns a cell into a value, or throws `bad(…)`. */
export type CellParser<T> = (cell: Cell, bad: Bad) => T;

/** Which column holds what: its title as it stands in the header (case and spacing do not matter) and how to read it. */
type Column<T> = { readonly title: string; readonly parse: CellParser<T> };

type Columns = Readonly<Record<string, Column<unknown>>>;

export type TableShape<C extends Columns> = {
  readonly columns: C;
  /** Read the table under this heading; without it the file must hold exactly one table with these columns. */
  readonly heading?: string;
  /** Further columns are an error unless they are ignored: a misspelt title must not lose a fact. */
  readonly otherColumns?: 'refuse' | 'ignore';
};

/** A row's values by column name, with its 1-based line and the headings of its table. */
export type RowOf<C extends Columns> = { readonly [K in keyof C]: ReturnType<C[K]['parse']> } & {
  readonly line: number;
  readonly headings: readonly string[];
};

const sameTitle = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

function indexOf(file: string, table: Table, title: string): number {
  const found = table.header.flatMap((cell, index) => (sameTitle(cell.text, title) ? [index] : []));
  if (found.length === 1) return found[0] ?? 0;
  const titles = table.header.map((cell) => cell.text).join(', ');
  throw new DataError({
    where: { file, line: table.line },
    expected: `one column "${title}"`,
    found: found.length === 0 ? `columns ${titles}` : `${found.length} of them`,
  });
}

function checkOthers(file: string, table: Table, shape: TableShape<Columns>): void {
  if (shape.otherColumns === 'ignore') return;
  const titles = Object.values(shape.columns).map((column) => column.title);
  for (const cell of table.header) {
    if (titles.some((title) => sameTitle(title, cell.text))) continue;
    const where: Location = { file, line: cell.line, column: cell.column };
    throw new DataError({ where, expected: `only columns ${titles.join(', ')}`, found: `"${cell.text}"` });
  }
}

function readRow(file: string, table: Table, row: Row, plan: readonly Planned[]): Record<string, unknown> {
  if (row.cells.length !== table.header.length) {
    throw new DataError({
      where: { file, line: row.line },
      expected: `${table.header.length} cells`,
      found: `${row.cells.length}`,
      hint: 'a | inside a cell is written \\|',
    });
  }
  const values: Record<string, unknown> = {};
  for (const { name, column, index } of plan) {
    const cell = row.cells[index];
    if (cell === undefined) continue;
    const bad: Bad = (expected, hint) =>
      new DataError({
        where: { file, line: cell.line, column: cell.column, at: column.title },
        expected,
        found: cell.text === '' ? 'an empty cell' : `"${cell.text}"`,
        ...(hint === undefined ? {} : { hint }),
      });
    values[name] = column.parse(cell, bad);
  }
  return values;
}

type Planned = { readonly name: string; readonly column: Column<unknown>; readonly index: number };

function readRows<C extends Columns>(file: string, table: Table, shape: TableShape<C>): readonly RowOf<C>[] {
  const plan = Object.entries(shape.columns).map(([name, column]): Planned => {
    return { name, column, index: indexOf(file, table, column.title) };
  });
  checkOthers(file, table, shape);
  return table.rows.map((row) => {
    const values = readRow(file, table, row, plan);
    return { ...values, line: row.line, headings: table.headings } as RowOf<C>;
  });
}

/** The tables under a heading of the shape, or all; a row outside of a table is an error, since it would be lost. */
function tablesFor<C extends Columns>(file: string, text: string, shape: TableShape<C>): readonly Table[] {
  const { tables, strayRows } = readDocument(file, text);
  const stray = strayRows[0];
  if (stray !== undefined) {
    throw new DataError({
      where: { file, line: stray },
      expected: 'table rows inside a table',
      found: 'a paragraph that begins with |',
      hint: 'a table needs a header, a delimiter row and no blank line between its rows',
    });
  }
  const { heading } = shape;
  const chosen = heading === undefined ? tables : tables.filter((table) => hasHeading(table, heading));
  if (chosen.length > 0) return chosen;
  const place = heading === undefined ? '' : ` under the heading "${heading}"`;
  throw new DataError({ where: { file }, expected: `a table${place}`, found: 'none' });
}

const hasHeading = (table: Table, heading: string): boolean => table.headings.some((text) => sameTitle(text, heading));

const hasColumns = (table: Table, shape: TableShape<Columns>): boolean =>
  Object.values(shape.columns).every(({ title }) => table.header.some((cell) => sameTitle(cell.text, title)));

/**
 * Reads the one table of a Markdown file that has the named columns (and stands under `heading`, where given).
 * Every row has every cell and every cell parses, or it is a DataError that names file, line, column and title.
 */
export function readTable<C extends Columns>(file: string, text: string, shape: TableShape<C>): readonly RowOf<C>[] {
  const candidates = tablesFor(file, text, shape);
  const matching = candidates.filter((table) => hasColumns(table, shape));
  const [table, second] = matching.length > 0 ? matching : candidates;
  if (table === undefined) return [];
  if (second !== undefined && matching.length > 1) {
    throw new DataError({ where: { file, line: second.line }, expected: 'one such table', found: 'a second one' });
  }
  return readRows(file, table, shape);
}

/** Reads the rows of every table of a Markdown file (under `heading`, where given); each must have the named columns. */
export function readTables<C extends Columns>(file: string, text: string, shape: TableShape<C>): readonly RowOf<C>[] {
  return tablesFor(file, text, shape).flatMap((table) => readRows(file, table, shape));
}
