import { subleafOf } from '../../model/place.ts';
import type { Expr } from '../c/ast.ts';
import type { Unit } from '../c/unit.ts';
import { boundTo, inCall } from '../machine/bindings.ts';
import { evaluate } from '../machine/expression.ts';
import { isNonZero } from '../machine/group.ts';
import { int, isNumeric, memberOf, type Node, newNode, read, truth, type Value, write } from '../machine/memory.ts';
import { isInput, one, operate } from '../machine/operate.ts';
import { UNKNOWN_TYPE } from '../machine/types.ts';
import { type Builtin, type Frame, lineOf, lookUp, stop } from '../machine/world.ts';
import type { FeatureBit, FeatureTable } from './features.ts';

type Call = Extract<Expr, { kind: 'call' }>;

/** KVM's own words for features, from reverse_cpuid.h: what they mean is read from the headers, not by running them. */
const NAMES =
  /^(?:__feature_bit|feature_bit|F|__feature_leaf|x86_feature_cpuid|reverse_cpuid_check|__?cpuid_entry_get_reg|cpuid_entry_(?:has|get|clear|set|change|override))$/;

/** The meaning of a call on features; undefined where the name is none of them, or the file gives it a meaning of its own. */
export function featureCall(name: string, features: FeatureTable, own: Unit): Builtin | undefined {
  if (!NAMES.test(name)) return undefined;
  const macro = own.macros.get(name);
  const isOwn =
    macro === undefined
      ? own.functions.has(name)
      : !macro.body.some(({ text }) => text === '##' || text === 'feature_bit' || text === '__feature_bit');
  if (isOwn) return undefined;
  return (call, frame) => run(name, call, frame, features);
}

function run(name: string, call: Call, frame: Frame, features: FeatureTable): Value {
  const [first, second, third] = call.args;
  if (first === undefined) return stop(frame, call.at, 'a feature');
  switch (name) {
    case '__feature_bit':
    case 'feature_bit':
    case 'F':
      return int(1n << BigInt(featureAt(first, frame, features).bit), 32, false);
    case '__feature_leaf':
      return operate('/', evaluate(first, frame), int(32n), frame, call.at);
    case 'reverse_cpuid_check':
      return int(0n);
    case 'x86_feature_cpuid':
      return describe(first, frame, features);
    case '__cpuid_entry_get_reg':
      return registerPointer(call, frame, indexOfRegister(second, frame));
    case 'cpuid_entry_get_reg':
      return registerPointer(
        call,
        frame,
        second === undefined ? 0 : ORDER.indexOf(featureAt(second, frame, features).register),
      );
    default:
      return onEntry(name, call, frame, second === undefined ? null : featureAt(second, frame, features), third);
  }
}

const ORDER = ['eax', 'ebx', 'ecx', 'edx'];

/** The feature that an argument names: `X86_FEATURE_HLE`, `HLE`, `3DNOW`, or a variable that holds its number. */
function featureAt(arg: Expr, frame: Frame, features: FeatureTable): FeatureBit {
  const bound = arg.kind === 'id' ? boundTo(arg.name, frame) : null;
  if (bound !== null) return inCall(bound.outer, frame, (inner) => featureAt(bound.expr, inner, features));
  const text = arg.kind === 'id' ? arg.name : arg.kind === 'num' ? arg.text : '';
  const named = features.bits.get(text.replace(/^X86_FEATURE_/, ''));
  if (named !== undefined && (arg.kind !== 'id' || lookUp(frame.scope, text) === undefined)) return named;
  const isVariable = arg.kind !== 'id' || lookUp(frame.scope, text) !== undefined;
  const value = isVariable && arg.kind !== 'num' ? one(evaluate(arg, frame)) : null;
  const found = value?.kind === 'int' ? features.numbers.get(Number(value.value)) : undefined;
  return found ?? stop(frame, arg.at, 'a feature with a place in CPUID', `\`${text}\` has none in this tree`);
}

/** `struct cpuid_reg` of a feature or of the first bit of a word: its leaf, its sub-leaf, its register. */
function describe(arg: Expr, frame: Frame, features: FeatureTable): Value {
  const value = one(evaluate(arg, frame));
  const place = value.kind === 'int' ? features.wordNumbers.get(Number(value.value >> 5n)) : undefined;
  if (place === undefined) return stop(frame, arg.at, 'a feature with a place in CPUID');
  const node = newNode('cpuid_reg', UNKNOWN_TYPE, 'zero');
  const at = { file: frame.file, line: lineOf(frame, arg.at) };
  const fields: readonly (readonly [string, bigint])[] = [
    ['function', BigInt(place.leaf)],
    ['index', BigInt(subleafOf(place))],
    ['reg', BigInt(ORDER.indexOf(place.register))],
  ];
  for (const [name, number] of fields) {
    const field = memberOf(node, name);
    if (field !== null) write(field, int(number, 32, false), at);
  }
  return { kind: 'struct', node };
}

function entryOf(call: Call, frame: Frame): Node {
  const [subject] = call.args;
  const value = subject === undefined ? null : evaluate(subject, frame);
  return value?.kind === 'pointer' ? value.node : stop(frame, call.at, 'an entry and a feature');
}

function indexOfRegister(arg: Expr | undefined, frame: Frame): number {
  const value = arg === undefined ? null : one(evaluate(arg, frame));
  return value?.kind === 'int' ? Number(value.value) : -1;
}

function registerPointer(call: Call, frame: Frame, index: number): Value {
  const name = ORDER[index];
  const node = name === undefined ? null : memberOf(entryOf(call, frame), name);
  return node === null ? stop(frame, call.at, 'a register of the entry') : { kind: 'pointer', node };
}

// biome-ignore lint/complexity/useMaxParams: the parts of one call, and where it stands.
function onEntry(name: string, call: Call, frame: Frame, feature: FeatureBit | null, third: Expr | undefined): Value {
  const node = feature === null ? null : memberOf(entryOf(call, frame), feature.register);
  if (feature === null || node === null) return stop(frame, call.at, 'an entry and a feature');
  const bit = int(1n << BigInt(feature.bit), 32, false);
  const value = read(node);
  const has = operate('&', value, bit, frame, call.at);
  if (name === 'cpuid_entry_has' || name === 'cpuid_entry_get') {
    if (!isNumeric(has) || name === 'cpuid_entry_get') return has;
    return { ...truth(isNonZero(has)), ...(isInput(has) ? { isInput: true as const } : {}) };
  }
  const given = third === undefined ? null : one(evaluate(third, frame));
  const isSet =
    name === 'cpuid_entry_set' || (name === 'cpuid_entry_change' && given?.kind === 'int' && given.value !== 0n);
  if (name === 'cpuid_entry_override' || (name === 'cpuid_entry_change' && given?.kind !== 'int'))
    return stop(frame, call.at, 'a call that can be run', `cannot run the call of ${name}() here`);
  const mask = int(BigInt.asUintN(32, ~bit.value), 32, false);
  const now = isSet ? operate('|', value, bit, frame, call.at) : operate('&', value, mask, frame, call.at);
  write(node, now, { file: frame.file, line: lineOf(frame, call.at) });
  return int(0n);
}
