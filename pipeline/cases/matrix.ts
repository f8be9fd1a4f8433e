import { type Ground, kvmContext } from '../judge/judge.ts';
import { countVerdicts } from '../judge/verdict.ts';
import type { Runs, VerdictCount } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { groundOf } from './reviews.ts';

/** Whether a KVM version runs a release, and how many features and bits of fields have each verdict. */
type MatrixCell = {
  readonly release: string;
  readonly policy: string;
  readonly runs: Runs['kind'];
  /** In no order; a verdict that no bit has is left out. Empty where KVM refuses the release. */
  readonly counts: readonly VerdictCount[];
};

/** Releases by policies. A pair without a cell was not judged, and says so. */
export type Matrix = {
  readonly releases: readonly string[];
  readonly policies: readonly string[];
  readonly cells: readonly MatrixCell[];
};

/** Every release under every KVM version. */
export function matrixOf(specs: Specs, ground: Ground = groundOf(specs)): Matrix {
  const { releases, policies } = specs;
  return {
    releases: policies.length === 0 ? [] : releases.map(({ module }) => module.release),
    policies: policies.map(({ version }) => version),
    cells: policies.flatMap((policy) =>
      releases.map((release) => {
        const { runs, verdicts } = kvmContext(release, policy, ground);
        return {
          release: release.module.release,
          policy: policy.version,
          runs: runs.kind,
          counts: countVerdicts(verdicts),
        };
      }),
    ),
  };
}
