import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { bodyOf, type CFunction } from '../c/unit.ts';
import { condition, evaluateExpr } from './expression.ts';
import type { Program } from './program.ts';
import {
  type Compared,
  type Entry,
  type Frame,
  type Key,
  type Places,
  type Run,
  slotOf,
  UNKNOWN,
  type Value,
} from './values.ts';

type Flow =
  | { readonly kind: 'next' | 'break' | 'continue' | 'goto' }
  | { readonly kind: 'return'; readonly value: Value };
const NEXT: Flow = { kind: 'next' };
/** Code of this kind takes a few hundred steps; more is a loop that the values do not end. */
const MAX_STEPS = 20_000;

export type Outcome = {
  readonly result: bigint | null;
  readonly entry: Entry;
  readonly lines: ReadonlyMap<string, number>;
  readonly compared: Compared;
};

const newRun = (program: Program, places: Places, compared: Compared): Run => ({
  program,
  places,
  compared,
  call,
  steps: 0,
});
const nothingCompared = (): Compared => ({ function: new Set(), index: new Set() });

/** Runs a function of the program on an entry, as C would. Throws a DataError for what the code does that is not understood. */
export function runFunction(program: Program, fn: CFunction, entry: Entry): Outcome {
  const slot = slotOf(entry);
  const run = newRun(program, {}, nothingCompared());
  const value = call(
    run,
    fn,
    fn.params.map((_, index): Value => (index === entryParameter(program, fn) ? { kind: 'entry', slot } : UNKNOWN)),
  );
  return {
    result: value.kind === 'number' ? value.value : null,
    entry: slot.entry,
    lines: slot.lines,
    compared: run.compared,
  };
}

/** The value of a condition in which `name` stands for the entry. */
export function runCondition(
  program: Program,
  test: Expr,
  name: string,
  entry: Entry,
  compared: Compared = nothingCompared(),
): boolean {
  const run = newRun(program, {}, compared);
  const value = evaluateExpr(test, { values: new Map([[name, { kind: 'entry', slot: slotOf(entry) }]]), run });
  if (value.kind !== 'number') return fail(program.path, test.at, 'a condition on the CPUID entry');
  return value.value !== 0n;
}

/** What one turn of a loop over the module's configurable leaves does to its entries, and whether it gives up with an error. */
export function runTurn(
  program: Program,
  body: readonly Stmt[],
  places: Places,
): { readonly isRefused: boolean; readonly compared: Compared } {
  const run = newRun(program, places, nothingCompared());
  const flow = runBody(body, { values: new Map(), run, isTurn: true });
  const isGivenUp = flow.kind === 'goto' || (flow.kind === 'return' && !isNothing(flow.value));
  const [first] = body;
  if (!isGivenUp && flow.kind !== 'next' && flow.kind !== 'continue' && first !== undefined)
    return fail(program.path, first.at, 'a loop that goes over all leaves or ends with an error');
  return { isRefused: isGivenUp, compared: run.compared };
}

/** The error is a negated constant that no header here gives a value: `-EINVAL`. */
const isNothing = (value: Value): boolean =>
  value.kind === 'number' ? value.value === 0n : value.kind === 'unknown' && value.mixed !== true;

/** The parameter that is the entry: the one whose type names `kvm_cpuid_entry2`. */
function entryParameter(program: Program, fn: CFunction): number {
  const { tokens } = program.unit;
  let at = fn.open;
  while (at > 0 && tokens[at]?.text !== fn.name) at -= 1;
  const heads = tokens.slice(at, fn.open);
  let index = 0;
  for (const token of heads) {
    if (token.text === ',') index += 1;
    if (token.text === 'kvm_cpuid_entry2') return index;
  }
  return 0;
}

function call(run: Run, fn: CFunction, args: readonly Value[]): Value {
  const values = new Map(fn.params.map((param, index) => [param, args[index] ?? UNKNOWN]));
  const flow = runBody(bodyOf(run.program.unit, fn), { values, run });
  return flow.kind === 'return' ? flow.value : UNKNOWN;
}

function runBody(body: readonly Stmt[], frame: Frame): Flow {
  for (const statement of body) {
    const flow = runStatement(statement, frame);
    if (flow.kind !== 'next') return flow;
  }
  return NEXT;
}

function runStatement(statement: Stmt, frame: Frame): Flow {
  const { run } = frame;
  run.steps += 1;
  if (run.steps > MAX_STEPS) return fail(run.program.path, statement.at, 'code that ends');
  switch (statement.kind) {
    case 'expr':
      evaluateExpr(statement.expr, frame);
      return NEXT;
    case 'decl':
      frame.values.set(statement.name, declared(statement, frame));
      return NEXT;
    case 'if':
      return runBody(condition(statement.test, frame) ? statement.then : statement.otherwise, frame);
    case 'block':
      return runBody(statement.body, frame);
    case 'return':
      return { kind: 'return', value: statement.value === null ? UNKNOWN : evaluateExpr(statement.value, frame) };
    case 'switch':
      return runSwitch(statement, frame);
    case 'jump':
      return runJump(statement, frame);
    case 'label':
    case 'case':
      return NEXT;
    default:
      return fail(run.program.path, statement.at, 'a statement that can be followed in what decides on CPUID bits');
  }
}

/** An entry of the loop's own, which it fills from the module's leaf, starts as what the module reports. */
function declared({ init, type }: Extract<Stmt, { kind: 'decl' }>, frame: Frame): Value {
  const { config } = frame.run.places;
  if (init !== null) return evaluateExpr(init, frame);
  const isEntry = config !== undefined && /\bkvm_cpuid_entry2\b/.test(type) && !type.includes('*');
  return isEntry ? { kind: 'entry', slot: slotOf(config.entry) } : UNKNOWN;
}

/** `break` ends a switch; only in a loop's turn do `continue` and a jump out of it have a meaning of their own. */
function runJump({ form, at }: Extract<Stmt, { kind: 'jump' }>, { run, isTurn }: Frame): Flow {
  if (form === 'break') return { kind: 'break' };
  if (isTurn === true) return { kind: form };
  return fail(run.program.path, at, 'code without jumps in what decides on CPUID bits');
}

/** A case range beyond this is no list of leaves. */
const MAX_CASES = 64n;

function runSwitch(statement: Extract<Stmt, { kind: 'switch' }>, frame: Frame): Flow {
  const subject = evaluateExpr(statement.subject, frame);
  if (subject.kind !== 'number') return fail(frame.run.program.path, statement.at, 'a switch on the CPUID entry');
  const starts = statement.body.flatMap((item, index) => (item.kind === 'case' ? [{ item, index }] : []));
  if (subject.of !== undefined) for (const { item } of starts) noteCase(item, subject.of, frame);
  const hit =
    starts.find(({ item }) => item.value !== null && matchesCase(item, subject.value, frame)) ??
    starts.find(({ item }) => item.value === null);
  if (hit === undefined) return NEXT;
  const flow = runBody(statement.body.slice(hit.index), frame);
  return flow.kind === 'break' ? NEXT : flow;
}

type Case = Extract<Stmt, { kind: 'case' }>;

function caseRange(item: Case, frame: Frame): { readonly low: bigint; readonly high: bigint } | null {
  if (item.value === null) return null;
  const low = evaluateExpr(item.value, frame);
  const high = item.last === null ? low : evaluateExpr(item.last, frame);
  if (low.kind !== 'number' || high.kind !== 'number') return fail(frame.run.program.path, item.at, 'a constant case');
  return { low: low.value, high: high.value };
}

function matchesCase(item: Case, subject: bigint, frame: Frame): boolean {
  const range = caseRange(item, frame);
  return range !== null && subject >= range.low && subject <= range.high;
}

function noteCase(item: Case, key: Key, frame: Frame): void {
  const range = caseRange(item, frame);
  if (range === null) return;
  if (range.high - range.low >= MAX_CASES)
    fail(frame.run.program.path, item.at, `at most ${MAX_CASES} leaves in one case`);
  for (let value = range.low; value <= range.high; value += 1n) frame.run.compared[key].add(BigInt.asUintN(32, value));
}
