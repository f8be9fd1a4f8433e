import { DataError } from '../../model/errors.ts';
import { type Cell, type Row, readDocument, type Table } from '../markdown/document.ts';
import { decodeText, encodingNotes } from '../text.ts';
import type { BinaryRelease, MappingFile } from './mapping-file.ts';
import { compareVersions, isVersion } from './version.ts';

/** A row of the binaries repository's README: the same limits that mapping_file.json states. */
type TabledRelease = BinaryRelease & { readonly line: number };

export type BinariesTable = { readonly releases: readonly TabledRelease[]; readonly notes: readonly string[] };

/** Where the two descriptions of the binaries disagree. */
export type MappingDifference = { readonly release: string } & (
  | { readonly kind: 'only-in-mapping' | 'only-in-table' }
  | { readonly kind: 'min-module'; readonly mapping: string; readonly table: string }
  | { readonly kind: 'seamldr'; readonly mapping: readonly string[]; readonly table: readonly string[] }
);

type Columns = { readonly release: number; readonly minimum: number; readonly seamldr: number };

function columnsOf(table: Table): Columns | null {
  const titles = table.header.map((cell) => cell.text.toLowerCase());
  const seamldr = titles.findIndex((title) => title.includes('seamldr'));
  const minimum = titles.findIndex((title, index) => index !== seamldr && title.includes('minimum'));
  const taken = [seamldr, minimum];
  const release = titles.findIndex((title, index) => !taken.includes(index) && /module|version/.test(title));
  return release < 0 || minimum < 0 || seamldr < 0 ? null : { release, minimum, seamldr };
}

function versionOf(file: string, row: Row, cell: Cell | undefined): string {
  const text = cell?.text ?? '';
  if (isVersion(text)) return text;
  const where = { file, line: row.line, ...(cell === undefined ? {} : { column: cell.column }) };
  throw new DataError({ where, expected: 'a version such as 1.5.06', found: `"${text}"` });
}

function readRow(file: string, row: Row, columns: Columns): TabledRelease {
  const loaders = row.cells[columns.seamldr];
  const parts = (loaders?.text ?? '').split(',').map((text) => text.trim());
  return {
    release: versionOf(file, row, row.cells[columns.release]),
    minModule: versionOf(file, row, row.cells[columns.minimum]),
    seamldr: parts.map((text) => versionOf(file, row, loaders === undefined ? undefined : { ...loaders, text })),
    line: row.line,
  };
}

/**
 * The table of TD-preserving limits in the binaries repository's README. A bad version or a release listed twice is a
 * DataError with its line; a README without such a table gives no releases and a note.
 */
export function readBinariesTable(file: string, bytes: Uint8Array): BinariesTable {
  const text = decodeText(bytes);
  const { tables, strayRows } = readDocument(file, text.text);
  const notes = [
    ...encodingNotes(file, text),
    ...strayRows.map((line) => `${file}:${line}: a row outside of a table was not read.`),
  ];
  const matching = tables.flatMap((table) => {
    const columns = columnsOf(table);
    return columns === null ? [] : [{ table, columns }];
  });
  if (matching.length === 0) notes.push(`${file} has no table of releases.`);
  const releases = matching.flatMap(({ table, columns }) => table.rows.map((row) => readRow(file, row, columns)));
  const seen = new Set<string>();
  for (const { release, line } of releases) {
    if (seen.has(release))
      throw new DataError({ where: { file, line }, expected: `${release} once`, found: 'it again' });
    seen.add(release);
  }
  return { releases, notes };
}

/** Where mapping_file.json and the README table differ, by release in version order. Order of loaders does not count. */
export function compareMappings(mapping: MappingFile, table: BinariesTable): readonly MappingDifference[] {
  const mapped = new Map(mapping.releases.map((entry) => [entry.release, entry]));
  const tabled = new Map(table.releases.map((entry) => [entry.release, entry]));
  const releases = [...new Set([...mapped.keys(), ...tabled.keys()])].sort(compareVersions);
  return releases.flatMap((release) => differences(release, mapped.get(release), tabled.get(release)));
}

function differences(release: string, left?: BinaryRelease, right?: BinaryRelease): readonly MappingDifference[] {
  if (left === undefined) return [{ release, kind: 'only-in-table' }];
  if (right === undefined) return [{ release, kind: 'only-in-mapping' }];
  const found: MappingDifference[] = [];
  if (left.minModule !== right.minModule) {
    found.push({ release, kind: 'min-module', mapping: left.minModule, table: right.minModule });
  }
  const [mapping, table] = [left.seamldr, right.seamldr].map((list) => [...list].sort(compareVersions));
  if (mapping !== undefined && table !== undefined && mapping.join() !== table.join()) {
    found.push({ release, kind: 'seamldr', mapping, table });
  }
  return found;
}
