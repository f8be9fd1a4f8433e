import { or, without } from '../../model/mask.ts';
import { placeId } from '../../model/place.ts';
import { holdsAt } from '../../model/policy.ts';
import { configurableBits } from '../lookup.ts';
import type { Draft, PolicyContext } from '../rule.ts';

/** Entries of a list whose bits no release that was read makes configurable. */
export function staleDrafts({ policy, releases }: PolicyContext, list: 'allow' | 'deny'): readonly Draft[] {
  const offers = releases.flatMap((release) => {
    const bits = configurableBits(release);
    return release.registers.map((place) => ({ place, mask: bits.get(placeId(place)) ?? 0 }));
  });
  return policy[list].flatMap((entry): readonly Draft[] => {
    const offered = offers.reduce((all, { place, mask }) => (holdsAt(entry, place) ? or(all, mask) : all), 0);
    const mask = without(entry.mask, offered);
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
