import type { Expr } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { binaryOf, castOf, checkWhole, OPERATIONS, unaryOf } from './operations.ts';
import { constantOf, featureOf, memoOf, noteConditions } from './program.ts';
import { capabilityTable } from './tables.ts';
import { type ExprOf, type Frame, fieldOf, isTrue, number, type Slot, truth, UNKNOWN, type Value } from './values.ts';

/** The value of an expression, with what it does to entries and variables. */
export function evaluateExpr(expr: Expr, frame: Frame): Value {
  switch (expr.kind) {
    case 'id':
      return frame.values.get(expr.name) ?? nameValue(expr, frame);
    case 'num':
      return constant(expr, frame);
    case 'member':
      return evaluateMember(expr, frame);
    case 'unary':
      return unaryOf(expr, evaluateExpr(expr.operand, frame), frame);
    case 'binary':
      return evaluateBinary(expr, frame);
    case 'ternary':
      return condition(expr.test, frame) ? evaluateExpr(expr.then, frame) : evaluateExpr(expr.otherwise, frame);
    case 'cast':
      return castOf(expr, evaluateExpr(expr.operand, frame), frame);
    case 'assign':
      return evaluateAssign(expr, frame);
    case 'postfix':
      return evaluatePostfix(expr, frame);
    case 'call':
      return evaluateCall(expr, frame);
    case 'index':
      return evaluateIndex(expr, frame);
    default:
      return fail(frame.run.program.path, expr.at, 'an expression that can be followed in what decides on CPUID bits');
  }
}

/** A value of which C takes one way or the other. */
export function condition(test: Expr, frame: Frame): boolean {
  const value = evaluateExpr(test, frame);
  if (value.kind === 'number') return isTrue(value, frame);
  if (value.kind === 'entry') return true;
  return fail(
    frame.run.program.path,
    test.at,
    'a condition on the CPUID entry',
    'what decides on CPUID bits depends on something else',
  );
}

function nameValue(expr: ExprOf<'id'>, frame: Frame): Value {
  if (expr.name === 'true' || expr.name === 'false') return truth(expr.name === 'true');
  return expr.name === 'NULL' ? number(0n) : constant(expr, frame);
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

function evaluateMember(expr: ExprOf<'member'>, frame: Frame): Value {
  const object = evaluateExpr(expr.object, frame);
  const field = fieldOf(expr.name);
  if (object.kind !== 'entry' || field === undefined) return UNKNOWN;
  const value = object.slot.entry[field];
  return field === 'function' || field === 'index' ? { kind: 'number', value, of: field } : number(value);
}

function evaluateBinary(expr: ExprOf<'binary'>, frame: Frame): Value {
  const left = evaluateExpr(expr.left, frame);
  if (expr.op !== '&&' && expr.op !== '||') return binaryOf(expr, left, evaluateExpr(expr.right, frame), frame);
  const holds = left.kind === 'entry' || (left.kind === 'number' && isTrue(left, frame));
  if (left.kind !== 'unknown' && holds === (expr.op === '||')) return truth(holds);
  const right = evaluateExpr(expr.right, frame);
  if (left.kind === 'unknown' || right.kind === 'unknown') return UNKNOWN;
  return truth(right.kind === 'entry' || isTrue(right, frame));
}

function evaluateAssign(expr: ExprOf<'assign'>, frame: Frame): Value {
  const value = evaluateExpr(expr.value, frame);
  const { target } = expr;
  if (expr.op !== '=') checkWhole(value, expr, frame);
  const operation = expr.op === '=' ? undefined : OPERATIONS[expr.op.slice(0, -1)];
  if (expr.op !== '=' && operation === undefined)
    return fail(frame.run.program.path, expr.at, 'an operator that can be followed');
  if (target.kind === 'id') {
    const old = frame.values.get(target.name) ?? UNKNOWN;
    if (operation !== undefined) checkWhole(old, expr, frame);
    const isKnown = old.kind === 'number' && value.kind === 'number';
    const now = operation === undefined ? value : isKnown ? number(operation(old.value, value.value)) : UNKNOWN;
    frame.values.set(target.name, now);
    return now;
  }
  // A copy of an entry elsewhere decides nothing here.
  if (target.kind === 'index' && evaluateExpr(target, frame).kind === 'unknown') return value;
  if (target.kind !== 'member') return fail(frame.run.program.path, expr.at, 'an assignment that can be followed');
  const object = evaluateExpr(target.object, frame);
  const field = fieldOf(target.name);
  if (object.kind !== 'entry' || field === undefined) return value;
  // What the module reports is the input that the entry was set up with.
  if (value.kind !== 'number')
    return operation === undefined && value.kind === 'unknown' && value.mixed !== true
      ? UNKNOWN
      : fail(frame.run.program.path, expr.at, 'a constant mask');
  const before = object.slot.entry[field];
  const now = BigInt.asUintN(32, operation === undefined ? value.value : operation(before, value.value));
  if (now !== before) object.slot.lines.set(field, expr.at.line);
  object.slot.entry[field] = now;
  return number(now);
}

/** Counters are counted, not followed. */
function evaluatePostfix(expr: ExprOf<'postfix'>, frame: Frame): Value {
  const value = evaluateExpr(expr.operand, frame);
  if (value.kind !== 'unknown') return fail(frame.run.program.path, expr.at, 'an expression that can be followed');
  return UNKNOWN;
}

function evaluateIndex(expr: ExprOf<'index'>, frame: Frame): Value {
  const { program, places } = frame.run;
  const { object } = expr;
  const name = object.kind === 'id' || object.kind === 'member' ? object.name : '';
  if (places.config !== undefined && /^cpuid_configs?$/.test(name)) return { kind: 'entry', slot: places.config };
  if (places.value !== undefined && name === 'cpuid_values') return { kind: 'entry', slot: places.value };
  const index = evaluateExpr(expr.index, frame);
  checkWhole(index, expr, frame);
  if (object.kind === 'id' && !frame.values.has(object.name)) {
    const table = capabilityTable(program, object.name);
    if (table !== null && index.kind === 'number') return number(table.get(index.value) ?? 0n);
  }
  const value = evaluateExpr(object, frame);
  return value.kind === 'entry' ? value : UNKNOWN;
}

function evaluateCall(expr: ExprOf<'call'>, frame: Frame): Value {
  const { program, places } = frame.run;
  if (expr.callee.kind !== 'id') return fail(program.path, expr.at, 'a call of a named function');
  const { name } = expr.callee;
  if (/^(__)?(un)?likely$|^WARN_ON(_ONCE)?$|^READ_ONCE$|^!!$/.test(name))
    return expr.args[0] === undefined ? UNKNOWN : evaluateExpr(expr.args[0], frame);
  if (places.found !== undefined && /find_cpuid_entry/.test(name)) return foundEntry(expr, places.found, frame);
  const [fn, ...more] = program.unit.functions.get(name) ?? [];
  if (fn !== undefined && more.length === 0) {
    noteConditions(memoOf(program).conditions, fn);
    return frame.run.call(
      frame.run,
      fn,
      expr.args.map((arg) => evaluateExpr(arg, frame)),
    );
  }
  if (fn !== undefined)
    return fail(program.path, expr.at, `one definition of \`${name}\``, 'the preprocessor chooses between several');
  const entryCall = ENTRY_CALLS[name];
  if (entryCall !== undefined) return entryCall(expr, frame);
  if (program.scope.macro(name) !== undefined || /^(__)?feature_bit$|^F$|^(BIT|GENMASK)/.test(name))
    return number(constantOf(program, expr));
  return fail(program.path, expr.at, 'a call of a function of this file', `\`${name}()\` is not defined in it`);
}

/** What user space gave for a leaf of the module's: the leaf and sub-leaf asked for must be those. */
function foundEntry(expr: ExprOf<'call'>, slot: Slot, frame: Frame): Value {
  const [fn, index] = expr.args.slice(-2).map((arg) => evaluateExpr(arg, frame));
  const isKey = fn?.kind === 'number' && fn.of === 'function' && index?.kind === 'number';
  if (!isKey || (index.of !== 'index' && index.value !== 0n))
    return fail(frame.run.program.path, expr.at, 'a search for the leaf and sub-leaf that the module reports');
  return { kind: 'entry', slot };
}

/** KVM's accessors of one feature in an entry, from reverse_cpuid.h. */
const ENTRY_CALLS: Readonly<Record<string, ((expr: ExprOf<'call'>, frame: Frame) => Value) | undefined>> = {
  cpuid_entry_has: (expr, frame) => onFeature(expr, frame, (value, bit) => ({ result: (value & bit) !== 0n, value })),
  cpuid_entry_get: (expr, frame) => onFeature(expr, frame, (value, bit) => ({ result: (value & bit) !== 0n, value })),
  cpuid_entry_clear: (expr, frame) => onFeature(expr, frame, (value, bit) => ({ result: false, value: value & ~bit })),
  cpuid_entry_set: (expr, frame) => onFeature(expr, frame, (value, bit) => ({ result: true, value: value | bit })),
};

function onFeature(
  expr: ExprOf<'call'>,
  frame: Frame,
  change: (value: bigint, bit: bigint) => { readonly result: boolean; readonly value: bigint },
): Value {
  const { program } = frame.run;
  const [subject, feature] = expr.args;
  const entry = subject === undefined ? UNKNOWN : evaluateExpr(subject, frame);
  if (entry.kind !== 'entry' || feature === undefined) return fail(program.path, expr.at, 'an entry and a feature');
  const { register, bit } = featureOf(program, feature);
  const { slot } = entry;
  const { result, value } = change(slot.entry[register], 1n << BigInt(bit));
  if (slot.entry[register] !== value) slot.lines.set(register, expr.at.line);
  slot.entry[register] = value;
  return truth(result);
}
