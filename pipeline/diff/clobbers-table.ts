import type { ClobberFacts, ExitKind, MsrTransition, Opener } from '../model/clobber.ts';
import type { ClobberRow } from '../model/knowledge.ts';
import { and } from '../model/mask.ts';
import { msrName } from '../model/msr-name.ts';
import { compareTexts } from '../model/order.ts';
import { placeId } from '../model/place.ts';

/** A transition without a row that argues it, and an MSR of a row without a transition that shows it. */
export type TableComparison = {
  readonly evidenceWithoutRow: readonly { readonly release: string; readonly transition: MsrTransition }[];
  readonly rowsWithoutEvidence: readonly { readonly row: ClobberRow; readonly msr: string }[];
};

/** True where the module writes the MSR on the way in and does not bring the host's value back, as far as is known. */
const isLeft = (transition: MsrTransition): boolean => transition.entry.length > 0 && transition.exit !== 'restored';

/** True where the row argues the transition: it names the MSR, and both are opened by the same, or both by nothing. */
function argues(row: ClobberRow, transition: MsrTransition): boolean {
  if (!row.msrs.includes(msrName(transition.msr))) return false;
  const isAlways = row.bits.length + row.attributes.length + row.xfam.length === 0;
  if (transition.openers.length === 0) return isAlways;
  return transition.openers.some((opener) => isOpenedBy(row, opener));
}

function isOpenedBy(row: ClobberRow, opener: Opener): boolean {
  if (opener.kind === 'attributes') return row.attributes.includes(opener.bit);
  if (opener.kind === 'xfam') return row.xfam.includes(opener.bit);
  return row.bits.some((bit) => placeId(bit) === placeId(opener) && and(bit.mask, opener.mask) !== 0);
}

/** Holds `specs/clobbers.md` against what was extracted from each release, both ways. */
export function compareClobberTable(rows: readonly ClobberRow[], facts: readonly ClobberFacts[]): TableComparison {
  return {
    evidenceWithoutRow: facts.flatMap(({ release, msrs }) =>
      msrs
        .filter((transition) => isLeft(transition) && !rows.some((row) => argues(row, transition)))
        .map((transition) => ({ release, transition })),
    ),
    rowsWithoutEvidence: rows
      .filter((row) => row.kind === 'clobber')
      .flatMap((row) =>
        row.msrs
          .filter(
            (msr) =>
              !facts.some(({ msrs }) =>
                msrs.some((item) => isLeft(item) && msrName(item.msr) === msr && argues(row, item)),
              ),
          )
          .map((msr) => ({ row, msr })),
      ),
  };
}

/** What changed for one MSR in one context of features; null where the release does not write it there. */
export type ClobberChange = {
  readonly msr: string;
  readonly guard: string | null;
  readonly from: ExitKind | null;
  readonly to: ExitKind | null;
  readonly before: MsrTransition | null;
  readonly after: MsrTransition | null;
};

export type ClobberChanges = {
  readonly msrs: readonly ClobberChange[];
  readonly flags: { readonly added: readonly string[]; readonly removed: readonly string[] };
};

const idOf = (transition: MsrTransition): string => `${msrName(transition.msr)} ${transition.guard ?? ''}`;

/** What differs between two releases: MSRs that came or went, exits that changed in kind, tracked CPUID flags. */
export function clobberChanges(before: ClobberFacts, after: ClobberFacts): ClobberChanges {
  const old = new Map(before.msrs.map((item) => [idOf(item), item]));
  const now = new Map(after.msrs.map((item) => [idOf(item), item]));
  const ids = [...new Set([...old.keys(), ...now.keys()])].sort(compareTexts);
  const names = (facts: ClobberFacts): readonly string[] => (facts.flags ?? []).map(({ flag }) => flag);
  const less = (a: readonly string[], b: readonly string[]): readonly string[] =>
    a.filter((name) => !b.includes(name)).sort(compareTexts);
  return {
    msrs: ids.flatMap((id) => {
      const [left, right] = [old.get(id) ?? null, now.get(id) ?? null];
      const one = right ?? left;
      const isSame = left?.exit === right?.exit && (left?.entry.length === 0) === (right?.entry.length === 0);
      if (one === null || (left !== null && right !== null && isSame)) return [];
      return [
        {
          msr: one.msr,
          guard: one.guard,
          from: left?.exit ?? null,
          to: right?.exit ?? null,
          before: left,
          after: right,
        },
      ];
    }),
    flags: { added: less(names(after), names(before)), removed: less(names(before), names(after)) },
  };
}
