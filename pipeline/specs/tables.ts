import type { CellParser } from '../extract/markdown/table.ts';
import { type BitSelection, parseBit } from '../model/bit-text.ts';
import type { BitName } from '../model/field.ts';
import type { RequiredBit, StaticRegister } from '../model/knowledge.ts';
import { bitsOf } from '../model/mask.ts';
import { REGISTERS, type Register } from '../model/place.ts';
import type { PlainReader } from './plain.ts';

/** Reads a Markdown table through the cache: parsing Markdown costs more than the rest of a run. */
async function cached<T>(
  kind: string,
  text: string,
  reader: PlainReader,
  read: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const known = reader.cached(kind, text);
  if (known !== undefined) return known as readonly T[];
  const rows = await read();
  reader.parsed(kind, text, rows);
  return rows;
}

/** A cell such as `7.0.ECX[4]`. */
const bitCell: CellParser<BitSelection> = (cell, bad) => {
  const bit = parseBit(cell.text);
  if (bit === null) throw bad('a bit such as 7.0.ECX[4]');
  return bit;
};

const numberCell: CellParser<number> = (cell, bad) => {
  if (!/^0x[0-9a-f]{1,8}$/.test(cell.text)) throw bad('a lower-case hex number such as 0x7');
  return Number(cell.text);
};

const registerCell: CellParser<Register> = (cell, bad) => {
  const found = REGISTERS.find((register) => register === cell.text.toLowerCase());
  if (found === undefined) throw bad('one of EAX, EBX, ECX, EDX');
  return found;
};

const optional =
  <T>(parse: CellParser<T>): CellParser<T | null> =>
  (cell, bad) =>
    cell.text.trim() === '' ? null : parse(cell, bad);
const text: CellParser<string> = (cell, bad) => {
  if (cell.text.trim() === '') throw bad('a text: every row names its source');
  return cell.text;
};

const word: CellParser<string> = (cell, bad) => {
  if (!/^\w+$/.test(cell.text)) throw bad('one word of letters, digits and `_`');
  return cell.text;
};

/** `specs/required.md`. */
export async function readRequired(
  file: string,
  markdown: string,
  reader: PlainReader,
): Promise<readonly RequiredBit[]> {
  const rows = await cached('required', markdown, reader, async () => {
    const { readTable } = await import('../extract/markdown/table.ts');
    return readTable(file, markdown, {
      columns: {
        bits: { title: 'Bits', parse: bitCell },
        name: { title: 'Name', parse: text },
        why: { title: 'Why KVM needs it', parse: text },
        source: { title: 'Source', parse: text },
      },
    });
  });
  return rows.map(({ bits, name, why }) => ({ ...bits.place, mask: bits.mask, name, reason: why }));
}

/** `specs/leaves.md`. */
export async function readStaticRegisters(
  file: string,
  markdown: string,
  reader: PlainReader,
): Promise<readonly StaticRegister[]> {
  const rows = await cached('leaves', markdown, reader, async () => {
    const { readTable } = await import('../extract/markdown/table.ts');
    return readTable(file, markdown, {
      columns: {
        leaf: { title: 'Leaf', parse: numberCell },
        subleaf: { title: 'Sub-leaf', parse: optional(numberCell) },
        register: { title: 'Register', parse: optional(registerCell) },
        holds: { title: 'Holds', parse: text },
        source: { title: 'Source', parse: text },
      },
    });
  });
  return rows.map(({ leaf, subleaf, register, holds }) => ({ leaf, subleaf, register, reason: holds }));
}

/** `specs/names.md`: bits and fields that the kernel does not name. */
export async function readArguedNames(
  file: string,
  markdown: string,
  reader: PlainReader,
): Promise<readonly BitName[]> {
  const rows = await cached('argued-names', markdown, reader, async () => {
    const { readTable } = await import('../extract/markdown/table.ts');
    return readTable(file, markdown, {
      columns: {
        bits: { title: 'Bits', parse: bitCell },
        name: { title: 'Name', parse: word },
        source: { title: 'Source', parse: text },
      },
    });
  });
  return rows.map(({ bits, name }) => {
    const places = bitsOf(bits.mask);
    return { ...bits.place, high: Math.max(...places), low: Math.min(...places), name };
  });
}
