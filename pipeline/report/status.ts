import { bitsText } from '../model/bit-names.ts';
import type { FoundPlace } from '../model/finding.ts';
import { countBits, hex32 } from '../model/mask.ts';
import type { Coverage, ReleaseReview } from '../model/review.ts';
import { briefingOf } from './briefing.ts';
import { placeJson } from './machine.ts';
import { placesText } from './places.ts';
import { runsText } from './status-words.ts';
import { wrap } from './wrap.ts';

type Status = { readonly reviews: readonly ReleaseReview[]; readonly coverage: Coverage };

/** Findings of a review that nobody decided on and that somebody has to look at. */
const openOf = ({ findings }: ReleaseReview): number =>
  findings.filter(({ decided, level }) => decided === null && level !== 'info').length;

/** A pair that KVM refuses has nothing to decide. */
const isRefused = ({ kvm }: ReleaseReview): boolean => kvm?.runs.kind === 'no';

/** Bits that are let through undecided since an older release: nothing new, and still to be decided. */
const standingOf = ({ kvm }: ReleaseReview): readonly FoundPlace[] => kvm?.standing ?? [];
export const standingBits = (review: ReleaseReview): number =>
  standingOf(review).reduce((sum, { mask }) => sum + countBits(mask), 0);

/** The newest releases under the newest kernels, a few words each, then what to do next. */
export function statusText({ reviews, coverage }: Status): string {
  const lines = reviews.flatMap((review) =>
    wrap(pairText(review, coverage), `  ${review.to.name.padEnd(8)} KVM ${(review.policy?.name ?? 'none').padEnd(8)} `),
  );
  return `${[...lines, '', ...nextLines(reviews)].join('\n')}\n`;
}

function pairText(review: ReleaseReview, coverage: Coverage): string {
  const { from, kvm, hostState } = review;
  if (kvm === null) return 'not judged under a KVM';
  if (kvm.runs.kind === 'no') return `does not run: ${runsText(kvm.runs).replace(/^no: /, '')}`;
  const standing = standingBits(review);
  return [
    kvm.runs.kind === 'yes' ? 'runs' : 'whether it runs is not known',
    `since ${from.name}: ${briefingOf(review, coverage).counts}`,
    ...(standing === 0 ? [] : [standingText(review)]),
    `host state ${hostText(hostState)}`,
  ].join('; ');
}

/** `undecided before: 7.1.EAX RAO_INT[3]`; only of a review that has some. */
const standingText = (review: ReleaseReview): string => `undecided before: ${placesText(standingOf(review))}`;

/** In a word or two: the briefing has the sentence. */
function hostText(state: ReleaseReview['hostState']): string {
  if (state.kind === 'not-examined') return 'not examined';
  const openOnes = (list: typeof state.worse): string =>
    [...new Set(list.filter(({ kvm }) => kvm === 'nothing' || kvm === null).map(({ msr }) => msr))].join(', ');
  const [worse, otherwise] = [openOnes(state.worse), openOnes(state.otherwise)];
  if (worse !== '') return `newly left changed: ${worse}`;
  return otherwise === '' ? 'as before' : `left with another value: ${otherwise}`;
}

function nextLines(reviews: readonly ReleaseReview[]): readonly string[] {
  const running = reviews.filter(({ kvm }) => kvm?.runs.kind === 'yes');
  const isOpen = (review: ReleaseReview): boolean => openOf(review) + standingBits(review) > 0;
  const next = running.find(isOpen) ?? running[0];
  if (next === undefined) return [];
  const standing = standingOf(next)[0];
  if (openOf(next) === 0 && standing !== undefined)
    return [
      ...wrap(`next: bitwatch explain '${bitsText(standing, standing.mask)}', then deny it or record why not:`),
      `  bitwatch decide '${bitsText(standing, standing.mask)}' --because … --by …`,
    ];
  return wrap(`${isOpen(next) ? 'next' : 'nothing waits for a decision; more'}: ${next.command}`);
}

export const statusJson = ({ reviews, coverage }: Status) => ({
  schema: 'bitwatch.status/1',
  pairs: reviews.map((review) => ({
    release: review.to.name,
    from: review.from.name,
    kvm: review.policy?.name ?? null,
    runs: review.kvm?.runs.kind ?? 'unknown',
    open: isRefused(review) ? 0 : openOf(review),
    standing: standingOf(review).map(({ mask, leaf, subleaf, register }) => ({
      ...placeJson({ leaf, subleaf, register }),
      mask: hex32(mask),
    })),
    counts: isRefused(review) ? null : briefingOf(review, coverage).counts,
    hostState: review.hostState.kind,
    command: review.command,
  })),
});
