import { compareTexts } from '../model/order.ts';
import type { Coverage, ReleaseReview } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';

/** Releases that are known by name and have no tables, each with the reason. */
export function unreadOf(specs: Specs): Coverage['unread'] {
  const read = new Set(specs.releases.map(({ module }) => module.release));
  return specs.known
    .filter(({ release }) => !read.has(release))
    .map(({ release, sourceReleased }) => ({
      release,
      reason:
        sourceReleased === false
          ? 'its source is not published yet'
          : 'its source could not be read from the public history that is at hand',
    }));
}

/** What a report rests on: what was read, what was not, and how many cells were compared. */
export function coverageOf(specs: Specs, steps: readonly ReleaseReview[]): Coverage {
  return {
    releases: specs.releases.map(({ module }) => module.release),
    policies: specs.policies.map(({ version }) => version),
    unread: unreadOf(specs),
    cells: steps.reduce((all, step) => all + step.diff.coverage.cells, 0),
    skipped: [...new Set(steps.flatMap((step) => step.diff.coverage.unknown))].sort(compareTexts),
  };
}
