import type { Expr, Stmt } from './ast.ts';
import { cursorOf, fail, isCloser, isText, peek, skipBrackets } from './cursor.ts';
import { parseAssignment } from './expr.ts';
import {
  type AggregateHead,
  aggregateHead,
  dimensionsOf,
  type FunctionHead,
  functionHead,
  objectName,
} from './heads.ts';
import { parseInitialiser } from './initialiser.ts';
import { lex, type Token } from './lex.ts';
import { conditionsOf, type Macro, type Preprocessor, preprocessorOf, readDirective } from './macro.ts';
import { type EnumMember, readEnumerators, readMembers, type StructMember } from './members.ts';
import { parseBlock } from './statement.ts';

export type { Macro, StructMember };

export type CFunction = FunctionHead & {
  readonly conditions: readonly string[];
  /** Indexes of the opening and the closing brace in the unit's tokens. */
  readonly open: number;
  readonly close: number;
};

/** A file-scope object with an initialiser: its array sizes and the index of its value's first token. */
export type CObject = {
  readonly name: string;
  readonly line: number;
  readonly dimensions: readonly (readonly Token[])[];
  /** Where its declaration starts. */
  readonly start: number;
  readonly value: number;
};

/** The tokens of a file-scope declaration without an initialiser or a body, from `start` up to its semicolon. */
export type CDeclaration = { readonly start: number; readonly end: number };

/** `struct`, `union` or `enum` with a body: its tag and the typedef name behind it. */
export type CAggregate = AggregateHead & { readonly typedef: string | null; readonly open: number };

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
  at: number;
  /** Where the declaration that is being read starts. */
  start: number;
  /** Open `extern "C" {`. */
  linkage: number;
};

/** Reads a C file's outline. Throws a DataError for what is no C: an odd character, unbalanced brackets, merge markers. */
export function readUnit(file: string, text: string): Unit {
  const tokens = lex(file, text);
  const outline: Outline = {
    file,
    tokens,
    state: preprocessorOf(file),
    functions: new Map(),
    objects: new Map(),
    aggregates: [],
    declarations: [],
    at: 0,
    start: 0,
    linkage: 0,
  };
  for (;;) {
    const token = tokens[outline.at];
    if (token === undefined || token.kind === 'end') break;
    readToken(outline, token);
  }
  const { state, functions, objects, aggregates, declarations } = outline;
  const { macros, definitions } = state;
  return { file, tokens, macros, definitions, functions, objects, aggregates, declarations };
}

function readToken(outline: Outline, token: Token): void {
  const { file, tokens, at } = outline;
  if (token.kind === 'directive') {
    readDirective(outline.state, token);
    outline.at += 1;
    if (outline.start === at) outline.start = outline.at;
  } else if (isText(token, ';')) {
    if (outline.start < at) outline.declarations.push({ start: outline.start, end: at });
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
}

function readObject(outline: Outline): void {
  const { file, tokens, at, start } = outline;
  const index = objectName(tokens, start, at);
  const name = index === null ? undefined : tokens[index];
  if (index !== null && name !== undefined)
    outline.objects.set(name.text, {
      name: name.text,
      line: name.line,
      dimensions: dimensionsOf(file, tokens, index, at),
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
    outline.aggregates.push({ ...aggregate, typedef: isTypedef ? typedefName(tokens, behind) : null, open: at });
    // What follows may be an object of this type: its name stands behind the body.
    outline.start = behind;
    return;
  }
  const fn = functionHead(file, tokens, start, at);
  if (fn !== null) {
    const definition = { ...fn, conditions: conditionsOf(state), open: at, close: behind - 1 };
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
  const body = parseBlock(cursorOf(unit.file, unit.tokens, fn.open));
  parsed.set(fn, body);
  return body;
}

/**
 * Whether one of the names stands in a function's body, its directives included: where none does, no expression of the
 * body holds one, and the body need not be parsed to know it.
 */
export function namesAny(unit: Unit, fn: CFunction, names: ReadonlySet<string>): boolean {
  for (let at = fn.open; at < fn.close; at += 1) {
    const token = unit.tokens[at];
    if (token?.kind === 'id' ? names.has(token.text) : token?.tokens?.some(({ text }) => names.has(text))) return true;
  }
  return false;
}

/** The initialiser of a file-scope object. */
export function initialiserOf(unit: Unit, object: CObject): Expr {
  const cursor = cursorOf(unit.file, unit.tokens, object.value);
  return isText(peek(cursor), '{') ? parseInitialiser(cursor) : parseAssignment(cursor);
}

/** The members of an enum with the expressions that set them, in order. */
export function enumMembers(unit: Unit, aggregate: CAggregate): readonly EnumMember[] {
  return readEnumerators(cursorOf(unit.file, unit.tokens, aggregate.open));
}

/**
 * The members of a struct or union in order, those of unnamed inner structs and unions in their place, with the width of
 * a bit-field. A named inner aggregate counts as one member.
 */
export function structMembers(unit: Unit, aggregate: { readonly open: number }): readonly StructMember[] {
  return readMembers(cursorOf(unit.file, unit.tokens, aggregate.open), unit.macros);
}
