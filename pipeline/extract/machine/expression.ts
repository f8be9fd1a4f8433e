import type { Expr } from '../c/ast.ts';
import { literal } from '../c/integer.ts';
import { binaryPower, POWER } from '../c/operators.ts';
import { boundTo, inCall, wordOf } from './bindings.ts';
import {
  convert,
  elementOf,
  int,
  isNumeric,
  memberOf,
  type Node,
  newNode,
  outside,
  pastEnd,
  read,
  retype,
  stepFrom,
  truth,
  type Value,
  write,
} from './memory.ts';
import { isInput, isTrue, one, operate, operateOn } from './operate.ts';
import { powerOf } from './power.ts';
import { type CType, sizeOf, typeOfWords, UNKNOWN_TYPE } from './types.ts';
import { type Code, FLOW, type Frame, lookUp, outsideObject, type PlaceCode, step, stop, textOf } from './world.ts';

type Of<Kind extends Expr['kind']> = Extract<Expr, { kind: Kind }>;

export const evaluate = (expr: Expr, frame: Frame): Value => codeOf(expr, frame)(frame);
export const placeOf = (expr: Expr, frame: Frame): Node => placeCodeOf(expr, frame)(frame);

/** The code of an expression, made once. */
function codeOf(expr: Expr, frame: Frame): Code {
  const { codes } = frame.run.world;
  const known = codes.get(expr);
  if (known !== undefined) return known;
  const made = compile(expr);
  codes.set(expr, made);
  return made;
}

function placeCodeOf(expr: Expr, frame: Frame): PlaceCode {
  const { places } = frame.run.world;
  const known = places.get(expr);
  if (known !== undefined) return known;
  const made = compilePlace(expr);
  places.set(expr, made);
  return made;
}

function compile(expr: Expr): Code {
  switch (expr.kind) {
    case 'num':
      return number(expr);
    case 'str':
      return () => outside('a text');
    case 'id':
      return (frame) => nameValue(expr, frame);
    case 'member':
    case 'index':
      return (frame) => read(placeOf(expr, frame));
    case 'unary':
      return unaryCode(expr);
    case 'postfix':
      return (frame) => count(expr, expr.op, frame).before;
    case 'binary':
      return binaryCode(expr);
    case 'assign':
      return (frame) => assign(expr, frame);
    case 'ternary':
      return (frame) =>
        isTrue(operand(expr.test, POWER.weakest, frame), frame, expr.test.at)
          ? evaluate(expr.then, frame)
          : operand(expr.otherwise, POWER.choice, frame);
    case 'cast':
      return castCode(expr);
    case 'comma':
      return (frame) => expr.items.reduce<Value>((_, item) => evaluate(item, frame), int(0n));
    case 'call':
      return (frame) => {
        step(frame, expr.at);
        return frame.run.world.interpreter.call(expr, frame);
      };
    case 'statements':
      return (frame) => statementsValue(expr, frame);
    default:
      return (frame) => stop(frame, expr.at, 'an expression that can be run');
  }
}

function number(expr: Of<'num'>): Code {
  const value = literal(expr.text);
  if (value === undefined) return (frame) => stop(frame, expr.at, 'an integer literal');
  const known: Value = { kind: 'int', ...value };
  return () => known;
}

/** What a name means where it stands: a macro's parameter, a variable, a constant, a macro, an object, a function. */
function nameValue(expr: Of<'id'>, frame: Frame): Value {
  const { name } = expr;
  const bound = boundTo(name, frame);
  if (bound !== null) return inCall(bound.outer, frame, (inner) => evaluate(bound.expr, inner));
  const node = lookUp(frame.scope, name);
  if (node !== undefined) return read(node);
  if (name === 'true' || name === 'false') return truth(name === 'true');
  if (name === 'NULL') return int(0n, 64, false);
  const { world } = frame.run;
  const constant = world.constant(frame.file, name);
  if (constant !== undefined) return int(constant, 32, constant < 1n << 31n);
  const expanded = frame.run.world.interpreter.expandName(expr, frame);
  if (expanded !== null) return expanded;
  const object = world.object(frame.file, name);
  if (object !== null) return read(object);
  if (world.function(frame.file, name, expr.at) !== null) return { kind: 'function', name, file: frame.file };
  return read(outsideObject(frame.run, name));
}

/**
 * An operand's value. A macro and its arguments are text: one that would bind otherwise than it reads is an error.
 */
function operand(expr: Expr, least: number, frame: Frame): Value {
  if (
    expr.kind === 'id' &&
    (frame.bindings !== null || lookUp(frame.scope, expr.name) === undefined) &&
    powerOf(expr, frame) < least
  )
    return stop(frame, expr.at, 'parentheses around the macro or the argument that is an operand here');
  return evaluate(expr, frame);
}

function unaryCode(expr: Of<'unary'>): Code {
  const { op, operand: inner } = expr;
  switch (op) {
    case '&':
      return (frame) => {
        const node =
          inner.kind === 'id' && lookUp(frame.scope, inner.name) === undefined ? functionNamed(inner, frame) : null;
        if (node !== null) return node;
        return {
          kind: 'pointer',
          node: inner.kind === 'index' ? elementPlace(inner, frame, true) : placeOf(inner, frame),
        };
      };
    case '*':
      return (frame) => {
        const value = operand(inner, POWER.unary, frame);
        return value.kind === 'function' ? value : read(target(value, expr, frame));
      };
    case '++':
    case '--':
      return (frame) => count(expr, op, frame).after;
    case 'sizeof':
      return (frame) => sizeValue(inner, frame);
    default:
      return (frame) => operateOn(op, operand(inner, POWER.unary, frame), frame, expr.at);
  }
}

function functionNamed(expr: Of<'id'>, frame: Frame): Value | null {
  const { world } = frame.run;
  if (boundTo(expr.name, frame) !== null || world.object(frame.file, expr.name) !== null) return null;
  return world.function(frame.file, expr.name, expr.at) === null
    ? null
    : { kind: 'function', name: expr.name, file: frame.file };
}

function sizeValue(inner: Expr, frame: Frame): Value {
  const type =
    inner.kind === 'type'
      ? typeOfWords(inner.type.split(' '), frame.run.world.types(frame.file))
      : placeOf(inner, frame).type;
  const size = sizeOf(type);
  return size === null ? outside(`sizeof ${textOf(inner)}`) : int(BigInt(size), 64, false);
}

function binaryCode(expr: Of<'binary'>): Code {
  const { op } = expr;
  if (op === '&&' || op === '||')
    return (frame) => {
      const left = operand(expr.left, binaryPower(op) ?? 0, frame);
      if (isTrue(left, frame, expr.left.at) === (op === '||'))
        return isInput(left) ? { ...truth(op === '||'), isInput: true } : truth(op === '||');
      const right = operand(expr.right, binaryPower(op) ?? 0, frame);
      const holds = truth(isTrue(right, frame, expr.right.at));
      return isInput(left) || isInput(right) ? { ...holds, isInput: true } : holds;
    };
  // A long chain is taken in a loop: the stack need not be as deep as the chain is long.
  const chain: Of<'binary'>[] = [];
  let first: Expr = expr;
  while (
    first.kind === 'binary' &&
    first.op !== '&&' &&
    first.op !== '||' &&
    (first === expr || first.parens !== true)
  ) {
    chain.push(first);
    first = first.left;
  }
  chain.reverse();
  const start = first;
  return (frame) => {
    let left = operand(start, binaryPower(chain[0]?.op ?? op) ?? 0, frame);
    for (const part of chain) {
      const power = binaryPower(part.op) ?? 0;
      const right = operand(part.right, ['|', '&', '^'].includes(part.op) ? power : power + 1, frame);
      left = operate(part.op, left, right, frame, part.at);
    }
    return left;
  };
}

function assign(expr: Of<'assign'>, frame: Frame): Value {
  step(frame, expr.at);
  const node = placeOf(expr.target, frame);
  const value = operand(expr.value, POWER.list, frame);
  const now = expr.op === '=' ? value : operate(expr.op.slice(0, -1), read(node), value, frame, expr.at);
  store(node, now, frame, expr.at.line);
  return convert(now, node.type);
}

/** Writes to a place; a file's own object is the same for all runs, and is filled before. */
export function store(node: Node, value: Value, frame: Frame, line: number): void {
  const at = { file: frame.file, line: frame.callLine ?? line };
  if (node.isShared && !frame.run.isFilling)
    stop(
      frame,
      { kind: 'id', text: node.name, line, column: 1 },
      'code that gives the same result each time it runs',
      `\`${node.name}\` keeps what is written to it`,
    );
  write(node, value, at);
}

function count(expr: Of<'unary'> | Of<'postfix'>, op: string, frame: Frame): { before: Value; after: Value } {
  const node = placeOf(expr.operand, frame);
  const before = read(node);
  const after = operate(op === '++' ? '+' : '-', before, int(1n), frame, expr.at);
  store(node, after, frame, expr.at.line);
  return { before, after: read(node) };
}

function castCode(expr: Of<'cast'>): Code {
  if (expr.operand.kind === 'init') return (frame) => read(placeOf(expr, frame));
  const words = expr.type.split(' ');
  let known: CType | null = null;
  return (frame) => {
    const value = operand(expr.operand, POWER.unary, frame);
    if (!isNumeric(value)) return value;
    known ??= typeOfWords(words, frame.run.world.types(frame.file));
    const type = known;
    if (type.kind === 'int') return type.isBool ? convert(value, type) : retype(value, type.bits, type.signed);
    if (type.kind === 'pointer' || type.kind === 'void') return value;
    return stop(frame, expr.at, 'a cast to an integer type');
  };
}

function statementsValue(expr: Of<'statements'>, frame: Frame): Value {
  const last = expr.body.at(-1);
  const outer = frame.scope;
  frame.scope = { names: new Map(), outer };
  try {
    const isValue = last?.kind === 'expr';
    const flow = frame.run.world.interpreter.blockOf(isValue ? expr.body.slice(0, -1) : expr.body, frame, false)(frame);
    if (flow !== FLOW.next) return stop(frame, expr.at, 'an expression that ends with its value');
    return isValue ? evaluate(last.expr, frame) : int(0n);
  } finally {
    frame.scope = outer;
  }
}

function compilePlace(expr: Expr): PlaceCode {
  switch (expr.kind) {
    case 'id':
      return (frame) => namedPlace(expr, frame);
    case 'member':
      return (frame) => {
        const owner = expr.arrow
          ? target(operand(expr.object, POWER.unary, frame), expr, frame)
          : placeOf(expr.object, frame);
        return memberPlace(owner, wordOf(expr.name, frame), expr, frame);
      };
    case 'index':
      return (frame) => elementPlace(expr, frame);
    case 'unary':
      if (expr.op === '*') return (frame) => target(operand(expr.operand, POWER.unary, frame), expr, frame);
      break;
    case 'cast':
      if (expr.operand.kind === 'init') {
        const { operand: list } = expr;
        return (frame) => {
          const type = typeOfWords(expr.type.split(' '), frame.run.world.types(frame.file));
          const node = newNode('a value', type, 'zero');
          frame.run.world.interpreter.initialise(node, list, frame);
          return node;
        };
      }
      break;
    default:
  }
  return (frame) => {
    const value = evaluate(expr, frame);
    if (value.kind === 'struct') return value.node;
    if (value.kind === 'outside') return target(value, expr, frame);
    return stop(frame, expr.at, 'a place that can be written to or read');
  };
}

function namedPlace(expr: Of<'id'>, frame: Frame): Node {
  const { name } = expr;
  const bound = boundTo(name, frame);
  if (bound !== null) return inCall(bound.outer, frame, (inner) => placeOf(bound.expr, inner));
  const node = lookUp(frame.scope, name);
  if (node !== undefined) return node;
  const { world } = frame.run;
  const value = frame.run.world.interpreter.expandName(expr, frame, true);
  if (value?.kind === 'struct') return value.node;
  if (value?.kind === 'pointer') return value.node;
  return world.object(frame.file, name) ?? outsideObject(frame.run, name);
}

/** What a pointer points to. */
function target(value: Value, expr: Expr, frame: Frame): Node {
  if (value.kind === 'pointer') return value.node;
  if (value.kind === 'outside') {
    value.target.node ??= newNode(value.text, UNKNOWN_TYPE, 'outside');
    return value.target.node;
  }
  if (value.kind === 'unset')
    return stop(frame, expr.at, 'a pointer that was set before', `nothing has set \`${value.text}\``);
  return stop(frame, expr.at, 'a pointer to something that is read');
}

function memberPlace(owner: Node, name: string, expr: Of<'member'>, frame: Frame): Node {
  const known = owner.fields?.get(name);
  if (known !== undefined) return known;
  const own = owner.fill === 'outside' ? frame.run.member(name) : null;
  if (own !== null) return own;
  return memberOf(owner, name) ?? stop(frame, expr.at, `a member of ${owner.name}`, `it has no \`${name}\``);
}

const isPlace = (expr: Expr): boolean => expr.kind === 'member' || expr.kind === 'index' || expr.kind === 'id';
/** A place of an unknown type that nothing was written to is an array where it is used as one. */
const isArray = ({ type, value, fill }: Node): boolean =>
  type.kind === 'array' || (type.kind === 'unknown' && value === null && fill !== 'outside');

/** An element; where only its address is asked for, also the place behind the last one. */
function elementPlace(expr: Of<'index'>, frame: Frame, isAddress = false): Node {
  const index = one(evaluate(expr.index, frame));
  // What is kept outside, at an index that is not known, is not read here.
  if (index.kind === 'outside' && !index.isInput && isPlace(expr.object)) {
    const whole = placeOf(expr.object, frame);
    if (whole.fill === 'outside' && whole.fields === null) return newNode(whole.name, UNKNOWN_TYPE, 'outside');
  }
  if (index.kind !== 'int')
    return stop(frame, expr.index.at, 'an index that is known', `\`${textOf(expr.index)}\` is not`);
  if (index.key !== undefined)
    return stop(frame, expr.index.at, 'the function or sub-leaf compared for equality with a constant');
  const at = Number(index.value);
  const whole = isPlace(expr.object) ? placeOf(expr.object, frame) : null;
  if (whole !== null && isArray(whole))
    return (
      elementOf(whole, at) ??
      (isAddress ? pastEnd(whole, at) : null) ??
      stop(frame, expr.at, 'an index inside of the array', `${at} is not`)
    );
  const base = whole === null ? operand(expr.object, POWER.primary, frame) : read(whole);
  const node =
    base.kind === 'pointer'
      ? stepFrom(base.node, at)
      : base.kind === 'outside'
        ? elementOf(target(base, expr, frame), at)
        : stop(frame, expr.at, 'an array');
  return node ?? stop(frame, expr.at, 'an index inside of the array', `${at} is not`);
}
