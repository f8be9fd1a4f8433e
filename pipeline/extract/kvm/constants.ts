import { KnownError } from '../../model/errors.ts';
import { evaluate, type Scope, type ScopedMacro } from '../c/evaluate.ts';
import type { EnumMember } from '../c/members.ts';
import { type CAggregate, enumMembers, type Unit } from '../c/unit.ts';
import { ask } from './view.ts';

type Files = {
  readonly headers: readonly string[];
  readonly mentions: (path: string, word: string) => boolean;
  readonly unit: (path: string) => Unit;
  readonly macro: (path: string, name: string) => ScopedMacro | undefined;
};

/** An enum's members as far as they can be read: under `#if` inside, the build would decide on their values. */
function membersOf(unit: Unit, aggregate: CAggregate): readonly EnumMember[] {
  try {
    return enumMembers(unit, aggregate);
  } catch (error) {
    if (error instanceof KnownError) return [];
    throw error;
  }
}

/** An enumerator: its enum with the members, and its place among them. */
type Enumerator = CAggregate & { readonly members: readonly EnumMember[]; readonly at: number };
const enumerators = new WeakMap<Unit, ReadonlyMap<string, Enumerator>>();

/** The enumerators of a file by name; of equal names the first counts. */
function enumeratorsOf(unit: Unit): ReadonlyMap<string, Enumerator> {
  const known = enumerators.get(unit);
  if (known !== undefined) return known;
  const found = new Map<string, Enumerator>();
  for (const aggregate of unit.aggregates) {
    if (aggregate.form !== 'enum') continue;
    const members = membersOf(unit, aggregate);
    for (const [at, { name }] of members.entries())
      if (!found.has(name)) found.set(name, { ...aggregate, members, at });
  }
  enumerators.set(unit, found);
  return found;
}

/** Finds the values of enumerators by name: first those of the file that asks, then those of the headers. */
export function constantsOf(files: Files): { readonly value: (path: string, name: string) => bigint | undefined } {
  const known = new Map<string, bigint | undefined>();
  const pending = new Set<string>();
  const inFile = (path: string, name: string): bigint | undefined => {
    const key = `${path} ${name}`;
    if (known.has(key)) return known.get(key);
    if (pending.has(key)) return undefined;
    pending.add(key);
    const [found] = ask(files.unit(path), `enumerator ${name}`, (own) => {
      const enumerator = enumeratorsOf(own).get(name);
      return enumerator === undefined ? [] : [enumerator];
    });
    const value = found === undefined ? undefined : valueAt(path, found.members, found.at);
    pending.delete(key);
    known.set(key, value);
    return value;
  };
  /** A member without a value of its own is one more than the member before it. */
  const valueAt = (path: string, members: readonly EnumMember[], at: number): bigint => {
    let base = at;
    while (base > 0 && members[base]?.value === null) base -= 1;
    const expr = members[base]?.value ?? null;
    const scope: Scope = {
      file: path,
      macro: (name) => files.macro(path, name),
      constant: (name) => value(path, name),
    };
    return (expr === null ? 0n : evaluate(expr, scope).value) + BigInt(at - base);
  };
  const value = (path: string, name: string): bigint | undefined => {
    const own = inFile(path, name);
    if (own !== undefined) return own;
    for (const header of files.headers) {
      const found = header === path || !files.mentions(header, name) ? undefined : inFile(header, name);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return { value };
}
