import type { Expr } from '../c/ast.ts';
import { boundTo } from './bindings.ts';
import { evaluate } from './expression.ts';
import { elementOf, memberOf, type Node, type Value, write } from './memory.ts';
import { one } from './operate.ts';
import type { CType } from './types.ts';
import { type Frame, lineOf, stop } from './world.ts';

type Item = Extract<Expr, { kind: 'init' }>['items'][number];

/** Fills a place, which holds zeros, from an initialiser; a list without a length of its own gives the array its length. */
export function initialise(node: Node, value: Expr, frame: Frame): void {
  if (value.kind !== 'init') {
    if (frame.run.world.interpreter.withList(value, frame, (list, inner) => initialise(node, list, inner))) return;
    write(node, evaluate(value, frame), at(frame, value));
    return;
  }
  const [first] = value.items;
  if (node.type.kind === 'int' || node.type.kind === 'pointer') {
    if (first !== undefined) initialise(node, first.value, frame);
    return;
  }
  fill(
    node,
    value.items.flatMap((item) => spliced(item, frame)),
    0,
    frame,
    true,
  );
  if (node.type.kind === 'array' && node.type.length === null) {
    const length = Math.max(-1, ...(node.items?.keys() ?? [])) + 1;
    node.type = { ...node.type, length };
  }
}

const at = (frame: Frame, expr: Expr) => ({ file: frame.file, line: lineOf(frame, expr.at) });

/** A macro's parameter for all that is left stands for several items. */
function spliced(item: Item, frame: Frame): readonly Item[] {
  const bound = item.value.kind === 'id' ? boundTo(item.value.name, frame) : null;
  if (bound?.expr.kind !== 'comma' || bound.expr.parens === true) return [item];
  return bound.expr.items.map((value) => ({ designators: [], value, at: item.at }));
}

/** Takes items from `from` on for the parts of a place; returns where the next ones begin. */
// biome-ignore lint/complexity/useMaxParams: the items from a place on, and the object that they fill.
function fill(node: Node, items: readonly Item[], from: number, frame: Frame, isWhole: boolean): number {
  let index = from;
  let next = 0;
  while (index < items.length) {
    const item = items[index];
    if (item === undefined) break;
    if (item.designators.length > 0) {
      // Designators name parts of what has braces of its own.
      if (!isWhole) return index;
      next = designated(node, item, frame) + 1;
      index += 1;
      continue;
    }
    const part = partAt(node, next);
    if (part === null) {
      if (isWhole) return stop(frame, item.at, 'an initialiser for a part that there is');
      return index;
    }
    next += 1;
    const isList = frame.run.world.interpreter.isList(item.value, frame);
    const value: Value | null = isList ? null : evaluate(item.value, frame);
    if (value !== null && value.kind !== 'struct' && isParted(part.type)) {
      index = fill(part, items, index, frame, false);
      continue;
    }
    if (value === null) initialise(part, item.value, frame);
    else write(part, value, at(frame, item.value));
    index += 1;
  }
  return index;
}

const isParted = (type: CType): boolean => type.kind === 'array' || (type.kind === 'struct' && type.members() !== null);

/** The part of a struct or array that stands at an index. */
function partAt(node: Node, index: number): Node | null {
  if (node.type.kind === 'array') return elementOf(node, index);
  const name = node.type.kind === 'struct' ? node.type.members()?.[index]?.name : undefined;
  if (name !== undefined) return memberOf(node, name);
  return node.type.kind === 'unknown' ? elementOf(node, index) : null;
}

/** Sets what an item's designators name; returns the index of the outermost part. */
function designated(node: Node, { designators, value }: Item, frame: Frame): number {
  const [first, ...rest] = designators;
  if (first === undefined) return 0;
  const places: Node[] = [];
  let last = 0;
  if (first.kind === 'field') {
    const part = memberOf(node, first.name);
    if (part === null) return stop(frame, first.at, 'a member of the struct');
    places.push(part);
    const members = node.type.kind === 'struct' ? node.type.members() : null;
    last = members?.findIndex(({ name }) => name === first.name) ?? 0;
  } else {
    const low = indexOf(first.index, frame);
    last = first.last === null ? low : indexOf(first.last, frame);
    for (let index = low; index <= last; index += 1) {
      const part = elementOf(node, index);
      if (part === null) return stop(frame, first.at, 'an index inside of the array');
      places.push(part);
    }
  }
  for (const part of places) {
    if (rest.length > 0) designated(part, { designators: rest, value, at: first.at }, frame);
    else initialise(part, value, frame);
  }
  return last;
}

function indexOf(expr: Expr, frame: Frame): number {
  const value = one(evaluate(expr, frame));
  if (value.kind !== 'int') return stop(frame, expr.at, 'a constant index');
  return Number(value.value);
}
