import type { ClobberFact, Finding, FoundPlace, Level, NamedBit, Verdict } from './finding.ts';
import type { Place } from './place.ts';
import type { Generation, Policy, PolicyMask } from './policy.ts';

/** A patch of a series: its part from 1, its own Message-ID, and the posting that brought it. */
type SeriesPatchRef = {
  readonly part: number;
  readonly title: string;
  /** The Message-ID of the patch, empty where the mail has none. */
  readonly id: string;
  /** The posting that it stands in: another one than the series' own where a partial re-roll left it out. */
  readonly from: string;
};

/** Which posting of which work it is. Message-IDs are without brackets, empty where a file's mails have none. */
export type SeriesIdentity = {
  /** The Message-ID of the cover, or of the first patch: where an answer goes. */
  readonly id: string;
  readonly title: string;
  readonly version: number;
  readonly rfc: boolean;
  readonly resend: boolean;
  readonly trees: readonly string[];
  readonly author: { readonly name: string; readonly email: string };
  /** Epoch seconds; `null` where the date cannot be read. */
  readonly date: number | null;
  readonly total: number;
  readonly cover: string | null;
  /** In the order of their parts, a partial re-roll completed. */
  readonly patches: readonly SeriesPatchRef[];
  /** Parts that no posting brings. */
  readonly missing: readonly number[];
  /** Addresses of lists among To and Cc, sorted. */
  readonly lists: readonly string[];
  /** Archives or files that the mails were read from, in the order given. */
  readonly archives: readonly string[];
  readonly changeId: string | null;
  /** The version before, and why it is taken for it. */
  readonly before: { readonly id: string; readonly version: number; readonly reason: string } | null;
  /** A later posting of the same work that is known; `null` where this is the newest. */
  readonly newer: { readonly id: string; readonly version: number; readonly rfc: boolean } | null;
};

/**
 * How the base was found. `base-commit`: the series names it and the clone has it. `given`: the caller named it. `preimages`: the newest known
 * revision that has every file as the diffs were made against. `applies`: the newest known one on which all applies. `closest`:
 * none of these; the newest of those that have the most files as the diffs were made against.
 */
type BaseReason = 'base-commit' | 'given' | 'preimages' | 'applies' | 'closest';

export type SeriesBase = {
  /** A full commit id. */
  readonly commit: string;
  /** A tag or branch that names the commit, where one does. */
  readonly name: string | null;
  readonly by: BaseReason;
  /** The `base-commit:` of the series as written; it is used only where `by` is `base-commit`. */
  readonly named: string | null;
  /** Files of the diffs that stand at the base just as they were made against, of those that say so. */
  readonly preimages: { readonly matched: number; readonly of: number };
  /** Revisions that were looked at to find it. */
  readonly tried: number;
  /** How many `prerequisite-patch-id:` the series names: patches that it builds on and that were not applied. */
  readonly prerequisites: number;
};

/** Why git did not take a patch. */
export type Rejection = {
  readonly part: number;
  readonly id: string;
  readonly title: string;
  readonly path: string | null;
  /** 1-based within the file's diff, with its `@@` line; `null` where the whole file is refused. */
  readonly hunk: { readonly number: number; readonly header: string } | null;
  readonly reason: string;
};

/** A mask that a list gained or lost, with its names and the line where it stands (for lost ones: stood). */
export type PolicyMaskChange = PolicyMask & { readonly bits: readonly NamedBit[] };
type Gained<T> = { readonly added: readonly T[]; readonly removed: readonly T[] };

/** What differs between the policy before and after. All empty and equal where the series changes no policy. */
export type PolicyChanges = {
  readonly generation: { readonly from: Generation | null; readonly to: Generation };
  readonly deny: Gained<PolicyMaskChange>;
  readonly allow: Gained<PolicyMaskChange>;
  /** Bits that KVM itself reports as configurable. */
  readonly adds: Gained<PolicyMaskChange>;
  /** Bits that KVM's capabilities name. */
  readonly known: Gained<PolicyMaskChange>;
  /** MSRs restored after TDH.VP.ENTER. */
  readonly restores: Gained<string>;
  readonly attributes: { readonly added: bigint; readonly removed: bigint };
  /** Feature names, or `0x…` bits where the source gives a mask. */
  readonly xfam: Gained<string>;
  readonly configLimit: { readonly from: number | null; readonly to: number | null };
};

/** Bits of a register whose verdict the series changes. */
export type VerdictChange = Place & {
  readonly mask: number;
  readonly bits: readonly NamedBit[];
  readonly class: 'config-direct' | 'allow-direct';
  /** `null` where there was no policy before. */
  readonly from: Verdict | null;
  readonly to: Verdict;
  /** Host state that a TD with these bits leaves changed, and whether KVM restores it after the series. */
  readonly clobbers: readonly ClobberFact[];
};

/** Bits of a register to which a rule comes to apply, or no longer applies. */
export type FindingChange = {
  readonly rule: string;
  readonly level: Level;
  readonly place: Place;
  readonly mask: number;
  readonly bits: readonly NamedBit[];
};

/**
 * What one patch does to the policy. `elsewhere`: it touches no file that the policy is read from. `comments`: of those only
 * comments and white space. `same`: their code, and the policy stays. `unread`: the state after it cannot be read.
 */
export type SeriesStep = {
  readonly part: number;
  readonly title: string;
  readonly kind: 'elsewhere' | 'comments' | 'same' | 'changes' | 'unread';
  /** From the last state that could be read; `null` where nothing changes or the state cannot be read. */
  readonly changes: PolicyChanges | null;
  /** What KVM hides and takes, or shows and refuses, from this patch on, and what no longer. */
  readonly splits: Gained<Split>;
  readonly reason: string | null;
};

/** Bits that KVM_TDX_CAPABILITIES and KVM_TDX_INIT_VM treat differently; no place for all that the code does not name. */
export type Split = {
  readonly kind: 'hidden-not-refused' | 'shown-but-refused';
  readonly place: FoundPlace | null;
};

/**
 * A state within the series that neither the base nor the whole series has. `open`: bits that both keep from TDs are let through.
 * `refused`: bits that both let through are kept from TDs. It lasts from `after` to the patch before `until`.
 */
export type Between = {
  readonly after: number;
  readonly until: number;
  readonly kind: Split['kind'] | 'open' | 'refused' | 'unread';
  /** Whether it is true of every bit that the code does not name. */
  readonly isUnnamed: boolean;
  readonly places: readonly FoundPlace[];
};

/** The version that a series is held against: what its TDs get otherwise with the newer one. */
export type SinceVersion = {
  readonly id: string;
  readonly version: number;
  readonly rfc: boolean;
} & (
  | {
      readonly kind: 'compared';
      /** Whether both start from the same policy; else a part of what differs is the base's. */
      readonly isSameStart: boolean;
      readonly changes: PolicyChanges;
      readonly splits: Gained<Split>;
      readonly effects: readonly ReleaseEffect[];
    }
  | { readonly kind: 'not-compared'; readonly reason: string }
);

/** An answer in the thread that brings a diff of its own, which no posting has: it was not applied. */
type Fixup = {
  readonly id: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly date: number | null;
  readonly subject: string;
  readonly paths: readonly string[];
};

/** What the series does to the TDs of one module release. */
export type ReleaseEffect = {
  readonly release: string;
  readonly verdicts: readonly VerdictChange[];
  /** Bits that no VMM sets and whose gate in ATTRIBUTES, XFAM or CONFIG_FLAGS KVM comes to set, or sets no longer. */
  readonly gates: { readonly opened: readonly FoundPlace[]; readonly shut: readonly FoundPlace[] };
  readonly closed: readonly FindingChange[];
  readonly opened: readonly FindingChange[];
};

/** Findings on exposed bits and on bits that need an opt-in that are there after the series, of the newest release of a line. */
export type OpenAfter = { readonly release: string; readonly findings: readonly Finding[] };

export type SeriesOutcome =
  /** It touches no file that the policy is read from: nothing was applied. */
  | { readonly kind: 'untouched' }
  /** Parts are missing or bring no diff: nothing was applied, nothing is said of its effect. */
  | { readonly kind: 'incomplete'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly base: SeriesBase; readonly rejection: Rejection }
  /** It applies, and the policy cannot be read before or after it. */
  | {
      readonly kind: 'unreadable';
      readonly base: SeriesBase;
      readonly side: 'before' | 'after';
      readonly reason: string;
    }
  | {
      readonly kind: 'applied';
      readonly base: SeriesBase;
      /** Hunks that git placed at other lines than the diff says. */
      readonly offsets: number;
      /** `null` where the base has no TDX support in KVM. */
      readonly before: Policy | null;
      readonly after: Policy;
      readonly changes: PolicyChanges;
      /** In the order of parts. */
      readonly steps: readonly SeriesStep[];
      readonly between: readonly Between[];
      /** `null` where no version before is known. */
      readonly since: SinceVersion | null;
      /** The policy step as findings (`policy-deny-added`, …), in their total order. */
      readonly findings: readonly Finding[];
      /** Every release with tables, oldest first, also those where nothing changes. */
      readonly effects: readonly ReleaseEffect[];
      readonly open: readonly OpenAfter[];
    };

/** What a patch series does to KVM's policy for TDs, before any wording. */
export type SeriesEffect = {
  readonly series: SeriesIdentity;
  /** How reports name the kernel clone. */
  readonly kernel: string;
  /** All paths that the diffs touch, sorted, and those of them that the policy is read from. */
  readonly touched: readonly string[];
  readonly inputs: readonly string[];
  readonly outcome: SeriesOutcome;
  readonly fixups: readonly Fixup[];
  /** What a reader must know beside it, each a sentence. */
  readonly notes: readonly string[];
  /** The command that reproduces this. */
  readonly command: string;
};
