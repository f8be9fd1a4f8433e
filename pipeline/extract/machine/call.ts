import type { Expr, Stmt } from '../c/ast.ts';
import { isText, peek, skipBrackets } from '../c/cursor.ts';
import type { ScopedMacro } from '../c/evaluate.ts';
import { parseExpression } from '../c/expr.ts';
import { cursorOf } from '../c/grammar.ts';
import { parseInitialiser } from '../c/initialiser.ts';
import { parseStatements } from '../c/statement.ts';
import { bodyOf } from '../c/unit.ts';
import { boundTo } from './bindings.ts';
import { evaluate } from './expression.ts';
import { convert, int, type Node, newNode, outside, read, type Value, write } from './memory.ts';
import { isInput } from './operate.ts';
import { declaratorsOf, typeOfWords } from './types.ts';
import { FLOW, type FoundFunction, type Frame, type Run, type Signature, step, stop, textOf } from './world.ts';

type Call = Extract<Expr, { kind: 'call' }>;

/** Nothing in a filter calls this deep. */
const MAX_DEPTH = 100;

/** The value of a call: of a function that is read, a macro, or one whose meaning is built in. */
export function call(expr: Call, frame: Frame): Value {
  const { world } = frame.run;
  const bound = expr.callee.kind === 'id' ? boundTo(expr.callee.name, frame) : null;
  const callee = bound?.expr ?? expr.callee;
  if (callee.kind !== 'id') return callPointer(expr, frame);
  const { name } = callee;
  const known = frame.scope.names.size >= 0 && isVariable(name, frame);
  if (known) return callPointer(expr, frame);
  const builtin = world.builtin(frame.file, name);
  if (builtin !== undefined) return builtin(expr, frame);
  const found = world.function(frame.file, name, expr.at);
  if (found !== null) return callFunction(found, expr, frame);
  const macro = world.macro(frame.file, name);
  if (macro?.params != null) return callMacro(macro, macro.params, expr, frame);
  return callOutside(expr, name, frame);
}

function isVariable(name: string, frame: Frame): boolean {
  for (let at: Frame['scope'] | null = frame.scope; at !== null; at = at.outer) if (at.names.has(name)) return true;
  return false;
}

function callPointer(expr: Call, frame: Frame): Value {
  const value = evaluate(expr.callee, frame);
  if (value.kind === 'function') {
    const found = frame.run.world.function(value.file, value.name, expr.at);
    if (found !== null) return callFunction(found, expr, frame);
  }
  return callOutside(expr, textOf(expr.callee), frame);
}

/** What another file does with plain values tells nothing; with what is tried, or with places that it may write, it decides. */
function callOutside(expr: Call, name: string, frame: Frame): Value {
  const args = expr.args.map((arg) => (arg.kind === 'type' ? int(0n) : evaluate(arg, frame)));
  if (args.some(mayDecide))
    return stop(
      frame,
      expr.at,
      'a call that can be run',
      `cannot run the call of ${name}() here: its body is not among what is read`,
    );
  return outside(textOf(expr));
}

function mayDecide(value: Value): boolean {
  if (isInput(value)) return true;
  if (value.kind === 'int') return value.key !== undefined;
  return (value.kind === 'pointer' || value.kind === 'struct') && !isOutside(value.node);
}

function isOutside(node: Node): boolean {
  for (let at: Node | null = node; at !== null; at = at.up?.node ?? null) if (at.fill !== 'outside') return false;
  return true;
}

function callFunction(found: FoundFunction, expr: Call, frame: Frame): Value {
  const args = expr.args.map((arg) => evaluate(arg, frame));
  return invoke(found, args, frame.run, () =>
    stop(frame, expr.at, `at most ${MAX_DEPTH} calls inside each other`, `${found.fn.name}() may call itself for ever`),
  );
}

/** Runs a function on values, in a frame of its own. */
export function invoke({ unit, fn }: FoundFunction, args: readonly Value[], run: Run, tooDeep: () => never): Value {
  if (run.depth >= MAX_DEPTH) return tooDeep();
  const { params, result } = signatureOf({ unit, fn }, run);
  const names = new Map<string, Node>();
  const frame: Frame = {
    run,
    file: unit.file,
    scope: { names, outer: null },
    bindings: null,
    callLine: null,
    returned: null,
    label: null,
  };
  for (const [index, param] of fn.params.entries()) {
    const value = args[index];
    const node = newNode(param, params[index] ?? { kind: 'unknown', text: '' }, 'unset');
    if (value !== undefined) write(node, value, { file: unit.file, line: fn.line });
    names.set(param, node);
  }
  run.depth += 1;
  const body = bodyOf(unit, fn);
  const flow = run.world.interpreter.blockOf(body, frame)(frame);
  run.depth -= 1;
  if (flow === FLOW.goto) {
    const [first] = body;
    if (first !== undefined) return stop(frame, first.at, `a label \`${frame.label}\` that the jump can reach`);
  }
  const value = frame.returned ?? (result.kind === 'void' ? int(0n) : unset(`what ${fn.name}() returns`));
  return value.kind === 'struct' ? read(copyOf(value.node)) : convert(value, result);
}

const unset = (text: string): Value => ({ kind: 'unset', text });

/** A struct that is returned is a value of its own. */
function copyOf(node: Node): Node {
  const copy = newNode(node.name, node.type, node.fill);
  write(copy, { kind: 'struct', node }, node.at ?? { file: '', line: 1 });
  return copy;
}

/** The types of a function's parameters and result, from the tokens of its head. */
function signatureOf({ unit, fn }: FoundFunction, run: Run): Signature {
  const known = run.world.signatures.get(fn);
  if (known !== undefined) return known;
  const scope = run.world.types(unit.file);
  const { file } = unit;
  const { tokens } = fn;
  let at = fn.open;
  while (at > 0 && !(isText(tokens[at], fn.name) && isText(tokens[at + 1], '('))) at -= 1;
  const behind = skipBrackets(file, tokens, at + 1);
  const params = splitParams(tokens.slice(at + 2, behind - 1)).map((part) => {
    const [own] = declaratorsOf(file, part, scope);
    const type = own?.type ?? { kind: 'unknown' as const, text: '' };
    // An array that is a parameter is a pointer.
    return type.kind === 'array' ? { kind: 'pointer' as const, to: type.of } : type;
  });
  let start = at;
  while (start > 0 && !/^[;}]$/.test(tokens[start - 1]?.text ?? ';') && tokens[start - 1]?.kind !== 'directive')
    start -= 1;
  const result = typeOfWords(
    tokens.slice(start, at).map(({ text }) => text),
    scope,
  );
  const signature = { params, result };
  run.world.signatures.set(fn, signature);
  return signature;
}

function splitParams<T extends { readonly kind: string; readonly text: string }>(tokens: readonly T[]): readonly T[][] {
  const parts: T[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === '(' || token.text === '[') depth += 1;
    if (token.text === ')' || token.text === ']') depth -= 1;
    if (token.text === ',' && depth === 0) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

type Text = { readonly expr: Expr } | { readonly body: readonly Stmt[] };
const texts = new WeakMap<ScopedMacro['body'], Text>();

/** A macro's text, parsed as an expression if it is one, else as statements. */
function textOfMacro(macro: ScopedMacro, file: string): Text {
  const known = texts.get(macro.body);
  if (known !== undefined) return known;
  const [first] = macro.body;
  const isStatement = first !== undefined && /^(?:do|if|for|while|switch|return|\{)$/.test(first.text);
  const cursor = cursorOf(macro.file ?? file, macro.body);
  let text: Text;
  if (isStatement) text = { body: parseStatements(cursor, () => peek(cursor).kind === 'end') };
  else {
    const expr = parseExpression(cursor);
    if (peek(cursor).kind === 'end') text = { expr };
    else {
      const again = cursorOf(macro.file ?? file, [...macro.body, ...semicolon(macro)]);
      text = { body: parseStatements(again, () => peek(again).kind === 'end') };
    }
  }
  texts.set(macro.body, text);
  return text;
}

/** The one that the caller writes behind the macro ends its last statement. */
const semicolon = ({ body }: ScopedMacro) => {
  const last = body.at(-1);
  return last === undefined || last.text === ';' || last.text === '}'
    ? []
    : [{ ...last, kind: 'punct' as const, text: ';' }];
};

function isExpanding(name: string, frame: Frame): boolean {
  for (let at = frame.bindings; at !== null; at = at.outer) if (at.macro === name) return true;
  return false;
}

/** The value of a macro without parameters; null where the name is none, or, if `onlyPlaces`, is no name of a place. */
export function expandName(expr: Extract<Expr, { kind: 'id' }>, frame: Frame, onlyPlaces = false): Value | null {
  const macro = frame.run.world.macro(frame.file, expr.name);
  if (macro === undefined || macro.params !== null || isExpanding(expr.name, frame)) return null;
  if (macro.isAmbiguous)
    return stop(frame, expr.at, `a macro ${expr.name} that means the same in every branch of its #if`);
  if (macro.body.length === 0) return onlyPlaces ? null : int(0n);
  return within(macro, new Map(), expr.at.line, frame, (inner) => {
    const text = textOfMacro(macro, frame.file);
    if ('expr' in text) return evaluate(text.expr, inner);
    return stop(inner, expr.at, `the macro ${expr.name} to be one expression`);
  });
}

// biome-ignore lint/complexity/useMaxParams: a macro as it is expanded, and what is done inside.
function within<T>(
  macro: ScopedMacro,
  args: ReadonlyMap<string, Expr>,
  line: number,
  frame: Frame,
  action: (frame: Frame) => T,
): T {
  const { bindings, callLine } = frame;
  frame.bindings = { macro: macro.name, args, outer: bindings };
  frame.callLine = callLine ?? line;
  try {
    return action(frame);
  } finally {
    frame.bindings = bindings;
    frame.callLine = callLine;
  }
}

function callMacro(macro: ScopedMacro, params: readonly string[], expr: Call, frame: Frame): Value {
  return runMacro(macro, params, expr, frame, (inner) => {
    const text = textOfMacro(macro, frame.file);
    if ('expr' in text) return evaluate(text.expr, inner);
    const flow = inner.run.world.interpreter.blockOf(text.body, inner)(inner);
    return flow === FLOW.next ? int(0n) : stop(frame, expr.at, `the macro ${macro.name} to be one expression`);
  });
}

// biome-ignore lint/complexity/useMaxParams: a macro as it is called, and what is done with its text.
function runMacro<T>(
  macro: ScopedMacro,
  params: readonly string[],
  expr: Call,
  frame: Frame,
  action: (frame: Frame) => T,
): T {
  if (isExpanding(macro.name, frame)) return stop(frame, expr.at, 'a macro that does not refer to itself');
  if (macro.isAmbiguous)
    return stop(frame, expr.at, `a macro ${macro.name} that means the same in every branch of its #if`);
  if (macro.body.some(({ text }) => text === '#' || text === '##'))
    return stop(frame, expr.at, 'a macro without # and ##', `cannot run the macro ${macro.name}() here`);
  const isVariadic = params.at(-1) === '...';
  const names = isVariadic ? params.slice(0, -1) : params;
  const args = new Map<string, Expr>();
  if (!isVariadic && expr.args.length !== names.length)
    return stop(frame, expr.at, `${names.length} arguments of the macro ${macro.name}`);
  for (const [index, name] of names.entries()) {
    const arg = expr.args[index];
    const isRest = isVariadic && index === names.length - 1;
    // `masks...`: all that is left, as C's comma joins it.
    if (isRest && expr.args.length > index + 1)
      args.set(name, { kind: 'comma', items: expr.args.slice(index), at: expr.at });
    else if (arg !== undefined) args.set(name, arg);
  }
  return within(macro, args, expr.at.line, frame, action);
}

const lists = new WeakMap<ScopedMacro['body'], Expr>();

/** The macro that an initialiser names, where its text is a list in braces. */
function listMacro(expr: Expr, frame: Frame): ScopedMacro | null {
  const callee = expr.kind === 'call' ? expr.callee : expr;
  if (callee.kind !== 'id' || boundTo(callee.name, frame) !== null || isVariable(callee.name, frame)) return null;
  const macro = frame.run.world.macro(frame.file, callee.name);
  const isOwnForm = macro !== undefined && (macro.params !== null) === (expr.kind === 'call');
  return isOwnForm && isText(macro.body[0], '{') ? macro : null;
}

export const isList = (expr: Expr, frame: Frame): boolean => expr.kind === 'init' || listMacro(expr, frame) !== null;

/** Does something with the list in braces that an initialiser is or names; false where it is none. */
export function withList(expr: Expr, frame: Frame, action: (list: Expr, frame: Frame) => void): boolean {
  const macro = listMacro(expr, frame);
  if (macro === null) return false;
  const list = lists.get(macro.body) ?? parseInitialiser(cursorOf(macro.file ?? frame.file, macro.body));
  lists.set(macro.body, list);
  if (expr.kind === 'call' && macro.params !== null)
    runMacro(macro, macro.params, expr, frame, (inner) => action(list, inner));
  else within(macro, new Map(), expr.at.line, frame, (inner) => action(list, inner));
  return true;
}

/** An expression statement: a macro may be statements that end the function or the loop around it. */
export function asStatement(expr: Expr, frame: Frame): number {
  if (expr.kind === 'id' && /^(?:fallthrough|__attribute__)$/.test(expr.name)) return FLOW.next;
  if (expr.kind === 'id') {
    const bound = boundTo(expr.name, frame);
    if (bound === null && !isVariable(expr.name, frame)) {
      const macro = frame.run.world.macro(frame.file, expr.name);
      if (macro?.params === null && macro.body.length > 0) {
        const text = textOfMacro(macro, frame.file);
        if ('body' in text)
          return within(macro, new Map(), expr.at.line, frame, (inner) =>
            inner.run.world.interpreter.blockOf(text.body, inner)(inner),
          );
      }
    }
  }
  if (expr.kind === 'call' && expr.callee.kind === 'id') {
    const { name } = expr.callee;
    const { world } = frame.run;
    const isMacro =
      boundTo(name, frame) === null &&
      world.builtin(frame.file, name) === undefined &&
      world.function(frame.file, name, expr.at) === null;
    const macro = isMacro ? world.macro(frame.file, name) : undefined;
    if (macro?.params != null) {
      step(frame, expr.at);
      return runMacro(macro, macro.params, expr, frame, (inner) => {
        const text = textOfMacro(macro, frame.file);
        if ('body' in text) return inner.run.world.interpreter.blockOf(text.body, inner)(inner);
        evaluate(text.expr, inner);
        return FLOW.next;
      });
    }
  }
  evaluate(expr, frame);
  return FLOW.next;
}
