import type { ReleaseDiff } from './change.ts';
import type { ControlBit, Decided, Finding, FoundPlace, Verdict } from './finding.ts';
import type { Lineage } from './lineage.ts';
import type { DisputedFeatures } from './module.ts';
import type { Evidence, Source } from './source.ts';

/** A release or policy that took part, with where it was read and what of it was not settled. */
export type Participant = {
  readonly name: string;
  /** How a person named what was read from a disk; its name alone would be that of a shipped one. */
  readonly operand?: string;
  readonly source: Source | null;
  readonly notes: readonly string[];
};

/** Why KVM refuses a module release: it never runs a TD there. */
export type Refusal =
  | { readonly kind: 'features0'; readonly bits: readonly ControlBit[] }
  | { readonly kind: 'attributes' | 'xfam'; readonly bits: readonly ControlBit[] }
  | { readonly kind: 'config-slots'; readonly used: number; readonly limit: number };

/** Whether KVM runs a release. `unknown`: what KVM requires or what the release has was not read. */
export type Runs =
  | { readonly kind: 'yes'; readonly slots: number; readonly limit: number | null }
  | { readonly kind: 'no'; readonly refusals: readonly Refusal[]; readonly evidence: readonly Evidence[] }
  | { readonly kind: 'unknown'; readonly missing: readonly string[] };

/** How many features, and apart from them bits of fields, have a verdict. */
export type VerdictCount = { readonly verdict: Verdict; readonly features: number; readonly fieldBits: number };

/** What of the host's state is left changed, held against the release before. */
export type HostState =
  | { readonly kind: 'not-examined'; readonly releases: readonly string[] }
  | {
      readonly kind: 'examined';
      /** How the release's ways in and out were learnt, the least sure of them. */
      readonly how: 'derived' | 'read' | 'inferred';
      readonly worse: readonly HostChange[];
      readonly better: readonly HostChange[];
      /** Left changed before and now, with another value or in another way. */
      readonly otherwise: readonly HostChange[];
      /** Left changed as in the release before, and KVM neither restores it nor keeps TDs from it. */
      readonly standing: readonly HostChange[];
    };
export type HostChange = {
  readonly msr: string;
  /** The MSR is the first of a range. */
  readonly isRange: boolean;
  /** Of what is no longer left changed: another write still leaves it, under another condition. */
  readonly isInPart?: true;
  /** What KVM does about it; null without one. */
  readonly kvm: 'restores' | 'closes' | 'nothing' | null;
  /** The line that restores it, where KVM does so itself. */
  readonly restoredAt: Evidence | null;
};

export type SettledPlace = FoundPlace & { readonly decided: Decided };

/** What a KVM version makes of a release that is judged under it. */
export type UnderKvm = {
  readonly runs: Runs;
  /** Empty where KVM refuses the release. */
  readonly verdicts: readonly VerdictCount[];
  /** Exposed features that the release before had already: nothing new, and still undecided. */
  readonly standing: readonly FoundPlace[];
  /** Those of them that people decided on. */
  readonly settled: readonly SettledPlace[];
};

type Common = {
  /** Unique in a report. */
  readonly id: string;
  readonly findings: readonly Finding[];
  /** The command that reproduces this review. */
  readonly command: string;
};

/** A release against the one before it, under one KVM version or none: `2.0.02..2.0.04 on 6.16.1`. */
export type ReleaseReview = Common & {
  readonly kind: 'release';
  readonly from: Participant;
  readonly to: Participant;
  readonly policy: Participant | null;
  readonly diff: ReleaseDiff;
  /** Why the release is compared with `from`; null where a person named both. */
  readonly lineage: Lineage | null;
  /** Releases known by name only that lie on the way from `from` to the release, each following the one before it. */
  readonly passed: readonly string[];
  /** No release before it was read. */
  readonly isOldest: boolean;
  /** Of which of the two TDX_FEATURES0 is not the same in every source. */
  readonly disputed: readonly DisputedFeatures[];
  readonly kvm: UnderKvm | null;
  readonly hostState: HostState;
};

/** One judged step. */
export type Review =
  | ReleaseReview
  /** One KVM version against all releases. */
  | (Common & { readonly kind: 'policy'; readonly policy: Participant })
  /** One KVM version against the one before it: `6.16.1..6.17`. */
  | (Common & { readonly kind: 'policy-step'; readonly from: Participant; readonly to: Participant })
  /** The facts and decisions themselves. */
  | (Common & { readonly kind: 'facts' });

/** Everybody who took part in a review, the older one first. */
export function participantsOf(review: Review): readonly Participant[] {
  switch (review.kind) {
    case 'release':
      return review.policy === null ? [review.from, review.to] : [review.from, review.to, review.policy];
    case 'policy':
      return [review.policy];
    case 'policy-step':
      return [review.from, review.to];
    case 'facts':
      return [];
  }
}

/** What was looked at and what was not: silence about what could not be read is wrong. */
export type Coverage = {
  readonly releases: readonly string[];
  readonly policies: readonly string[];
  /** Releases that are known by name only, with the reason. */
  readonly unread: readonly { readonly release: string; readonly reason: string }[];
  /** Source cells (bits of registers) that were compared, and those that were skipped with the reason. */
  readonly cells: number;
  readonly skipped: readonly string[];
};

/** Everything that one run says, before any wording. */
export type ReportFacts = { readonly reviews: readonly Review[]; readonly coverage: Coverage };
