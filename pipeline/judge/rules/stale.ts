import { or, without } from '../../model/mask.ts';
import { placeId } from '../../model/place.ts';
import { configurableBits } from '../lookup.ts';
import type { Draft, PolicyContext } from '../rule.ts';

/** Entries of a list whose bits no release that was read makes configurable. */
export function staleDrafts({ policy, releases }: PolicyContext, list: 'allow' | 'deny'): readonly Draft[] {
  const offered = new Map<string, number>();
  for (const release of releases)
    for (const [place, mask] of configurableBits(release)) offered.set(place, or(offered.get(place) ?? 0, mask));
  return policy[list].flatMap((entry): readonly Draft[] => {
    const mask = without(entry.mask, offered.get(placeId(entry)) ?? 0);
    if (mask === 0) return [];
    const { repository, revision } = policy.source;
    return [
      {
        place: { leaf: entry.leaf, subleaf: entry.subleaf, register: entry.register },
        mask,
        facts: { kind: 'stale', list },
        evidence: [{ repository, revision, path: entry.path, line: entry.line }],
      },
    ];
  });
}
