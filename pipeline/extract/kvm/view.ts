import { skipBrackets } from '../c/cursor.ts';
import type { Token } from '../c/token.ts';
import type { CAggregate, CDeclaration, CFunction, CObject, Macro, Unit } from '../c/unit.ts';

/** A part of a file that a value may be computed from. Each carries its tokens, wherever it was got from. */
export type Item = CFunction | CObject | CAggregate | CDeclaration | Macro;
/** A question to a unit, known by its words: what it finds depends on them and on the unit alone. */
type Find<T extends Item> = (unit: Unit) => readonly T[];

/** What a view tells of what it is asked: a question with what it finds, or that the whole file was looked at. */
export type Notes = {
  readonly found: (question: string, find: Find<Item>, answer: readonly Item[]) => void;
  readonly whole: () => void;
};

const views = new WeakMap<Unit, { readonly unit: Unit; readonly notes: Notes }>();

/** A unit that tells what is asked of it: names one by one; what goes over all of a kind, or over the text, by the file. */
export function viewOf(unit: Unit, notes: Notes): Unit {
  const view: Unit = {
    file: unit.file,
    macros: new Looked(unit.macros, 'macro', (own) => own.macros, notes),
    definitions: new Looked(unit.definitions, 'definitions of', (own) => own.definitions, notes),
    functions: new Looked(unit.functions, 'function', (own) => own.functions, notes),
    objects: new Looked(unit.objects, 'object', (own) => own.objects, notes),
    get tokens() {
      notes.whole();
      return unit.tokens;
    },
    get aggregates() {
      notes.whole();
      return unit.aggregates;
    },
    get declarations() {
      notes.whole();
      return unit.declarations;
    },
  };
  views.set(view, { unit, notes });
  return view;
}

/**
 * What of a unit answers a question. Where the unit is a view, the answer alone is noted, not all that was gone over to find
 * it: in another revision the question is asked again. Its words must say all that `find` depends on beside the unit.
 */
export function ask<T extends Item>(unit: Unit, question: string, find: Find<T>): readonly T[] {
  const view = views.get(unit);
  if (view === undefined) return find(unit);
  const answer = find(view.unit);
  view.notes.found(question, find, answer);
  return answer;
}

/** A table of a unit that tells which names are looked up in it. */
class Looked<V extends Item | readonly Item[]> implements ReadonlyMap<string, V> {
  readonly #table: ReadonlyMap<string, V>;
  readonly #kind: string;
  readonly #tableOf: (unit: Unit) => ReadonlyMap<string, V>;
  readonly #notes: Notes;

  constructor(
    table: ReadonlyMap<string, V>,
    kind: string,
    tableOf: (unit: Unit) => ReadonlyMap<string, V>,
    notes: Notes,
  ) {
    this.#table = table;
    this.#kind = kind;
    this.#tableOf = tableOf;
    this.#notes = notes;
  }
  get(name: string): V | undefined {
    const value = this.#table.get(name);
    this.#notes.found(`${this.#kind} ${name}`, (own) => listed(this.#tableOf(own).get(name)), listed(value));
    return value;
  }
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }
  get size(): number {
    return this.#whole().size;
  }
  keys(): MapIterator<string> {
    return this.#whole().keys();
  }
  values(): MapIterator<V> {
    return this.#whole().values();
  }
  entries(): MapIterator<[string, V]> {
    return this.#whole().entries();
  }
  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.#whole()[Symbol.iterator]();
  }
  forEach(action: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    this.#whole().forEach(action);
  }
  #whole(): ReadonlyMap<string, V> {
    this.#notes.whole();
    return this.#table;
  }
}

const listed = (value: Item | readonly Item[] | undefined): readonly Item[] =>
  value === undefined ? [] : 'length' in value ? value : [value];

/** Where an item's text is: the tokens from `start` up to `end`, and the line that its other lines are counted from. */
type Extent = {
  readonly tokens: readonly Token[];
  readonly start: number;
  readonly end: number;
  readonly line: number;
};

function extentOf(item: Item): Extent {
  if ('body' in item) return { tokens: item.body, start: 0, end: item.body.length, line: item.line };
  const { tokens, start } = item;
  return { tokens, start, end: endOf(item), line: tokens[start]?.line ?? 1 };
}

function endOf(item: Exclude<Item, Macro>): number {
  if ('end' in item) return item.end;
  if ('close' in item) return item.close + 1;
  if ('form' in item) return skipBrackets('', item.tokens, item.open);
  let at = item.value;
  for (
    let token = item.tokens[at];
    token !== undefined && token.kind !== 'end' && token.text !== ';';
    token = item.tokens[at]
  )
    at = /^[({[]$/.test(token.text) ? skipBrackets('', item.tokens, at) : at + 1;
  return at;
}

/** Whether an item of another revision is the same, down to where its lines break, wherever it stands. */
export function isSameItem(one: Item, other: Item): boolean {
  if (one === other) return true;
  const [a, b] = [extentOf(one), extentOf(other)];
  if (a.end - a.start !== b.end - b.start || headOf(one) !== headOf(other)) return false;
  for (let at = 0; at < a.end - a.start; at += 1)
    if (!isSameToken(a.tokens[a.start + at], b.tokens[b.start + at], b.line - a.line)) return false;
  return true;
}

/** What an item has beside its tokens. */
function headOf(item: Item): string {
  const conditions = 'conditions' in item ? item.conditions : [];
  if (!('body' in item)) return conditions.join('\n');
  return [item.name, item.params?.join() ?? '-', item.isAmbiguous ?? '', ...conditions].join('\n');
}

function isSameToken(one: Token | undefined, other: Token | undefined, moved: number): boolean {
  if (one === other) return moved === 0 || one === undefined;
  if (one === undefined || other === undefined) return false;
  if (one.text !== other.text || one.kind !== other.kind || one.line + moved !== other.line) return false;
  if (one.touches !== other.touches || one.tokens?.length !== other.tokens?.length) return false;
  return one.tokens === undefined || one.tokens.every((token, at) => isSameToken(token, other.tokens?.[at], moved));
}

/** The first and the last line of an item, 1-based. */
export function linesOf(item: Item): { readonly first: number; readonly last: number } {
  const { tokens, end, line: first } = extentOf(item);
  return { first, last: tokens[end - 1]?.line ?? first };
}
