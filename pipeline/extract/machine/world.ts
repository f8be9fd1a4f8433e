import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import type { ScopedMacro } from '../c/evaluate.ts';
import type { Token } from '../c/token.ts';
import type { CFunction, Unit } from '../c/unit.ts';
import { allStatements, expressionsOf } from '../c/walk.ts';
import { type At, type Node, newNode, type Value } from './memory.ts';
import { type CType, type TypeScope, UNKNOWN_TYPE } from './types.ts';

export type FoundFunction = { readonly unit: Unit; readonly fn: CFunction };

/** What the code that is run names: all of it is of one revision, and is the same for every run. */
export type World = {
  /** The function that a name means in a file, of that file or of another; a DataError where the build chooses. */
  readonly function: (file: string, name: string, at: Token) => FoundFunction | null;
  readonly macro: (file: string, name: string) => ScopedMacro | undefined;
  readonly constant: (file: string, name: string) => bigint | undefined;
  /** A file's own object, as its initialiser and the code that fills it leave it. */
  readonly object: (file: string, name: string) => Node | null;
  readonly types: (file: string) => TypeScope;
  /** Calls whose meaning is built in. */
  readonly builtin: (file: string, name: string) => Builtin | undefined;
  /** The parts of the machine that follow each other as C's grammar does. */
  readonly interpreter: Interpreter;
  readonly codes: WeakMap<Expr, Code>;
  readonly places: WeakMap<Expr, PlaceCode>;
  readonly blocks: WeakMap<readonly Stmt[], StepCode>;
  /** Objects that are local to a function and live as long as the program. */
  readonly statics: WeakMap<Stmt, Node>;
  readonly signatures: WeakMap<CFunction, Signature>;
};

export type Interpreter = {
  readonly call: (expr: Extract<Expr, { kind: 'call' }>, frame: Frame) => Value;
  readonly expandName: (expr: Extract<Expr, { kind: 'id' }>, frame: Frame, onlyPlaces?: boolean) => Value | null;
  readonly isList: (expr: Expr, frame: Frame) => boolean;
  readonly withList: (expr: Expr, frame: Frame, action: (list: Expr, frame: Frame) => void) => boolean;
  readonly initialise: (node: Node, value: Expr, frame: Frame) => void;
  readonly blockOf: (body: readonly Stmt[], frame: Frame, isScope?: boolean) => StepCode;
};

export type Signature = { readonly params: readonly CType[]; readonly result: CType };
export type Code = (frame: Frame) => Value;
export type PlaceCode = (frame: Frame) => Node;
/** What a statement does to the flow: see `FLOW`. */
export type StepCode = (frame: Frame) => number;
export const FLOW = { next: 0, break: 1, continue: 2, return: 3, goto: 4 } as const;

export type Builtin = (call: Extract<Expr, { kind: 'call' }>, frame: Frame) => Value;

/** One run of the code from one set of inputs. */
export type Run = {
  readonly world: World;
  /** What the host decides, by the text of the condition; what is not there is asked for and taken to be false. */
  readonly choices: ReadonlyMap<string, boolean>;
  readonly asked: Set<string>;
  /** The place that a member of something outside stands for, such as what the module reports; else null. */
  readonly member: (name: string) => Node | null;
  /** What is declared elsewhere, by name. */
  readonly outsides: Map<string, Node>;
  /** Numbers that the function and the sub-leaf of an entry were compared with. */
  readonly compared: { readonly function: Set<bigint>; readonly index: Set<bigint> };
  /** Files' own objects may be written only where they are filled, before anything is tried. */
  readonly isFilling: boolean;
  steps: number;
  depth: number;
  /** The statement that is run. */
  at: At | null;
  /** The first of the statements that hand on an error. */
  failedAt: At | null;
};

export type Scope = { readonly names: Map<string, Node>; readonly outer: Scope | null };
/** A macro's parameters, with what they stand for in the text around the call. */
type Bindings = {
  readonly macro: string;
  readonly args: ReadonlyMap<string, Expr>;
  readonly outer: Bindings | null;
};
export type Frame = {
  readonly run: Run;
  readonly file: string;
  scope: Scope;
  bindings: Bindings | null;
  /** Where a macro was called, while its text is run. */
  callLine: number | null;
  returned: Value | null;
  label: string | null;
};

/** An object that is declared elsewhere. */
export function outsideObject(run: Run, name: string): Node {
  const known = run.outsides.get(name);
  if (known !== undefined) return known;
  const made = newNode(name, UNKNOWN_TYPE, 'outside');
  run.outsides.set(name, made);
  return made;
}

/** Steps of one run; code of this kind takes hundreds. */
const MAX_STEPS = 200_000;

export function step(frame: Frame, token: Token): void {
  const { run } = frame;
  run.steps += 1;
  if (run.steps > MAX_STEPS) stop(frame, token, 'code that ends');
}

/** The line that an error or a change is told of: that of the call, where a macro's text runs. */
export const lineOf = (frame: Frame, token: Token): number => frame.callLine ?? token.line;

/** Ends the run: what the code does here cannot be followed. */
export function stop(frame: Frame, token: Token, expected: string, hint?: string): never {
  return fail(frame.file, { ...token, line: lineOf(frame, token) }, expected, hint);
}

/** What the host decides: both ways are run by who started the run. */
export function choose(frame: Frame, text: string): boolean {
  const known = frame.run.choices.get(text);
  if (known !== undefined) return known;
  frame.run.asked.add(text);
  return false;
}

export function lookUp(scope: Scope, name: string): Node | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.outer) {
    const node = at.names.get(name);
    if (node !== undefined) return node;
  }
  return undefined;
}

/** An expression as text, for what people are told and for what a host's decision is known by. */
export function textOf(expr: Expr): string {
  switch (expr.kind) {
    case 'id':
      return expr.name;
    case 'num':
    case 'str':
      return expr.text;
    case 'call':
      return `${textOf(expr.callee)}(${expr.args.map(textOf).join(', ')})`;
    case 'member':
      return `${textOf(expr.object)}${expr.arrow ? '->' : '.'}${expr.name}`;
    case 'index':
      return `${textOf(expr.object)}[${textOf(expr.index)}]`;
    case 'unary':
      return `${expr.op}${textOf(expr.operand)}`;
    case 'postfix':
      return `${textOf(expr.operand)}${expr.op}`;
    case 'binary':
      return `${textOf(expr.left)} ${expr.op} ${textOf(expr.right)}`;
    case 'assign':
      return `${textOf(expr.target)} ${expr.op} ${textOf(expr.value)}`;
    case 'cast':
      return `(${expr.type})${textOf(expr.operand)}`;
    case 'type':
      return expr.type;
    case 'ternary':
      return `${textOf(expr.test)} ? ${textOf(expr.then)} : ${textOf(expr.otherwise)}`;
    case 'comma':
      return expr.items.map(textOf).join(', ');
    case 'init':
      return `{ ${expr.items.map(({ value }) => textOf(value)).join(', ')} }`;
    case 'statements':
      return `({ ${allStatements(expr.body).map(wordsOf).join('; ')} })`;
  }
}

const wordsOf = (statement: Stmt): string =>
  [statement.kind, 'name' in statement ? statement.name : '', ...expressionsOf(statement).map(textOf)].join(' ');
