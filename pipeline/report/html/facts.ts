import type { PlaceVerdict } from '../../judge/rule.ts';
import type { ClassedRelease } from '../../model/class.ts';
import type { ClobberFact } from '../../model/finding.ts';
import type { ClobberRow, Knowledge } from '../../model/knowledge.ts';
import type { Policy } from '../../model/policy.ts';

/** A KVM version with what it does about each release's bits, in the order of the releases. */
export type JudgedPolicy = { readonly policy: Policy; readonly verdicts: readonly (readonly PlaceVerdict[])[] };

/** An MSR of a feature that touches host state: how each release leaves it, and whether each KVM version restores it. */
export type HostMsr = {
  readonly msr: string;
  readonly exits: readonly ClobberFact['exit'][];
  readonly restored: readonly boolean[];
};
export type HostFeature = { readonly row: ClobberRow; readonly msrs: readonly HostMsr[] };

/** A thread of a mailing list or forge that names a bit. */
export type Discussion = {
  readonly leaf: number;
  readonly subleaf: number | null;
  readonly register: string;
  readonly mask: number;
  readonly title: string;
  /** An https address, or null where only the title is known. */
  readonly url: string | null;
};

/** Everything about single bits that a page of bits shows beside the findings. */
export type BitFacts = {
  readonly releases: readonly ClassedRelease[];
  readonly policies: readonly JudgedPolicy[];
  readonly knowledge: Knowledge;
  readonly hostFeatures: readonly HostFeature[];
  /** The release that KVM's code was written against. */
  readonly base: string;
  /** A repository's name to the https address where a browser can read it. */
  readonly webAddresses: ReadonlyMap<string, string>;
  /** Null where no archive was searched: that is not the same as no discussion. */
  readonly discussions: readonly Discussion[] | null;
  /** The releases and KVM version that the run was asked about, null where it was about all. */
  readonly first: { readonly from: string | null; readonly to: string | null; readonly kvm: string | null };
};
