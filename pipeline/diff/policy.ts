import type { BitName } from '../model/knowledge.ts';
import { bitsOf64, hex, or, without } from '../model/mask.ts';
import { msrName } from '../model/msr-name.ts';
import { namedBits } from '../model/names.ts';
import { compareTexts } from '../model/order.ts';
import { comparePlaces, placeId } from '../model/place.ts';
import type { Policy, PolicyMask } from '../model/policy.ts';
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
  xfam: typeof xfam === 'bigint' ? bitsOf64(xfam).map((bit) => hex(1n << BigInt(bit))) : xfam,
});

const minus = (have: readonly string[], had: readonly string[]): readonly string[] =>
  [...new Set(have)].filter((text) => !had.includes(text)).sort(compareTexts);

/** The bits of one list that the other lacks, each where it stands first. */
function gained(
  have: readonly PolicyMask[],
  had: readonly PolicyMask[],
  names: readonly BitName[],
): readonly PolicyMaskChange[] {
  const old = new Map<string, number>();
  for (const entry of had) old.set(placeId(entry), or(entry.mask, old.get(placeId(entry)) ?? 0));
  const found = have.flatMap((entry): readonly PolicyMaskChange[] => {
    const known = old.get(placeId(entry)) ?? 0;
    const mask = without(entry.mask, known);
    // The same bit may stand twice in a list: it is said once.
    old.set(placeId(entry), or(known, mask));
    return mask === 0 ? [] : [{ ...entry, mask, bits: namedBits(names, entry, mask) }];
  });
  return found.sort((a, b) => comparePlaces(a, b) || a.mask - b.mask);
}
