import type { ScopedMacro as FoundMacro, Scope } from '../c/evaluate.ts';
import type { Macro, Unit } from '../c/unit.ts';
import { constantsOf } from './constants.ts';
import { checkMeaning } from './meaning.ts';

type ScopedMacro = FoundMacro & { readonly definitions?: readonly Macro[] };

/** The files that names are looked up in. */
export type Files = {
  /** Files whose macros and enumerators all others see, in the order in which they are searched. */
  readonly headers: readonly string[];
  readonly mentions: (path: string, word: string) => boolean;
  readonly unit: (path: string) => Unit;
  /** The file in whose scope KVM's names for features have a meaning: what it defines is checked there. */
  readonly checksItself: string;
};

/** Scopes that see the macros and enumerators of all headers, those of the path first. */
export function scopesOf({ headers, mentions, unit, checksItself }: Files): (path: string) => Scope {
  const macroIn = (path: string, name: string): ScopedMacro | undefined => {
    const own = unit(path).macros.get(name);
    return own === undefined ? undefined : scoped(unit(path), own);
  };
  const shared = new Map<string, ScopedMacro | undefined>();
  const macroOf = (path: string, name: string): ScopedMacro | undefined => {
    const own = macroIn(path, name);
    if (own !== undefined) return own;
    if (shared.has(name)) return shared.get(name);
    let found: ScopedMacro | undefined;
    for (const header of headers) {
      found = mentions(header, name) ? macroIn(header, name) : undefined;
      if (found !== undefined) break;
    }
    shared.set(name, found);
    return found;
  };
  const constants = constantsOf({ headers, mentions, unit, macro: macroOf });
  const checked = new Set<string>();
  const scope = (path: string): Scope => ({
    file: path,
    macro: (name) => {
      const macro = macroOf(path, name);
      if (macro?.definitions !== undefined && macro.file !== checksItself && !checked.has(`${macro.file}:${name}`)) {
        checked.add(`${macro.file}:${name}`);
        checkMeaning(macro.file ?? path, macro.definitions, scope(macro.file ?? path));
      }
      return macro;
    },
    constant: (name) => constants.value(path, name),
  });
  return scope;
}

/** A macro with its file, and with all its definitions where it has several: a build may choose between them. */
function scoped(unit: Unit, macro: Macro): ScopedMacro {
  const definitions = unit.definitions.get(macro.name) ?? [];
  return { ...macro, file: unit.file, ...(definitions.length > 1 ? { definitions } : {}) };
}
