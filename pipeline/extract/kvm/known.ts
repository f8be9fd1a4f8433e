import { bitMask, or, without } from '../../model/mask.ts';
import { comparePlaces, placeId } from '../../model/place.ts';
import type { PolicyMask } from '../../model/policy.ts';
import type { Expr } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { bodyOf, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn } from '../c/walk.ts';
import type { FeatureBit, FeatureTable } from './features.ts';

/** Macros of kvm_cpu_cap_init that set a capability; VENDOR_F and RUNTIME_F set none. */
const SETS = new Set([
  'F',
  'SF',
  'SCATTERED_F',
  'X86_64_F',
  'EMULATED_F',
  'SYNTHESIZED_F',
  'PASSTHROUGH_F',
  'ALIASED_1_EDX_F',
]);
const IGNORED = new Set(['VENDOR_F', 'RUNTIME_F']);

const SETTER = /(initialize|set|finalize)_cpu_caps$/;

type Known = Map<string, PolicyMask>;

/**
 * Features for which KVM sets a capability: what KVM has heard of, which is not what a TD may have. A capability that is
 * set or cleared under a condition, which the host decides, is one that KVM has heard of. VMX adds some of its own, in a file of its own.
 */
export function readKnown(units: readonly Unit[], features: FeatureTable): readonly PolicyMask[] {
  const known: Known = new Map();
  for (const unit of units) readUnitKnown(unit, features, known);
  return [...known.values()].filter(({ mask }) => mask !== 0).sort(comparePlaces);
}

function readUnitKnown(unit: Unit, features: FeatureTable, known: Known): void {
  for (const fn of [...unit.functions.values()].flat()) {
    if (!SETTER.test(fn.name)) continue;
    let mayHaveEnded = false;
    for (const statement of bodyOf(unit, fn)) {
      const isAlways = statement.kind === 'expr' && statement.expr.kind === 'call' && !mayHaveEnded;
      mayHaveEnded ||= [...allStatements([statement])].some(({ kind }) => kind === 'return' || kind === 'jump');
      for (const expr of expressionsIn([statement])) readCall(unit, features, expr, isAlways, known);
    }
  }
}

// biome-ignore lint/complexity/useMaxParams: what is read, how it is meant, and what collects it.
function readCall(unit: Unit, features: FeatureTable, expr: Expr, isAlways: boolean, known: Known): void {
  if (expr.kind !== 'call' || expr.callee.kind !== 'id') return;
  const { name } = expr.callee;
  if (/^kvm_cpu_cap_(init|mask)(_\w+)?$/.test(name)) {
    for (const part of expr.args.slice(1).flatMap((arg) => [...allExpressions(arg)]))
      if (part.kind === 'call' && part.callee.kind === 'id') readMacro(unit, features, part, part.callee.name, known);
    return;
  }
  const [, change] = /^kvm_cpu_cap_(set|check_and_set|clear)$/.exec(name) ?? [];
  if (change === undefined || (change === 'clear' && !isAlways)) return;
  const place = featureAt(unit, features, expr, /^X86_FEATURE_/);
  if (change === 'clear') {
    const before = known.get(placeId(place));
    if (before !== undefined) known.set(placeId(place), { ...before, mask: without(before.mask, bitMask(place.bit)) });
  } else add(unit, expr, place, known);
}

// biome-ignore lint/complexity/useMaxParams: what is read, how it is meant, and what collects it.
function readMacro(unit: Unit, features: FeatureTable, part: Call, macro: string, known: Known): void {
  if (IGNORED.has(macro)) return;
  if (!SETS.has(macro))
    fail(unit.file, part.at, `one of ${[...SETS, ...IGNORED].join(', ')}`, 'a new macro may set or clear a capability');
  const feature = featureAt(unit, features, part, /^/);
  // ALIASED_1_EDX_F repeats a bit of leaf 1 in AMD's leaf.
  const isAlias = macro === 'ALIASED_1_EDX_F';
  add(unit, part, isAlias ? { leaf: 0x80000001, subleaf: 0, register: 'edx', bit: feature.bit } : feature, known);
}

type Call = Extract<Expr, { kind: 'call' }>;

/** The place of the feature that a call's first argument names, less the prefix. */
function featureAt(unit: Unit, features: FeatureTable, call: Call, prefix: RegExp): FeatureBit {
  const [name] = call.args;
  const text = name?.kind === 'id' ? name.name : name?.kind === 'num' ? name.text : '';
  const feature = features.bits.get(text.replace(prefix, ''));
  return feature ?? fail(unit.file, call.at, 'a feature with a place in CPUID', `\`${text}\` has none in this tree`);
}

function add(unit: Unit, at: Call, { leaf, subleaf, register, bit }: FeatureBit, known: Known): void {
  const id = placeId({ leaf, subleaf, register });
  const before = known.get(id);
  known.set(id, {
    leaf,
    subleaf,
    register,
    mask: or(before?.mask ?? 0, bitMask(bit)),
    path: before?.path ?? unit.file,
    line: before?.line ?? at.at.line,
  });
}
