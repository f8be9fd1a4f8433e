import type { ReleaseDiff } from './change.ts';
import type { Finding } from './finding.ts';
import type { Lineage } from './lineage.ts';
import type { Source } from './source.ts';

/** A release or policy that took part, with where it was read and what of it was not settled. */
export type Participant = { readonly name: string; readonly source: Source | null; readonly notes: readonly string[] };

/** One judged step: a release against the one before it, against one KVM policy, or one policy against another. */
export type Review = {
  /** `2.0.02..2.0.04`, `2.0.08 on 6.16.1` or `6.16.1..7.0`: unique in a report. */
  readonly id: string;
  readonly from: Participant | null;
  readonly to: Participant;
  readonly policy: Participant | null;
  readonly diff: ReleaseDiff | null;
  /** Why the release is compared with `from`; null where a person named both, and in other reviews. */
  readonly lineage?: Lineage | null;
  readonly findings: readonly Finding[];
  /** The command that reproduces this review. */
  readonly command: string;
};

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
