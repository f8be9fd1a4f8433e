import type { ClassedRelease } from '../model/class.ts';
import { type Lineage, lineageOf } from '../model/lineage.ts';
import { onceFor } from '../model/once.ts';
import { compareVersions } from '../model/order.ts';
import type { Specs } from '../specs/store.ts';

type Step = { readonly from: ClassedRelease; readonly to: ClassedRelease };
type Facts = Pick<Specs, 'releases' | 'known' | 'lineage'>;

/** What a release follows, by `specs/lineage.md`; null for the oldest. */
export const followsOf = (specs: Facts, release: string): Lineage | null =>
  lineageOf(
    release,
    specs.releases.map(({ module }) => module.release),
    specs.lineage,
    specs.known.map((known) => known.release),
  );

/** The releases that could not be read on the way from one release to another, each following the one before it; none where no such way is known. */
export function passedBetween(specs: Facts, from: string, to: string): readonly string[] {
  const passed: string[] = [];
  for (let at = to; at !== from; ) {
    const step = followsOf(specs, at);
    if (step === null) return [];
    passed.push(...step.between);
    at = step.follows;
  }
  return passed.sort(compareVersions);
}

/** Each release with the one that it follows, in the order of versions. */
export const releaseSteps = onceFor((specs: Facts): readonly Step[] => {
  const sorted = [...specs.releases].sort((a, b) => compareVersions(a.module.release, b.module.release));
  return sorted.flatMap((to) => {
    const follows = followsOf(specs, to.module.release)?.follows;
    const from = sorted.find(({ module }) => module.release === follows);
    return from === undefined ? [] : [{ from, to }];
  });
});
