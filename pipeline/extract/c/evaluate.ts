import { KnownError } from '../../model/errors.ts';
import type { Expr } from './ast.ts';
import { BUILTINS } from './builtins.ts';
import { fail, peek } from './cursor.ts';
import { parseExpression } from './expr.ts';
import { cursorOf } from './grammar.ts';
import { balance, binary, type CInteger, cast, integerOf, literal, truth, unary } from './integer.ts';
import type { Macro } from './macro.ts';
import { binaryPower, POWER } from './operators.ts';

export type { CInteger };

/** A macro with the file that it stands in, where that is not the scope's. */
export type ScopedMacro = Macro & { readonly file?: string };

/** What names mean: macros by name, constants such as enumerators, and calls that the macros do not define. */
export type Scope = {
  readonly file: string;
  readonly macro: (name: string) => ScopedMacro | undefined;
  readonly constant?: (name: string) => bigint | undefined;
  /** A call whose meaning is built in, such as `__feature_bit(X86_FEATURE_HLE)`; undefined where it is not known. */
  readonly call?: (name: string, args: readonly Expr[], evaluate: (arg: Expr) => CInteger) => CInteger | undefined;
};

/** Levels of an expression and of the macros that it is made of. */
const MAX_DEPTH = 200;
/** Macros that double themselves take more; nothing that is written by hand does. */
const MAX_STEPS = 100_000;

const ONE_MEANING = 'a macro that means the same in every branch of its #if';

/** The value of a C constant expression, in two's complement of its type. Throws a DataError naming what is no constant. */
export function evaluate(expr: Expr, scope: Scope): CInteger {
  // Tables are made of literals: these need no environment.
  if (expr.kind === 'num') return literalOf(expr, scope);
  const run: Run = { steps: 0, bodies: new Map() };
  return plain(evaluateIn(expr, { scope, run, args: new Map(), expanding: null, depth: 0, isUnused: false }));
}

/** The value as an unsigned number of 32 bits: `~0x3` is 0xfffffffc. */
export const evaluate32 = (expr: Expr, scope: Scope): number => Number(BigInt.asUintN(32, evaluate(expr, scope).value));
/** The value as an unsigned bigint of 64 bits, sign-extended as C does. */
export const evaluate64 = (expr: Expr, scope: Scope): bigint => BigInt.asUintN(64, evaluate(expr, scope).value);

/** A macro's value. Throws a DataError where its body is no constant expression. */
export function evaluateMacro(macro: Macro, scope: Scope): CInteger {
  const [first] = macro.body;
  if (macro.isAmbiguous && first !== undefined) return fail(scope.file, first, ONE_MEANING);
  return evaluate(bodyExpression(macro, scope.file), scope);
}

function bodyExpression(macro: Macro, file: string): Expr {
  const cursor = cursorOf(file, macro.body);
  const expr = parseExpression(cursor);
  const rest = peek(cursor);
  if (rest.kind !== 'end') return fail(file, rest, `the macro ${macro.name} to be one expression`);
  return expr;
}

/**
 * A value and how tightly the text that it was made from binds: a macro is text, so `A * 2` with an `A` of `1 + 2` is no
 * product. Where the text would bind otherwise than the value, that is an error.
 */
type BoundInteger = CInteger & { readonly power: number };
type Run = { steps: number; readonly bodies: Map<Macro['body'], Expr> };
/** Names of the macros that are being expanded, innermost first. */
type Expanding = { readonly name: string; readonly outer: Expanding } | null;
type Env = {
  readonly scope: Scope;
  readonly run: Run;
  /** What a macro's parameters stand for, in the place of the call. */
  readonly args: ReadonlyMap<string, { readonly expr: Expr; readonly env: Env }>;
  readonly expanding: Expanding;
  readonly depth: number;
  /** In the arm of a choice that C does not take: only the type counts, `1 / 0` is none of its business. */
  readonly isUnused: boolean;
};

const literalOf = (expr: Expr & { readonly kind: 'num' }, scope: Scope): CInteger =>
  literal(expr.text) ?? fail(scope.file, expr.at, 'an integer literal');

const plain = ({ value, bits, signed }: BoundInteger): CInteger => ({ value, bits, signed });
const boundAs = (value: CInteger, power: number): BoundInteger => ({ ...value, power });

function evaluateIn(expr: Expr, outer: Env): BoundInteger {
  const env = { ...outer, depth: outer.depth + 1 };
  if (env.depth > MAX_DEPTH) return fail(env.scope.file, expr.at, `a constant of at most ${MAX_DEPTH} levels`);
  spend(expr, env, 1);
  const value = evaluateNode(expr, env);
  return expr.parens === true ? boundAs(value, POWER.primary) : value;
}

function spend(expr: Expr, env: Env, steps: number): void {
  env.run.steps += steps;
  if (env.run.steps > MAX_STEPS) fail(env.scope.file, expr.at, `a constant of at most ${MAX_STEPS} steps`);
}

function evaluateNode(expr: Expr, env: Env): BoundInteger {
  const { file } = env.scope;
  switch (expr.kind) {
    case 'num':
      return boundAs(literalOf(expr, env.scope), POWER.primary);
    case 'id':
      return evaluateName(expr, env);
    case 'call':
      return evaluateCall(expr, env);
    case 'unary':
    case 'cast': {
      const operand = evaluateIn(expr.operand, env);
      checkPower(operand, POWER.unary, expr, env);
      const value = expr.kind === 'cast' ? cast(expr.type, operand) : unary(expr.op, operand);
      const expected = expr.kind === 'cast' ? 'a cast to an integer type' : 'a constant expression';
      return boundAs(value ?? fail(file, expr.at, expected), POWER.unary);
    }
    case 'binary':
      return evaluateBinary(expr, env);
    case 'ternary':
      return evaluateTernary(expr, env);
    default:
      return fail(file, expr.at, 'a constant expression');
  }
}

function checkPower(operand: BoundInteger, least: number, expr: Expr, env: Env): void {
  if (operand.power < least)
    fail(env.scope.file, expr.at, 'parentheses around the macro or the argument that is an operand here');
}

/** The left operands of a chain are taken in a loop: `A | B | C …` may be longer than the stack is deep. */
function evaluateBinary(expr: Expr & { readonly kind: 'binary' }, env: Env): BoundInteger {
  const chain = [expr];
  let first: Expr = expr.left;
  while (first.kind === 'binary' && first.parens !== true) {
    chain.push(first);
    first = first.left;
  }
  spend(expr, env, chain.length);
  return chain.reduceRight((left, step) => applyBinary(step, left, env), evaluateIn(first, env));
}

function applyBinary(expr: Expr & { readonly kind: 'binary' }, left: BoundInteger, env: Env): BoundInteger {
  const { op } = expr;
  const power = binaryPower(op) ?? fail(env.scope.file, expr.at, 'a constant expression');
  checkPower(left, power, expr, env);
  const isLogical = op === '&&' || op === '||';
  const isDecided = isLogical && (left.value !== 0n) === (op === '||');
  // The side that C does not evaluate need not be a constant.
  const right = isDecided
    ? attempt(() => evaluateIn(expr.right, { ...env, isUnused: true }))
    : evaluateIn(expr.right, env);
  // `a | (b | c)` is `(a | b) | c`, but `a - (b - c)` is not `(a - b) - c`.
  const isAssociative = isLogical || ['|', '&', '^'].includes(op);
  if (right !== null) checkPower(right, isAssociative ? power : power + 1, expr, env);
  if (isLogical) return boundAs(truth(isDecided ? left.value !== 0n : right?.value !== 0n), power);
  const value = binary(op, left, right ?? left);
  if (typeof value !== 'string') return boundAs(value, power);
  return boundAs(env.isUnused ? unusedResult(op, left, right ?? left) : fail(env.scope.file, expr.at, value), power);
}

/** The type of a quotient or shift that is not computed. */
const unusedResult = (op: string, left: CInteger, right: CInteger): CInteger => {
  const [type] = /^[/%]$/.test(op) ? balance(left, right) : balance(left, left);
  return { ...type, value: 0n };
};

function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if (error instanceof KnownError) return null;
    throw error;
  }
}

/** Both arms give the type, one the value. */
function evaluateTernary(expr: Expr & { readonly kind: 'ternary' }, env: Env): BoundInteger {
  const test = evaluateIn(expr.test, env);
  checkPower(test, POWER.weakest, expr, env);
  const isThen = test.value !== 0n;
  const then = evaluateIn(expr.then, isThen ? env : { ...env, isUnused: true });
  const otherwise = evaluateIn(expr.otherwise, isThen ? { ...env, isUnused: true } : env);
  checkPower(otherwise, POWER.choice, expr, env);
  const [one, other] = balance(then, otherwise);
  return boundAs(isThen ? one : other, POWER.choice);
}

function evaluateName(expr: Expr & { readonly kind: 'id' }, env: Env): BoundInteger {
  const { name, at } = expr;
  const { scope } = env;
  const bound = env.args.get(name);
  if (bound !== undefined) return evaluateIn(bound.expr, { ...bound.env, depth: env.depth, isUnused: env.isUnused });
  const constant = scope.constant?.(name);
  if (constant !== undefined) return boundAs(integerOf(constant), POWER.primary);
  const macro = scope.macro(name);
  if (macro === undefined || macro.params !== null)
    return fail(scope.file, at, `a constant, and \`${name}\` is not defined`);
  return expand(expr, macro, new Map(), env);
}

function expand(expr: Expr, macro: ScopedMacro, args: Env['args'], env: Env): BoundInteger {
  const { scope, run } = env;
  for (let above = env.expanding; above !== null; above = above.outer)
    if (above.name === macro.name) return fail(scope.file, expr.at, 'a constant that does not refer to itself');
  if (macro.isAmbiguous) return fail(scope.file, expr.at, ONE_MEANING);
  const inner: Scope = { ...scope, file: macro.file ?? scope.file };
  const known = run.bodies.get(macro.body);
  if (known === undefined) spend(expr, env, macro.body.length);
  const body = known ?? bodyExpression(macro, inner.file);
  run.bodies.set(macro.body, body);
  return evaluateIn(body, { ...env, scope: inner, args, expanding: { name: macro.name, outer: env.expanding } });
}

function evaluateCall(expr: Expr & { readonly kind: 'call' }, env: Env): BoundInteger {
  const { callee } = expr;
  const { scope } = env;
  if (callee.kind !== 'id') return fail(scope.file, expr.at, 'a call of a named macro');
  const sub = (inner: Expr): CInteger => plain(evaluateIn(inner, env));
  const known = scope.call?.(callee.name, expr.args, sub);
  if (known !== undefined) return boundAs(known, POWER.primary);
  const macro = scope.macro(callee.name);
  if (macro?.params != null) return expand(expr, macro, bind(expr, macro, macro.params, env), env);
  const builtin = BUILTINS.get(callee.name);
  if (builtin === undefined) return fail(scope.file, expr.at, `a constant, and \`${callee.name}()\` is not defined`);
  const value =
    builtin(expr.args.map(sub)) ?? fail(scope.file, expr.at, `${callee.name}() with bits that its type has`);
  return boundAs(value, POWER.primary);
}

/** A macro's parameters with the expressions that the call gives them. */
function bind(expr: Expr & { readonly kind: 'call' }, macro: Macro, params: readonly string[], env: Env): Env['args'] {
  const isVariadic = params.at(-1) === '...';
  const names = isVariadic ? params.slice(0, -1) : params;
  if (isVariadic ? expr.args.length < names.length : expr.args.length !== names.length)
    return fail(env.scope.file, expr.at, `${names.length} arguments of the macro ${macro.name}`);
  return new Map(
    names.flatMap((name, index) => {
      const arg = expr.args[index];
      return arg === undefined ? [] : [[name, { expr: arg, env }] as const];
    }),
  );
}
