import { fail } from '../c/cursor.ts';
import type { Unit } from '../c/unit.ts';

/** Words that the readers take for what C means by them. */
const WORDS = ['true', 'false', 'TRUE', 'FALSE'];

/**
 * Throws a DataError with its line where a macro has the name of a field that is read by name: `#define ebx eax` would put
 * what the table says of EBX into EAX.
 */
export function refuseRenames(unit: Unit, names: Iterable<string>): void {
  for (const name of [...names, ...WORDS]) {
    const macro = unit.macros.get(name);
    if (macro === undefined) continue;
    const [first] = macro.body;
    const isItself = macro.body.length === 1 && first?.text === name;
    const isTruth =
      WORDS.includes(name) &&
      macro.body.length === 1 &&
      /^\(?[01]u?\)?$/i.test(first?.text ?? '') &&
      (first?.text === '1') === /true/i.test(name);
    if (isItself || isTruth) continue;
    fail(
      unit.file,
      { kind: 'id', text: name, line: macro.line, column: 1 },
      'no macro with the name of a field of the tables',
      'what it stands for would be read under another name',
    );
  }
}
