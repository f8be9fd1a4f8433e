import type { CellParser } from '../extract/markdown/table.ts';
import { DataError } from '../model/errors.ts';
import type { LineageRow } from '../model/lineage.ts';
import type { PlainReader } from './plain.ts';

const text: CellParser<string> = (cell, bad) => {
  if (cell.text.trim() === '') throw bad('a text: every row names a release, a reason and a source');
  return cell.text;
};

type Row = LineageRow & { readonly line: number };

/** `specs/lineage.md`: whose code each release has. Throws a DataError for a release with two rows, and for a circle. */
export async function readLineage(file: string, markdown: string, reader: PlainReader): Promise<readonly LineageRow[]> {
  const known = reader.cached('lineage', markdown);
  // The cache holds only what the same program has read, keyed by kind and the text's hash.
  if (known !== undefined) return known as readonly LineageRow[];
  const { readTable } = await import('../extract/markdown/table.ts');
  const rows = readTable(file, markdown, {
    columns: {
      release: { title: 'Release', parse: text },
      follows: { title: 'Follows', parse: text },
      why: { title: 'Why', parse: text },
      source: { title: 'Source', parse: text },
    },
  }).map(({ release, follows, why, line }): Row => ({ release, follows, why, line }));
  for (const row of rows) checkRow(file, row, rows);
  reader.parsed('lineage', markdown, rows);
  return rows;
}

function checkRow(file: string, row: Row, rows: readonly Row[]): void {
  const other = rows.find(({ release, line }) => release === row.release && line < row.line);
  if (other !== undefined)
    throw new DataError({
      where: { file, line: row.line },
      expected: 'one row for each release',
      found: `${row.release}, which line ${other.line} has too`,
    });
  const path = [row.release];
  for (let next: string | undefined = row.follows; next !== undefined; ) {
    path.push(next);
    if (next === row.release)
      throw new DataError({
        where: { file, line: row.line },
        expected: 'a release that follows an older one',
        found: `a circle: ${path.join(' follows ')}`,
      });
    // A circle further on is the error of its own rows.
    if (path.indexOf(next) !== path.length - 1) return;
    next = rows.find(({ release }) => release === next)?.follows;
  }
}
