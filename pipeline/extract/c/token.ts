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
