import { KnownError } from '../../model/errors.ts';
import type { Expr, Stmt } from './ast.ts';
import { fail, isCloser, isText, peek, skipBrackets } from './cursor.ts';
import { parseAssignment } from './expr.ts';
import { cursorOf } from './grammar.ts';
import {
  type AggregateHead,
  aggregateHead,
  dimensionsOf,
  type FunctionHead,
  functionHead,
  objectName,
} from './heads.ts';
import { parseInitialiser } from './initialiser.ts';
import { type LexFrom, lex } from './lex.ts';
import { conditionsOf, type Macro, type Preprocessor, preprocessorOf, readDirective } from './macro.ts';
import { type EnumMember, readEnumerators, readMembers, type StructMember } from './members.ts';
import { parseBlock } from './statement.ts';
import type { Token } from './token.ts';

export type { Macro, StructMember };

/** A file-scope item: the file's tokens, and the index of the first that is its own. */
type Item = { readonly tokens: readonly Token[]; readonly start: number };

export type CFunction = Item &
  FunctionHead & {
    readonly conditions: readonly string[];
    /** Indexes of the opening and the closing brace in the unit's tokens. */
    readonly open: number;
    readonly close: number;
  };

/** A file-scope object with an initialiser: its array sizes and the index of its value's first token. */
export type CObject = Item & {
  readonly name: string;
  readonly line: number;
  readonly dimensions: readonly (readonly Token[])[];
  readonly value: number;
};

/** A file-scope declaration without a body, up to its semicolon. */
export type CDeclaration = Item & { readonly end: number };

/** `struct`, `union` or `enum` with a body: its tag and the typedef name behind it. */
export type CAggregate = Item & AggregateHead & { readonly typedef: string | null; readonly open: number };

/** One file, its file-scope items found; bodies and initialisers are parsed when they are asked for. */
export type Unit = {
  readonly file: string;
  /** Without what stands under `#if 0`. */
  readonly tokens: readonly Token[];
  /** The definition of each name that counts where several builds or places define it: see `define` in macro.ts. */
  readonly macros: ReadonlyMap<string, Macro>;
  /** Every definition of each name, in order, with its conditions. */
  readonly definitions: ReadonlyMap<string, readonly Macro[]>;
  /** Every definition of each name, in order: `#if` branches may define a function twice. */
  readonly functions: ReadonlyMap<string, readonly CFunction[]>;
  readonly objects: ReadonlyMap<string, CObject>;
  readonly aggregates: readonly CAggregate[];
  readonly declarations: readonly CDeclaration[];
};

type Outline = {
  readonly file: string;
  readonly tokens: readonly Token[];
  readonly state: Preprocessor;
  readonly functions: Map<string, CFunction[]>;
  readonly objects: Map<string, CObject>;
  readonly aggregates: CAggregate[];
  readonly declarations: CDeclaration[];
  readonly trail: Trail;
  at: number;
  /** Where the declaration that is being read starts. */
  start: number;
  /** Open `extern "C" {`. */
  linkage: number;
};

/**
 * Reads a C file's outline. Throws a DataError for what is no C: an odd character, unbalanced brackets, merge markers. Of
 * another revision of the file what stands before the first change is taken over; the outline is the same without it.
 */
export function readUnit(file: string, text: string, before: Unit | null = null): Unit {
  const start = before === null ? null : sharedStart(before, text);
  if (before === null || start === null) return outlined(text, newOutline(file, lex(file, text)));
  try {
    return outlined(text, continued(before, start, lex(file, text, start)));
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    // What stands before may be a part of what is wrong.
    return readUnit(file, text);
  }
}

const newOutline = (file: string, tokens: readonly Token[]): Outline => ({
  file,
  tokens,
  state: preprocessorOf(file),
  functions: new Map(),
  objects: new Map(),
  aggregates: [],
  declarations: [],
  trail: { ends: [], directives: [], objects: [] },
  at: 0,
  start: 0,
  linkage: 0,
});

function outlined(text: string, outline: Outline): Unit {
  const { file, tokens, state, functions, objects, aggregates, declarations } = outline;
  for (;;) {
    const token = tokens[outline.at];
    if (token === undefined || token.kind === 'end') break;
    readToken(outline, token);
  }
  const { macros, definitions } = state;
  const unit = { file, tokens, macros, definitions, functions, objects, aggregates, declarations };
  trails.set(unit, { ...outline.trail, text });
  return unit;
}

/** How a unit was read: what another revision of the file can go on from. */
type Trail = {
  /** Indexes behind the items that stand under no `#if`. */
  readonly ends: number[];
  /** Indexes of the directives between items. */
  readonly directives: number[];
  /** Every object in order, of equal names too. */
  readonly objects: CObject[];
};
const trails = new WeakMap<Unit, Trail & { readonly text: string }>();

/** Where two revisions of a file may part at the latest: behind the last item that stands in lines before the first change. */
function sharedStart(before: Unit, text: string): (LexFrom & { readonly end: number }) | null {
  const trail = trails.get(before);
  if (trail === undefined) return null;
  let [same, line, lineStart] = [0, 1, 0];
  for (; same < text.length; same += 1) {
    const code = text.charCodeAt(same);
    if (code !== trail.text.charCodeAt(same)) break;
    if (code !== 10) continue;
    line += 1;
    lineStart = same + 1;
  }
  const end = trail.ends.findLast((each) => (before.tokens[each - 1]?.line ?? line) < line);
  const last = end === undefined ? undefined : before.tokens[end - 1];
  if (end === undefined || last === undefined) return null;
  for (; line > last.line; line -= 1) lineStart = text.lastIndexOf('\n', lineStart - 2) + 1;
  return { at: lineStart + last.column, line, lineStart, end };
}

/** The outline of the tokens up to `end`, as they were read before, with others behind them. */
function continued(before: Unit, { end }: { readonly end: number }, behind: readonly Token[]): Outline {
  const outline = newOutline(before.file, [...before.tokens.slice(0, end), ...behind]);
  const { ends, directives, objects } = trails.get(before) ?? outline.trail;
  for (const at of directives) if (at < end) noteDirective(outline, at);
  for (const [name, all] of before.functions) {
    const own = all.filter(({ close }) => close < end);
    if (own.length > 0) outline.functions.set(name, own);
  }
  for (const object of objects) if (object.value < end) noteObject(outline, object);
  outline.aggregates.push(...before.aggregates.filter(({ open }) => open < end));
  outline.declarations.push(...before.declarations.filter((each) => each.end < end));
  outline.trail.ends.push(...ends.filter((each) => each <= end));
  outline.at = end;
  outline.start = end;
  return outline;
}

function noteDirective({ state, trail, tokens }: Outline, at: number): void {
  const token = tokens[at];
  if (token === undefined) return;
  readDirective(state, token);
  trail.directives.push(at);
}

function noteObject({ objects, trail }: Outline, object: CObject): void {
  objects.set(object.name, object);
  trail.objects.push(object);
}

function readToken(outline: Outline, token: Token): void {
  const { file, tokens, at } = outline;
  if (token.kind === 'directive') {
    noteDirective(outline, at);
    outline.at += 1;
    if (outline.start === at) outline.start = outline.at;
  } else if (isText(token, ';')) {
    if (outline.start < at) outline.declarations.push({ tokens, start: outline.start, end: at });
    startDeclaration(outline, at + 1);
  } else if (isText(token, '(') || isText(token, '[')) outline.at = skipBrackets(file, tokens, at);
  else if (isText(token, '=')) readObject(outline);
  else if (isText(token, '{')) readBraces(outline);
  else if (isText(token, '}') && outline.linkage > 0) {
    outline.linkage -= 1;
    startDeclaration(outline, at + 1);
  } else if (isCloser(token)) fail(file, token, 'balanced brackets');
  else outline.at += 1;
}

function startDeclaration(outline: Outline, at: number): void {
  outline.at = at;
  outline.start = at;
  if (outline.linkage === 0 && outline.state.groups.length === 0) outline.trail.ends.push(at);
}

function readObject(outline: Outline): void {
  const { file, tokens, at, start } = outline;
  const index = objectName(tokens, start, at);
  const name = index === null ? undefined : tokens[index];
  if (index !== null && name !== undefined)
    noteObject(outline, {
      name: name.text,
      line: name.line,
      dimensions: dimensionsOf(file, tokens, index, at),
      tokens,
      start,
      value: at + 1,
    });
  // A value's braces, also those of `(type){ … }`, are no body.
  let behind = at + 1;
  if (isText(tokens[behind], '(')) behind = skipBrackets(file, tokens, behind);
  if (isText(tokens[behind], '{')) behind = skipBrackets(file, tokens, behind);
  outline.at = behind;
}

function readBraces(outline: Outline): void {
  const { file, tokens, start, at, state } = outline;
  if (isText(tokens[at - 2], 'extern') && tokens[at - 1]?.kind === 'str') {
    outline.linkage += 1;
    startDeclaration(outline, at + 1);
    return;
  }
  const behind = skipBrackets(file, tokens, at);
  outline.at = behind;
  const aggregate = aggregateHead(file, tokens.slice(start, at));
  if (aggregate !== null) {
    const isTypedef = tokens.slice(start, at).some((token) => isText(token, 'typedef'));
    const typedef = isTypedef ? typedefName(tokens, behind) : null;
    outline.aggregates.push({ ...aggregate, typedef, tokens, start, open: at });
    // What follows may be an object of this type: its name stands behind the body.
    outline.start = behind;
    return;
  }
  const fn = functionHead(file, tokens, start, at);
  if (fn !== null) {
    const definition = { ...fn, conditions: conditionsOf(state), tokens, start, open: at, close: behind - 1 };
    const known = outline.functions.get(fn.name);
    if (known === undefined) outline.functions.set(fn.name, [definition]);
    else known.push(definition);
  }
  startDeclaration(outline, behind);
}

/** `} __attribute__((packed)) name_t;`: the last name before the semicolon. */
function typedefName(tokens: readonly Token[], behind: number): string | null {
  let name: string | null = null;
  for (let at = behind; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined || isText(token, ';') || isText(token, '{') || token.kind === 'end') break;
    if (token.kind === 'id') name = token.text;
  }
  return name;
}

/** Bodies that were parsed: what runs a function on many inputs asks for it many times. */
const parsed = new WeakMap<CFunction, readonly Stmt[]>();

/** The statements of a function. Throws a DataError with the line of what is not understood. */
export function bodyOf(unit: Unit, fn: CFunction): readonly Stmt[] {
  const known = parsed.get(fn);
  if (known !== undefined) return known;
  const body = parseBlock(cursorOf(unit.file, fn.tokens, fn.open));
  parsed.set(fn, body);
  return body;
}

/**
 * Whether one of the names stands in a function's body, its directives included: where none does, no expression of the
 * body holds one, and the body need not be parsed to know it.
 */
export function namesAny(fn: CFunction, names: ReadonlySet<string>): boolean {
  const own = namesIn(fn);
  for (const name of names) if (own.has(name)) return true;
  return false;
}

/**
 * The functions in whose bodies a name of this kind stands, in their order. No expression of the others holds one, so they
 * need not be parsed to know it.
 */
export const functionsNaming = (unit: Unit, is: (name: string) => boolean): readonly CFunction[] =>
  [...unit.functions.values()].flat().filter((fn) => hasName(fn, is));

function hasName(fn: CFunction, is: (name: string) => boolean): boolean {
  for (let at = fn.open; at < fn.close; at += 1) {
    const token = fn.tokens[at];
    if (token?.kind === 'id' && is(token.text)) return true;
  }
  return false;
}

const namesOf = new WeakMap<CFunction, ReadonlySet<string>>();

/** The names in a function's body, and all words of its directives. */
function namesIn(fn: CFunction): ReadonlySet<string> {
  const known = namesOf.get(fn);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (let at = fn.open; at < fn.close; at += 1) {
    const token = fn.tokens[at];
    if (token?.kind === 'id') names.add(token.text);
    else if (token?.tokens !== undefined) for (const { text } of token.tokens) names.add(text);
  }
  namesOf.set(fn, names);
  return names;
}

/** The initialiser of a file-scope object. */
export function initialiserOf(unit: Unit, object: CObject): Expr {
  const cursor = cursorOf(unit.file, object.tokens, object.value);
  return isText(peek(cursor), '{') ? parseInitialiser(cursor) : parseAssignment(cursor);
}

/** The members of an enum with the expressions that set them, in order. */
export function enumMembers(unit: Unit, aggregate: CAggregate): readonly EnumMember[] {
  return readEnumerators(cursorOf(unit.file, aggregate.tokens, aggregate.open));
}

/**
 * The members of a struct or union in order, those of unnamed inner structs and unions in their place, with the width of
 * a bit-field. A named inner aggregate counts as one member.
 */
export function structMembers(unit: Unit, aggregate: { readonly open: number }): readonly StructMember[] {
  return readMembers(cursorOf(unit.file, unit.tokens, aggregate.open), unit.macros);
}
