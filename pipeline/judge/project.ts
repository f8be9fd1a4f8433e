import type { ClassedRelease } from '../model/class.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { Knowledge } from '../model/knowledge.ts';
import type { RegisterRow } from '../model/register-mask.ts';

/** A decision that decides nothing: no finding matches it, or its last day is over. */
export type IdleDecision = {
  readonly problem: 'unmatched' | 'expired';
  readonly selector: string;
  readonly reason: string;
  readonly until: string | null;
};

/** The facts and decisions themselves, which are judged like what they are about. */
export type ProjectContext = {
  readonly releases: readonly ClassedRelease[];
  /** What README and mapping_file.json publish of releases. */
  readonly published: readonly { readonly release: string; readonly features0: bigint | null }[];
  /** Releases that are known by name only. */
  readonly unread: readonly string[];
  readonly clobbers: readonly ClobberFacts[];
  readonly registers: readonly RegisterRow[];
  readonly decisions: readonly IdleDecision[];
  readonly knowledge: Knowledge;
  /** All ids of the catalogue. */
  readonly rules: readonly string[];
};
