import type { Verdict } from '../../model/finding.ts';
import { without } from '../../model/mask.ts';
import { compareVersions } from '../../model/order.ts';
import { placeId } from '../../model/place.ts';
import { evidenceOf } from '../lookup.ts';
import type { Draft, ReleaseContext } from '../rule.ts';

/** One draft for each register with configurable bits of the verdict; `--since` leaves out what was there before. */
export function verdictDrafts(context: ReleaseContext, verdict: Verdict): readonly Draft[] {
  // KVM's code knew the releases up to its base: a bit that one of them had and the base dropped is no news.
  if (compareVersions(context.release.module.release, context.base.release) <= 0) return [];
  return context.verdicts
    .filter((judged) => judged.verdict === verdict)
    .flatMap((judged): readonly Draft[] => {
      const place = { leaf: judged.leaf, subleaf: judged.subleaf, register: judged.register };
      const mask = without(judged.mask, context.since?.configurable.get(placeId(place)) ?? 0);
      if (mask === 0) return [];
      return [
        {
          place,
          mask,
          verdict,
          facts: { kind: 'verdict', class: judged.class, since: context.base.release },
          evidence: evidenceOf(context.release, place),
        },
      ];
    });
}
