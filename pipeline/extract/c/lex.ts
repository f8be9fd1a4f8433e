import { DataError } from '../../model/errors.ts';

export type TokenKind = 'id' | 'num' | 'str' | 'char' | 'punct' | 'directive' | 'end';

/** A preprocessing token with its 1-based position. A directive's `text` is its name and `line_` its tokens. */
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

// One alternative per token class; white space and comments first, since they are the most frequent.
const TOKEN =
  /((?:[ \t\r\f\v]|\\\r?\n)+)|(\n)|(\/\/(?:[^\n\\]|\\[\s\S])*|\/\*[\s\S]*?\*\/)|([A-Za-z_$][\w$]*)|(\.?[0-9](?:[eEpP][+-]|[\w.'])*)|((?:[LuU]|u8)?"(?:[^"\\\n]|\\[\s\S])*")|('(?:[^'\\\n]|\\[\s\S])+')|(\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|##|[-+*/%&|^~!<>=?:;,.(){}[\]#\\@`])/y;

/**
 * Splits C source into preprocessing tokens; comments and line continuations vanish, each directive becomes one token.
 * Throws a DataError for a character or an unterminated comment or literal that C does not have.
 */
export function lex(file: string, text: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  let atLineStart = true;
  let directive: Token[] | null = null;
  let hash: { line: number; column: number } | null = null;
  const flush = () => {
    if (hash === null || directive === null) return;
    tokens.push(directiveToken(directive, hash));
    directive = null;
    hash = null;
  };
  TOKEN.lastIndex = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      // A directive's text such as #error don't or a lone quote in a skipped branch is no literal of the program.
      if (directive !== null && (text[start] === "'" || text[start] === '"')) {
        TOKEN.lastIndex = start + 1;
        continue;
      }
      throw badCharacter(file, text, start, line, start - lineStart + 1);
    }
    const found = match[0];
    // A comment that ends would have matched whole.
    if (found.startsWith('/') && text.startsWith('/*', start) && match[3] === undefined)
      throw badCharacter(file, text, start, line, start - lineStart + 1);
    const column = start - lineStart + 1;
    if (match[2] !== undefined) {
      flush();
      line += 1;
      lineStart = TOKEN.lastIndex;
      atLineStart = true;
      continue;
    }
    if (match[1] !== undefined || match[3] !== undefined) {
      const breaks = countNewlines(found);
      if (breaks > 0) {
        line += breaks;
        lineStart = start + found.lastIndexOf('\n') + 1;
      }
      continue;
    }
    if (found === '#' && atLineStart) {
      hash = { line, column };
      directive = [];
      atLineStart = false;
      continue;
    }
    atLineStart = false;
    const kind: TokenKind =
      match[4] !== undefined
        ? 'id'
        : match[5] !== undefined
          ? 'num'
          : match[6] !== undefined
            ? 'str'
            : match[7] !== undefined
              ? 'char'
              : 'punct';
    const isTouching = directive !== null && found === '(' && start > 0 && /[\w$]/.test(text.charAt(start - 1));
    const token: Token = isTouching
      ? { kind, text: found, line, column, touches: true }
      : { kind, text: found, line, column };
    (directive ?? tokens).push(token);
    if (kind === 'str' || kind === 'char') {
      const breaks = countNewlines(found);
      if (breaks > 0) {
        line += breaks;
        lineStart = start + found.lastIndexOf('\n') + 1;
      }
    }
  }
  flush();
  tokens.push({ kind: 'end', text: '', line, column: text.length - lineStart + 1 });
  return tokens;
}

function directiveToken(parts: readonly Token[], hash: { line: number; column: number }): Token {
  const [name, ...rest] = parts;
  return { kind: 'directive', text: name?.text ?? '', line: hash.line, column: hash.column, tokens: rest };
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function badCharacter(file: string, text: string, at: number, line: number, column: number): DataError {
  const found = text.startsWith('/*', at)
    ? 'a comment that never ends'
    : text[at] === '"' || text[at] === "'"
      ? 'a literal that never ends'
      : `the character ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`;
  return new DataError({ where: { file, line, column }, expected: 'C source', found });
}
