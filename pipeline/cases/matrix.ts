import { configurableBits } from '../judge/lookup.ts';
import { verdictsOf } from '../judge/verdict.ts';
import type { Verdict } from '../model/finding.ts';
import { countBits } from '../model/mask.ts';
import type { Specs } from '../specs/store.ts';
import { baseOf } from './reviews.ts';

/** How many bits of a release have each verdict under a policy. A verdict that no bit has may be left out. */
type MatrixCell = {
  readonly release: string;
  readonly policy: string;
  readonly counts: Readonly<Partial<Record<Verdict, number>>>;
};

/** Releases by policies. A pair without a cell was not judged, and says so. */
export type Matrix = {
  readonly releases: readonly string[];
  readonly policies: readonly string[];
  readonly cells: readonly MatrixCell[];
};

/** Every release under every KVM version: how many of its bits have each verdict. */
export function matrixOf(specs: Specs): Matrix {
  const { releases, policies, knowledge } = specs;
  if (policies.length === 0) return { releases: [], policies: [], cells: [] };
  const base = { release: baseOf(specs).module.release, configurable: configurableBits(baseOf(specs)) };
  return {
    releases: releases.map(({ module }) => module.release),
    policies: policies.map(({ version }) => version),
    cells: policies.flatMap((policy) =>
      releases.map((release) => {
        const counts: Partial<Record<Verdict, number>> = {};
        for (const { verdict, mask } of verdictsOf(release, policy, base, knowledge))
          counts[verdict] = (counts[verdict] ?? 0) + countBits(mask);
        return { release: release.module.release, policy: policy.version, counts };
      }),
    ),
  };
}
