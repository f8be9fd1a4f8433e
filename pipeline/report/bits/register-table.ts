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
  if (constant !== null) return `${constant}`;
  return decider.by.kind === 'host' && decider.conditions.length === 0 ? 'n' : 'd';
}

/**
 * A register as one table, releases by bits: neighbours that agree in every bit are one column. Bits that no release ever has
 * (fixed 0 or no leaf) have no row. `nameOf` gives a bit's name or the empty text.
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
  const rows = Array.from({ length: 32 }, (_, bit) => bit)
    .filter((bit) => columns.some(({ letters }) => letters[bit] !== '0' && letters[bit] !== '.'))
    .map((bit) => {
      const cells = columns.map(({ letters }) => letters[bit] ?? '.').join(' ');
      return `  [${bit}]`.padEnd(8) + `${cells}  ${nameOf(bit)}`.trimEnd();
    });
  return `${[
    formatPlace(place),
    ...columns.flatMap(({ names }, index) =>
      wrap(names.length === 1 ? `${names[0]}` : `${names[0]} to ${names.at(-1)}`, `  ${head[index]}  `),
    ),
    '',
    `        ${head.join(' ')}`,
    ...(rows.length === 0 ? ['  no release has a bit of it'] : rows),
    '',
    ...wrap(LETTER_LEGEND, '  '),
  ].join('\n')}\n`;
}
