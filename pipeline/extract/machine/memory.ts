import { wrap } from '../c/integer.ts';
import { type Bits, bitsIn, type Int, isNonZero, type Key, type Numeric, onBits, settled } from './group.ts';
import { type CType, INT, U32, UNKNOWN_TYPE } from './types.ts';

export type Value =
  | Int
  /** A number that is not the same for all entries that are tried at once. */
  | Bits
  | { readonly kind: 'pointer'; readonly node: Node }
  | { readonly kind: 'struct'; readonly node: Node }
  | { readonly kind: 'function'; readonly name: string; readonly file: string }
  /** What the code that is read does not tell: something of the host, of the virtual machine, of other files. */
  | { readonly kind: 'outside'; readonly text: string; readonly isInput?: true; readonly target: { node: Node | null } }
  /** What nothing has set. */
  | { readonly kind: 'unset'; readonly text: string };

/** A line of a file. */
export type At = { readonly file: string; readonly line: number };

/** What a place of memory holds that nothing was written to. */
export type Fill = 'zero' | 'unset' | 'outside';

/** A place of memory, and what it is made of once that was asked for. */
export type Node = {
  readonly name: string;
  type: CType;
  fill: Fill;
  value: Value | null;
  fields: Map<string, Node> | null;
  items: Map<number, Node> | null;
  /** Where it was changed last. */
  at: At | null;
  /** What it is a part of, by name or index. */
  readonly up: { readonly node: Node; readonly at: string | number } | null;
  /** Files' own objects: they are the same for all runs. */
  readonly isShared: boolean;
};

export const int = (value: bigint, bits = 32, signed = true): Int => ({ kind: 'int', value, bits, signed });
export const truth = (value: boolean): Int => int(value ? 1n : 0n);
const typed = (value: bigint, type: CType): Int =>
  type.kind === 'int' ? { kind: 'int', ...wrap(value, type.bits, type.signed) } : int(value, 64, false);
export const outside = (text: string, isInput = false): Value => ({
  kind: 'outside',
  text,
  ...(isInput ? { isInput: true as const } : {}),
  target: { node: null },
});

export function newNode(name: string, type: CType, fill: Fill, isShared = false): Node {
  return { name, type, fill, value: null, fields: null, items: null, at: null, up: null, isShared };
}

const part = (node: Node, name: string, at: string | number, type: CType): Node => ({
  name,
  type,
  fill: node.fill,
  value: null,
  fields: null,
  items: null,
  at: null,
  up: { node, at },
  isShared: node.isShared,
});

/** Registers and keys of an entry, whatever the struct that holds them. */
const REGISTER = /^(?:e[abcd]x|function|index|leaf|sub_leaf|flags)$/;

/** A member, or null where the struct is known and has none of that name. */
export function memberOf(node: Node, name: string): Node | null {
  node.fields ??= new Map();
  const known = node.fields.get(name);
  if (known !== undefined) return known;
  const members = node.type.kind === 'struct' ? node.type.members() : null;
  const type = members?.find((each) => each.name === name)?.type;
  if (members !== null && type === undefined) return null;
  const guess = REGISTER.test(name) ? U32 : UNKNOWN_TYPE;
  const made = part(node, `${node.name}.${name}`, name, type ?? guess);
  node.fields.set(name, made);
  return made;
}

/** More elements than any array of a kernel's CPUID code has. */
const MAX_ITEMS = 4096;

/** An element, or null where the array has none at that index. */
export function elementOf(node: Node, index: number): Node | null {
  const { type } = node;
  const length = type.kind === 'array' && type.length !== null ? type.length : MAX_ITEMS;
  if (index < 0 || index >= length) return null;
  node.items ??= new Map();
  const known = node.items.get(index);
  if (known !== undefined) return known;
  const made = part(node, `${node.name}[${index}]`, index, type.kind === 'array' ? type.of : UNKNOWN_TYPE);
  node.items.set(index, made);
  return made;
}

export const isAggregate = (node: Node): boolean =>
  node.type.kind === 'struct' || node.type.kind === 'array' || node.fields !== null || node.items !== null;

export function read(node: Node): Value {
  if (node.value !== null) return node.value;
  if (node.type.kind === 'array' || node.items !== null) {
    const first = elementOf(node, 0);
    if (first !== null) return { kind: 'pointer', node: first };
  }
  if (isAggregate(node)) return { kind: 'struct', node };
  if (node.fill === 'zero') return node.type.kind === 'int' ? typed(0n, node.type) : int(0n);
  if (node.fill === 'unset') return { kind: 'unset', text: node.name };
  node.value = outside(node.name);
  return node.value;
}

/** The value as its place holds it: a number in the place's type. */
export function convert(value: Value, type: CType): Value {
  if (!isNumeric(value) || type.kind !== 'int') return value;
  if (type.isBool) {
    const bool = typed(isNonZero(value) ? 1n : 0n, type);
    return value.kind === 'bits' || value.isInput ? { ...bool, isInput: true } : bool;
  }
  if (value.bits === type.bits && value.signed === type.signed) return value;
  return retype(value, type.bits, type.signed);
}

export const isNumeric = (value: Value): value is Numeric => value.kind === 'int' || value.kind === 'bits';

/** A number in another type, with what it comes from: the lower half of a leaf and sub-leaf in one is the leaf. */
export function retype(value: Numeric, bits: number, signed: boolean): Numeric {
  if (value.kind === 'bits') return bitsIn(value, bits, signed);
  const wrapped = wrap(value.value, bits, signed);
  const key = value.key === undefined ? undefined : keyIn(value.key, bits);
  return {
    kind: 'int',
    ...wrapped,
    ...(key === undefined ? {} : { key }),
    ...(value.isInput ? { isInput: true as const } : {}),
  };
}

function keyIn(key: Key, bits: number): Key {
  if (key === 'both') return bits >= 64 ? 'both' : bits === 32 ? 'function' : 'part';
  if (key === 'shifted') return bits >= 64 ? 'shifted' : 'part';
  return bits >= 32 ? key : 'part';
}

/** Writes a value, a struct by copying all of it. */
export function write(node: Node, value: Value, at: At): void {
  if (value.kind === 'struct') {
    copyInto(node, value.node, at);
    return;
  }
  const now = convert(value, node.type);
  const old = node.value;
  if (old === null || !isSame(old, now)) node.at = at;
  node.value = now;
}

/** Whether a number is written over itself: what is left of a group agrees on it. */
function isSame(old: Value, now: Value): boolean {
  if (old.kind === 'int' && now.kind === 'int') return old.value === now.value;
  if (!isNumeric(old) || !isNumeric(now)) return false;
  const same = onBits('==', old, now);
  return same === null ? settled(old).value === settled(now).value : isNonZero(same);
}

/** A struct's copy is its own: what is written to it later stays there. */
function copyInto(to: Node, from: Node, at: At): void {
  if (to === from) return;
  to.value = from.value;
  to.fill = from.fill;
  to.at = from.at ?? at;
  if (to.type.kind === 'unknown') to.type = from.type;
  to.fields = null;
  to.items = null;
  for (const [name, field] of from.fields ?? []) {
    const own = memberOf(to, name);
    if (own !== null) copyInto(own, field, at);
  }
  for (const [index, item] of from.items ?? []) {
    const own = elementOf(to, index);
    if (own !== null) copyInto(own, item, at);
  }
}

/** The numbers that a place is made of, in the order of memory; null where its type does not tell. */
export function scalarsOf(node: Node): readonly Node[] | null {
  const { type } = node;
  if (type.kind === 'int' || type.kind === 'pointer') return [node];
  if (type.kind === 'array' && type.length !== null) {
    const items = Array.from({ length: type.length }, (_, index) => elementOf(node, index));
    return joined(items.map((item) => (item === null ? null : scalarsOf(item))));
  }
  const members = type.kind === 'struct' ? type.members() : null;
  if (members === null || members.some(({ isUnion }) => isUnion)) return null;
  return joined(
    members.map(({ name }) => {
      const member = memberOf(node, name);
      return member === null ? null : scalarsOf(member);
    }),
  );
}

function joined(lists: readonly (readonly Node[] | null)[]): readonly Node[] | null {
  const all: Node[] = [];
  for (const list of lists) {
    if (list === null) return null;
    for (const each of list) all.push(each);
  }
  return all;
}

/** The place so many steps on from a place in an array, or from a member to a later one of the same type. */
export function stepFrom(node: Node, steps: number): Node | null {
  if (steps === 0) return node;
  if (node.up === null) return null;
  const { node: whole, at } = node.up;
  if (typeof at === 'number') return elementOf(whole, at + steps) ?? pastEnd(whole, at + steps);
  const members = whole.type.kind === 'struct' ? whole.type.members() : null;
  if (members === null) return null;
  const from = members.findIndex(({ name }) => name === at);
  const own = members[from];
  const [low, high] = steps < 0 ? [from + steps, from] : [from, from + steps];
  const between = low < 0 ? [] : members.slice(low, high + 1);
  const isRow =
    between.length === Math.abs(steps) + 1 && between.every(({ type }) => isSameType(type, own?.type ?? INT));
  const found = isRow ? members[from + steps] : undefined;
  if (found !== undefined) return memberOf(whole, found.name);
  const isPast = steps > 0 && members.slice(from, from + steps).every(({ type }) => isSameType(type, own?.type ?? INT));
  return isPast && members.length >= from + steps ? pastRow(whole, from + steps) : null;
}

const pastRows = new WeakMap<Node, Map<number, Node>>();

/** The place behind a row of members, which a pointer may have and nothing may read. */
function pastRow(whole: Node, index: number): Node {
  const own = pastRows.get(whole) ?? new Map<number, Node>();
  pastRows.set(whole, own);
  const node = own.get(index) ?? { ...part(whole, whole.name, '', UNKNOWN_TYPE), fill: 'unset' as const };
  own.set(index, node);
  return node;
}

/** The place behind an array's last element, which a pointer may have and nothing may read. */
export function pastEnd(node: Node, index: number): Node | null {
  const length = node.type.kind === 'array' ? node.type.length : null;
  if (length === null || index !== length) return null;
  node.items ??= new Map();
  const known = node.items.get(index);
  if (known !== undefined) return known;
  const made = { ...part(node, `${node.name}[${index}]`, index, UNKNOWN_TYPE), fill: 'unset' as const };
  node.items.set(index, made);
  return made;
}

const isSameType = (one: CType, other: CType): boolean =>
  one.kind === 'int' && other.kind === 'int' && one.bits === other.bits && one.signed === other.signed;

/** How many steps lie from one place to another of the same array or row of members; null where that has no meaning. */
export function distance(from: Node, to: Node): number | null {
  if (from === to) return 0;
  if (from.up === null || to.up === null || from.up.node !== to.up.node) return null;
  const [a, b] = [from.up.at, to.up.at];
  return typeof a === 'number' && typeof b === 'number' ? b - a : null;
}
