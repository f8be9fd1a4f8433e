import { and, or } from '../../model/mask.ts';
import { comparePlaces, placeId, REGISTERS, type Register } from '../../model/place.ts';
import type { PolicyMask } from '../../model/policy.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate32 } from '../c/evaluate.ts';
import { bodyOf, type CFunction, functionsNaming } from '../c/unit.ts';
import { expressionsIn } from '../c/walk.ts';
import { featureScope, type Program } from './program.ts';
import { ask } from './view.ts';

/** Functions that ask KVM what KVM_GET_SUPPORTED_CPUID would report. */
export function findSupported(program: Program): readonly CFunction[] {
  return ask(program.unit, 'functions that ask what KVM supports', (unit) =>
    functionsNaming(unit, (name) => ASKING.test(name)).filter((fn) =>
      expressionsIn(bodyOf(unit, fn)).some(asksSupported),
    ),
  );
}

const asksSupported = (expr: Expr): boolean =>
  expr.kind === 'call' && expr.callee.kind === 'id' && ASKING.test(expr.callee.name);
const ASKING = /^(?:__)?kvm_get_supported_cpuid/;

/** A leaf that a variable stands for. */
type Leaf = { readonly leaf: number; readonly subleaf: number };
type State = {
  readonly program: Program;
  readonly leaves: Map<string, Leaf>;
  /** Counters of loops with constant bounds. */
  readonly counters: Map<string, number>;
  readonly masks: Map<string, PolicyMask>;
};

/** A loop over sub-leaves has a handful of rounds. */
const MAX_ROUNDS = 64;

/**
 * The masks that the code adds to what KVM supports of a leaf: `entry = kvm_find_cpuid_entry2(…, 0x1, 0)` and
 * `entry->eax |= 0x0fff3fff`. Throws a DataError for a register that is set to something that is no constant, or of a leaf
 * that is not known.
 */
export function readFixups(program: Program, fn: CFunction): readonly PolicyMask[] {
  const state: State = { program, leaves: new Map(), counters: new Map(), masks: new Map() };
  walk(state, bodyOf(program.unit, fn));
  return [...state.masks.values()].sort(comparePlaces);
}

function walk(state: State, body: readonly Stmt[]): void {
  for (const statement of body) {
    if (statement.kind === 'expr') take(state, statement.expr);
    else if (statement.kind === 'decl' && statement.init !== null) assign(state, statement.name, statement.init);
    else if (statement.kind === 'block') walk(state, statement.body);
    else if (statement.kind === 'if') {
      walk(state, statement.then);
      walk(state, statement.otherwise);
    } else if (statement.kind === 'loop') repeat(state, statement);
  }
}

/** `for (i = 1; i <= 5; i++)`. A loop without constant bounds must not set a register. */
function repeat(state: State, loop: Extract<Stmt, { kind: 'loop' }>): void {
  const { test, step } = loop;
  walk(state, loop.head);
  const counter = test?.kind === 'binary' && test.left.kind === 'id' ? test.left.name : '';
  if (test?.kind !== 'binary' || !state.counters.has(counter) || step === null) {
    for (const expr of expressionsIn(loop.body)) if (registerOf(expr) !== null) setsInLoop(state, expr);
    return;
  }
  for (let round = 0; isBelow(test.op, state.counters.get(counter) ?? 0, numberOf(state, test.right)); round += 1) {
    if (round === MAX_ROUNDS) fail(state.program.path, loop.at, `a loop of at most ${MAX_ROUNDS} rounds`);
    walk(state, loop.body);
    state.counters.set(counter, (state.counters.get(counter) ?? 0) + 1);
  }
}

const setsInLoop = (state: State, expr: Expr): never =>
  fail(state.program.path, expr.at, 'a loop with constant bounds around what KVM adds to its supported CPUID');
const isBelow = (op: string, value: number, limit: number): boolean =>
  op === '<=' ? value <= limit : op === '<' && value < limit;

function take(state: State, expr: Expr): void {
  if (expr.kind !== 'assign') return;
  const target = registerOf(expr);
  if (expr.target.kind === 'id') assign(state, expr.target.name, expr.value);
  else if (target === null) key(state, expr);
  else setRegister(state, expr, target);
}

type Target = { readonly owner: string; readonly register: Register };

function setRegister(state: State, expr: Expr & { readonly kind: 'assign' }, target: Target): void {
  // `a->eax = b->ebx = 0` sets both.
  if (expr.value.kind === 'assign') take(state, expr.value);
  const value = expr.value.kind === 'assign' ? expr.value.value : expr.value;
  const leaf = state.leaves.get(target.owner);
  if (leaf === undefined)
    fail(state.program.path, expr.at, 'a register of a leaf that is looked up by constants before');
  else add(state, { ...leaf, register: target.register }, expr.op, numberOf(state, value), expr.at.line, expr);
}

// biome-ignore lint/complexity/useMaxParams: one assignment in its parts, and the state that it changes.
function add(
  state: State,
  place: Leaf & { readonly register: Register },
  op: string,
  value: number,
  line: number,
  expr: Expr,
): void {
  const old = state.masks.get(placeId(place));
  const before = old?.mask ?? 0;
  const mask = op === '|=' ? or(before, value) : op === '=' ? value : op === '&=' ? and(before, value) : null;
  if (mask === null) fail(state.program.path, expr.at, '`=`, `|=` or `&=` with a constant');
  else if (mask === 0) state.masks.delete(placeId(place));
  else state.masks.set(placeId(place), { ...place, mask, path: state.program.path, line: old?.line ?? line });
}

/** `entry = kvm_find_cpuid_entry2(entries, nent, 0x4, i)`, `i = 1`. */
function assign(state: State, name: string, value: Expr): void {
  state.leaves.delete(name);
  state.counters.delete(name);
  if (value.kind === 'num') state.counters.set(name, numberOf(state, value));
  if (value.kind !== 'call' || value.callee.kind !== 'id' || !/find_cpuid_entry/.test(value.callee.name)) return;
  const [leaf, subleaf] = value.args.slice(-2);
  if (leaf !== undefined && subleaf !== undefined && isConstant(state, leaf) && isConstant(state, subleaf))
    state.leaves.set(name, { leaf: numberOf(state, leaf), subleaf: numberOf(state, subleaf) });
}

/** `entry->function = 0x1f; entry->index = i;` makes an entry of its own. */
function key(state: State, expr: Expr & { readonly kind: 'assign' }): void {
  const { target } = expr;
  if (target.kind !== 'member' || target.object.kind !== 'id' || expr.op !== '=') return;
  const before = state.leaves.get(target.object.name) ?? { leaf: 0, subleaf: 0 };
  if (target.name === 'function')
    state.leaves.set(target.object.name, { leaf: numberOf(state, expr.value), subleaf: before.subleaf });
  if (target.name === 'index')
    state.leaves.set(target.object.name, { leaf: before.leaf, subleaf: numberOf(state, expr.value) });
}

function registerOf(expr: Expr): Target | null {
  if (expr.kind !== 'assign' || expr.target.kind !== 'member' || expr.target.object.kind !== 'id') return null;
  const { name, object } = expr.target;
  const register = REGISTERS.find((each) => each === name);
  return register === undefined ? null : { owner: object.name, register };
}

const isConstant = (state: State, expr: Expr): boolean =>
  expr.kind === 'num' || (expr.kind === 'id' && (state.counters.has(expr.name) || isNamed(state, expr.name)));
const isNamed = ({ program }: State, name: string): boolean =>
  program.scope.macro(name) !== undefined || program.scope.constant?.(name) !== undefined;

function numberOf(state: State, expr: Expr): number {
  const counted = expr.kind === 'id' ? state.counters.get(expr.name) : undefined;
  return counted ?? evaluate32(expr, featureScope(state.program));
}
