import type { ClassedRelease } from '../model/class.ts';
import type { Place } from '../model/place.ts';
import type { ReleaseReview, ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { reviewFacts } from './review.ts';

/** A mail of a list that names bits. */
export type DiscussedMail = {
  readonly id: string;
  /** `2026-06-18`, `null` where the mail's date cannot be read. */
  readonly date: string | null;
  readonly author: string;
  readonly subject: string;
  /** The lists, or archives where the list is not known, that hold it. */
  readonly lists: readonly string[];
  /** An https address, or null where only the Message-ID is known. */
  readonly url: string | null;
};

/** Threads that name a bit, newest first: the first mail that does so, and how many more. */
export type DiscussedBit = Place & {
  readonly bit: number;
  readonly threads: readonly { readonly mail: DiscussedMail; readonly others: number }[];
  /** Older threads that are not listed. */
  readonly more: number;
};

/** What mail archives say of bits, and how far they were read. */
export type Discussions = {
  /** `upTo` says a commit and day; null where an archive has none. */
  readonly archives: readonly { readonly name: string; readonly upTo: string | null }[];
  /** Mails in threads that name TDX, and mails that could not be read. */
  readonly searched: number;
  readonly unread: number;
  readonly bits: readonly DiscussedBit[];
};

/** What a page of bits needs beside the findings: it works out by itself what the commands would say of these facts. */
export type PageFacts = {
  /** The page's script, which is bundled when the program is built. */
  readonly script: string;
  /** The day as `2026-11-21`, for decisions. */
  readonly today: string;
  readonly specs: Specs;
  /** Every release under every KVM version, held against the release whose code it has: rows of releases, in their order. */
  readonly reviews: readonly (readonly ReleaseReview[])[];
  /** Null where no archive was searched: that is not the same as no discussion. */
  readonly discussions: Discussions | null;
  /** The releases and KVM version that the run was asked about, null where it was about all. */
  readonly first: { readonly from: string | null; readonly to: string | null; readonly kvm: string | null };
};

/** The specifications for a page, on the day of the run; the report says what the run was asked about. */
export function pageFactsOf(
  specs: Specs,
  report: ReportFacts,
  run: Pick<PageFacts, 'script' | 'today'>,
  { releases = specs.releases, discussions = null }: PageScope = {},
): PageFacts {
  const own = { ...specs, releases };
  return { ...run, specs: own, reviews: everyReview(own, run.today), discussions, first: firstOf(report) };
}

/** Every release under every KVM version. */
export const everyReview = (specs: Specs, today: string): PageFacts['reviews'] =>
  specs.releases.map((release) =>
    reviewFacts(specs, { release, since: null, policies: specs.policies }, today).reviews.filter(
      (review) => review.kind === 'release',
    ),
  );

/** Other releases than those of the specifications, and what archives say of bits. */
type PageScope = {
  readonly releases?: readonly ClassedRelease[];
  readonly discussions?: Discussions | null;
};

/** A run about one step or one KVM version is shown first; a run about all shows the map. */
function firstOf({ reviews }: ReportFacts): PageFacts['first'] {
  const step = reviews.filter((review) => review.kind === 'release');
  const kvm = new Set(step.flatMap(({ policy }) => (policy === null ? [] : [policy.name])));
  const only = step.length === 1 ? step[0] : undefined;
  return {
    from: only?.from.name ?? null,
    to: only?.to.name ?? null,
    kvm: kvm.size === 1 ? ([...kvm][0] ?? null) : null,
  };
}
