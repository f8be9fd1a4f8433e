import { or, without } from '../../model/mask.ts';
import { msrName } from '../../model/msr-name.ts';
import { comparePlaces, type Place, placeId } from '../../model/place.ts';
import { holdsAt, type Policy, type PolicyMask } from '../../model/policy.ts';
import type { Draft, PolicyStepContext } from '../rule.ts';

/** Bits that one list gained or lost from one KVM version to the next. */
export function listDrafts(
  { from, to }: PolicyStepContext,
  list: 'allow' | 'deny',
  change: 'added' | 'removed',
): readonly Draft[] {
  // "Not listed" means denied only where an allowlist is recognised: two allow lists compare, one and none do not.
  const [have, had, owner] = change === 'added' ? [to[list], from[list], to] : [from[list], to[list], from];
  return [...masksByPlace(have).values()].sort(comparePlaces).flatMap((entry): readonly Draft[] => {
    const mask = without(entry.mask, heldBefore(had, entry));
    if (mask === 0) return [];
    const place: Place = { leaf: entry.leaf, subleaf: entry.subleaf, register: entry.register };
    const { repository, revision } = owner.source;
    return [
      {
        place,
        mask,
        facts: { kind: 'policy', list },
        evidence: [{ repository, revision, path: entry.path, line: entry.line }],
      },
    ];
  });
}

/** What the other list has at the entry's place; of a mask for every sub-leaf only what it has for all these too. */
function heldBefore(list: readonly PolicyMask[], entry: PolicyMask): number {
  const others = list.filter((other) => holdsAt(other, entry) && isAsWide(other, entry));
  return others.reduce((mask, other) => or(mask, other.mask), 0);
}

const isAsWide = (other: PolicyMask, { everySubleafBut }: PolicyMask): boolean =>
  everySubleafBut === undefined ||
  (other.everySubleafBut?.every((subleaf) => everySubleafBut.includes(subleaf)) ?? false);

function masksByPlace(list: readonly PolicyMask[]): ReadonlyMap<string, PolicyMask> {
  const masks = new Map<string, PolicyMask>();
  for (const entry of list)
    masks.set(placeId(entry), { ...entry, mask: or(entry.mask, masks.get(placeId(entry))?.mask ?? 0) });
  return masks;
}

/** Host state that one KVM version restores and the other does not. */
export function restoreDrafts({ from, to }: PolicyStepContext, change: 'added' | 'removed'): readonly Draft[] {
  const [have, had]: readonly [Policy, Policy] = change === 'added' ? [to, from] : [from, to];
  const other = new Set(had.restores.map((restore) => msrName(restore.msr)));
  const { repository, revision } = have.source;
  return have.restores
    .filter((restore) => !other.has(msrName(restore.msr)))
    .map((restore) => ({
      facts: { kind: 'restore' as const, msr: restore.msr },
      evidence: [{ repository, revision, path: restore.path, line: restore.line }],
    }));
}
