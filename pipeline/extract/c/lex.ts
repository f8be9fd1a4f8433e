import { DataError } from '../../model/errors.ts';
import { liveTokens } from './conditionals.ts';

export type TokenKind = 'id' | 'num' | 'str' | 'char' | 'punct' | 'directive' | 'end';

/** A preprocessing token with its 1-based position. A directive's `text` is its name and `tokens` what follows the name. */
export type Token = {
  readonly kind: TokenKind;
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** The tokens of a directive's logical line, else absent. */
  readonly tokens?: readonly Token[];
  /** In a directive `#define NAME(`: the parenthesis touches the name, so the macro takes parameters. */
  readonly touches?: boolean;
};

/** Each class in a group of its own, loops unrolled so that no input makes the expression go back over what it took. */
const TOKEN = new RegExp(
  [
    String.raw`((?:[ \t\r\f\v]+|\\[ \t]*\r?\n)+)`,
    String.raw`(\n)`,
    String.raw`(\/\/[^\n\\]*(?:\\(?:[ \t]*\r?\n)?[^\n\\]*)*|\/\*[^*]*(?:\*(?!\/)[^*]*)*\*\/)`,
    String.raw`([A-Za-z_$][\w$]*)`,
    String.raw`(\.?[0-9](?:[eEpP][+-]|[\w.])*)`,
    String.raw`("[^"\\\n]*(?:\\(?:\r\n|[\s\S])[^"\\\n]*)*")`,
    String.raw`('[^'\\\n]*(?:\\(?:\r\n|[\s\S])[^'\\\n]*)*')`,
    String.raw`(\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|##|\/(?!\*)|[-+*%&|^~!<>=?:;,.(){}[\]#\\@${'`'}])`,
  ].join('|'),
  'y',
);
const KINDS: readonly TokenKind[] = ['id', 'num', 'str', 'char', 'punct'];
const FIRST_KIND = 4;

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

/**
 * Splits C source into preprocessing tokens; comments and line continuations vanish, each directive becomes one token,
 * and what stands under `#if 0` is left out. Throws a DataError for a character or an unterminated comment or literal
 * that C does not have, for merge markers, and for conditionals that do not nest.
 */
export function lex(file: string, text: string): readonly Token[] {
  const scan: Scan = {
    file,
    text,
    tokens: [],
    line: 1,
    lineStart: 0,
    isLineStart: true,
    directive: null,
    lastEnd: -1,
  };
  TOKEN.lastIndex = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) TOKEN.lastIndex = skipProse(scan, start);
    else if (match[2] !== undefined) endLine(scan, start + 1);
    else if (match[1] !== undefined || match[3] !== undefined) passBlank(scan, start, match[0]);
    else takeToken(scan, start, match[0], kindOf(match));
  }
  endDirective(scan);
  const end: Token = { kind: 'end', text: '', line: scan.line, column: text.length - scan.lineStart + 1 };
  scan.tokens.push(end);
  return liveTokens(file, scan.tokens);
}

function kindOf(match: RegExpExecArray): TokenKind {
  for (const [index, kind] of KINDS.entries()) if (match[FIRST_KIND + index] !== undefined) return kind;
  return 'punct';
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
function passBlank(scan: Scan, start: number, found: string): void {
  const end = start + found.length;
  if (found.startsWith('\\') && /^(?:\\[ \t]*\r?\n)+$/.test(found)) {
    if (JOINED.test(scan.text.charAt(start - 1) + scan.text.charAt(end)))
      throw problem(scan, start, 'tokens on one line each', 'a continuation inside a token');
    if (scan.lastEnd === start) scan.lastEnd = end;
  }
  countLines(scan, start, found);
}

function countLines(scan: Scan, start: number, found: string): void {
  for (let at = found.indexOf('\n'); at !== -1; at = found.indexOf('\n', at + 1)) {
    scan.line += 1;
    scan.lineStart = start + at + 1;
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
  if (kind === 'str' || kind === 'char') countLines(scan, start, text);
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
