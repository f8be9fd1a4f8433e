import { DataError, KnownError } from '../../model/errors.ts';
import { evaluateMacro, type Scope } from '../c/evaluate.ts';
import type { Macro, Unit } from '../c/unit.ts';

/**
 * A scope in which a macro of this file means the same in every build, or is an error that names its definitions: the
 * source does not tell which branch of an `#if` a kernel was built with.
 */
export function oneMeaning(unit: Unit, scope: Scope): Scope {
  const checked = new Set<string>();
  const own: Scope = {
    ...scope,
    macro: (name) => {
      const macro = scope.macro(name);
      if (macro !== undefined && !checked.has(name)) {
        checked.add(name);
        checkMeaning(unit.file, unit.definitions.get(name) ?? [], own);
      }
      return macro;
    },
  };
  return own;
}

/** Throws a DataError that names both lines where a name has two definitions that a build chooses between. */
export function checkMeaning(file: string, definitions: readonly Macro[], scope: Scope): void {
  const [first, ...more] = definitions;
  if (first === undefined) return;
  // Definitions under equal conditions follow each other: the last counts. A default yields to what is always there.
  const others = more.filter(
    (macro) => !isSame(macro.conditions, first.conditions) && !macro.conditions.some(isOf32Bit),
  );
  if (others.length === 0 || (first.conditions.length === 0 && others.every(isDefault))) return;
  const value = valueIn(first, scope);
  const other = others.find(
    (macro) => textOf(macro) !== textOf(first) && (value === null || valueIn(macro, scope) !== value),
  );
  if (other === undefined) return;
  throw new DataError({
    where: { file, line: first.line },
    expected: `a macro ${first.name} that means the same in every branch of its #if`,
    found: `${whereOf(first)} here, and ${whereOf(other)} another in line ${other.line}`,
  });
}

/** TDX is of 64-bit kernels only: what is defined for others is in no build that has it. */
const isOf32Bit = (condition: string): boolean =>
  /^(?:!\(?defined\(CONFIG_X86_64\)\)?|defined\(CONFIG_X86_32\))$/.test(condition);
const isDefault = ({ name, conditions }: Macro): boolean => conditions.includes(`!defined(${name})`);
const isSame = (one: readonly string[], other: readonly string[]): boolean => one.join('\n') === other.join('\n');
const textOf = ({ params, body }: Macro): string =>
  `${params?.join() ?? '-'} ${body.map(({ text }) => text).join(' ')}`;
const whereOf = ({ conditions }: Macro): string =>
  conditions.length === 0 ? 'one' : `one where ${conditions.join(' && ')}`;

/** The value of a definition, null where it has none of its own. */
function valueIn(macro: Macro, scope: Scope): bigint | null {
  if (macro.params !== null) return null;
  try {
    return BigInt.asUintN(64, evaluateMacro(macro, scope).value);
  } catch (error) {
    if (error instanceof KnownError) return null;
    throw error;
  }
}
