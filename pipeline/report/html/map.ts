import type { ReleaseReview } from '../../model/review.ts';
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

/** What a page's map shows of the review of a release under one KVM version. */
export function cellOf(review: ReleaseReview): MapCell {
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
