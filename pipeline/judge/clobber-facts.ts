import type { ClobberFacts, MsrTransition } from '../model/clobber.ts';
import type { ClobberFact } from '../model/finding.ts';
import type { ClobberRow } from '../model/knowledge.ts';
import { and } from '../model/mask.ts';
import { msrName } from '../model/msr-name.ts';
import { samePlace } from '../model/place.ts';
import type { Policy } from '../model/policy.ts';

/** True, false, or null where no policy was given. */
function isRestored(policy: Policy | null, msr: string): boolean | null {
  if (policy === null) return null;
  return policy.restores.some((restore) => msrName(restore.msr) === msrName(msr));
}

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
    restoredByKvm: isRestored(policy, msr),
  }));
}

/** The worst exit among the transitions of the MSR that the row's feature opens; `unknown` where none was extracted. */
function exitOf(facts: ClobberFacts | null, row: ClobberRow, msr: string): ClobberFact['exit'] {
  const own = (facts?.msrs ?? []).filter(
    (transition) => msrName(transition.msr) === msrName(msr) && isOpenedBy(transition, row),
  );
  const order = ['unknown', 'none', 'init', 'restored'] as const;
  return order.find((exit) => own.some((transition) => transition.exit === exit)) ?? 'unknown';
}

function isOpenedBy(transition: MsrTransition, row: ClobberRow): boolean {
  if (transition.openers.length === 0) return true;
  return transition.openers.some((opener) => {
    if (opener.kind === 'attributes') return row.attributes.includes(opener.bit);
    if (opener.kind === 'xfam') return row.xfam.includes(opener.bit);
    return row.bits.some((bit) => samePlace(bit, opener) && and(bit.mask, opener.mask) !== 0);
  });
}
