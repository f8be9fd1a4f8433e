import { DataError } from '../../model/errors.ts';
import { liveTokens } from './conditionals.ts';
import type { Token, TokenKind } from './token.ts';

/** What each kind of token or blank is, from its first character on; loops unrolled so that no input goes back over what it took. */
const SHAPES = {
  blank: /(?:[ \t\r\f\v]+|\\[ \t]*\r?\n)+/y,
  comment: /\/\/[^\n\\]*(?:\\(?:[ \t]*\r?\n)?[^\n\\]*)*|\/\*[^*]*(?:\*(?!\/)[^*]*)*\*\//y,
  num: /\.?[0-9](?:[eEpP][+-]|[\w.])*/y,
  str: /"[^"\\\n]*(?:\\(?:\r\n|[\s\S])[^"\\\n]*)*"/y,
  char: /'[^'\\\n]*(?:\\(?:\r\n|[\s\S])[^'\\\n]*)*'/y,
  punct: /\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|##|\/(?!\*)|[-+*%&|^~!<>=?:;,.(){}[\]#\\@`]/y,
} as const;
type Shape = keyof typeof SHAPES;

/** The shapes to try at a character, by its code: one expression with a group for each would cost an array for each token. */
const TRIED: readonly (readonly Shape[])[] = Array.from({ length: 128 }, (_, code): readonly Shape[] => {
  const char = String.fromCharCode(code);
  if (/[ \t\r\f\v]/.test(char)) return ['blank'];
  if (char === '\\') return ['blank', 'punct'];
  if (char === '/') return ['comment', 'punct'];
  if (/[0-9]/.test(char)) return ['num'];
  if (char === '.') return ['num', 'punct'];
  if (char === '"') return ['str'];
  return char === "'" ? ['char'] : ['punct'];
});
const NONE: readonly Shape[] = [];
/** Punctuation that is never part of a longer one, by its code. */
const SINGLE: readonly (string | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  return /[~?:;,(){}[\]@`]/.test(char) ? char : undefined;
});
/** The characters of names, by their codes: what begins one, and what goes on. */
const BEGINS_ID = codesOf(/[A-Za-z_$]/);
const IN_ID = codesOf(/[\w$]/);
const CHARACTERS = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
/** Punctuation that may be part of a longer one, and what stands behind it where it is, or where it is no punctuation. */
const MAY_GROW = codesOf(/[-+*/%&|^=!<>.#]/);
const GROWS = codesOf(/[-+*/%&|^=<>.#0-9]/);
const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;
const BACKSLASH = 92;

/** Which of the ASCII characters match, by their codes. */
function codesOf(chars: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (chars.test(String.fromCharCode(code)) ? 1 : 0));
}

/** What a continuation must not stand between, since C would join it to one token. */
const JOINED = /^(?:[\w$]{2}|&&|\|\||<<|>>|->|\+\+|--|##|[-+*/%&|^=!<>]=)$/;
const MERGE_MARKER = /^(?:<{7}|>{7}|={7}|\|{7})(?![<>=|])/;
/** Directives whose text is a program's; the others may hold prose with a lone quote. */
const STRICT = new Set(['define', 'undef', 'if', 'elif', 'ifdef', 'ifndef', 'include']);

type Scan = {
  readonly file: string;
  readonly text: string;
  readonly tokens: Token[];
  line: number;
  lineStart: number;
  isLineStart: boolean;
  directive: { readonly line: number; readonly column: number; readonly parts: Token[] } | null;
  /** Where the last token ends: what touches it has only continuations between. */
  lastEnd: number;
};

/** A place behind a token that no directive holds and under no `#if`: its offset, its 1-based line and where that starts. */
export type LexFrom = { readonly at: number; readonly line: number; readonly lineStart: number };

/**
 * Splits C source into preprocessing tokens; comments and line continuations vanish, each directive becomes one token,
 * and what stands under `#if 0` is left out. Throws a DataError for a character or an unterminated comment or literal
 * that C does not have, for merge markers, and for conditionals that do not nest. With a place to start from, only what
 * stands behind it.
 */
export function lex(file: string, text: string, from: LexFrom | null = null): readonly Token[] {
  const scan: Scan = {
    file,
    text,
    tokens: [],
    line: from?.line ?? 1,
    lineStart: from?.lineStart ?? 0,
    isLineStart: from === null,
    directive: null,
    lastEnd: from?.at ?? -1,
  };
  let at = from?.at ?? (text.charCodeAt(0) === 0xfeff ? 1 : 0);
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === SPACE || code === TAB) at += 1;
    else if (code === NEWLINE) {
      at += 1;
      endLine(scan, at);
    } else if (BEGINS_ID[code] === 1) at = takeName(scan, at);
    else {
      const single = SINGLE[code] ?? (MAY_GROW[code] === 1 ? alone(text, at) : undefined);
      if (single === undefined) at = takeShape(scan, at, TRIED[code] ?? NONE);
      else {
        takeToken(scan, at, single, 'punct');
        at += 1;
      }
    }
  }
  endDirective(scan);
  const end: Token = { kind: 'end', text: '', line: scan.line, column: text.length - scan.lineStart + 1 };
  scan.tokens.push(end);
  return liveTokens(file, scan.tokens, from === null);
}

/** A name, which most of C is: read by its characters. */
function takeName(scan: Scan, start: number): number {
  const { text } = scan;
  let end = start + 1;
  while (IN_ID[text.charCodeAt(end)] === 1) end += 1;
  takeToken(scan, start, text.slice(start, end), 'id');
  return end;
}

/** The character at `at` as punctuation of its own, undefined where what follows may make it more. */
const alone = (text: string, at: number): string | undefined =>
  GROWS[text.charCodeAt(at + 1)] === 1 ? undefined : CHARACTERS[text.charCodeAt(at)];

/** Takes the first of the shapes that stands at `start`; returns where to read on. */
function takeShape(scan: Scan, start: number, tried: readonly Shape[]): number {
  const { text } = scan;
  for (const name of tried) {
    const shape = SHAPES[name];
    shape.lastIndex = start;
    if (!shape.test(text)) continue;
    const end = shape.lastIndex;
    if (name === 'blank' || name === 'comment') passBlank(scan, start, end);
    else takeToken(scan, start, text.slice(start, end), name);
    return end;
  }
  return skipProse(scan, start);
}

function endLine(scan: Scan, next: number): void {
  endDirective(scan);
  scan.line += 1;
  scan.lineStart = next;
  scan.isLineStart = true;
}

function endDirective(scan: Scan): void {
  if (scan.directive === null) return;
  const { line, column, parts } = scan.directive;
  scan.tokens.push({ kind: 'directive', text: parts[0]?.text ?? '', line, column, tokens: parts.slice(1) });
  scan.directive = null;
}

/** White space or a comment: only its line breaks count, and what it may have cut apart. */
function passBlank(scan: Scan, start: number, end: number): void {
  const isContinued = scan.text.charCodeAt(start) === BACKSLASH;
  if (isContinued && /^(?:\\[ \t]*\r?\n)+$/.test(scan.text.slice(start, end))) {
    if (JOINED.test(scan.text.charAt(start - 1) + scan.text.charAt(end)))
      throw problem(scan, start, 'tokens on one line each', 'a continuation inside a token');
    if (scan.lastEnd === start) scan.lastEnd = end;
  }
  countLines(scan, start, end);
}

function countLines(scan: Scan, start: number, end: number): void {
  const { text } = scan;
  for (let at = start; at < end; at += 1) {
    if (text.charCodeAt(at) !== NEWLINE) continue;
    scan.line += 1;
    scan.lineStart = at + 1;
  }
}

function takeToken(scan: Scan, start: number, text: string, kind: TokenKind): void {
  const { line } = scan;
  const column = start - scan.lineStart + 1;
  if (column === 1 && kind === 'punct' && MERGE_MARKER.test(scan.text.slice(start, start + 8)))
    throw problem(scan, start, 'a resolved merge', `the merge marker ${scan.text.slice(start, start + 7)}`);
  if (text === '#' && scan.isLineStart) scan.directive = { line, column, parts: [] };
  else if (scan.directive === null) scan.tokens.push({ kind, text, line, column });
  else {
    const touches = text === '(' && scan.directive.parts.length === 2 && scan.lastEnd === start;
    scan.directive.parts.push(touches ? { kind, text, line, column, touches } : { kind, text, line, column });
  }
  scan.isLineStart = false;
  scan.lastEnd = start + text.length;
  if (kind === 'str' || kind === 'char') countLines(scan, start, start + text.length);
}

/** `#error don't`: the rest of such a line is no literal. Returns where to read on; throws where it is the program's. */
function skipProse(scan: Scan, start: number): number {
  const { text, directive } = scan;
  const isQuote = text[start] === '"' || text[start] === "'";
  if (!isQuote || directive === null || STRICT.has(directive.parts[0]?.text ?? '')) throw badCharacter(scan, start);
  const end = text.indexOf('\n', start);
  if (end === -1) return text.length;
  const tail = /\\[ \t]*\r?$/.exec(text.slice(Math.max(start, end - 80), end));
  return tail === null ? end : end - tail[0].length;
}

function badCharacter(scan: Scan, at: number): DataError {
  const { text } = scan;
  const found = text.startsWith('/*', at)
    ? 'a comment that never ends'
    : text[at] === '"' || text[at] === "'"
      ? 'a literal that never ends'
      : `the character ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`;
  return problem(scan, at, 'C source', found);
}

function problem(scan: Scan, at: number, expected: string, found: string): DataError {
  const { file, line, lineStart } = scan;
  return new DataError({ where: { file, line, column: at - lineStart + 1 }, expected, found });
}
