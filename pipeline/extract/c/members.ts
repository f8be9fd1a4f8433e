import type { Expr } from './ast.ts';
import { accept, type Cursor, expect, fail, isText, next, peek, skipBrackets } from './cursor.ts';
import { evaluate } from './evaluate.ts';
import { parseAssignment, parseTernary } from './expr.ts';
import { isAttribute, pointerName } from './heads.ts';
import type { Macro } from './macro.ts';
import type { Token } from './token.ts';
import { isTypeWord } from './types.ts';

export type EnumMember = { readonly name: string; readonly value: Expr | null; readonly line: number };

const isConditional = (token: Token): boolean => token.kind === 'directive' && /^(if|el|endif)/.test(token.text);

/** The enumerators from the opening brace at the cursor. Under `#if` their values would depend on the build: a DataError. */
export function readEnumerators(cursor: Cursor): readonly EnumMember[] {
  expect(cursor, '{', 'before enumerators');
  const members: EnumMember[] = [];
  while (accept(cursor, '}') === null) {
    const token = next(cursor);
    if (token.kind === 'directive' && !isConditional(token)) continue;
    if (token.kind !== 'id') return fail(cursor.file, token, 'an enumerator');
    const value = accept(cursor, '=') === null ? null : parseAssignment(cursor);
    members.push({ name: token.text, value, line: token.line });
    while (peek(cursor).kind === 'directive' && !isConditional(peek(cursor))) next(cursor);
    if (!isText(peek(cursor), '}')) expect(cursor, ',', 'between enumerators');
  }
  return members;
}

/** A member: an unnamed bit-field has an empty name; `width` in bits is null for what is no bit-field. */
export type StructMember = { readonly name: string; readonly width: number | null; readonly line: number };

/** Deeper than the 63 levels that C asks of a compiler. */
const MAX_DEPTH = 64;

type Reading = {
  readonly cursor: Cursor;
  readonly macros: ReadonlyMap<string, Macro>;
  readonly members: StructMember[];
  /** The names of the declaration so far: the last is the member's, unless all are its type. */
  words: Token[];
  /** Behind a comma: the type stands before it. */
  isMore: boolean;
  width: number | null;
  isEnum: boolean;
  conditional: Token | null;
};

/** The members between the braces at the cursor, those of unnamed inner structs and unions in their place; `macros` size bit-fields. */
export function readMembers(cursor: Cursor, macros: ReadonlyMap<string, Macro>, depth = 0): readonly StructMember[] {
  if (depth === MAX_DEPTH) return fail(cursor.file, peek(cursor), `at most ${MAX_DEPTH} nested structs`);
  expect(cursor, '{', 'before members');
  const reading: Reading = {
    cursor,
    macros,
    members: [],
    words: [],
    isMore: false,
    width: null,
    isEnum: false,
    conditional: null,
  };
  while (accept(cursor, '}') === null) readPart(reading, depth);
  const { conditional, members } = reading;
  // Which bit a field has would depend on the build.
  if (conditional !== null && members.some(({ width }) => width !== null))
    return fail(cursor.file, conditional, 'bit-fields without conditions');
  return members;
}

function readPart(reading: Reading, depth: number): void {
  const { cursor } = reading;
  const token = peek(cursor);
  if (token.kind === 'end') fail(cursor.file, token, 'the end of a struct');
  if (isConditional(token)) reading.conditional ??= token;
  if (isText(token, '{')) readInner(reading, depth);
  else if (isText(token, '(')) readParenthesis(reading);
  else if (isText(token, '[')) cursor.at = skipBrackets(cursor.file, cursor.tokens, cursor.at);
  else {
    next(cursor);
    if (isText(token, ':')) readWidth(reading);
    else if (isText(token, ';') || isText(token, ',')) endMember(reading, token);
    else if (token.kind === 'id' && !isAttribute(token)) {
      reading.words.push(token);
      reading.isEnum ||= token.text === 'enum';
    }
  }
}

/** A body inside: its members count if nothing is named behind it, else the name does. */
function readInner(reading: Reading, depth: number): void {
  const { cursor } = reading;
  if (reading.isEnum) cursor.at = skipBrackets(cursor.file, cursor.tokens, cursor.at);
  else {
    const inner = readMembers(cursor, reading.macros, depth + 1);
    skipAttributes(cursor);
    if (isText(peek(cursor), ';')) for (const member of inner) reading.members.push(member);
  }
  reading.words = [];
}

function skipAttributes(cursor: Cursor): void {
  while (isAttribute(peek(cursor))) {
    next(cursor);
    if (isText(peek(cursor), '(')) cursor.at = skipBrackets(cursor.file, cursor.tokens, cursor.at);
  }
}

/** `(*name)(…)` names a function pointer; `ATTRIBUTE(…)` names nothing. */
function readParenthesis(reading: Reading): void {
  const { cursor, words } = reading;
  const { tokens } = cursor;
  const open = cursor.at;
  cursor.at = skipBrackets(cursor.file, tokens, open);
  const name = isText(peek(cursor), '(') ? pointerName(tokens, open) : null;
  if (name !== null) {
    words.push(name);
    cursor.at = skipBrackets(cursor.file, tokens, cursor.at);
  } else if (tokens[open - 1] === words.at(-1)) words.pop();
}

function readWidth(reading: Reading): void {
  const { cursor, macros } = reading;
  const token = peek(cursor);
  const { value } = evaluate(parseTernary(cursor), { file: cursor.file, macro: (name) => macros.get(name) });
  if (value < 0n || value > 64n) fail(cursor.file, token, 'a width of 0 to 64 bits');
  reading.width = Number(value);
}

function endMember(reading: Reading, end: Token): void {
  const { words, width, members } = reading;
  const last = words.at(-1);
  if (last !== undefined || width !== null) {
    const isUnnamed = width !== null && (last === undefined || (!reading.isMore && isType(words, last)));
    members.push({ name: isUnnamed ? '' : (last?.text ?? ''), width, line: (last ?? end).line });
  }
  reading.width = null;
  reading.words = [];
  reading.isMore = end.text === ',';
  reading.isEnum &&= reading.isMore;
}

/** A lone `name_t` is a type, one behind another word a name. */
const isType = (words: readonly Token[], last: Token): boolean =>
  isTypeWord(last.text) && (words.length === 1 || !/_t$/.test(last.text));
