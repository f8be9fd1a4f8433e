import type { Expr, Stmt } from '../c/ast.ts';
import { wordOf } from './bindings.ts';
import { asStatement } from './call.ts';
import { evaluate, store } from './expression.ts';
import { decided } from './group.ts';
import { initialise } from './initial.ts';
import { int, isNumeric, type Node, newNode, type Value } from './memory.ts';
import { isTrue, noteKey, one, operate } from './operate.ts';
import { type CType, typeOfWords } from './types.ts';
import { choose, FLOW, type Frame, type StepCode, step, stop } from './world.ts';

type Of<Kind extends Stmt['kind']> = Extract<Stmt, { kind: Kind }>;

/** The code of a list of statements, made once; a block has names of its own. */
export function blockOf(body: readonly Stmt[], frame: Frame, isScope = true): StepCode {
  const { blocks } = frame.run.world;
  const known = blocks.get(body);
  if (known !== undefined) return known;
  const labels = new Map(body.flatMap((each, index) => (each.kind === 'label' ? [[each.name, index] as const] : [])));
  const declares = isScope && body.some((each) => each.kind === 'decl');
  const made: StepCode = (own) => {
    const outer = own.scope;
    if (declares) own.scope = { names: new Map(), outer };
    const flow = runFrom(body, 0, labels, own);
    own.scope = outer;
    return flow;
  };
  blocks.set(body, made);
  return made;
}

/** Runs statements from an index on; a jump to a label of this list goes on there. */
function runFrom(body: readonly Stmt[], start: number, labels: ReadonlyMap<string, number>, frame: Frame): number {
  for (let index = start; index < body.length; index += 1) {
    const statement = body[index];
    if (statement === undefined) break;
    const flow = run(statement, frame);
    if (flow === FLOW.next) continue;
    const target = flow === FLOW.goto ? labels.get(frame.label ?? '') : undefined;
    if (target === undefined) return flow;
    index = target;
  }
  return FLOW.next;
}

function run(statement: Stmt, frame: Frame): number {
  step(frame, statement.at);
  frame.run.at = { file: frame.file, line: frame.callLine ?? statement.at.line };
  switch (statement.kind) {
    case 'expr':
      return asStatement(statement.expr, frame);
    case 'decl':
      declare(statement, frame);
      return FLOW.next;
    case 'if':
      return isTrue(evaluate(statement.test, frame), frame, statement.test.at)
        ? blockOf(statement.then, frame)(frame)
        : blockOf(statement.otherwise, frame)(frame);
    case 'block':
      return blockOf(statement.body, frame)(frame);
    case 'return':
      // Without a value there is none, where the caller uses one.
      if (statement.value === null) return FLOW.return;
      frame.returned = evaluate(statement.value, frame);
      noteFailure(frame.returned, frame);
      return FLOW.return;
    case 'loop':
      return loop(statement, frame);
    case 'switch':
      return runSwitch(statement, frame);
    case 'jump':
      frame.label = statement.label;
      return FLOW[statement.form];
    case 'conditional':
      return conditional(statement, frame);
    case 'label':
    case 'case':
      return FLOW.next;
    default:
      return stop(frame, statement.at, 'a statement that can be run');
  }
}

/** Where an error was first returned: who hands it on is not who decides. */
function noteFailure(value: Value, { run: own }: Frame): void {
  if (!isNumeric(value)) return;
  if (!decided(value, (number) => number < 0n)) own.failedAt = null;
  else own.failedAt ??= own.at;
}

/** The branches of an `#if` inside a function: which one there is, the build decides. */
function conditional({ branches }: Of<'conditional'>, frame: Frame): number {
  for (const { condition, body } of branches) if (isBuilt(condition, frame)) return blockOf(body, frame, false)(frame);
  return FLOW.next;
}

/** Every kernel with TDX is of 64 bits and has KVM for Intel. */
function isBuilt(condition: string, frame: Frame): boolean {
  if (condition === '') return true;
  if (/^defined\(CONFIG_(?:X86_64|KVM|KVM_INTEL|KVM_INTEL_TDX|INTEL_TDX_HOST|64BIT)\)$/.test(condition)) return true;
  return choose(frame, condition);
}

function declare(statement: Of<'decl'>, frame: Frame): void {
  const { world } = frame.run;
  const words = statement.type.split(' ');
  if (words.includes('static')) {
    const known = world.statics.get(statement);
    const node = known ?? declared(statement, words, frame, true);
    world.statics.set(statement, node);
    frame.scope.names.set(wordOf(statement.name, frame), node);
    return;
  }
  const node = declared(statement, words, frame, false);
  frame.scope.names.set(wordOf(statement.name, frame), node);
}

/** What the words of a declaration mean is the same each time it is run; structs are looked up when they are asked for. */
const plainTypes = new WeakMap<Stmt, CType>();

function declared(statement: Of<'decl'>, words: readonly string[], frame: Frame, isStatic: boolean): Node {
  const { init } = statement;
  let type: CType = plainTypes.get(statement) ?? typeOfWords(words, frame.run.world.types(frame.file));
  plainTypes.set(statement, type);
  for (const length of [...statement.dimensions].reverse())
    type = { kind: 'array', of: type, length: length === null ? null : lengthOf(length, frame) };
  const name = wordOf(statement.name, frame);
  const isList = init?.kind === 'init';
  const node = newNode(name, type, isStatic || isList ? 'zero' : 'unset', isStatic);
  if (init === null) return node;
  if (isList) initialise(node, init, frame);
  else if (isStatic) initialise(node, init, frame);
  else store(node, evaluate(init, frame), frame, statement.at.line);
  return node;
}

function lengthOf(expr: Expr, frame: Frame): number | null {
  const value = one(evaluate(expr, frame));
  return value.kind === 'int' ? Number(value.value) : null;
}

/** More rounds than any loop over a table of CPUID words makes. */
const MAX_ROUNDS = 10_000;

function loop(statement: Of<'loop'>, frame: Frame): number {
  const { form, head, test, step: next, body } = statement;
  if (form === 'macro') return headedByMacro(statement, frame);
  const outer = frame.scope;
  frame.scope = { names: new Map(), outer };
  try {
    for (const each of head) run(each, frame);
    for (let round = 0; ; round += 1) {
      if (round === MAX_ROUNDS) return stop(frame, statement.at, `a loop of at most ${MAX_ROUNDS} rounds`);
      const isFirst = form === 'do' && round === 0;
      if (!isFirst && test !== null && !continues(test, frame)) return FLOW.next;
      const flow = blockOf(body, frame)(frame);
      if (flow === FLOW.break) return FLOW.next;
      if (flow === FLOW.return || flow === FLOW.goto) return flow;
      if (next !== null) evaluate(next, frame);
      step(frame, statement.at);
    }
  } finally {
    frame.scope = outer;
  }
}

/** A loop whose end the host decides would run once or for ever. */
function continues(test: Expr, frame: Frame): boolean {
  const value = evaluate(test, frame);
  if (value.kind === 'outside') return stop(frame, test.at, 'a loop whose end is known', `\`${value.text}\` is not`);
  return isTrue(value, frame, test.at);
}

/** `scoped_guard(…) { … }` runs its block once; `for_each_set_bit(bit, &mask, size) { … }` once for each bit. */
function headedByMacro(statement: Of<'loop'>, frame: Frame): number {
  const [head] = statement.head;
  const expr = head?.kind === 'expr' && head.expr.kind === 'call' ? head.expr : null;
  const name = expr?.callee.kind === 'id' ? expr.callee.name : '';
  if (name === 'scoped_guard') return blockOf(statement.body, frame)(frame);
  if (name !== 'for_each_set_bit' || expr === null)
    return stop(frame, statement.at, 'a loop that can be run', `cannot run the loop ${name}() here`);
  const [counter, set, size] = expr.args;
  if (counter === undefined || set === undefined || size === undefined)
    return stop(frame, statement.at, 'a counter, a set of bits and their number');
  const bits = one(evaluate({ kind: 'unary', op: '*', operand: set, at: set.at }, frame));
  const count = one(evaluate(size, frame));
  if (bits.kind !== 'int' || count.kind !== 'int') return stop(frame, set.at, 'a set of bits that is known');
  for (let bit = 0n; bit < count.value; bit += 1n) {
    if (((bits.value >> bit) & 1n) === 0n) continue;
    evaluate(
      {
        kind: 'assign',
        op: '=',
        target: counter,
        value: { kind: 'num', text: `${bit}`, at: counter.at },
        at: counter.at,
      },
      frame,
    );
    const flow = blockOf(statement.body, frame)(frame);
    if (flow === FLOW.break) return FLOW.next;
    if (flow === FLOW.return || flow === FLOW.goto) return flow;
  }
  return FLOW.next;
}

/** A range of cases beyond this is no list of leaves. */
const MAX_CASES = 64n;

function runSwitch(statement: Of<'switch'>, frame: Frame): number {
  const subject = one(evaluate(statement.subject, frame));
  if (subject.kind !== 'int')
    return stop(frame, statement.at, 'a switch on what is known', 'what the host decides has too many cases');
  const cases = statement.body.flatMap((each, index) => (each.kind === 'case' ? [{ each, index }] : []));
  let hit: number | null = null;
  let fallback: number | null = null;
  for (const { each, index } of cases) {
    if (each.value === null) fallback = index;
    else if (holds(each, subject, frame) && hit === null) hit = index;
  }
  const start = hit ?? fallback;
  if (start === null) return FLOW.next;
  const outer = frame.scope;
  frame.scope = { names: new Map(), outer };
  const labels = new Map(
    statement.body.flatMap((each, index) => (each.kind === 'label' ? [[each.name, index] as const] : [])),
  );
  const flow = runFrom(statement.body, start, labels, frame);
  frame.scope = outer;
  return flow === FLOW.break ? FLOW.next : flow;
}

/** Whether a case is the subject's; every case counts as a comparison, since another value may come here. */
function holds(each: Of<'case'>, subject: Extract<Value, { kind: 'int' }>, frame: Frame): boolean {
  if (each.value === null) return false;
  const low = one(evaluate(each.value, frame));
  const high = each.last === null ? low : one(evaluate(each.last, frame));
  if (low.kind !== 'int' || high.kind !== 'int') return stop(frame, each.at, 'a constant case');
  if (subject.key !== undefined) {
    if (high.value - low.value >= MAX_CASES) stop(frame, each.at, `at most ${MAX_CASES} leaves in one case`);
    for (let value = low.value; value <= high.value; value += 1n)
      noteKey(subject, int(value, 64, false), frame, each.at);
  }
  const plain = { ...subject };
  const number =
    plain.key === undefined
      ? plain
      : { kind: 'int' as const, value: plain.value, bits: plain.bits, signed: plain.signed };
  const isFrom = operate('>=', number, low, frame, each.at);
  const isTo = operate('<=', number, high, frame, each.at);
  return isFrom.kind === 'int' && isFrom.value !== 0n && isTo.kind === 'int' && isTo.value !== 0n;
}
