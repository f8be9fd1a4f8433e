import type { ClassedRelease } from './class.ts';
import { type Decider, rulesOfLeaf } from './decider.ts';
import type { Condition, GuestControl } from './decider-rules.ts';
import { type LeafKey, type Place, subleafOf } from './place.ts';

/** What a TD reads of a leaf that the tables of a release lack. */
export type Beyond =
  | { readonly kind: 'decided'; readonly decider: Decider }
  /** The tables have the leaf without sub-leaves: whatever sub-leaf the guest asks for is answered from that one entry. */
  | { readonly kind: 'whole-leaf'; readonly leaf: number }
  /** The leaf is beyond the last one of its range: it is answered as this one. `isHosts`: where the host too has no such leaf, else #VE. */
  | { readonly kind: 'last-leaf'; readonly leaf: number; readonly isHosts: boolean };

const FIRST_EXTENDED = 0x80000000;
/** Leaves that no processor answers: they are left to hypervisors. */
const [RESERVED_START, RESERVED_END] = [0x40000000, 0x4fffffff];
/** Leaves whose sub-leaves the module computes, number by number. */
export const TOPOLOGY: readonly number[] = [0xb, 0x1f];
const REDUCE_VE: Condition = { kind: 'guest', control: 'REDUCE_VE' };
const VE: Beyond = { kind: 'decided', decider: { by: { kind: 've' }, conditions: [] } };

/** Who decides a bit of a leaf or sub-leaf that is in no table, by the release's code; null where that was not examined. */
export function beyondTables({ module, rules }: ClassedRelease, place: Place, bit: number): Beyond | null {
  if (rules === undefined) return null;
  const { leaf, register } = place;
  if (module.lookup.some((entry) => entry.leaf === leaf && entry.subleaf === null)) return { kind: 'whole-leaf', leaf };
  const { lastBaseLeaf, lastExtendedLeaf, tdControls } = rules.limits;
  if (leaf >= RESERVED_START && leaf <= RESERVED_END) return VE;
  const isBase = leaf < FIRST_EXTENDED;
  if (isBase ? leaf > lastBaseLeaf : lastExtendedLeaf === null || leaf > lastExtendedLeaf)
    return { kind: 'last-leaf', leaf: lastBaseLeaf, isHosts: !isBase && lastExtendedLeaf === null };
  if (module.fixed0Leaves.includes(leaf)) return zero(asksOf(rules.rules, { leaf, subleaf: subleafOf(place) }));
  if (!tdControls.includes('REDUCE_VE')) return VE;
  if (!TOPOLOGY.includes(leaf)) return zero([REDUCE_VE]);
  const conditions = [{ when: REDUCE_VE, otherwise: 've' }] as const;
  if (register === 'edx')
    return { kind: 'decided', decider: { by: { kind: 'computed', what: 'x2apic-id' }, conditions } };
  const isNumber = register === 'ecx' && bit < 8;
  const value = isNumber && ((subleafOf(place) >>> bit) & 1) === 1 ? 1 : 0;
  return { kind: 'decided', decider: { by: { kind: 'constant', value }, conditions } };
}

const zero = (asks: readonly Condition[]): Beyond => ({
  kind: 'decided',
  decider: { by: { kind: 'constant', value: 0 }, conditions: asks.map((when) => ({ when, otherwise: 've' })) },
});

/** What must hold for a leaf to be answered. */
const asksOf = (rules: Parameters<typeof rulesOfLeaf>[0], key: LeafKey): readonly Condition[] =>
  rulesOfLeaf(rules, key).flatMap(({ stage, effect }) =>
    stage === 'guest' && effect.do === 've' ? effect.unless : [],
  );

/** Leaves that are in no table and read as 0; `asked`: once the guest has set what they need. `rest`: so does each other leaf of the range. */
export type ZeroLeaves = {
  readonly always: readonly number[];
  readonly asked: readonly number[];
  readonly guest: readonly GuestControl[];
  readonly rest: boolean;
};

export function zeroLeavesOf({ module, rules }: ClassedRelease): ZeroLeaves {
  const table = new Set(module.lookup.map(({ leaf }) => leaf));
  const leaves = module.fixed0Leaves
    .filter((leaf) => !table.has(leaf))
    .map((leaf) => ({ leaf, asks: asksOf(rules?.rules ?? [], { leaf, subleaf: 0 }) }));
  const asked = leaves.filter(({ asks }) => asks.length > 0);
  const controls = asked.flatMap(({ asks }) => asks.flatMap((ask) => (ask.kind === 'guest' ? [ask.control] : [])));
  const rest = rules?.limits.tdControls.includes('REDUCE_VE') ?? false;
  return {
    always: leaves.filter(({ asks }) => asks.length === 0).map(({ leaf }) => leaf),
    asked: asked.map(({ leaf }) => leaf),
    guest: [...new Set([...controls, ...(rest ? (['REDUCE_VE'] as const) : [])])],
    rest,
  };
}
