import type { CellParser } from '../extract/markdown/table.ts';
import { parseBit } from '../model/bit-text.ts';
import { CLOBBER_KINDS, type ClobberRow } from '../model/knowledge.ts';
import { msrName } from '../model/msr-name.ts';
import type { PlainReader } from './plain.ts';

type Openers = Pick<ClobberRow, 'bits' | 'attributes' | 'xfam'>;

const parts = (text: string): readonly string[] =>
  text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** What opens a feature: `7.0.EBX[4]; 7.0.EBX[11]`, `attributes:63`, `xfam:15`; `always` where every TD has it. */
const openersCell: CellParser<Openers> = (cell, bad) => {
  const bits: ClobberRow['bits'][number][] = [];
  const attributes: number[] = [];
  const xfam: number[] = [];
  const named = parts(cell.text);
  if (named.length === 0) throw bad('what opens the feature, or `always`');
  for (const part of named.length === 1 && named[0] === 'always' ? [] : named) {
    const gate = /^(attributes|xfam):(\d{1,2})$/.exec(part);
    const bit = gate === null ? parseBit(part) : null;
    if (gate !== null) (gate[1] === 'xfam' ? xfam : attributes).push(Number(gate[2]));
    else if (bit !== null) bits.push({ ...bit.place, mask: bit.mask });
    else throw bad('bits such as 7.0.ECX[5], attributes:63 or xfam:15, separated by `;`');
  }
  return { bits, attributes, xfam };
};

/** `XSS; TSX_CTRL`, or nothing. */
export const msrsCell: CellParser<readonly string[]> = (cell, bad) => {
  const names = parts(cell.text);
  const odd = names.find((name) => !/^[A-Z][A-Za-z0-9_]*$/.test(name));
  if (odd !== undefined) throw bad('MSR names separated by `;`');
  return names.map(msrName);
};

const kindCell: CellParser<ClobberRow['kind']> = (cell, bad) => {
  const found = CLOBBER_KINDS.find((kind) => kind === cell.text);
  if (found === undefined) throw bad(`one of ${CLOBBER_KINDS.join(', ')}`);
  return found;
};

const text: CellParser<string> = (cell, bad) => {
  if (cell.text.trim() === '') throw bad('a text: every row names its source');
  return cell.text;
};

/** `specs/clobbers.md`: the argued list of features that touch host state. Throws a DataError with line and column. */
export async function readClobbersTable(
  file: string,
  markdown: string,
  reader: PlainReader,
): Promise<readonly ClobberRow[]> {
  const known = reader.cached('clobbers-table', markdown);
  // The cache holds only what the same program has read, keyed by kind and the text's hash.
  if (known !== undefined) return known as readonly ClobberRow[];
  const { readTables } = await import('../extract/markdown/table.ts');
  const rows = readTables(file, markdown, {
    columns: {
      feature: { title: 'Feature', parse: text },
      openers: { title: 'Opened by', parse: openersCell },
      msrs: { title: 'MSRs', parse: msrsCell },
      kind: { title: 'Kind', parse: kindCell },
      kvm: { title: 'What KVM does', parse: text },
      source: { title: 'Source', parse: text },
    },
  }).map(
    ({ feature, openers, msrs, kind, source, line }): ClobberRow => ({ feature, kind, ...openers, msrs, source, line }),
  );
  reader.parsed('clobbers-table', markdown, rows);
  return rows;
}
