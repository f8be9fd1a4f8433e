import { reviewFacts } from '../../cases/review.ts';
import type { ClassedRelease } from '../../model/class.ts';
import type { Policy } from '../../model/policy.ts';
import type { ReleaseReview } from '../../model/review.ts';
import type { Specs } from '../../specs/store.ts';
import { type Tally, tallyOf } from '../briefing.ts';
import { standingBits } from '../status.ts';

/** What a KVM version makes of a release that comes from the one before it, the most urgent first. */
export const MAP_STATES = ['clobber', 'decide', 'confirm', 'changed', 'clean', 'unknown', 'cannot-run'] as const;
export type MapState = (typeof MAP_STATES)[number];

/** A cell of the map: the state that its shape shows, and the numbers behind it. */
export type MapCell = {
  readonly state: MapState;
  readonly tally: Tally;
  /** Bits that are undecided since an older release. */
  readonly standing: number;
};

/** Every release under every KVM version, held against the release whose code it has: rows of releases, in their order. */
export const mapOf = (specs: Specs, today: string): readonly (readonly MapCell[])[] =>
  specs.releases.map((release) => {
    const { reviews } = reviewFacts(specs, { release, since: null, policies: specs.policies }, today);
    return reviews.flatMap((review) => (review.kind === 'release' ? [cellOf(review)] : []));
  });

/** The review of a release under one KVM version, as `bitwatch review` makes it. */
export function reviewOf(
  specs: Specs,
  pair: { readonly release: ClassedRelease; readonly since: ClassedRelease | null; readonly policy: Policy | null },
  today: string,
) {
  const { coverage, reviews } = reviewFacts(specs, { ...pair, policies: [pair.policy] }, today);
  const [review] = reviews;
  if (review?.kind !== 'release') throw new Error('a review of a release is of another kind');
  return { review, coverage };
}

function cellOf(review: ReleaseReview): MapCell {
  const tally = tallyOf(review.findings);
  const standing = standingBits(review);
  return { state: stateOf(review, tally, standing), tally, standing };
}

function stateOf({ kvm }: ReleaseReview, tally: Tally, standing: number): MapState {
  if (kvm?.runs.kind === 'no') return 'cannot-run';
  if (tally.lost > 0) return 'clobber';
  if (tally.decide + standing > 0) return 'decide';
  if (tally.confirm > 0) return 'confirm';
  if (kvm?.runs.kind !== 'yes') return 'unknown';
  return tally.changed + tally.gone + tally.look > 0 ? 'changed' : 'clean';
}
