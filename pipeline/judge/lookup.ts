import type { ClassChange } from '../model/change.ts';
import { type CellClass, type ClassedRelease, configurableMask, type RegisterClasses } from '../model/class.ts';
import type { Decider } from '../model/decider.ts';
import type { GuestControl } from '../model/decider-rules.ts';
import { deciderText } from '../model/decider-text.ts';
import type { ClassStep } from '../model/finding.ts';
import type { GateId } from '../model/gate.ts';
import type { ClobberRow, Knowledge } from '../model/knowledge.ts';
import { and, bitMask, bitsOf, hasBit, or, rangeMask, without } from '../model/mask.ts';
import { fieldBits, namesOf } from '../model/names.ts';
import { compareTexts } from '../model/order.ts';
import { type LeafKey, leafId, type Place, placeId, REGISTERS, samePlace, subleafOf } from '../model/place.ts';
import type { Evidence } from '../model/source.ts';
import { CHANGE_TABLE, type Effect } from './change-table.ts';
import type { PlaceMask, ReleaseContext } from './rule.ts';

/** The class changes that have an effect on a TD. */
export const changesOf = (effect: Effect, { changes }: Pick<ReleaseContext, 'changes'>): readonly ClassChange[] =>
  changes.filter((change) => CHANGE_TABLE[change.from][change.to].includes(effect));

/** The class changes of a step without the bits that the code of both releases decides in the same way, whatever the tables say. */
export const tdChanges = (
  from: ClassedRelease,
  to: ClassedRelease,
  changes: readonly ClassChange[],
): readonly ClassChange[] =>
  changes.flatMap((change) => {
    const mask = without(change.mask, sameDeciders(registerOf(from, change), registerOf(to, change)));
    return mask === 0 ? [] : [{ ...change, mask }];
  });

function sameDeciders(before: RegisterClasses | undefined, after: RegisterClasses | undefined): number {
  if (before === undefined || after === undefined) return 0;
  const texts = new Map(before.deciders.map(({ mask, decider }) => [deciderText(decider), mask]));
  return after.deciders.reduce((all, part) => or(all, and(part.mask, texts.get(deciderText(part.decider)) ?? 0)), 0);
}

export const placeMask = ({ leaf, subleaf, register }: Place, mask: number): PlaceMask => ({
  leaf,
  subleaf,
  register,
  mask,
});

/** How bits went from class to class, each way once, in the order of the classes' names. */
export function stepsOf(
  changes: readonly { readonly from: CellClass; readonly to: CellClass }[],
): readonly ClassStep[] {
  const steps = new Map(changes.map(({ from, to }) => [`${from} ${to}`, { from, to }]));
  return [...steps].sort(([a], [b]) => compareTexts(a, b)).map(([, step]) => step);
}

/** Registers by place, per release: rules look them up for every change. */
const registerIndexes = new WeakMap<ClassedRelease, ReadonlyMap<string, RegisterClasses>>();

export function registerOf(release: ClassedRelease, place: Place): RegisterClasses | undefined {
  let index = registerIndexes.get(release);
  if (index === undefined) {
    index = new Map(release.registers.map((register) => [placeId(register), register]));
    registerIndexes.set(release, index);
  }
  return index.get(placeId(place));
}

/** Lines by leaf, per release: of its entry in the lookup table, then in the configurable one. */
const lineIndexes = new WeakMap<ClassedRelease, ReadonlyMap<string, readonly number[]>>();

function linesOf(release: ClassedRelease): ReadonlyMap<string, readonly number[]> {
  const known = lineIndexes.get(release);
  if (known !== undefined) return known;
  const lines = new Map<string, number[]>();
  const { lookup, configurable } = release.module;
  // The first entry of a leaf counts.
  for (const table of [lookup, configurable])
    for (const [id, { line }] of new Map([...table].reverse().map((entry) => [leafId(entry), entry])))
      if (line !== undefined) lines.set(id, [...(lines.get(id) ?? []), line]);
  lineIndexes.set(release, lines);
  return lines;
}

/** Where a leaf stands in the release's source; nothing where its lines are not known. */
export function evidenceOf(release: ClassedRelease, key: LeafKey): readonly Evidence[] {
  const { repository, revision, path } = release.module.source;
  return (linesOf(release).get(leafId(key)) ?? []).map((line) => ({ repository, revision, path, line }));
}

/** Where both releases have the leaf. */
export const bothEvidence = ({ from, to }: Pick<ReleaseContext, 'from' | 'to'>, key: LeafKey): readonly Evidence[] => [
  ...evidenceOf(from, key),
  ...evidenceOf(to, key),
];

const ROWS = new WeakMap<readonly ClobberRow[], ReadonlyMap<string, readonly ClobberRow[]>>();

/** The rows of `specs/clobbers.md` that name bits of a register, in their order. */
function rowsAt({ clobbers }: Knowledge, place: Place): readonly ClobberRow[] {
  let index = ROWS.get(clobbers);
  if (index === undefined) {
    const rows = new Map<string, ClobberRow[]>();
    for (const row of clobbers)
      for (const id of new Set(row.bits.map(placeId))) rows.set(id, [...(rows.get(id) ?? []), row]);
    index = rows;
    ROWS.set(clobbers, index);
  }
  return index.get(placeId(place)) ?? [];
}

/** The rows of `specs/clobbers.md` that a register's bits open, with the bits of each. */
export function clobbersOf(
  knowledge: Knowledge,
  place: Place,
  mask: number,
): readonly { readonly row: ClobberRow; readonly mask: number }[] {
  return rowsAt(knowledge, place)
    .filter((row) => row.kind === 'clobber')
    .map((row) => ({ row, mask: bitsOfRow(row, place, mask) }))
    .filter((hit) => hit.mask !== 0);
}

const bitsOfRow = (row: ClobberRow, place: Place, mask: number): number =>
  row.bits.filter((bit) => samePlace(bit, place)).reduce((all, bit) => or(all, and(bit.mask, mask)), 0);

/** Every row of `specs/clobbers.md` that a register's bits open, of whatever kind; none where nobody examined them. */
export const arguedOf = (knowledge: Knowledge, place: Place, mask: number): readonly ClobberRow[] =>
  rowsAt(knowledge, place).filter((row) => bitsOfRow(row, place, mask) !== 0);

/** Features of a register's bits that clobber no host state and still need the VMM's help, from `specs/clobbers.md`. */
export const functionalOf = (knowledge: Knowledge, place: Place, mask: number): readonly string[] =>
  rowsAt(knowledge, place)
    .filter((row) => row.kind === 'functional' && bitsOfRow(row, place, mask) !== 0)
    .map((row) => row.feature);

/** Bits that the VMM can choose or clear, by place. */
export function configurableBits(release: ClassedRelease): ReadonlyMap<string, number> {
  return new Map(
    release.registers
      .map((register) => [placeId(register), configurableMask(register)] as const)
      .filter(([, mask]) => mask !== 0),
  );
}

/** Bits of a mask whose decider in a release passes; all of them where the release's code was not examined. */
export function decidedMask(
  release: ClassedRelease,
  place: Place,
  mask: number,
  passes: (decider: Decider) => boolean,
): number {
  const deciders = registerOf(release, place)?.deciders ?? [];
  if (deciders.length === 0) return mask;
  return deciders.reduce((all, part) => (passes(part.decider) ? or(all, and(mask, part.mask)) : all), 0);
}

/** True where the TD sees what the host has, and nothing else has a say but whether the leaf faults. */
export const isHosts = ({ by, conditions }: Decider): boolean =>
  by.kind === 'host' && conditions.every(({ otherwise }) => otherwise === 've');

/** True where names or the table of leaves know the leaf: user space can be expected to ask for it. */
export function isKnownLeaf({ names, staticRegisters }: Knowledge, key: LeafKey): boolean {
  const named = namedLeaves.get(names) ?? new Set(names.map(leafId));
  namedLeaves.set(names, named);
  return named.has(leafId(key)) || staticRegisters.some((row) => row.leaf === key.leaf);
}

/** The leaves that a list of names names. */
const namedLeaves = new WeakMap<Knowledge['names'], ReadonlySet<string>>();

/** Why a register never holds features, from `specs/leaves.md`; null where it may. */
export const staticReason = (knowledge: Knowledge, place: Place): string | null =>
  knowledge.staticRegisters.find(
    (row) =>
      row.leaf === place.leaf &&
      (row.subleaf === null || row.subleaf === subleafOf(place)) &&
      (row.register === null || row.register === place.register),
  )?.reason ?? null;

/** Bits of a mask that are no features: numbers of several bits, and registers that never hold features. */
export const numberBits = (knowledge: Knowledge, place: Place, mask: number): number =>
  staticReason(knowledge, place) === null ? fieldBits(knowledge.names, place, mask) : mask;

/** Bits of a mask that a flag of one bit or a field is named for. */
export const namedMask = (knowledge: Knowledge, place: Place, mask: number): number =>
  namesOf(knowledge.names, place).reduce((all, { high, low }) => or(all, and(mask, rangeMask(high, low))), 0);

/** Changes by leaf, in the order of leaves. */
export function byLeaf<T extends LeafKey>(items: readonly T[]): readonly (readonly T[])[] {
  const leaves = new Map<string, T[]>();
  for (const item of items) {
    const list = leaves.get(leafId(item));
    if (list === undefined) leaves.set(leafId(item), [item]);
    else list.push(item);
  }
  return [...leaves.values()];
}

/** What the guest must set for a leaf not to fault. */
export const guestsOf = (release: ClassedRelease, { leaf, subleaf }: LeafKey): readonly GuestControl[] => [
  ...new Set(
    REGISTERS.flatMap((register) => registerOf(release, { leaf, subleaf, register })?.deciders ?? [])
      .flatMap(({ decider }) => decider.conditions)
      .flatMap(({ when, otherwise }) => (otherwise === 've' && when.kind === 'guest' ? [when.control] : [])),
  ),
];

/** Bits of a register that a VMM may set. */
export function configurableAt(release: ClassedRelease, place: Place): number {
  const register = registerOf(release, place);
  return register === undefined ? 0 : configurableMask(register);
}
/** Splits a mask into parts that the same gates decide over; bits without a gate first. */
export function byGates(
  release: ClassedRelease,
  place: Place,
  mask: number,
): readonly { readonly gates: readonly GateId[]; readonly mask: number }[] {
  const gates = [...(registerOf(release, place)?.gates ?? [])];
  const parts = new Map<string, { readonly gates: readonly GateId[]; readonly mask: number }>();
  for (const bit of bitsOf(mask)) {
    const own = gates.filter(([, gated]) => hasBit(gated, bit)).map(([id]) => id);
    parts.set(own.join(' '), { gates: own, mask: or(parts.get(own.join(' '))?.mask ?? 0, bitMask(bit)) });
  }
  return [...parts].sort(([a], [b]) => compareTexts(a, b)).map(([, part]) => part);
}
