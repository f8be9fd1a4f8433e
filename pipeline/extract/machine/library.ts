import type { Expr } from '../c/ast.ts';
import { BUILTINS } from '../c/builtins.ts';
import { evaluate, placeOf } from './expression.ts';
import {
  int,
  isAggregate,
  memberOf,
  type Node,
  newNode,
  outside,
  read,
  scalarsOf,
  truth,
  type Value,
  write,
} from './memory.ts';
import { isTrue, one, operate } from './operate.ts';
import { sizeOf, UNKNOWN_TYPE } from './types.ts';
import { type Builtin, choose, type Frame, lineOf, stop, textOf } from './world.ts';

type Call = Extract<Expr, { kind: 'call' }>;

/** Says something to people, or checks the kernel itself: nothing that a TD gets depends on it. */
const SILENT =
  /^(?:pr_\w+|printk\w*|_printk|trace_\w+|lockdep_\w+|might_\w+|BUILD_BUG_ON\w*|static_assert|cond_resched|k?v?free|kvfree|mutex_\w+lock|guard|barrier|smp_\w+|kvm_pr_\w+|vcpu_unimpl|dump_stack|__?kvm_bug|EXPORT_SYMBOL\w*)$/;
/** Their value is that of their condition. */
const CONDITIONS =
  /^(?:(?:__)?(?:un)?likely|WARN_ON(?:_ONCE)?|WARN(?:_ONCE)?|READ_ONCE|__builtin_expect|KVM_BUG_ON|unrcu_pointer)$/;
const ALLOCATED = /^(?:k|kv|v)[mz]alloc\w*$|^kcalloc$/;

/** The kernel's library as far as code of this kind uses it; undefined for what is none of it. */
export function libraryCall(name: string): Builtin | undefined {
  const own = LIBRARY.get(name);
  if (own !== undefined) return own;
  if (SILENT.test(name)) return () => int(0n);
  if (CONDITIONS.test(name)) return conditionCall;
  if (ALLOCATED.test(name))
    return () => ({ kind: 'pointer', node: newNode('what was allocated', UNKNOWN_TYPE, 'zero') });
  const builtin = BUILTINS.get(name);
  if (builtin === undefined) return undefined;
  return (call, frame) => {
    const args = call.args.map((arg) => numberOf(arg, frame));
    const value = builtin(args);
    return value === undefined
      ? stop(frame, call.at, `${name}() with bits that its type has`)
      : { kind: 'int', ...value, ...(args.some((arg) => arg.isInput) ? { isInput: true as const } : {}) };
  };
}

function conditionCall(call: Call, frame: Frame): Value {
  const name = call.callee.kind === 'id' ? call.callee.name : '';
  const [first] = call.args;
  if (first === undefined) return int(0n);
  const value = evaluate(first, frame);
  return /^(?:WARN|KVM_BUG)/.test(name) ? truth(isTrue(value, frame, first.at)) : value;
}

function numberOf(expr: Expr, frame: Frame): Extract<Value, { kind: 'int' }> {
  const value = one(evaluate(expr, frame));
  if (value.kind !== 'int') return stop(frame, expr.at, 'a number that is known', `\`${textOf(expr)}\` is not`);
  if (value.key !== undefined)
    return stop(frame, expr.at, 'the function or sub-leaf compared for equality with a constant');
  return value;
}

function nodeOf(expr: Expr | undefined, call: Call, frame: Frame): Node {
  const value = expr === undefined ? null : evaluate(expr, frame);
  if (value?.kind === 'pointer') return value.node;
  return stop(frame, call.at, 'a pointer to something that is read');
}

/** Whether a size is that of a whole place, by the number or, where a type is not read, by what is written. */
function isWholeSize(node: Node, size: Expr | undefined, frame: Frame): boolean {
  if (size === undefined) return false;
  const value = one(evaluate(size, frame));
  const own = sizeOf(node.type);
  if (value.kind === 'int' && own !== null) return BigInt(own) === value.value;
  return value.kind === 'outside' && value.text.startsWith('sizeof ');
}

/** The numbers that so many bytes from a place on are made of, also those of the elements behind it. */
function covered(node: Node, call: Call, frame: Frame): readonly Node[] {
  const size = call.args[2];
  const value = size === undefined ? null : one(evaluate(size, frame));
  // A pointer to the first element or member goes on to those behind it.
  const wholes: Node[] = [node];
  for (let up = node.up; up !== null && (up.at === 0 || isFirstMember(up)); up = up.node.up) wholes.push(up.node);
  if (value?.kind !== 'int') return stop(frame, call.at, 'a size that is known');
  for (const parts of [...wholes.map(scalarsOf), membersFrom(node)]) {
    if (parts === null) continue;
    let bytes = 0n;
    const taken: Node[] = [];
    for (const part of parts) {
      if (bytes >= value.value) break;
      taken.push(part);
      bytes += BigInt(sizeOf(part.type) ?? 0);
    }
    if (bytes === value.value) return taken;
  }
  return stop(frame, call.at, 'a size of whole numbers of what the pointer points to');
}

/** The numbers from a member of a struct on. */
function membersFrom(node: Node): readonly Node[] | null {
  const whole = node.up?.node;
  const members = whole?.type.kind === 'struct' ? whole.type.members() : null;
  if (whole === undefined || members === null) return null;
  const from = members.findIndex(({ name }) => name === node.up?.at);
  return members.slice(from).flatMap(({ name }) => {
    const member = memberOf(whole, name);
    return (member === null ? null : scalarsOf(member)) ?? [];
  });
}

function isFirstMember({ node, at }: { readonly node: Node; readonly at: string | number }): boolean {
  return node.type.kind === 'struct' && node.type.members()?.[0]?.name === at;
}

function at(call: Call, frame: Frame) {
  return { file: frame.file, line: lineOf(frame, call.at) };
}

function memset(call: Call, frame: Frame): Value {
  const node = nodeOf(call.args[0], call, frame);
  const fill = call.args[1] === undefined ? int(0n) : numberOf(call.args[1], frame);
  if (fill.value === 0n && isWholeSize(node, call.args[2], frame)) clear(node, call, frame);
  else {
    const byte = BigInt.asUintN(8, fill.value);
    for (const part of covered(node, call, frame)) {
      let value = 0n;
      for (let index = 0; index < (sizeOf(part.type) ?? 0); index += 1) value = (value << 8n) | byte;
      put(part, int(value, 64, false), call, frame);
    }
  }
  return { kind: 'pointer', node };
}

function put(node: Node, value: Value, call: Call, frame: Frame): void {
  if (node.isShared && !frame.run.isFilling)
    stop(
      frame,
      call.at,
      'code that gives the same result each time it runs',
      `\`${node.name}\` keeps what is written to it`,
    );
  write(node, value, at(call, frame));
}

function clear(node: Node, call: Call, frame: Frame): void {
  const blank = newNode(node.name, node.type, 'zero');
  if (isAggregate(node) || node.type.kind === 'unknown') put(node, { kind: 'struct', node: blank }, call, frame);
  else put(node, int(0n), call, frame);
}

function memcpy(call: Call, frame: Frame): Value {
  const to = nodeOf(call.args[0], call, frame);
  const from = nodeOf(call.args[1], call, frame);
  const isWhole =
    isWholeSize(to, call.args[2], frame) && (to.type.kind === from.type.kind || from.type.kind === 'unknown');
  if (isWhole) put(to, isAggregate(from) ? { kind: 'struct', node: from } : read(from), call, frame);
  else {
    const source = covered(from, call, frame).map(read);
    const places = covered(to, call, frame);
    if (places.length !== source.length) stop(frame, call.at, 'a copy between places of the same types');
    for (const [index, place] of places.entries()) put(place, source[index] ?? int(0n), call, frame);
  }
  return { kind: 'pointer', node: to };
}

function memcmp(call: Call, frame: Frame): Value {
  const left = covered(nodeOf(call.args[0], call, frame), call, frame).map(read);
  const right = covered(nodeOf(call.args[1], call, frame), call, frame).map(read);
  if (left.length !== right.length) return stop(frame, call.at, 'a comparison of places of the same types');
  for (const [index, one] of left.entries()) {
    const differs = operate('!=', one, right[index] ?? int(0n), frame, call.at);
    if (isTrue(differs, frame, call.at)) return { ...int(1n), isInput: true };
  }
  return { ...int(0n), isInput: true };
}

function arraySize(call: Call, frame: Frame): Value {
  const [array] = call.args;
  const node = array === undefined ? null : placeOf(array, frame);
  if (node?.type.kind !== 'array' || node.type.length === null)
    return stop(frame, call.at, 'an array of a length that is known');
  return int(BigInt(node.type.length), 64, false);
}

/** A bit of a number, or of a row of them. */
function bitOf(call: Call, frame: Frame): { readonly node: Node; readonly bit: bigint } {
  const [number, set] = call.args;
  const bit = number === undefined ? 0n : numberOf(number, frame).value;
  const node = nodeOf(set, call, frame);
  if (bit < 0n || bit >= 64n) return stop(frame, call.at, 'a bit of one number');
  return { node, bit };
}

function testBit(call: Call, frame: Frame): Value {
  const { node, bit } = bitOf(call, frame);
  return operate('&', operate('>>', read(node), int(bit), frame, call.at), int(1n), frame, call.at);
}

const changeBit =
  (isSet: boolean): Builtin =>
  (call, frame) => {
    const { node, bit } = bitOf(call, frame);
    const mask = int(isSet ? 1n << bit : BigInt.asUintN(64, ~(1n << bit)), 64, false);
    put(node, operate(isSet ? '|' : '&', read(node), mask, frame, call.at), call, frame);
    return int(0n);
  };

const extreme =
  (op: '<' | '>', first: number): Builtin =>
  (call, frame) => {
    const [left, right] = call.args.slice(first);
    if (left === undefined || right === undefined) return stop(frame, call.at, 'two values');
    const [one, other] = [evaluate(left, frame), evaluate(right, frame)];
    return isTrue(operate(op, one, other, frame, call.at), frame, call.at) ? one : other;
  };

function fieldGet(call: Call, frame: Frame): Value {
  const [mask, value] = call.args;
  if (mask === undefined || value === undefined) return stop(frame, call.at, 'a mask and a value');
  const bits = numberOf(mask, frame);
  let low = 0n;
  while (bits.value !== 0n && ((bits.value >> low) & 1n) === 0n) low += 1n;
  return operate('>>', operate('&', evaluate(value, frame), bits, frame, call.at), int(low), frame, call.at);
}

const LIBRARY: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ['memset', memset],
  ['memcpy', memcpy],
  ['memmove', memcpy],
  ['memcmp', memcmp],
  ['ARRAY_SIZE', arraySize],
  ['test_bit', testBit],
  ['__set_bit', changeBit(true)],
  ['set_bit', changeBit(true)],
  ['__clear_bit', changeBit(false)],
  ['clear_bit', changeBit(false)],
  ['min', extreme('<', 0)],
  ['max', extreme('>', 0)],
  ['min_t', extreme('<', 1)],
  ['max_t', extreme('>', 1)],
  ['FIELD_GET', fieldGet],
  ['IS_ENABLED', (call, frame) => truth(choose(frame, textOf(call)))],
  ['lower_32_bits', (call, frame) => halves(call, frame, false)],
  ['upper_32_bits', (call, frame) => halves(call, frame, true)],
]);

function halves(call: Call, frame: Frame, isUpper: boolean): Value {
  const [arg] = call.args;
  if (arg === undefined) return stop(frame, call.at, 'a value');
  const value = one(evaluate(arg, frame));
  const shifted = isUpper ? operate('>>', value, int(32n), frame, call.at) : value;
  if (shifted.kind !== 'int') return outside(textOf(call));
  return evaluate({ kind: 'cast', type: 'u32', operand: arg, at: call.at }, frame).kind === 'int' && !isUpper
    ? evaluate({ kind: 'cast', type: 'u32', operand: arg, at: call.at }, frame)
    : shifted;
}
