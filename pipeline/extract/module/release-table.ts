import { DataError } from '../../model/errors.ts';
import { type Cell, type Row, readDocument, type Table } from '../markdown/document.ts';
import { decodeText, encodingNotes } from '../text.ts';
import { versionsIn } from './version.ts';

/** A release as the README of the module's source lists it. */
type ListedRelease = {
  readonly release: string;
  /** The release's page, `null` where none is linked. */
  readonly url: string | null;
  /** SHA-384 of the loaded module, `0x` and 96 lower-case digits; `null` where the cell is empty. */
  readonly mrseam: string | null;
  /** Marked with `*`: the release is out, its source is not. */
  readonly sourcePending: boolean;
  readonly line: number;
};

export type ReleaseTable = { readonly releases: readonly ListedRelease[]; readonly notes: readonly string[] };

const WORDS = /\b(?:intel|tdx|module|version|release|v)\b|TDX_MODULE_|TDX_|[®*()]/gi;
const EMPTY = /^(?:|[-–—]|n\/a|tbd)$/i;

type Columns = { readonly version: number; readonly mrseam: number };

/** The columns of a release table, `null` for any other table. Titles and order have changed over time. */
function columnsOf(file: string, table: Table): Columns | null {
  const find = (pattern: RegExp): number => table.header.findIndex((cell) => pattern.test(cell.text));
  const mrseam = find(/mrseam|sha-?384/i);
  if (mrseam < 0) return null;
  const version = [find(/version/i), find(/release/i), find(/module/i)].find((index) => index >= 0 && index !== mrseam);
  if (version !== undefined) return { version, mrseam };
  const titles = table.header.map((cell) => cell.text).join(', ');
  throw new DataError({
    where: { file, line: table.line },
    expected: 'a column of versions beside MRSEAM',
    found: `columns ${titles}`,
  });
}

function readVersion(file: string, cell: Cell): string {
  const [version, second] = versionsIn(cell.text);
  const rest = cell.text
    .replace(version ?? '', '')
    .replace(WORDS, '')
    .trim();
  if (version !== undefined && second === undefined && rest === '') return version;
  const where = { file, line: cell.line, column: cell.column };
  throw new DataError({ where, expected: 'one version such as 1.5.06', found: `"${cell.text}"` });
}

function readMrseam(file: string, cell: Cell): string | null {
  if (EMPTY.test(cell.text)) return null;
  const digits = cell.text.replace(/\s/g, '').replace(/^0x/i, '').toLowerCase();
  if (/^[0-9a-f]{96}$/.test(digits)) return `0x${digits}`;
  const where = { file, line: cell.line, column: cell.column };
  throw new DataError({ where, expected: 'an MRSEAM of 96 hex digits', found: `"${cell.text}"` });
}

/** The row's link: that of its version, else the first of the row. */
function linkOf(row: Row, version: Cell): string | null {
  const links = [...version.links, ...row.cells.flatMap((cell) => cell.links)];
  return links.find((link) => /^https?:\/\//i.test(link.url))?.url ?? null;
}

function readRow(file: string, row: Row, columns: Columns): ListedRelease {
  const version = row.cells[columns.version];
  const mrseam = row.cells[columns.mrseam];
  if (version === undefined || mrseam === undefined) {
    throw new DataError({
      where: { file, line: row.line },
      expected: 'a version and an MRSEAM',
      found: `a row of ${row.cells.length} cells`,
    });
  }
  return {
    release: readVersion(file, version),
    url: linkOf(row, version),
    mrseam: readMrseam(file, mrseam),
    sourcePending: version.text.includes('*'),
    line: row.line,
  };
}

function refuseRepeats(file: string, releases: readonly ListedRelease[]): void {
  const seen = new Map<string, number>();
  for (const { release, line } of releases) {
    const first = seen.get(release);
    seen.set(release, line);
    if (first === undefined) continue;
    throw new DataError({ where: { file, line }, expected: `${release} once`, found: `it also on line ${first}` });
  }
}

function notesOn(file: string, releases: readonly ListedRelease[]): readonly string[] {
  const owners = new Map<string, string>();
  return releases.flatMap(({ release, url, mrseam, sourcePending, line }) => {
    const say = (text: string): string => `${file}:${line}: ${release} ${text}.`;
    const notes: string[] = [];
    const owner = mrseam === null ? undefined : owners.get(mrseam);
    if (mrseam !== null) owners.set(mrseam, owner ?? release);
    if (mrseam === null) notes.push(say('has no MRSEAM'));
    if (owner !== undefined) notes.push(say(`has the MRSEAM of ${owner}`));
    if (url === null && !sourcePending) notes.push(say('has neither a link nor the * of a release without source'));
    const linked = versionsIn(url ?? '').filter((version) => version !== release);
    if (linked.length > 0) notes.push(say(`links to ${linked.join(', ')}`));
    return notes;
  });
}

/**
 * The release table of the module source's README: version, link, MRSEAM and the `*` of a release without source yet.
 * Layout may vary; a bad version, a bad MRSEAM or a release listed twice is a DataError with its line. A README without
 * such a table (all before 2025) gives no releases and a note.
 */
export function readReleaseTable(file: string, bytes: Uint8Array): ReleaseTable {
  const text = decodeText(bytes);
  const { tables, strayRows } = readDocument(file, text.text);
  let found = false;
  const releases = tables.flatMap((table) => {
    const columns = columnsOf(file, table);
    if (columns === null) return [];
    found = true;
    return table.rows.map((row) => readRow(file, row, columns));
  });
  refuseRepeats(file, releases);
  const notes = [
    ...encodingNotes(file, text),
    ...(found ? [] : [`${file} has no table of releases.`]),
    ...strayRows.map((line) => `${file}:${line}: a row outside of a table was not read.`),
    ...notesOn(file, releases),
  ];
  return { releases, notes };
}
