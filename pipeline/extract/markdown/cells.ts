import type { Link } from './document.ts';
import type { CellParser } from './table.ts';

/** What people write in a cell that says nothing. */
const EMPTY = new Set(['', '-', '–', '—']);

/** A cell that must say something: its plain text. */
export const textCell: CellParser<string> = (cell, bad) => {
  if (EMPTY.has(cell.text)) throw bad('some text');
  return cell.text;
};

/** Another cell parser's value, or `null` for an empty cell or a dash. */
export function optionalCell<T>(parse: CellParser<T>): CellParser<T | null> {
  return (cell, bad) => (EMPTY.has(cell.text) ? null : parse(cell, bad));
}

/** One of a few words, exactly. */
export function wordCell<const W extends string>(...words: readonly W[]): CellParser<W> {
  return (cell, bad) => {
    const word = words.find((candidate) => candidate === cell.text);
    if (word === undefined) throw bad(words.length === 1 ? `"${words[0]}"` : `one of ${words.join(', ')}`);
    return word;
  };
}

/** Comma-separated parts, each read by `parse`; an empty part is an error, an empty cell is no parts. */
export function listCell<T>(parse: CellParser<T>): CellParser<readonly T[]> {
  return (cell, bad) => {
    if (EMPTY.has(cell.text)) return [];
    return cell.text.split(',').map((part) => {
      const text = part.trim();
      if (text === '') throw bad('a comma-separated list without empty parts');
      return parse({ ...cell, text }, bad);
    });
  };
}

/** An unsigned integer in decimal or `0x` hex, of at most `bits` bits. */
export function integerCell(bits: number): CellParser<bigint> {
  return (cell, bad) => {
    if (!/^(?:0x[0-9a-f]{1,32}|\d{1,32})$/i.test(cell.text)) throw bad('a number such as 12 or 0x0c');
    const value = BigInt(cell.text);
    if (value >> BigInt(bits) !== 0n) throw bad(`a number of at most ${bits} bits`);
    return value;
  };
}

/** The cell's links; at least one. */
export const linksCell: CellParser<readonly Link[]> = (cell, bad) => {
  if (cell.links.length === 0) throw bad('a link');
  return cell.links;
};
