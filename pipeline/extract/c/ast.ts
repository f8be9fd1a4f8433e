import type { Token } from './token.ts';

/** An expression; `parens` where it stands in parentheses, which decide how a macro's text binds. */
export type Expr = ExprNode & { readonly parens?: true };

/** Each node carries the token that it starts with or, for binary operators, the operator: the place an error names. */
type ExprNode =
  | { readonly kind: 'id'; readonly name: string; readonly at: Token }
  | { readonly kind: 'num'; readonly text: string; readonly at: Token }
  | { readonly kind: 'str'; readonly text: string; readonly at: Token }
  | { readonly kind: 'call'; readonly callee: Expr; readonly args: readonly Expr[]; readonly at: Token }
  | {
      readonly kind: 'member';
      readonly object: Expr;
      readonly name: string;
      readonly arrow: boolean;
      readonly at: Token;
    }
  | { readonly kind: 'index'; readonly object: Expr; readonly index: Expr; readonly at: Token }
  | { readonly kind: 'unary'; readonly op: string; readonly operand: Expr; readonly at: Token }
  | { readonly kind: 'postfix'; readonly op: string; readonly operand: Expr; readonly at: Token }
  | { readonly kind: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr; readonly at: Token }
  | { readonly kind: 'assign'; readonly op: string; readonly target: Expr; readonly value: Expr; readonly at: Token }
  | { readonly kind: 'ternary'; readonly test: Expr; readonly then: Expr; readonly otherwise: Expr; readonly at: Token }
  | { readonly kind: 'cast'; readonly type: string; readonly operand: Expr; readonly at: Token }
  /** A type where C or a macro takes one: `sizeof(u64)`, `container_of(p, struct x, m)`. */
  | { readonly kind: 'type'; readonly type: string; readonly at: Token }
  | { readonly kind: 'comma'; readonly items: readonly Expr[]; readonly at: Token }
  | { readonly kind: 'init'; readonly items: readonly InitItem[]; readonly at: Token }
  | { readonly kind: 'statements'; readonly body: readonly Stmt[]; readonly at: Token };

/** An element of a braced initialiser with its designators, outermost first: `[3]`, `[1 ... 4]`, `.eax`. */
export type InitItem = { readonly designators: readonly Designator[]; readonly value: Expr; readonly at: Token };
export type Designator =
  | { readonly kind: 'field'; readonly name: string; readonly at: Token }
  | { readonly kind: 'index'; readonly index: Expr; readonly last: Expr | null; readonly at: Token };

export type Stmt =
  | { readonly kind: 'expr'; readonly expr: Expr; readonly at: Token }
  | {
      readonly kind: 'decl';
      readonly name: string;
      readonly type: string;
      /** The lengths of an array, outermost first; null for `[]`. */
      readonly dimensions: readonly (Expr | null)[];
      readonly init: Expr | null;
      readonly at: Token;
    }
  | {
      readonly kind: 'if';
      readonly test: Expr;
      readonly then: readonly Stmt[];
      readonly otherwise: readonly Stmt[];
      readonly at: Token;
    }
  | {
      readonly kind: 'loop';
      /** `macro`: a macro that heads a block, such as `for_each_x(…) { … }`, with the call as its head. */
      readonly form: 'for' | 'while' | 'do' | 'macro';
      readonly head: readonly Stmt[];
      readonly test: Expr | null;
      readonly step: Expr | null;
      readonly body: readonly Stmt[];
      readonly at: Token;
    }
  | { readonly kind: 'switch'; readonly subject: Expr; readonly body: readonly Stmt[]; readonly at: Token }
  /** `case value:`, `case value ... last:`, or `default:` with a null value; a marker inside a switch's body. */
  | { readonly kind: 'case'; readonly value: Expr | null; readonly last: Expr | null; readonly at: Token }
  | { readonly kind: 'return'; readonly value: Expr | null; readonly at: Token }
  | {
      readonly kind: 'jump';
      readonly form: 'goto' | 'break' | 'continue';
      readonly label: string | null;
      readonly at: Token;
    }
  | { readonly kind: 'label'; readonly name: string; readonly at: Token }
  | { readonly kind: 'block'; readonly body: readonly Stmt[]; readonly at: Token }
  /** `#if … #elif … #else … #endif` around statements; the condition of #else is the empty string. */
  | {
      readonly kind: 'conditional';
      readonly branches: readonly { readonly condition: string; readonly body: readonly Stmt[] }[];
      readonly at: Token;
    }
  /** Inline assembly: its text is not read. */
  | { readonly kind: 'asm'; readonly text: string; readonly at: Token };
