import { isOpenedByRow } from '../diff/clobbers.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { ClobberFact } from '../model/finding.ts';
import type { ClobberRow } from '../model/knowledge.ts';
import { msrName } from '../model/msr-name.ts';
import type { Policy, Restore } from '../model/policy.ts';

/** Where KVM restores an MSR; undefined where it does not. */
export const restoreOf = (policy: Policy, msr: string): Restore | undefined =>
  policy.restores.find((restore) => msrName(restore.msr) === msrName(msr));

/** What is known of each MSR of a row: how the module leaves it in that release, and whether KVM restores it. */
export function clobberFacts(
  row: ClobberRow,
  facts: ClobberFacts | null,
  policy: Policy | null,
): readonly ClobberFact[] {
  return row.msrs.map((msr) => ({
    feature: row.feature,
    msr: msrName(msr),
    exit: exitOf(facts, row, msr),
    restoredByKvm: policy === null ? null : restoreOf(policy, msr) !== undefined,
  }));
}

/** The worst exit among the transitions of the MSR that the row's feature opens; `unknown` where none is known. */
function exitOf(facts: ClobberFacts | null, row: ClobberRow, msr: string): ClobberFact['exit'] {
  const own = (facts?.msrs ?? []).filter(
    (transition) => msrName(transition.msr) === msrName(msr) && isOpenedByRow(transition, row),
  );
  const order = ['unknown', 'none', 'init', 'restored'] as const;
  return order.find((exit) => own.some((transition) => transition.exit === exit)) ?? 'unknown';
}

/** True where the host's value is lost: neither the module nor KVM brings it back, as far as is known. */
export const isLost = ({ exit, restoredByKvm }: ClobberFact): boolean => exit !== 'restored' && restoredByKvm !== true;

/** True where that is shown, not only not ruled out. */
export const isShownLost = (fact: ClobberFact): boolean =>
  isLost(fact) && fact.exit !== 'unknown' && fact.restoredByKvm === false;
