import { DataError } from '../../model/errors.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate64, type Scope } from '../c/evaluate.ts';
import { bodyOf, functionsNaming, readUnit, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsOf, inner } from '../c/walk.ts';
import { refuseRenames } from './renames.ts';
import type { SourceText } from './tables.ts';

/** TDX_FEATURES0 as the release's own code composes it, and the bits that depend on the platform (set here). */
export type Features0 = { readonly value: bigint; readonly conditional: readonly number[] };

const TYPE = 'tdx_features_enum0_t';
/** The whole of the 64 bits. */
const RAW = 'raw';

/**
 * Reads the code that answers a read of TDX_FEATURES0: assignments to the members of a `tdx_features_enum0_t`.
 * `null` where the file has no such code. Throws a DataError with its line where a value is changed in a way that is not read.
 */
export function readFeatures0(source: SourceText, names: ReadonlyMap<number, string>): Features0 | null {
  const unit = readUnit(source.path, source.text);
  const bits = new Map([...names].map(([bit, name]) => [name, bit]));
  refuseRenames(unit, [...bits.keys(), RAW]);
  const scope: Scope = { file: unit.file, macro: (name) => unit.macros.get(name) };
  // Only a function that names the type can declare a variable of it.
  const declaring = functionsNaming(unit, (name) => name === TYPE);
  const composed = declaring.flatMap((fn) => compositions({ unit, bits, scope }, bodyOf(unit, fn)));
  const states = composed.filter((state) => state.size > 0);
  if (states.length === 0) return null;
  // Every variable of the type counts: none of them says which one is the answer.
  const set = new Set(states.flatMap((state) => [...state].filter(([, is]) => is !== false).map(([bit]) => bit)));
  const open = new Set(states.flatMap((state) => [...state].filter(([, is]) => is === null).map(([bit]) => bit)));
  const ascending = (list: ReadonlySet<number>): readonly number[] => [...list].sort((a, b) => a - b);
  return { value: [...set].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n), conditional: ascending(open) };
}

type Reading = { readonly unit: Unit; readonly bits: ReadonlyMap<string, number>; readonly scope: Scope };
/** What is known of each bit that was assigned: set, clear, or `null` where a run-time value decides. */
type State = Map<number, boolean | null>;

/** The states of the variables of the type that are declared in a body, at any depth. */
function compositions(reading: Reading, body: readonly Stmt[]): readonly State[] {
  return body.flatMap((stmt, at) => {
    const below = inner(stmt).flatMap((list) => compositions(reading, list));
    if (stmt.kind !== 'decl' || !stmt.type.split(' ').includes(TYPE) || stmt.type.includes('*')) return below;
    const state: State = new Map();
    if (stmt.init !== null) initialise(reading, state, stmt.init);
    take(reading, { name: stmt.name, state, isSure: true }, body, at + 1);
    return [state];
  });
}

/** A variable behind its declaration; `isSure` where nothing decides whether the statement is reached. */
type Variable = { readonly name: string; readonly state: State; readonly isSure: boolean };

function take(reading: Reading, variable: Variable, body: readonly Stmt[], from = 0): void {
  for (let at = from; at < body.length; at += 1) {
    const stmt = body[at];
    if (stmt === undefined) return;
    // Another of that name hides it.
    if (stmt.kind === 'decl' && stmt.name === variable.name) return;
    for (const expr of expressionsOf(stmt)) takeExpression(reading, variable, expr, stmt.kind === 'expr');
    const isSure = variable.isSure && stmt.kind === 'block';
    for (const list of inner(stmt)) take(reading, { ...variable, isSure }, list);
  }
}

/** Takes a statement's assignment; anything else that could change the variable is refused, reads of it are passed. */
function takeExpression(reading: Reading, variable: Variable, expr: Expr, isStatement: boolean): void {
  const { unit } = reading;
  const field = isStatement && expr.kind === 'assign' ? memberOf(expr.target, variable.name) : null;
  if (expr.kind === 'assign' && field !== null) {
    refuseChanges(unit, variable.name, expr.value);
    assign(reading, variable, field, expr);
  } else refuseChanges(unit, variable.name, expr);
}

/** The name of the member of the variable that an expression is, null where it is none. */
const memberOf = (expr: Expr, name: string): string | null =>
  expr.kind === 'member' && !expr.arrow && expr.object.kind === 'id' && expr.object.name === name ? expr.name : null;

function refuseChanges(unit: Unit, name: string, whole: Expr): void {
  for (const expr of allExpressions(whole)) {
    const changed =
      expr.kind === 'assign'
        ? expr.target
        : (expr.kind === 'unary' && /^(&|\+\+|--)$/.test(expr.op)) || expr.kind === 'postfix'
          ? expr.operand
          : null;
    const isOurs =
      changed !== null && (memberOf(changed, name) !== null || (changed.kind === 'id' && changed.name === name));
    if (isOurs) fail(unit.file, expr.at, `\`${name}\` to be composed by statements such as \`${name}.feature = 1;\``);
    if (expr.kind === 'statements')
      for (const stmt of allStatements(expr.body))
        for (const below of expressionsOf(stmt)) refuseChanges(unit, name, below);
  }
}

function bitOf({ unit, bits }: Reading, name: string, at: Expr['at']): number {
  return bits.get(name) ?? fail(unit.file, at, `a feature that \`${TYPE}\` names`, `\`${name}\` is not among them`);
}

/** `{ 0 }`, `{ .raw = 0 }`, `{ .feature = 1 }`. */
function initialise(reading: Reading, state: State, init: Expr): void {
  const { unit } = reading;
  if (init.kind !== 'init') fail(unit.file, init.at, `a braced initialiser of a \`${TYPE}\``);
  for (const { designators, value, at } of init.items) {
    const [first, ...rest] = designators;
    if (first === undefined && init.items.length === 1 && constant(reading, value) === 0n) continue;
    if (first?.kind !== 'field' || rest.length > 0) fail(unit.file, at, `a \`.feature =\` of a \`${TYPE}\``);
    if (first.name === RAW) setAll(reading, state, value);
    else state.set(bitOf(reading, first.name, at), truth(constant(reading, value)));
  }
}

function assign(reading: Reading, variable: Variable, field: string, expr: Extract<Expr, { kind: 'assign' }>): void {
  const { state, isSure } = variable;
  if (field === RAW) {
    if (expr.op !== '=' || !isSure)
      fail(
        reading.unit.file,
        expr.at,
        `\`.${RAW}\` to be set once, before the features`,
        'what it then holds is not read',
      );
    state.clear();
    setAll(reading, state, expr.value);
    return;
  }
  const bit = bitOf(reading, field, expr.at);
  const before = state.get(bit) ?? false;
  const after = combined(reading, expr, before);
  state.set(bit, isSure || after === before ? after : null);
}

/** What a bit is behind an assignment. */
function combined(reading: Reading, expr: Extract<Expr, { kind: 'assign' }>, before: boolean | null): boolean | null {
  const value = truth(constant(reading, expr.value));
  if (expr.op === '=') return value;
  if (expr.op === '|=') return value === true || before === true ? true : value === false ? before : null;
  if (expr.op === '&=') return value === false || before === false ? false : value === true ? before : null;
  return fail(reading.unit.file, expr.at, '`=`, `|=` or `&=` of a feature');
}

function setAll(reading: Reading, state: State, value: Expr): void {
  const raw = constant(reading, value) ?? fail(reading.unit.file, value.at, `a constant \`.${RAW}\` of a \`${TYPE}\``);
  for (let bit = 0; bit < 64; bit += 1) if ((raw >> BigInt(bit)) & 1n) state.set(bit, true);
}

/** A feature is one bit wide: of a number the lowest counts. */
const truth = (value: bigint | null): boolean | null => (value === null ? null : (value & 1n) === 1n);

/** The value of a constant, null where it is none: a run-time value decides. */
function constant({ scope }: Reading, expr: Expr): bigint | null {
  if (expr.kind === 'id' && /^(true|TRUE)$/.test(expr.name)) return 1n;
  if (expr.kind === 'id' && /^(false|FALSE)$/.test(expr.name)) return 0n;
  try {
    return evaluate64(expr, scope);
  } catch (error) {
    // A name in capitals is a constant of a header that is not read: what it is must not be guessed.
    const isConstant = [...allExpressions(expr)].some(
      (part) => part.kind === 'id' && /^[A-Z][A-Z0-9_]*$/.test(part.name),
    );
    if (!(error instanceof DataError) || isConstant) throw error;
    return null;
  }
}
