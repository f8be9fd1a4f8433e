import type { ClassChange } from '../model/change.ts';
import type { ClassedRelease } from '../model/class.ts';
import { configurableMask, type RegisterClasses } from '../model/class.ts';
import type { RuleId } from '../model/finding.ts';
import type { GateId } from '../model/gate.ts';
import type { ClobberRow, Knowledge } from '../model/knowledge.ts';
import { and, bitMask, bitsOf, hasBit, or } from '../model/mask.ts';
import { compareTexts } from '../model/order.ts';
import { type LeafKey, leafId, type Place, placeId, sameLeaf, samePlace } from '../model/place.ts';
import type { Evidence } from '../model/source.ts';
import { CHANGE_TABLE } from './change-table.ts';
import type { StepContext } from './rule.ts';

/** The changes to which the change table ties a rule. */
export function changesOf(rule: RuleId, context: StepContext): readonly ClassChange[] {
  return context.diff.changes.filter((change) => CHANGE_TABLE[change.from][change.to].includes(rule));
}

export function registerOf(release: ClassedRelease, place: Place): RegisterClasses | undefined {
  let index = registerIndexes.get(release);
  if (index === undefined) {
    index = new Map(release.registers.map((register) => [placeId(register), register]));
    registerIndexes.set(release, index);
  }
  return index.get(placeId(place));
}

/** Registers by place, per release: rules look them up for every change. */
const registerIndexes = new WeakMap<ClassedRelease, ReadonlyMap<string, RegisterClasses>>();

/** Where a leaf stands in the release's source; nothing where its lines are not known. */
export function evidenceOf(release: ClassedRelease, key: LeafKey): readonly Evidence[] {
  const entry = release.module.lookup.find((lookup) => leafId(lookup) === leafId(key));
  const config = release.module.configurable.find((item) => leafId(item) === leafId(key));
  const { repository, revision, path } = release.module.source;
  return [entry?.line, config?.line].flatMap((line) =>
    line === undefined ? [] : [{ repository, revision, path, line }],
  );
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

/** The rows of `specs/clobbers.md` that a register's bits open, with the bits of each. */
export function clobbersOf(
  knowledge: Knowledge,
  place: Place,
  mask: number,
): readonly { readonly row: ClobberRow; readonly mask: number }[] {
  return knowledge.clobbers
    .filter((row) => row.kind === 'clobber')
    .map((row) => ({
      row,
      mask: row.bits
        .filter((bit) => placeId(bit) === placeId(place))
        .reduce((all, bit) => or(all, and(bit.mask, mask)), 0),
    }))
    .filter((hit) => hit.mask !== 0);
}

/** Features of a register's bits that clobber no host state and still need the VMM's help, from `specs/clobbers.md`. */
export function functionalOf(knowledge: Knowledge, place: Place, mask: number): readonly string[] {
  const rows = knowledge.clobbers.filter(
    (row) => row.kind === 'functional' && row.bits.some((bit) => samePlace(bit, place) && and(bit.mask, mask) !== 0),
  );
  return rows.map((row) => row.feature);
}

/** Bits that the VMM can choose or clear, by place. */
export function configurableBits(release: ClassedRelease): ReadonlyMap<string, number> {
  return new Map(
    release.registers
      .map((register) => [placeId(register), configurableMask(register)] as const)
      .filter(([, mask]) => mask !== 0),
  );
}

/** True where names or the table of leaves know the leaf: user space can be expected to ask for it. */
export const isKnownLeaf = (knowledge: Knowledge, key: LeafKey): boolean =>
  knowledge.names.some((name) => sameLeaf(name, key)) || knowledge.staticRegisters.some((row) => row.leaf === key.leaf);
