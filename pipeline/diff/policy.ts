import { XFAM_NAMES } from '../model/control.ts';
import type { BitName } from '../model/field.ts';
import { bitsOf64, hex, or, without } from '../model/mask.ts';
import { msrName } from '../model/msr-name.ts';
import { namedBits } from '../model/names.ts';
import { compareTexts } from '../model/order.ts';
import { comparePlaces, placeId } from '../model/place.ts';
import { type Disagreement, holdsAt, type Policy, type PolicyMask, xfamMask } from '../model/policy.ts';
import type { PolicyChanges, PolicyMaskChange } from '../model/series-effect.ts';

/** A policy of nothing: what a kernel without TDX support lists. */
const NOTHING = {
  generation: null,
  deny: [],
  allow: [],
  adds: [],
  known: [],
  restores: [],
  attributes: 0n,
  xfam: [],
  configLimit: null,
} as const satisfies { readonly [K in keyof Policy]?: Policy[K] | null };

/** What differs between two policies, unjudged, each list in total order; `null` is a kernel without TDX support. */
export function diffPolicies(before: Policy | null, after: Policy, names: readonly BitName[]): PolicyChanges {
  const from = before ?? NOTHING;
  const masks = (list: 'deny' | 'allow' | 'adds' | 'known') => ({
    added: gained(after[list], from[list], names),
    removed: gained(from[list], after[list], names),
  });
  const [had, have] = [textsOf(from), textsOf(after)];
  return {
    generation: { from: from.generation, to: after.generation },
    deny: masks('deny'),
    allow: masks('allow'),
    adds: masks('adds'),
    known: masks('known'),
    restores: { added: minus(have.restores, had.restores), removed: minus(had.restores, have.restores) },
    attributes: { added: after.attributes & ~from.attributes, removed: from.attributes & ~after.attributes },
    xfam: { added: minus(have.xfam, had.xfam), removed: minus(had.xfam, have.xfam) },
    configLimit: { from: from.configLimit, to: after.configLimit },
  };
}

type Listed = Pick<Policy, 'restores' | 'xfam'>;

const textsOf = ({ restores, xfam }: Listed) => ({
  restores: restores.map(({ msr }) => msrName(msr)),
  // By name or as a mask, the same bits are the same: each by its name, or as a mask where it has none.
  xfam: bitsOf64(xfamMask({ xfam })).map((bit) => XFAM_NAMES.get(bit)?.toLowerCase() ?? hex(1n << BigInt(bit))),
});

const minus = (have: readonly string[], had: readonly string[]): readonly string[] =>
  [...new Set(have)].filter((text) => !had.includes(text)).sort(compareTexts);

/** The bits of one list that the other lacks, each where it stands first. */
function gained(
  have: readonly PolicyMask[],
  had: readonly PolicyMask[],
  names: readonly BitName[],
): readonly PolicyMaskChange[] {
  const found = have.flatMap((entry, index): readonly PolicyMaskChange[] => {
    // The same bit may stand twice in a list: it is said once, by the entry that is as wide as any.
    const told = have.filter((other, at) => at < index || !isAsWide(entry, other));
    const mask = without(entry.mask, or(heldBy(had, entry), heldBy(told, entry)));
    return mask === 0 ? [] : [{ ...entry, mask, bits: namedBits(names, entry, mask) }];
  });
  return found.sort((a, b) => comparePlaces(a, b) || a.mask - b.mask || compareWidth(a, b));
}

/** What a list has wherever the entry holds: of a mask for every sub-leaf only what it has for all these too. */
const heldBy = (list: readonly PolicyMask[], entry: PolicyMask): number =>
  list
    .filter((other) => holdsAt(other, entry) && isAsWide(other, entry))
    .reduce((mask, other) => or(mask, other.mask), 0);

type Width = Pick<PolicyMask, 'everySubleafBut'>;
const isAsWide = (other: Width, { everySubleafBut }: Width): boolean =>
  everySubleafBut === undefined ||
  (other.everySubleafBut?.every((subleaf) => everySubleafBut.includes(subleaf)) ?? false);

/** What a disagreement of the two ways to configure a TD is about: its kind and place. */
export const disagreementId = ({ kind, leaf, subleaf, register }: Disagreement): string =>
  `${kind} ${leaf === null || register === null ? 'unnamed' : placeId({ leaf, subleaf, register })}`;

/** The disagreements of one policy that hold for all the sub-leaves for which the other's at their place do. */
export const disagreementsAsWide = (had: Policy, have: Policy): readonly Disagreement[] =>
  (had.disagreements ?? []).filter((old) =>
    (have.disagreements ?? []).every((now) => disagreementId(now) !== disagreementId(old) || isAsWide(old, now)),
  );

const compareWidth = (a: PolicyMask, b: PolicyMask): number =>
  compareTexts(a.everySubleafBut?.join() ?? '', b.everySubleafBut?.join() ?? '');
