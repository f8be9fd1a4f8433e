import type { ClassedRelease } from '../model/class.ts';
import { compareVersions } from '../model/order.ts';

/** The major line of a release: 1.0, 1.5, 2.0. */
export const lineOf = (release: string): string => release.split(/[ .]/).slice(0, 2).join('.');

/**
 * Each release with the one before it. Within a line that is the next older one. The first release of a line branched off
 * the line before: its predecessor is the newest release there whose TDX_FEATURES0 it has whole, as far as that is known,
 * so that a later update of the old line is not mistaken for something that the new line took away.
 */
export function releaseSteps(
  releases: readonly ClassedRelease[],
): readonly { readonly from: ClassedRelease; readonly to: ClassedRelease }[] {
  const sorted = [...releases].sort((a, b) => compareVersions(a.module.release, b.module.release));
  return sorted.flatMap((to, index) => {
    const earlier = sorted.slice(0, index);
    const from = predecessorOf(to, earlier);
    return from === undefined ? [] : [{ from, to }];
  });
}

function predecessorOf(to: ClassedRelease, earlier: readonly ClassedRelease[]): ClassedRelease | undefined {
  const own = earlier.filter(({ module }) => lineOf(module.release) === lineOf(to.module.release)).at(-1);
  if (own !== undefined) return own;
  const lastLine = lineOf(earlier.at(-1)?.module.release ?? '');
  const line = earlier.filter(({ module }) => lineOf(module.release) === lastLine);
  const features = to.module.features0;
  const branch =
    features === null
      ? undefined
      : line.filter(({ module }) => module.features0 !== null && (module.features0 & ~features) === 0n).at(-1);
  return branch ?? line.at(-1);
}
