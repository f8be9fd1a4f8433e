import { type CInteger, wrap } from '../c/integer.ts';

/** What a number comes from where not every value of it is tried: the function or sub-leaf of an entry, both, or a part. */
export type Key = 'function' | 'index' | 'shifted' | 'both' | 'part';

/** A number with its type; `isInput` where it depends on what is tried, so that no host decides it. */
export type Int = CInteger & {
  readonly kind: 'int';
  readonly key?: Key;
  readonly isInput?: true;
};

/**
 * The entries that one run stands for: each has one bit more than the entry that the run starts from, and a member is the
 * number of that bit. Where the code would do with some of them what it does not do with others, the run goes on with a
 * part; what is left has runs of its own.
 */
export class Group {
  #members: bigint;
  readonly #left: bigint[] = [];

  constructor(members: bigint) {
    this.#members = members;
  }
  get members(): bigint {
    return this.#members;
  }
  get left(): readonly bigint[] {
    return this.#left;
  }
  /** Whether something holds that holds for these members alone: of a group that does not agree, those go on. */
  decide(holding: bigint): boolean {
    const own = this.#members & holding;
    if (own === 0n) return false;
    const others = this.#members & ~holding;
    if (others !== 0n) this.#left.push(others);
    this.#members = own;
    return true;
  }
}

/** A number that is not the same for all of a group: `value`, with the bit at `position` flipped for a member that is live. */
export type Bits = CInteger & {
  readonly kind: 'bits';
  /** The positions at which members flip a bit, as a mask. */
  readonly live: bigint;
  /** What is added to a position to give the member. */
  readonly offset: bigint;
  readonly group: Group;
};

export type Numeric = Int | Bits;

const known = ({ value, bits, signed }: CInteger): Int => ({ kind: 'int', value, bits, signed, isInput: true });
const moved = (mask: bigint, by: bigint): bigint => (by < 0n ? mask >> -by : mask << by);
const isSingle = (mask: bigint): boolean => (mask & (mask - 1n)) === 0n;

/** The members for which a number is another one than for the rest. */
const membersOf = ({ group, live, offset }: Bits): bigint => group.members & moved(live, offset);

/** The number as what is left of the group has it: the same one for all of them, where it is. */
export function current(number: Numeric): Numeric {
  if (number.kind === 'int') return number;
  const members = membersOf(number);
  if (members === 0n) return known(number);
  return members === number.group.members && isSingle(members) ? flipped(number, members) : number;
}

/** The number for one member that is live. */
const flipped = (number: Bits, member: bigint): Int =>
  known(wrap(number.value ^ moved(member, -number.offset), number.bits, number.signed));

/** One number: the group goes on with members that have it. */
export function settled(number: Numeric): Int {
  const now = current(number);
  if (now.kind === 'int') return now;
  const members = membersOf(now);
  if (now.group.decide(~members)) return known(now);
  const member = members & -members;
  now.group.decide(member);
  return flipped(now, member);
}

/** The number for one of the members. */
export function valueFor(number: Numeric, member: bigint): bigint {
  if (number.kind === 'int') return number.value;
  return (member & moved(number.live, number.offset)) === 0n ? number.value : flipped(number, member).value;
}

/** Whether a condition holds on a number; the group goes on with members that agree. */
export function decided(number: Numeric, holds: (value: bigint) => boolean): boolean {
  const now = current(number);
  if (now.kind === 'int') return holds(now.value);
  const members = membersOf(now);
  let holding = holds(now.value) ? now.group.members & ~members : 0n;
  for (let left = members; left !== 0n; left &= left - 1n) {
    const member = left & -left;
    if (holds(flipped(now, member).value)) holding |= member;
  }
  return now.group.decide(holding);
}

/** C's truth: what `decided` says of "not 0", without a look at each member. */
export function isNonZero(number: Numeric): boolean {
  const now = current(number);
  if (now.kind === 'int') return now.value !== 0n;
  const { value, bits, group, offset, live } = now;
  if (value === 0n) return group.decide(moved(live, offset));
  const only = BigInt.asUintN(bits, value);
  return !group.decide(isSingle(only) ? moved(only & live, offset) : 0n);
}

/** A number in another type. */
export function bitsIn(number: Bits, bits: number, signed: boolean): Numeric {
  const now = current(number);
  if (now.kind === 'int') return known(wrap(now.value, bits, signed));
  // The sign would be repeated in all bits above.
  if (now.signed && bits > now.bits && hasSign(now)) return known(wrap(settled(now).value, bits, signed));
  const live = BigInt.asUintN(Math.min(bits, now.bits), now.live);
  return withLive({ ...now, ...wrap(now.value, bits, signed), live });
}

const hasSign = ({ live, bits }: Bits): boolean => live >> BigInt(bits - 1) !== 0n;
const withLive = (number: Bits): Numeric => (number.live === 0n ? known(number) : number);
const inType = (number: Numeric, bits: number, signed: boolean): Numeric =>
  number.kind === 'int' ? { ...number, ...wrap(number.value, bits, signed) } : bitsIn(number, bits, signed);

/** C's usual conversions. */
function balanced(one: Numeric, other: Numeric): readonly [Numeric, Numeric] {
  const [left, right] = [promoted(one), promoted(other)];
  const bits = Math.max(left.bits, right.bits);
  const wide = left.bits > right.bits ? left : right;
  const signed = left.bits === right.bits ? left.signed && right.signed : wide.signed;
  return [inType(left, bits, signed), inType(right, bits, signed)];
}

const promoted = (number: Numeric): Numeric => (number.bits < 32 ? inType(number, 32, true) : number);

/** Both with their members at the same positions, or one of them known. */
function aligned(one: Numeric, other: Numeric): readonly [Numeric, Numeric] {
  const [left, right] = [current(one), current(other)];
  if (left.kind === 'int' || right.kind === 'int' || left.offset === right.offset) return [left, right];
  if (!left.group.decide(membersOf(left))) return [current(left), current(right)];
  const settledRight = settled(right);
  return [current(left), settledRight];
}

const flip = (number: Numeric): bigint => (number.kind === 'int' ? number.value : number.value ^ number.live);

/**
 * An operator on numbers that a group does not share: one that treats each bit by itself, a shift, or a comparison. Null for
 * all else, and where what is left of the group shares both: that is for settled numbers.
 */
export function onBits(op: string, one: Numeric, other: Numeric): Numeric | null {
  if (op === '<<' || op === '>>') return shifted(op, one, settled(other).value);
  const bitwise = BITWISE[op];
  if (bitwise === undefined && op !== '==' && op !== '!=') return null;
  const [left, right] = aligned(...balanced(...aligned(one, other)));
  const bits = left.kind === 'bits' ? left : right.kind === 'bits' ? right : null;
  if (bits === null) return null;
  const of = (value: bigint, all: bigint, signed: boolean): Numeric =>
    withLive({ ...bits, ...wrap(value, left.bits, signed), live: BigInt.asUintN(left.bits, value ^ all) });
  if (bitwise !== undefined) return of(bitwise(left.value, right.value), bitwise(flip(left), flip(right)), left.signed);
  const differs = isNonZero(of(left.value ^ right.value, flip(left) ^ flip(right), false));
  return known({ value: differs === (op === '!=') ? 1n : 0n, bits: 32, signed: true });
}

function shifted(op: '<<' | '>>', one: Numeric, by: bigint): Numeric | null {
  const left = promoted(current(one));
  if (left.kind === 'int' || by < 0n || by >= BigInt(left.bits) || (op === '>>' && left.signed && hasSign(left)))
    return null;
  const [value, live, offset] =
    op === '<<'
      ? [left.value << by, left.live << by, left.offset - by]
      : [left.value >> by, left.live >> by, left.offset + by];
  return withLive({
    ...left,
    ...wrap(value, left.bits, left.signed),
    live: BigInt.asUintN(left.bits, live),
    offset,
  });
}

/** `~`: each bit by itself. */
export function inverted(one: Numeric): Numeric {
  const own = promoted(current(one));
  return { ...own, ...wrap(~own.value, own.bits, own.signed) };
}

const BITWISE: Readonly<Record<string, ((a: bigint, b: bigint) => bigint) | undefined>> = {
  '|': (a, b) => a | b,
  '&': (a, b) => a & b,
  '^': (a, b) => a ^ b,
};
