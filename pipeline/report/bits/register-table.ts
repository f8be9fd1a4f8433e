import {
  absentRegister,
  type CellClass,
  type ClassedRelease,
  classOfBit,
  type RegisterClasses,
} from '../../model/class.ts';
import { constantOf, deciderOfBit } from '../../model/decider.ts';
import { formatPlace, type Place, samePlace } from '../../model/place.ts';
import { wrap } from '../wrap.ts';

const LETTERS = {
  absent: '.',
  ve: 'v',
  'config-direct': 'C',
  'allow-direct': 'A',
  fixed1: '1',
  fixed0: '0',
  native: 'n',
} as const satisfies Record<CellClass, string>;

/** What each letter of a table means. */
export const LETTER_LEGEND =
  'C configurable, A configurable where the host has it, 1 and 0 fixed, n as the host has it, d decided otherwise: by XFAM, ATTRIBUTES, another bit, the guest or computed (`bitwatch explain` says how), v #VE, . no such leaf';

/** One letter for a bit: what the tables say, but for a bit that they fix or let through and the code decides otherwise. */
export function letterOf(register: RegisterClasses, bit: number): string {
  const letter = LETTERS[classOfBit(register, bit)];
  if (register.deciders.length === 0 || !'10n'.includes(letter)) return letter;
  const decider = deciderOfBit(register, register.deciders, bit);
  const constant = constantOf(decider);
  // A 1 that not every guest reads is none of every TD.
  if (constant !== null) return constant === 1 && decider.conditions.length > 0 ? 'd' : `${constant}`;
  return decider.by.kind === 'host' && decider.conditions.length === 0 ? 'n' : 'd';
}

/**
 * A register as one table, releases by bits: neighbours that agree in every bit are one column. Bits that no release ever has
 * (fixed 0, #VE or no leaf) have no row. `nameOf` gives a bit's name or the empty text.
 */
export function registerTable(
  place: Place,
  releases: readonly ClassedRelease[],
  nameOf: (bit: number) => string,
): string {
  const columns: { readonly names: string[]; readonly letters: readonly string[] }[] = [];
  for (const { module, registers } of releases) {
    const register = registers.find((each) => samePlace(each, place)) ?? absentRegister(place);
    const letters = Array.from({ length: 32 }, (_, bit) => letterOf(register, bit));
    const last = columns.at(-1);
    if (last !== undefined && last.letters.join('') === letters.join('')) last.names.push(module.release);
    else columns.push({ names: [module.release], letters });
  }
  const head = columns.map((_, index) => String.fromCharCode(97 + index));
  const rows = rowsOf(columns, nameOf);
  const width = Math.max(8, ...rows.map(({ bits }) => bits.length + 4));
  return `${[
    formatPlace(place),
    ...columns.flatMap(({ names }, index) =>
      wrap(names.length === 1 ? `${names[0]}` : `${names[0]} to ${names.at(-1)}`, `  ${head[index]}  `),
    ),
    '',
    `${' '.repeat(width)}${head.join(' ')}`,
    ...(rows.length === 0
      ? ['  no release has a bit of it']
      : rows.map(({ bits, cells, name }) => `  ${bits}`.padEnd(width) + `${cells}  ${name}`.trimEnd())),
    '',
    ...wrap(LETTER_LEGEND, '  '),
  ].join('\n')}\n`;
}

type Column = { readonly letters: readonly string[] };
type Row = { readonly bits: string; readonly cells: string; readonly name: string };

/** Bits that some release has; those of one field that every release treats alike are one row. */
function rowsOf(columns: readonly Column[], nameOf: (bit: number) => string): readonly Row[] {
  const rows: { low: number; high: number; readonly cells: string; readonly name: string }[] = [];
  for (let bit = 0; bit < 32; bit += 1) {
    const letters = columns.map((column) => column.letters[bit] ?? '.');
    if (letters.every((letter) => '0.v'.includes(letter))) continue;
    const [cells, name] = [letters.join(' '), nameOf(bit)];
    const last = rows.at(-1);
    if (last !== undefined && last.high === bit - 1 && name !== '' && last.name === name && last.cells === cells)
      last.high = bit;
    else rows.push({ low: bit, high: bit, cells, name });
  }
  return rows.map(({ low, high, cells, name }) => ({
    bits: low === high ? `[${low}]` : `[${high}:${low}]`,
    cells,
    name,
  }));
}
