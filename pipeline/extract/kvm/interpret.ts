import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { type CInteger, evaluate, type Scope } from '../c/evaluate.ts';
import { bodyOf, type CFunction, initialiserOf, type Unit } from '../c/unit.ts';
import { expressionsIn } from '../c/walk.ts';
import type { FeatureTable } from './features.ts';

/** A CPUID entry as KVM's code sees it: registers are 32-bit unsigned. */
export type Entry = { function: bigint; index: bigint; eax: bigint; ebx: bigint; ecx: bigint; edx: bigint };
const FIELDS = ['function', 'index', 'eax', 'ebx', 'ecx', 'edx'] as const;
type Field = (typeof FIELDS)[number];
/** What an entry is found by; a value that comes from one keeps its name through variables, arguments and casts. */
export type Key = 'function' | 'index';
/** What a run compared each key with: the leaves that its code tells apart. */
export type Compared = Readonly<Record<Key, Set<bigint>>>;

/** What the code is run with: its file, the meaning of names, the tables of features. */
export type Program = {
  readonly unit: Unit;
  readonly scope: Scope;
  readonly features: FeatureTable;
  readonly path: string;
};

/** The value of an expression: a number, the entry itself, or something that comes from the module and is not known here. */
type Value =
  | { readonly kind: 'number'; readonly value: bigint; readonly of?: Key }
  | { readonly kind: 'entry' }
  | { readonly kind: 'unknown' };
type Frame = { readonly values: Map<string, Value>; readonly run: Run };
type Run = {
  readonly program: Program;
  readonly entry: Entry;
  readonly lines: Map<Field, number>;
  readonly compared: Compared;
  steps: number;
};
type Flow = { readonly kind: 'next' } | { readonly kind: 'break' } | { readonly kind: 'return'; readonly value: Value };

const NEXT: Flow = { kind: 'next' };
const UNKNOWN: Value = { kind: 'unknown' };
const ENTRY: Value = { kind: 'entry' };
const number = (value: bigint): Value => ({ kind: 'number', value });
const truth = (value: boolean): Value => number(value ? 1n : 0n);
/** Code of this kind takes a few hundred steps; more is a loop that the values do not end. */
const MAX_STEPS = 20_000;

export type Outcome = {
  readonly result: bigint | null;
  readonly entry: Entry;
  readonly lines: ReadonlyMap<string, number>;
  readonly compared: Compared;
};

const newRun = (program: Program, entry: Entry, compared: Compared): Run => ({
  program,
  entry: { ...entry },
  lines: new Map(),
  compared,
  steps: 0,
});
const nothingCompared = (): Compared => ({ function: new Set(), index: new Set() });

/** Runs a function of the program on an entry, as C would. Throws a DataError for what the code does that is not understood. */
export function runFunction(program: Program, fn: CFunction, entry: Entry): Outcome {
  const run = newRun(program, entry, nothingCompared());
  const value = call(
    run,
    fn,
    fn.params.map((_, index) => (index === entryParameter(program, fn) ? ENTRY : UNKNOWN)),
  );
  return {
    result: value.kind === 'number' ? value.value : null,
    entry: run.entry,
    lines: run.lines,
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
  const run = newRun(program, entry, compared);
  const value = evaluateExpr(test, { values: new Map([[name, ENTRY]]), run });
  if (value.kind !== 'number') return fail(program.path, test.at, 'a condition on the CPUID entry');
  return value.value !== 0n;
}

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
      frame.values.set(statement.name, statement.init === null ? UNKNOWN : evaluateExpr(statement.init, frame));
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
      return statement.form === 'break'
        ? { kind: 'break' }
        : fail(run.program.path, statement.at, 'code without jumps in what decides on CPUID bits');
    case 'label':
    case 'case':
      return NEXT;
    default:
      return fail(run.program.path, statement.at, 'a statement that can be followed in what decides on CPUID bits');
  }
}

function condition(test: Expr, frame: Frame): boolean {
  const value = evaluateExpr(test, frame);
  if (value.kind === 'number') return isTrue(value, frame);
  return fail(
    frame.run.program.path,
    test.at,
    'a condition on the CPUID entry',
    'what decides on CPUID bits depends on something else',
  );
}

/** C's truth of a number: a key asked this way is compared with 0. */
function isTrue(value: Extract<Value, { kind: 'number' }>, frame: Frame): boolean {
  if (value.of !== undefined) frame.run.compared[value.of].add(0n);
  return value.value !== 0n;
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

function evaluateExpr(expr: Expr, frame: Frame): Value {
  const { run } = frame;
  switch (expr.kind) {
    case 'id': {
      const local = frame.values.get(expr.name);
      if (local !== undefined) return local;
      if (expr.name === 'true' || expr.name === 'false') return truth(expr.name === 'true');
      if (expr.name === 'NULL') return number(0n);
      return constant(expr, frame);
    }
    case 'num':
      return constant(expr, frame);
    case 'member':
      return evaluateMember(expr, frame);
    case 'unary':
      return evaluateUnary(expr, frame);
    case 'binary':
      return evaluateBinary(expr, frame);
    case 'ternary':
      return condition(expr.test, frame) ? evaluateExpr(expr.then, frame) : evaluateExpr(expr.otherwise, frame);
    case 'cast': {
      const value = evaluateExpr(expr.operand, frame);
      if (value.kind !== 'number') return value;
      if (value.of !== undefined && /64|long|32|int/.test(expr.type)) return value;
      if (value.of !== undefined && !/bool/.test(expr.type))
        return fail(run.program.path, expr.at, 'the whole function or sub-leaf');
      if (value.of !== undefined) return truth(isTrue(value, frame));
      return number(
        /64|long/.test(expr.type)
          ? BigInt.asUintN(64, value.value)
          : /bool/.test(expr.type)
            ? value.value === 0n
              ? 0n
              : 1n
            : BigInt.asUintN(32, value.value),
      );
    }
    case 'assign':
      return evaluateAssign(expr, frame);
    case 'call':
      return evaluateCall(expr, frame);
    case 'index':
      return evaluateIndex(expr, frame);
    default:
      return fail(run.program.path, expr.at, 'an expression that can be followed in what decides on CPUID bits');
  }
}

function constant(expr: Expr, frame: Frame): Value {
  const { program } = frame.run;
  if (memoOf(program).constants.has(expr)) return number(constantOf(program, expr));
  if (
    expr.kind === 'id' &&
    program.scope.macro(expr.name) === undefined &&
    program.scope.constant?.(expr.name) === undefined
  )
    return UNKNOWN;
  return number(constantOf(program, expr));
}

/** What a program's runs ask for again and again: its scope, and the constants and tables that its code names. */
type Memo = {
  readonly scope: Scope;
  readonly constants: Map<Expr, bigint>;
  readonly tables: Map<string, ReadonlyMap<bigint, bigint> | null>;
};
const memos = new WeakMap<Program, Memo>();

function memoOf(program: Program): Memo {
  const known = memos.get(program);
  if (known !== undefined) return known;
  const memo: Memo = { scope: newFeatureScope(program), constants: new Map(), tables: new Map() };
  memos.set(program, memo);
  return memo;
}

/** The value of a constant expression of the program; one place in the code has one value in all its runs. */
function constantOf(program: Program, expr: Expr): bigint {
  const { scope, constants } = memoOf(program);
  const known = constants.get(expr);
  if (known !== undefined) return known;
  const { value } = evaluate(expr, scope);
  constants.set(expr, value);
  return value;
}

/** The program's scope, in which `__feature_bit(X86_FEATURE_X)` and `feature_bit(X)` are the feature's bit in its register. */
export const featureScope = (program: Program): Scope => memoOf(program).scope;

function newFeatureScope(program: Program): Scope {
  return {
    ...program.scope,
    call: (name, args): CInteger | undefined => {
      const [arg] = args;
      if (!/^(__)?feature_bit$|^F$/.test(name) || arg === undefined) return undefined;
      return { value: 1n << BigInt(featureOf(program, arg).bit), bits: 32, signed: false };
    },
  };
}

/** The feature that an argument names: `X86_FEATURE_HLE`, `HLE`, or `3DNOW`, which C reads as a number. */
function featureOf(
  program: Program,
  arg: Expr,
): { readonly bit: number } & ReturnType<FeatureTable['bits']['get']> & object {
  const text = arg.kind === 'id' ? arg.name : arg.kind === 'num' ? arg.text : '';
  const feature = program.features.bits.get(text.replace(/^X86_FEATURE_/, ''));
  return feature ?? fail(program.path, arg.at, 'a feature with a place in CPUID', `\`${text}\` has none in this tree`);
}

function evaluateMember(expr: Extract<Expr, { kind: 'member' }>, frame: Frame): Value {
  const object = evaluateExpr(expr.object, frame);
  const field = FIELDS.find((name) => name === expr.name);
  if (object.kind !== 'entry' || field === undefined) return UNKNOWN;
  const value = frame.run.entry[field];
  return field === 'function' || field === 'index' ? { kind: 'number', value, of: field } : number(value);
}

function evaluateUnary(expr: Extract<Expr, { kind: 'unary' }>, frame: Frame): Value {
  if (expr.op === '*' || expr.op === '&') return evaluateExpr(expr.operand, frame);
  const value = evaluateExpr(expr.operand, frame);
  if (value.kind === 'entry' && expr.op === '!') return truth(false);
  if (value.kind !== 'number') return UNKNOWN;
  if (expr.op === '!') return truth(!isTrue(value, frame));
  checkWhole(value, expr, frame);
  if (expr.op === '~') return number(BigInt.asUintN(64, ~value.value));
  if (expr.op === '-') return number(BigInt.asUintN(64, -value.value));
  return expr.op === '+' ? value : fail(frame.run.program.path, expr.at, 'an operator that can be followed');
}

function evaluateBinary(expr: Extract<Expr, { kind: 'binary' }>, frame: Frame): Value {
  const left = evaluateExpr(expr.left, frame);
  if (expr.op === '&&' || expr.op === '||') {
    const holds = left.kind === 'entry' || (left.kind === 'number' && isTrue(left, frame));
    if (left.kind !== 'unknown' && holds === (expr.op === '||')) return truth(holds);
    const right = evaluateExpr(expr.right, frame);
    if (left.kind === 'unknown' || right.kind === 'unknown') return UNKNOWN;
    return truth(right.kind === 'entry' || isTrue(right, frame));
  }
  const right = evaluateExpr(expr.right, frame);
  if ((left.kind === 'number' && left.of !== undefined) || (right.kind === 'number' && right.of !== undefined))
    noteComparison(left, right, expr, frame);
  if (left.kind !== 'number' || right.kind !== 'number') return UNKNOWN;
  const operation = OPERATIONS[expr.op];
  if (operation === undefined) return fail(frame.run.program.path, expr.at, 'an operator that can be followed');
  return number(operation(left.value, right.value));
}

/** Leaves are told apart by equality only: of a range or of a computed key, not every leaf could be tried. */
function noteComparison(left: Value, right: Value, expr: Expr & { readonly op: string }, frame: Frame): void {
  const [key, other] = left.kind === 'number' && left.of !== undefined ? [left, right] : [right, left];
  if (
    key.kind !== 'number' ||
    key.of === undefined ||
    other.kind !== 'number' ||
    other.of !== undefined ||
    (expr.op !== '==' && expr.op !== '!=')
  )
    fail(frame.run.program.path, expr.at, 'the function or sub-leaf compared for equality with a constant');
  else frame.run.compared[key.of].add(BigInt.asUintN(32, other.value));
}

function checkWhole(value: Value, expr: Expr, frame: Frame): void {
  if (value.kind === 'number' && value.of !== undefined)
    fail(frame.run.program.path, expr.at, 'the function or sub-leaf compared for equality with a constant');
}

/** Registers are unsigned and constants positive: 64 unsigned bits hold every value that occurs. */
const OPERATIONS: Readonly<Record<string, ((a: bigint, b: bigint) => bigint) | undefined>> = {
  '|': (a, b) => a | b,
  '&': (a, b) => a & b,
  '^': (a, b) => a ^ b,
  '+': (a, b) => BigInt.asUintN(64, a + b),
  '-': (a, b) => BigInt.asUintN(64, a - b),
  '<<': (a, b) => BigInt.asUintN(64, a << (b & 63n)),
  '>>': (a, b) => a >> (b & 63n),
  '==': (a, b) => (same(a, b) ? 1n : 0n),
  '!=': (a, b) => (same(a, b) ? 0n : 1n),
  '<': (a, b) => (a < b ? 1n : 0n),
  '>': (a, b) => (a > b ? 1n : 0n),
  '<=': (a, b) => (a <= b ? 1n : 0n),
  '>=': (a, b) => (a >= b ? 1n : 0n),
};
/** A register against `~0` or -1 compares in 32 bits. */
const same = (a: bigint, b: bigint): boolean => BigInt.asUintN(32, a) === BigInt.asUintN(32, b);

function evaluateAssign(expr: Extract<Expr, { kind: 'assign' }>, frame: Frame): Value {
  const value = evaluateExpr(expr.value, frame);
  const { target } = expr;
  if (expr.op !== '=') checkWhole(value, expr, frame);
  const operation = expr.op === '=' ? undefined : OPERATIONS[expr.op.slice(0, -1)];
  if (target.kind === 'id') {
    const old = frame.values.get(target.name) ?? UNKNOWN;
    if (operation !== undefined) checkWhole(old, expr, frame);
    const now =
      operation === undefined
        ? value
        : old.kind === 'number' && value.kind === 'number'
          ? number(operation(old.value, value.value))
          : UNKNOWN;
    frame.values.set(target.name, now);
    return now;
  }
  if (target.kind !== 'member') return fail(frame.run.program.path, expr.at, 'an assignment that can be followed');
  const object = evaluateExpr(target.object, frame);
  const field = FIELDS.find((name) => name === target.name);
  if (object.kind !== 'entry' || field === undefined) return value;
  // What the module reports is the input that the entry was set up with.
  if (value.kind !== 'number')
    return operation === undefined ? UNKNOWN : fail(frame.run.program.path, expr.at, 'a constant mask');
  const { entry } = frame.run;
  const before = entry[field];
  entry[field] = BigInt.asUintN(32, operation === undefined ? value.value : operation(before, value.value));
  if (entry[field] !== before) frame.run.lines.set(field, expr.at.line);
  return number(entry[field]);
}

function evaluateIndex(expr: Extract<Expr, { kind: 'index' }>, frame: Frame): Value {
  const index = evaluateExpr(expr.index, frame);
  checkWhole(index, expr, frame);
  if (expr.object.kind === 'id' && !frame.values.has(expr.object.name)) {
    const table = capabilityTable(frame.run.program, expr.object.name);
    if (table !== null && index.kind === 'number') return number(table.get(index.value) ?? 0n);
  }
  const object = evaluateExpr(expr.object, frame);
  return object.kind === 'entry' ? ENTRY : UNKNOWN;
}

/**
 * A table of what a TD may have, by CPUID word: `[CPUID_7_1_EAX] = F(A) | F(B)` in an initialiser, or calls such as
 * `…_cap_init(CPUID_7_1_EAX, F(A), F(B), 0x10)` that fill an array of capabilities. Null where the name is no such table.
 */
function capabilityTable(program: Program, name: string): ReadonlyMap<bigint, bigint> | null {
  const { tables } = memoOf(program);
  const known = tables.get(name);
  if (known !== undefined) return known;
  const table = readCapabilityTable(program, name);
  tables.set(name, table);
  return table;
}

function readCapabilityTable(program: Program, name: string): ReadonlyMap<bigint, bigint> | null {
  const scope = featureScope(program);
  const object = program.unit.objects.get(name);
  if (object !== undefined) return initialisedTable(program, initialiserOf(program.unit, object), scope);
  if (!/caps?$/.test(name)) return null;
  const table = new Map<bigint, bigint>();
  for (const expr of [...program.unit.functions.values()]
    .flat()
    .flatMap((fn) => [...expressionsIn(bodyOf(program.unit, fn))])) {
    if (expr.kind !== 'call' || expr.callee.kind !== 'id' || !/tdx\w*_caps?_(init|set|mask)$/.test(expr.callee.name))
      continue;
    const [word, ...masks] = expr.args;
    if (word === undefined) continue;
    const index = evaluate(word, scope).value;
    for (const mask of masks) table.set(index, (table.get(index) ?? 0n) | evaluate(mask, scope).value);
  }
  return table.size === 0 ? null : table;
}

function initialisedTable(program: Program, value: Expr, scope: Scope): ReadonlyMap<bigint, bigint> | null {
  if (value.kind !== 'init') return null;
  const table = new Map<bigint, bigint>();
  let index = 0n;
  for (const item of value.items) {
    const [designator] = item.designators;
    if (
      designator !== undefined &&
      (designator.kind !== 'index' || designator.last !== null || item.designators.length > 1)
    )
      return fail(program.path, item.at, 'a mask by CPUID word');
    if (designator?.kind === 'index') index = evaluate(designator.index, scope).value;
    table.set(index, BigInt.asUintN(32, evaluate(item.value, scope).value));
    index += 1n;
  }
  return table;
}

function evaluateCall(expr: Extract<Expr, { kind: 'call' }>, frame: Frame): Value {
  const { program } = frame.run;
  if (expr.callee.kind !== 'id') return fail(program.path, expr.at, 'a call of a named function');
  const { name } = expr.callee;
  if (/^(__)?(un)?likely$|^WARN_ON(_ONCE)?$|^READ_ONCE$|^!!$/.test(name))
    return expr.args[0] === undefined ? UNKNOWN : evaluateExpr(expr.args[0], frame);
  const [fn, ...more] = program.unit.functions.get(name) ?? [];
  if (fn !== undefined && more.length === 0)
    return call(
      frame.run,
      fn,
      expr.args.map((arg) => evaluateExpr(arg, frame)),
    );
  if (fn !== undefined)
    return fail(program.path, expr.at, `one definition of \`${name}\``, 'the preprocessor chooses between several');
  const entryCall = ENTRY_CALLS[name];
  if (entryCall !== undefined) return entryCall(expr, frame);
  if (program.scope.macro(name) !== undefined || /^(__)?feature_bit$|^F$|^(BIT|GENMASK)/.test(name))
    return number(constantOf(program, expr));
  return fail(program.path, expr.at, 'a call of a function of this file', `\`${name}()\` is not defined in it`);
}

/** KVM's accessors of one feature in an entry, from reverse_cpuid.h. */
const ENTRY_CALLS: Readonly<
  Record<string, ((expr: Extract<Expr, { kind: 'call' }>, frame: Frame) => Value) | undefined>
> = {
  cpuid_entry_has: (expr, frame) => onFeature(expr, frame, (value, bit) => ({ result: (value & bit) !== 0n, value })),
  cpuid_entry_get: (expr, frame) => onFeature(expr, frame, (value, bit) => ({ result: (value & bit) !== 0n, value })),
  cpuid_entry_clear: (expr, frame) => onFeature(expr, frame, (value, bit) => ({ result: false, value: value & ~bit })),
  cpuid_entry_set: (expr, frame) => onFeature(expr, frame, (value, bit) => ({ result: true, value: value | bit })),
};

function onFeature(
  expr: Extract<Expr, { kind: 'call' }>,
  frame: Frame,
  change: (value: bigint, bit: bigint) => { readonly result: boolean; readonly value: bigint },
): Value {
  const { program, entry, lines } = frame.run;
  const [subject, feature] = expr.args;
  if (subject === undefined || feature === undefined || evaluateExpr(subject, frame).kind !== 'entry')
    return fail(program.path, expr.at, 'an entry and a feature');
  const { register, bit } = featureOf(program, feature);
  const { result, value } = change(entry[register], 1n << BigInt(bit));
  if (entry[register] !== value) lines.set(register, expr.at.line);
  entry[register] = value;
  return truth(result);
}
