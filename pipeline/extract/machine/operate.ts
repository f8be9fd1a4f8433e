import { binary, unary } from '../c/integer.ts';
import type { Token } from '../c/token.ts';
import type { Int, Key } from './group.ts';
import { type Bits, inverted, isNonZero, type Numeric, onBits, settled } from './group.ts';
import { distance, int, isNumeric, outside, stepFrom, truth, type Value } from './memory.ts';
import { choose, type Frame, stop } from './world.ts';

const WHOLE = 'the function or sub-leaf compared for equality with a constant';

/** C's truth of a value; what the host decides goes one way in one run. */
export function isTrue(value: Value, frame: Frame, at: Token): boolean {
  switch (value.kind) {
    case 'int':
      if (value.key !== undefined) noteKey(value, int(0n), frame, at);
      return value.value !== 0n;
    case 'bits':
      return isNonZero(value);
    case 'outside':
      if (value.isInput) return stop(frame, at, 'a condition that the entry decides', `\`${value.text}\` is not known`);
      if (!/[a-z]/.test(value.text))
        return stop(frame, at, 'constants that are read', `\`${value.text}\` is not defined in what is`);
      return choose(frame, value.text);
    case 'unset':
      return stop(frame, at, 'a condition on what was set before', `nothing has set \`${value.text}\``);
    default:
      return true;
  }
}

export const isInput = (value: Value): boolean =>
  value.kind === 'bits' || ((value.kind === 'int' || value.kind === 'outside') && value.isInput === true);

/** An operator on two values, other than `&&` and `||`. */
// biome-ignore lint/complexity/useMaxParams: an operation with its two operands, and where it stands.
export function operate(op: string, left: Value, right: Value, frame: Frame, at: Token): Value {
  if (left.kind === 'unset' || right.kind === 'unset') {
    const text = left.kind === 'unset' ? left.text : right.kind === 'unset' ? right.text : '';
    return stop(frame, at, 'a value that was set before', `nothing has set \`${text}\``);
  }
  if (left.kind === 'int' && right.kind === 'int') return onNumbers(op, left, right, frame, at);
  if (left.kind === 'bits' || right.kind === 'bits') return onGroup(op, left, right, frame, at);
  if (left.kind === 'pointer' || right.kind === 'pointer') {
    const found = onPointers(op, left, right);
    if (found !== null) return found;
  }
  // Nothing that is and-ed with 0 is left.
  if (op === '&' && [left, right].some((each) => each.kind === 'int' && each.value === 0n)) return int(0n);
  if (left.kind === 'struct' || right.kind === 'struct' || left.kind === 'pointer' || right.kind === 'pointer')
    return stop(frame, at, 'an operator on numbers');
  const text = (value: Value): string =>
    value.kind === 'outside'
      ? value.text
      : value.kind === 'int'
        ? `0x${BigInt.asUintN(64, value.value).toString(16)}`
        : '';
  return outside(`${text(left)} ${op} ${text(right)}`, isInput(left) || isInput(right));
}

/** The same where a group of entries is tried at once: with numbers that not all of them share, else with one number each. */
// biome-ignore lint/complexity/useMaxParams: an operation with its two operands, and where it stands.
function onGroup(op: string, left: Value, right: Value, frame: Frame, at: Token): Value {
  if (isNumeric(left) && isNumeric(right) && !isKey(left) && !isKey(right)) {
    const result = onBits(op, left, right);
    if (result !== null) return result;
  }
  return operate(op, one(left), one(right), frame, at);
}

/** A value for what cannot be done for a group at once: it goes on with entries that share it. */
export const one = (value: Value): Exclude<Value, Bits> => (value.kind === 'bits' ? settled(value) : value);
const isKey = (value: Numeric): boolean => value.kind === 'int' && value.key !== undefined;

// biome-ignore lint/complexity/useMaxParams: an operation with its two operands, and where it stands.
function onNumbers(op: string, left: Int, right: Int, frame: Frame, at: Token): Value {
  const keyed = left.key !== undefined || right.key !== undefined ? onKeys(op, left, right, frame, at) : null;
  if (keyed !== null) return keyed;
  const result = binary(op, left, right);
  if (typeof result === 'string') return stop(frame, at, result);
  return left.isInput || right.isInput ? { kind: 'int', ...result, isInput: true } : { kind: 'int', ...result };
}

/** Keys are compared for equality, joined to one number and taken apart again; of anything else not every value is tried. */
// biome-ignore lint/complexity/useMaxParams: an operation with its two operands, and where it stands.
function onKeys(op: string, left: Int, right: Int, frame: Frame, at: Token): Value {
  if (op === '==' || op === '!=') {
    // Two keys of what is tried agree or not; that tells nothing of other leaves.
    if (left.key === undefined || right.key === undefined)
      noteKey(left.key === undefined ? right : left, left.key === undefined ? left : right, frame, at);
    const result = binary(op, left, right);
    return typeof result === 'string' ? stop(frame, at, result) : { kind: 'int', ...result, isInput: true };
  }
  const key = joinedKey(op, left, right);
  const result = key === null ? '' : binary(op, left, right);
  if (key === null || typeof result === 'string') return stop(frame, at, WHOLE);
  return { kind: 'int', ...result, key, isInput: true };
}

function joinedKey(op: string, left: Int, right: Int): Key | null {
  if (op === '<<' && left.key === 'index' && right.value === 32n && left.bits === 64) return 'shifted';
  if (op === '>>' && left.key === 'both' && right.value === 32n) return 'index';
  const both = (a: Int, b: Int): boolean => a.key === 'shifted' && b.key === 'function';
  return ['|', '+'].includes(op) && (both(left, right) || both(right, left)) ? 'both' : null;
}

/** Keeps in mind what a key is compared with. */
export function noteKey(key: Int, other: Int, frame: Frame, at: Token): void {
  const { compared } = frame.run;
  const value = BigInt.asUintN(64, other.value);
  if (key.key === 'function') compared.function.add(value & 0xffffffffn);
  else if (key.key === 'index') compared.index.add(value & 0xffffffffn);
  else if (key.key === 'both') {
    compared.function.add(value & 0xffffffffn);
    compared.index.add(value >> 32n);
  } else stop(frame, at, 'the whole function or sub-leaf', 'of a part of it not every value could be tried');
}

function onPointers(op: string, left: Value, right: Value): Value | null {
  if (left.kind === 'pointer' && right.kind === 'pointer') return betweenPointers(op, left, right);
  const [base, other] = left.kind === 'pointer' ? [left, right] : [right, left];
  if (base.kind !== 'pointer' || other.kind !== 'int' || other.key !== undefined) return null;
  if (op === '+' || (op === '-' && left === base)) {
    const node = stepFrom(base.node, Number(op === '-' ? -other.value : other.value));
    return node === null ? null : { kind: 'pointer', node };
  }
  // NULL is no place.
  return other.value === 0n && (op === '==' || op === '!=') ? truth(op === '!=') : null;
}

type Pointer = Extract<Value, { readonly kind: 'pointer' }>;

function betweenPointers(op: string, left: Pointer, right: Pointer): Value | null {
  if (op === '==' || op === '!=') return truth((left.node === right.node) === (op === '=='));
  const ahead = distance(left.node, right.node);
  if (ahead === null) return null;
  if (op === '-') return int(BigInt(-ahead), 64, true);
  const holds = ORDER[op]?.(ahead);
  return holds === undefined ? null : truth(holds);
}

/** By how many steps the right pointer is ahead of the left one. */
const ORDER: Readonly<Record<string, ((ahead: number) => boolean) | undefined>> = {
  '<': (ahead) => ahead > 0,
  '>': (ahead) => ahead < 0,
  '<=': (ahead) => ahead >= 0,
  '>=': (ahead) => ahead <= 0,
};

export function operateOn(op: string, value: Value, frame: Frame, at: Token): Value {
  if (op === '!') {
    const holds = truth(!isTrue(value, frame, at));
    return isInput(value) ? { ...holds, isInput: true } : holds;
  }
  if (value.kind === 'unset')
    return stop(frame, at, 'a value that was set before', `nothing has set \`${value.text}\``);
  if (value.kind === 'outside') return outside(`${op}${value.text}`, isInput(value));
  if (value.kind === 'bits') return op === '~' ? inverted(value) : operateOn(op, settled(value), frame, at);
  if (value.kind !== 'int') return stop(frame, at, 'an operator on a number');
  if (value.key !== undefined) return stop(frame, at, WHOLE);
  const result = unary(op, value);
  if (result === undefined) return stop(frame, at, 'an operator that can be run');
  return value.isInput ? { kind: 'int', ...result, isInput: true } : { kind: 'int', ...result };
}
