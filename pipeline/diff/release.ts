import type {
  ClassChange,
  DeciderChange,
  FeatureMove,
  FeatureRename,
  GateChange,
  MaskChange,
  ReleaseDiff,
} from '../model/change.ts';
import { absentRegister, CELL_CLASSES, type ClassedRelease, classify, type RegisterClasses } from '../model/class.ts';
import { deciderText } from '../model/decider-text.ts';
import { compareGates } from '../model/gate.ts';
import { and, without } from '../model/mask.ts';
import { configSlotsOf, type FixedMasks, type ModuleRelease } from '../model/module.ts';
import { compareTexts } from '../model/order.ts';
import { compareLeaves, comparePlaces, type LeafKey, leafId, type Place, placeId } from '../model/place.ts';

/** What differs from `a` to `b`. diff(A, A) is empty, diff(B, A) is the mirror, and the order of input never matters. */
export function diffReleases(a: ClassedRelease, b: ClassedRelease): ReleaseDiff {
  const pairs = pairRegisters(a.registers, b.registers);
  const [before, after] = [a.module, b.module];
  return {
    from: before.release,
    to: after.release,
    changes: pairs.flatMap(([from, to]) => classChanges(from, to)),
    gates: (isExamined(a) === isExamined(b) ? pairs : pairRegisters(classify(before), classify(after))).flatMap(
      ([from, to]) => gateChanges(from, to),
    ),
    deciders: pairs.flatMap(([from, to]) => deciderChanges(from, to)),
    fixed0Leaves: listChange(before.fixed0Leaves, after.fixed0Leaves, (x, y) => x - y),
    attributes: fixedChange(before.attributes, after.attributes),
    xfam: fixedChange(before.xfam, after.xfam),
    features0: {
      ...maskChange(before.features0, after.features0),
      ...nameChanges(before.featureNames, after.featureNames),
    },
    cpuidFlags:
      before.cpuidFlags === null || after.cpuidFlags === null
        ? { added: [], removed: [] }
        : listChange(before.cpuidFlags, after.cpuidFlags, compareTexts),
    configSlots: { from: configSlotsOf(before), to: configSlotsOf(after) },
    leaves: leafChanges(before.lookup, after.lookup),
    coverage: { cells: pairs.length * 32, unknown: [...unknownFacts(before, after), ...unexamined([a, b])] },
  };
}

/** Where the code of one of two releases was not examined, only their tables' gates can be held against each other. */
const isExamined = ({ registers }: ClassedRelease): boolean => registers.some(({ deciders }) => deciders.length > 0);

/** Each register of either release with its counterpart, `absent` where one does not have the leaf. */
function pairRegisters(
  a: readonly RegisterClasses[],
  b: readonly RegisterClasses[],
): readonly (readonly [RegisterClasses, RegisterClasses])[] {
  const left = new Map(a.map((register) => [placeId(register), register]));
  const right = new Map(b.map((register) => [placeId(register), register]));
  const all = new Map([...left, ...right]);
  return [...all.values()]
    .sort(comparePlaces)
    .map((place) => [
      left.get(placeId(place)) ?? absentRegister(place),
      right.get(placeId(place)) ?? absentRegister(place),
    ]);
}

/** How both releases write a place: without a sub-leaf where either does, so that the way back reads the same. */
const placeOf = (from: Place, { leaf, subleaf, register }: Place): Place => ({
  leaf,
  subleaf: from.subleaf === null ? null : subleaf,
  register,
});

function classChanges(from: RegisterClasses, to: RegisterClasses): readonly ClassChange[] {
  const place = placeOf(from, to);
  const nowThere = CELL_CLASSES.filter((name) => to.classes.has(name));
  return CELL_CLASSES.filter((name) => from.classes.has(name)).flatMap((old) =>
    nowThere.flatMap((now) => {
      const mask = old === now ? 0 : and(from.classes.get(old) ?? 0, to.classes.get(now) ?? 0);
      return mask === 0 ? [] : [{ ...place, from: old, to: now, mask }];
    }),
  );
}

/** Gates of leaves that came or went are part of that change, not a change of gates. */
function gateChanges(from: RegisterClasses, to: RegisterClasses): readonly GateChange[] {
  if (from.classes.has('absent') || to.classes.has('absent')) return [];
  const names = [...new Set([...from.gates.keys(), ...to.gates.keys()])].sort(compareGates);
  return names.flatMap((gate) => {
    const [old, now] = [from.gates.get(gate) ?? 0, to.gates.get(gate) ?? 0];
    return old === now ? [] : [{ ...placeOf(from, to), gate, added: without(now, old), removed: without(old, now) }];
  });
}

/** Who decides beyond the tables, where the code of both releases was examined. */
const deciderChanges = (from: RegisterClasses, to: RegisterClasses): readonly DeciderChange[] =>
  from.deciders.flatMap((before) =>
    to.deciders.flatMap((after) => {
      const mask = and(before.mask, after.mask);
      if (mask === 0 || deciderText(before.decider) === deciderText(after.decider)) return [];
      return [{ ...placeOf(from, to), mask, from: before.decider, to: after.decider }];
    }),
  );

function listChange<T>(
  before: readonly T[],
  after: readonly T[],
  compare: (a: T, b: T) => number,
): { readonly added: readonly T[]; readonly removed: readonly T[] } {
  return {
    added: after.filter((item) => !before.includes(item)).sort(compare),
    removed: before.filter((item) => !after.includes(item)).sort(compare),
  };
}

function leafChanges(before: readonly LeafKey[], after: readonly LeafKey[]): ReleaseDiff['leaves'] {
  const [old, now] = [new Set(before.map(leafId)), new Set(after.map(leafId))];
  const only = (list: readonly LeafKey[], known: ReadonlySet<string>) =>
    list
      .filter((key) => !known.has(leafId(key)))
      .map(({ leaf, subleaf }) => ({ leaf, subleaf }))
      .sort(compareLeaves);
  return { added: only(after, old), removed: only(before, now) };
}

/** A mask that one side does not know changes nothing that can be told: no bits, and `null` on that side. */
function maskChange(from: bigint | null, to: bigint | null): MaskChange {
  if (from === null || to === null) return { from, to, added: 0n, removed: 0n };
  return { from, to, added: to & ~from, removed: from & ~to };
}

function fixedChange(
  from: FixedMasks | null,
  to: FixedMasks | null,
): { readonly fixed0: MaskChange; readonly fixed1: MaskChange } {
  return {
    fixed0: maskChange(from?.fixed0 ?? null, to?.fixed0 ?? null),
    fixed1: maskChange(from?.fixed1 ?? null, to?.fixed1 ?? null),
  };
}

function nameChanges(
  from: ReadonlyMap<number, string>,
  to: ReadonlyMap<number, string>,
): { readonly moved: readonly FeatureMove[]; readonly renamed: readonly FeatureRename[] } {
  const before = new Map([...from].map(([bit, name]) => [name, bit]));
  const moved = [...to].flatMap(([bit, name]) => {
    const old = before.get(name);
    return old === undefined || old === bit ? [] : [{ name, from: old, to: bit }];
  });
  const renamed = [...to].flatMap(([bit, name]) => {
    const old = from.get(bit);
    return old === undefined || old === name ? [] : [{ bit, from: old, to: name }];
  });
  return { moved: moved.sort((a, b) => a.to - b.to), renamed: renamed.sort((a, b) => a.bit - b.bit) };
}

const unexamined = (releases: readonly ClassedRelease[]): readonly string[] =>
  releases
    .filter(({ registers }) => registers.length > 0 && registers.every(({ deciders }) => deciders.length === 0))
    .map(({ module }) => `who decides the bits of ${module.release} was not examined: its tables alone are told`);

function unknownFacts(from: ModuleRelease, to: ModuleRelease): readonly string[] {
  const facts = [
    ['attributes', (release: ModuleRelease) => release.attributes],
    ['XFAM', (release: ModuleRelease) => release.xfam],
    ['TDX_FEATURES0', (release: ModuleRelease) => release.features0],
    ['cpuid_flags', (release: ModuleRelease) => release.cpuidFlags],
  ] as const;
  return facts.flatMap(([name, fact]) =>
    [from, to]
      .filter((release) => fact(release) === null)
      .map((release) => `${name} of ${release.release} is not known and was not compared`),
  );
}
