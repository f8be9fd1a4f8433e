import { isOpenedByRow } from '../diff/clobbers.ts';
import type { ClobberFacts, MsrTransition } from '../model/clobber.ts';
import type { ClobberFact } from '../model/finding.ts';
import type { ClobberRow } from '../model/knowledge.ts';
import { msrName } from '../model/msr-name.ts';
import type { Policy, Restore } from '../model/policy.ts';
import type { Evidence } from '../model/source.ts';

/** Where KVM restores an MSR; undefined where it does not. */
export const restoreOf = (policy: Policy, msr: string): Restore | undefined =>
  policy.restores.find((restore) => msrName(restore.msr) === msrName(msr));

/** What is known of each MSR of a row: how the module leaves it in that release, and whether KVM restores it. */
export function clobberFacts(
  row: ClobberRow,
  facts: ClobberFacts | null,
  policy: Policy | null,
): readonly ClobberFact[] {
  return row.msrs.map((msr) => {
    const own = (facts?.msrs ?? []).filter(
      (transition) => msrName(transition.msr) === msrName(msr) && isOpenedByRow(transition, row),
    );
    return { feature: row.feature, msr: msrName(msr), exit: exitOf(own), restoredByKvm: isRestored(policy, msr, own) };
  });
}

/** What XRSTORS writes is extended state: it comes back with the host's own, which the kernel keeps for every user of it. */
export const isExtendedState = ({ by }: MsrTransition): boolean => by === 'xrstors';

function isRestored(policy: Policy | null, msr: string, own: readonly MsrTransition[]): boolean | null {
  if (policy === null) return null;
  return restoreOf(policy, msr) !== undefined || (own.length > 0 && own.every(isExtendedState));
}

/** The worst exit among the transitions; `unknown` where none is known. */
function exitOf(own: readonly MsrTransition[]): ClobberFact['exit'] {
  const order = ['unknown', 'none', 'init', 'restored'] as const;
  return order.find((exit) => own.some((transition) => transition.exit === exit)) ?? 'unknown';
}

/** True where the host's value is lost: neither the module nor KVM brings it back, as far as is known. */
export const isLost = ({ exit, restoredByKvm }: ClobberFact): boolean => exit !== 'restored' && restoredByKvm !== true;

/** True where that is shown, not only not ruled out. */
export const isShownLost = (fact: ClobberFact): boolean =>
  isLost(fact) && fact.exit !== 'unknown' && fact.restoredByKvm === false;

/** Where the module writes the MSRs on the way in. */
export function siteEvidence(facts: ClobberFacts | null, lost: readonly ClobberFact[]): readonly Evidence[] {
  if (facts === null) return [];
  const { repository, revision } = facts.source;
  const names = new Set(lost.map(({ msr }) => msr));
  return facts.msrs
    .filter(({ msr }) => names.has(msrName(msr)))
    .flatMap(({ entry }) =>
      entry.slice(0, 1).flatMap(({ path, line }) => (line === null ? [] : [{ repository, revision, path, line }])),
    );
}
