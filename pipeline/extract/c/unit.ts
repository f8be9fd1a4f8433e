import type { Expr, Stmt } from './ast.ts';
import { cursorOf, expect, fail, isText, peek, skipBrackets } from './cursor.ts';
import { parseAssignment, parseInitialiser } from './expr.ts';
import { lex, type Token } from './lex.ts';
import { conditionText, parseBlock } from './statement.ts';

/** A `#define`: its parameters (null for an object-like macro) and its body's tokens. */
export type Macro = {
  readonly name: string;
  readonly params: readonly string[] | null;
  readonly body: readonly Token[];
  readonly line: number;
  /** The `#if` conditions that it stands under, outermost first. */
  readonly conditions: readonly string[];
};

export type CFunction = {
  readonly name: string;
  readonly params: readonly string[];
  readonly line: number;
  readonly conditions: readonly string[];
  /** Index of the opening brace in the unit's tokens. */
  readonly open: number;
};

/** A file-scope object with an initialiser: its array sizes and the index of its value's first token. */
export type CObject = {
  readonly name: string;
  readonly line: number;
  readonly dimensions: readonly (readonly Token[])[];
  readonly value: number;
};

/** `struct`, `union` or `enum` with a body: its tag and the typedef name behind it. */
export type CAggregate = {
  readonly form: 'struct' | 'union' | 'enum';
  readonly tag: string | null;
  readonly typedef: string | null;
  readonly line: number;
  readonly open: number;
};

/** One file, its file-scope items found; bodies and initialisers are parsed when they are asked for. */
export type Unit = {
  readonly file: string;
  readonly tokens: readonly Token[];
  readonly macros: ReadonlyMap<string, Macro>;
  /** Every definition of each name, in order: `#if` branches may define a function twice. */
  readonly functions: ReadonlyMap<string, readonly CFunction[]>;
  readonly objects: ReadonlyMap<string, CObject>;
  readonly aggregates: readonly CAggregate[];
};

/** Reads a C file's outline. Throws a DataError for what is no C: an odd character, unbalanced brackets, merge markers. */
export function readUnit(file: string, text: string): Unit {
  const tokens = lex(file, text);
  const macros = new Map<string, Macro>();
  const functions = new Map<string, CFunction[]>();
  const objects = new Map<string, CObject>();
  const aggregates: CAggregate[] = [];
  const conditions: string[] = [];
  let at = 0;
  let start = 0;
  while (at < tokens.length) {
    const token = tokens[at];
    if (token === undefined || token.kind === 'end') break;
    if (token.kind === 'directive') {
      readDirective(file, token, macros, conditions);
      at += 1;
      if (start === at - 1) start = at;
      continue;
    }
    if (isMergeMarker(tokens, at)) fail(file, token, 'a resolved merge', 'the file holds merge markers');
    if (isText(token, ';')) {
      at += 1;
      start = at;
    } else if (isText(token, '(') || isText(token, '[')) {
      at = skipBrackets(file, tokens, at);
    } else if (isText(token, '=')) {
      const name = objectName(tokens, start, at);
      if (name !== null)
        objects.set(name.text, {
          name: name.text,
          line: name.line,
          dimensions: dimensionsOf(file, tokens, start, at),
          value: at + 1,
        });
      at = isText(tokens[at + 1] ?? token, '{') ? skipBrackets(file, tokens, at + 1) : at + 1;
    } else if (isText(token, '{')) {
      const behind = skipBrackets(file, tokens, at);
      const aggregate = aggregateOf(tokens, start, at, behind);
      const fn = aggregate === null ? functionOf(file, tokens, start, at, conditions) : null;
      if (aggregate !== null) aggregates.push(aggregate);
      if (fn !== null) functions.set(fn.name, [...(functions.get(fn.name) ?? []), fn]);
      at = behind;
      if (fn !== null || (aggregate === null && !isText(tokens[at] ?? token, ';'))) start = at;
    } else at += 1;
  }
  return { file, tokens, macros, functions, objects, aggregates };
}

/** Seven of them would start a line; three show it, and C has no such operator at a line's start. */
function isMergeMarker(tokens: readonly Token[], at: number): boolean {
  const first = tokens[at];
  if (first === undefined || first.column !== 1 || !['<<', '>>', '=='].includes(first.text)) return false;
  return [1, 2].every((step) => tokens[at + step]?.text === first.text);
}

function readDirective(file: string, token: Token, macros: Map<string, Macro>, conditions: string[]): void {
  const parts = token.tokens ?? [];
  if (token.text === 'define') {
    const macro = macroOf(parts, token.line, conditions);
    // Of an #if and its #else the first branch counts: the field's code puts the 64-bit or enabled case first.
    if (macro !== null && !isElseOf(macros.get(macro.name), macro)) macros.set(macro.name, macro);
  } else if (token.text.startsWith('if')) conditions.push(conditionText(token));
  else if (token.text === 'else') conditions.push(`!(${conditions.pop() ?? ''})`);
  else if (token.text === 'elif') conditions.push(`!(${conditions.pop() ?? ''}) && (${conditionText(token)})`);
  else if (token.text === 'endif') {
    if (conditions.length === 0) fail(file, token, 'an #if before #endif');
    conditions.pop();
  }
}

/** True where the new definition stands in the #else of the #if that the known one stands in. */
function isElseOf(known: Macro | undefined, macro: Macro): boolean {
  const last = macro.conditions.at(-1);
  return (
    known !== undefined &&
    last !== undefined &&
    known.conditions.length === macro.conditions.length &&
    last === `!(${known.conditions.at(-1) ?? ''})`
  );
}

function macroOf(parts: readonly Token[], line: number, conditions: readonly string[]): Macro | null {
  const [name, open, ...rest] = parts;
  if (name === undefined || name.kind !== 'id') return null;
  if (open === undefined || open.touches !== true)
    return { name: name.text, params: null, body: parts.slice(1), line, conditions: [...conditions] };
  const close = rest.findIndex((part) => part.text === ')');
  const params = rest
    .slice(0, close)
    .filter((part) => part.text !== ',')
    .map((part) => part.text);
  return { name: name.text, params, body: rest.slice(close + 1), line, conditions: [...conditions] };
}

/** The name before `=` or before the first `[`. */
function objectName(tokens: readonly Token[], start: number, equals: number): Token | null {
  for (let at = equals - 1; at >= start; at -= 1) {
    const token = tokens[at];
    if (token === undefined) return null;
    if (isText(token, ']')) {
      let depth = 0;
      for (; at >= start; at -= 1) {
        const inner = tokens[at];
        if (inner === undefined) return null;
        if (isText(inner, ']')) depth += 1;
        else if (isText(inner, '[')) depth -= 1;
        if (depth === 0) break;
      }
      continue;
    }
    if (token.kind === 'id' && !/^__(ro_after_init|read_mostly|initdata|maybe_unused)$/.test(token.text)) return token;
    if (token.kind === 'id') continue;
    // An attribute's closing parenthesis or the like: no name to be found here.
    return null;
  }
  return null;
}

function dimensionsOf(
  file: string,
  tokens: readonly Token[],
  start: number,
  equals: number,
): readonly (readonly Token[])[] {
  const dimensions: Token[][] = [];
  for (let at = start; at < equals; at += 1) {
    const token = tokens[at];
    if (token === undefined || !isText(token, '[')) continue;
    const behind = skipBrackets(file, tokens, at);
    dimensions.push(tokens.slice(at + 1, behind - 1));
    at = behind - 1;
  }
  return dimensions;
}

function aggregateOf(tokens: readonly Token[], start: number, open: number, behind: number): CAggregate | null {
  const heads = tokens.slice(start, open);
  if (heads.some((token) => isText(token, '('))) return null;
  const index = heads.findIndex((token) => ['struct', 'union', 'enum'].includes(token.text));
  const keyword = heads[index];
  if (keyword === undefined) return null;
  const tag = heads[index + 1];
  const isTypedef = heads.some((token) => token.text === 'typedef');
  let at = behind;
  // `} __attribute__((packed)) name_t;`: the typedef name is the last name before the semicolon.
  let typedef: string | null = null;
  for (; isTypedef && at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined || isText(token, ';') || token.kind === 'end') break;
    if (token.kind === 'id') typedef = token.text;
  }
  const form = keyword.text === 'struct' ? 'struct' : keyword.text === 'union' ? 'union' : 'enum';
  return { form, tag: tag?.kind === 'id' ? tag.text : null, typedef, line: keyword.line, open };
}

/** `specifiers name(params) attributes {`: the last name before the first parenthesis group that a body follows. */
function functionOf(
  file: string,
  tokens: readonly Token[],
  start: number,
  open: number,
  conditions: readonly string[],
): CFunction | null {
  for (let at = start; at < open; at += 1) {
    const [name, paren] = [tokens[at], tokens[at + 1]];
    if (name === undefined || paren === undefined || name.kind !== 'id' || !isText(paren, '(')) continue;
    if (/^__attribute__$|^__aligned$|^__section$/.test(name.text)) {
      at = skipBrackets(file, tokens, at + 1) - 1;
      continue;
    }
    const behind = skipBrackets(file, tokens, at + 1);
    return {
      name: name.text,
      params: paramsOf(tokens.slice(at + 2, behind - 1)),
      line: name.line,
      conditions: [...conditions],
      open,
    };
  }
  return null;
}

/** The declared names of a parameter list, in order; an unnamed one is the empty string. */
function paramsOf(tokens: readonly Token[]): readonly string[] {
  const params: string[] = [];
  let depth = 0;
  let last = '';
  for (const token of tokens) {
    if (isText(token, '(')) depth += 1;
    else if (isText(token, ')')) depth -= 1;
    else if (isText(token, ',') && depth === 0) {
      params.push(last);
      last = '';
    } else if (token.kind === 'id') last = token.text;
  }
  if (last !== '' && !(params.length === 0 && last === 'void')) params.push(last);
  return params;
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

/** The initialiser of a file-scope object. */
export function initialiserOf(unit: Unit, object: CObject): Expr {
  const cursor = cursorOf(unit.file, unit.tokens, object.value);
  return isText(peek(cursor), '{') ? parseInitialiser(cursor) : parseAssignment(cursor);
}

/** The members of an enum with the expressions that set them, in order. */
export function enumMembers(
  unit: Unit,
  aggregate: CAggregate,
): readonly { readonly name: string; readonly value: Expr | null; readonly line: number }[] {
  const cursor = cursorOf(unit.file, unit.tokens, aggregate.open);
  expect(cursor, '{', 'before enumerators');
  const members: { name: string; value: Expr | null; line: number }[] = [];
  while (!isText(peek(cursor), '}')) {
    const token = peek(cursor);
    cursor.at += 1;
    if (token.kind === 'directive') continue;
    if (token.kind !== 'id') return fail(unit.file, token, 'an enumerator');
    const isAssigned = isText(peek(cursor), '=');
    if (isAssigned) cursor.at += 1;
    members.push({ name: token.text, value: isAssigned ? parseAssignment(cursor) : null, line: token.line });
    if (!isText(peek(cursor), '}')) expect(cursor, ',', 'between enumerators');
  }
  return members;
}

export type StructMember = { readonly name: string; readonly width: number | null; readonly line: number };

/**
 * The members of a struct or union in order, those of unnamed inner structs and unions in their place, with the width of
 * a bit-field. A named inner aggregate counts as one member.
 */
export function structMembers(unit: Unit, aggregate: { readonly open: number }): readonly StructMember[] {
  const members: StructMember[] = [];
  const end = skipBrackets(unit.file, unit.tokens, aggregate.open) - 1;
  let at = aggregate.open + 1;
  let last: Token | null = null;
  let width: number | null = null;
  while (at < end) {
    const token = unit.tokens[at];
    if (token === undefined) break;
    if (isText(token, '{')) {
      const behind = skipBrackets(unit.file, unit.tokens, at);
      const follow = unit.tokens[behind];
      if (follow !== undefined && isText(follow, ';')) members.push(...structMembers(unit, { open: at }));
      at = behind;
      last = null;
      continue;
    }
    if (isText(token, '(') || isText(token, '[')) {
      at = skipBrackets(unit.file, unit.tokens, at);
      continue;
    }
    if (isText(token, ':')) {
      const bits = unit.tokens[at + 1];
      width = bits?.kind === 'num' ? Number(bits.text) : null;
      at += 2;
      continue;
    }
    if (isText(token, ';') || isText(token, ',')) {
      if (last !== null) members.push({ name: last.text, width, line: last.line });
      last = null;
      width = null;
    } else if (token.kind === 'id') last = token;
    at += 1;
  }
  return members;
}
