import type { CellParser } from '../extract/markdown/table.ts';
import type { RegisterRow } from '../model/register-mask.ts';
import type { PlainReader } from './plain.ts';

const text: CellParser<string> = (cell, bad) => {
  if (cell.text.trim() === '') throw bad('a text: every row names its source');
  return cell.text;
};

/** `3:0, 7` as a mask; `none` is no bit, `not checked` is null. */
const bitsCell: CellParser<bigint | null> = (cell, bad) => {
  if (cell.text === 'not checked') return null;
  if (cell.text === 'none') return 0n;
  let mask = 0n;
  for (const part of cell.text.split(',')) {
    const match = /^\s*(\d{1,2})(?::(\d{1,2}))?\s*$/.exec(part);
    const high = Number(match?.[1] ?? 64);
    const low = Number(match?.[2] ?? high);
    if (high > 63 || low > high) throw bad('bits such as `63:32, 4, 1, 0`, `none` or `not checked`');
    mask |= ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
  }
  return mask;
};

const columnCell: CellParser<RegisterRow['column']> = (cell, bad) => {
  const found = (['documented', 'enforced', 'under KVM', 'validated'] as const).find((name) => name === cell.text);
  if (found === undefined) throw bad('documented, enforced, under KVM or validated');
  return found;
};

/** `specs/registers.md`: masks per interface and register as documented, enforced by the module, validated by KVM. */
export async function readRegistersTable(
  file: string,
  markdown: string,
  reader: PlainReader,
): Promise<readonly RegisterRow[]> {
  const known = reader.cached('registers-table', markdown);
  const rows =
    known === undefined ? (await parseRegisters(file, markdown)).map(toPlain) : (known as readonly PlainRow[]);
  if (known === undefined) reader.parsed('registers-table', markdown, rows);
  return rows.map((row) => ({
    ...row,
    mustBeSet: row.mustBeSet === null ? null : BigInt(row.mustBeSet),
    mustBeClear: row.mustBeClear === null ? null : BigInt(row.mustBeClear),
  }));
}

/** A row as JSON holds it: 64-bit masks as text. */
type PlainRow = Omit<RegisterRow, 'mustBeSet' | 'mustBeClear'> & {
  readonly mustBeSet: string | null;
  readonly mustBeClear: string | null;
};
const toPlain = (row: RegisterRow): PlainRow => ({
  ...row,
  mustBeSet: row.mustBeSet?.toString() ?? null,
  mustBeClear: row.mustBeClear?.toString() ?? null,
});

async function parseRegisters(file: string, markdown: string): Promise<readonly RegisterRow[]> {
  const { readTable } = await import('../extract/markdown/table.ts');
  return readTable(file, markdown, {
    columns: {
      interface: { title: 'Interface', parse: text },
      register: { title: 'Register', parse: text },
      column: { title: 'Column', parse: columnCell },
      set: { title: 'Must be set', parse: bitsCell },
      clear: { title: 'Must be clear', parse: bitsCell },
      source: { title: 'Source', parse: text },
    },
  }).map(
    ({ interface: name, register, column, set, clear, line }): RegisterRow => ({
      interface: name,
      register,
      column,
      mustBeSet: set,
      mustBeClear: clear,
      line,
    }),
  );
}
