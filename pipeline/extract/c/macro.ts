import { conditionText } from './conditionals.ts';
import { fail } from './cursor.ts';
import type { Token } from './token.ts';

/** A `#define`: its parameters (null for an object-like macro) and its body's tokens. */
export type Macro = {
  readonly name: string;
  readonly params: readonly string[] | null;
  readonly body: readonly Token[];
  readonly line: number;
  /** The `#if` conditions that it stands under, outermost first. */
  readonly conditions: readonly string[];
  /** Another branch of the same `#if … #elif` defines the name otherwise: which one counts, the build says. */
  readonly isAmbiguous?: true;
};

/** An open `#if`: its number in the file, and the conditions of its branches up to the current one. */
type Group = {
  readonly id: number;
  readonly branch: number;
  readonly before: readonly string[];
  readonly condition: string;
};
/** What the directives up to a place have defined. */
export type Preprocessor = {
  readonly file: string;
  readonly macros: Map<string, Macro>;
  readonly definitions: Map<string, Macro[]>;
  /** The branch that each name's definition stands directly in. */
  readonly homes: Map<string, Group | undefined>;
  readonly groups: Group[];
  count: number;
};

export function preprocessorOf(file: string): Preprocessor {
  return { file, macros: new Map(), definitions: new Map(), homes: new Map(), groups: [], count: 0 };
}

/** The conditions at the current place, outermost first. */
export const conditionsOf = (state: Preprocessor): readonly string[] => state.groups.map(({ condition }) => condition);

/** Takes one directive in. `lex` has checked that conditionals nest. */
export function readDirective(state: Preprocessor, token: Token): void {
  const { groups } = state;
  if (token.text === 'define') define(state, macroOf(state, token));
  else if (token.text.startsWith('if')) {
    state.count += 1;
    groups.push({ id: state.count, branch: 0, before: [], condition: conditionText(token) });
  } else if (token.text === 'endif') groups.pop();
  else if (token.text === 'else' || token.text === 'elif') {
    const group = groups.pop();
    if (group !== undefined) groups.push(nextBranch(group, token));
  }
}

function nextBranch({ id, branch, before, condition }: Group, token: Token): Group {
  const past = branch === 0 ? [`!(${condition})`] : before;
  const next = { id, branch: branch + 1 };
  if (token.text === 'else') return { ...next, before: past, condition: past.join(' && ') };
  const own = conditionText(token);
  return { ...next, before: [...past, `!(${own})`], condition: [...past, `(${own})`].join(' && ') };
}

/**
 * Which definition of a name counts: the last. But of `#if … #else` the first, since the field's code puts the 64-bit or
 * enabled case first; of several branches none; and a default under `#ifndef NAME` never replaces what is defined.
 */
function define(state: Preprocessor, macro: Macro): void {
  const { name } = macro;
  const known = state.macros.get(name);
  const definitions = state.definitions.get(name);
  if (definitions === undefined) state.definitions.set(name, [macro]);
  else definitions.push(macro);
  const group = state.groups.at(-1);
  const home = known === undefined ? undefined : state.homes.get(name);
  if (known !== undefined && group !== undefined && home?.id === group.id && home.branch !== group.branch) {
    if (group.branch > 1 && !isSameText(known, macro)) state.macros.set(name, { ...known, isAmbiguous: true });
    return;
  }
  if (known !== undefined && macro.conditions.includes(`!defined(${name})`)) return;
  state.homes.set(name, group);
  state.macros.set(name, macro);
}

const isSameText = (one: Macro, other: Macro): boolean =>
  one.body.length === other.body.length && one.body.every((token, index) => token.text === other.body[index]?.text);

function macroOf(state: Preprocessor, token: Token): Macro {
  const [name, open, ...rest] = token.tokens ?? [];
  if (name?.kind !== 'id') return fail(state.file, name ?? token, 'the name of a macro');
  const conditions = conditionsOf(state);
  if (open?.touches !== true)
    return { name: name.text, params: null, body: token.tokens?.slice(1) ?? [], line: token.line, conditions };
  const close = rest.findIndex((part) => part.kind === 'punct' && part.text === ')');
  if (close === -1) return fail(state.file, open, '`)` behind the parameters of a macro');
  const params = rest
    .slice(0, close)
    .filter((part) => part.text !== ',')
    .map((part) => part.text);
  return { name: name.text, params, body: rest.slice(close + 1), line: token.line, conditions };
}
