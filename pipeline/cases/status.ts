import { lineOf } from '../model/lineage.ts';
import type { Coverage, ReleaseReview } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { reviewFacts } from './review.ts';

/** How many series of kernels count as the newest. */
const SERIES = 2;

/** The newest release of each line under the newest kernel of each of the last two series, the newest release first. */
export function statusReviews(
  specs: Specs,
  today: string,
): { readonly reviews: readonly ReleaseReview[]; readonly coverage: Coverage } {
  const releases = [...new Map(specs.releases.map((each) => [lineOf(each.module.release), each])).values()].reverse();
  const policies = [...new Map(specs.policies.map((each) => [lineOf(each.version), each])).values()]
    .slice(-SERIES)
    .reverse();
  const facts = releases.map((release) => reviewFacts(specs, { release, since: null, policies }, today));
  const reviews = facts.flatMap((each) =>
    each.reviews.flatMap((review) => (review.kind === 'release' ? [review] : [])),
  );
  const none: Coverage = { releases: [], policies: [], unread: [], cells: 0, skipped: [] };
  return { reviews, coverage: { ...none, unread: facts[0]?.coverage.unread ?? [] } };
}
