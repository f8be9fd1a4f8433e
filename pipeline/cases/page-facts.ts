import type { PlaceVerdict } from '../judge/rule.ts';
import type { ClassedRelease } from '../model/class.ts';
import type { ClobberFact } from '../model/finding.ts';
import type { ClobberRow, Knowledge } from '../model/knowledge.ts';
import type { Place } from '../model/place.ts';
import type { Policy } from '../model/policy.ts';

/** A KVM version with what it does about each release's bits, in the order of the releases. */
export type JudgedPolicy = { readonly policy: Policy; readonly verdicts: readonly (readonly PlaceVerdict[])[] };

/** An MSR of a feature that touches host state: how each release leaves it, and whether each KVM version restores it. */
export type HostMsr = {
  readonly msr: string;
  readonly exits: readonly ClobberFact['exit'][];
  readonly restored: readonly boolean[];
};
export type HostFeature = { readonly row: ClobberRow; readonly msrs: readonly HostMsr[] };

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

/** Everything about single bits that a page of bits shows beside the findings. */
export type BitFacts = {
  /** The page's script, which is bundled when the program is built. */
  readonly script: string;
  readonly releases: readonly ClassedRelease[];
  readonly policies: readonly JudgedPolicy[];
  readonly knowledge: Knowledge;
  readonly hostFeatures: readonly HostFeature[];
  /** The release that KVM's code was written against. */
  readonly base: string;
  /** A repository's name to the https address where a browser can read it. */
  readonly webAddresses: ReadonlyMap<string, string>;
  /** Null where no archive was searched: that is not the same as no discussion. */
  readonly discussions: Discussions | null;
  /** The releases and KVM version that the run was asked about, null where it was about all. */
  readonly first: { readonly from: string | null; readonly to: string | null; readonly kvm: string | null };
};
