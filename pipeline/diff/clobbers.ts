import type { ClobberFacts, MsrTransition, Opener } from '../model/clobber.ts';
import type { ClobberRow, Knowledge } from '../model/knowledge.ts';
import { and } from '../model/mask.ts';
import { msrName } from '../model/msr-name.ts';
import { once } from '../model/once.ts';
import { compareTexts } from '../model/order.ts';
import { samePlace } from '../model/place.ts';

/**
 * MSRs that a release leaves changed and the other does not, and those that both leave, in another way or with another
 * value than before (as the later release leaves them). Each list in total order.
 */
export type ClobberChanges = {
  readonly added: readonly MsrTransition[];
  readonly removed: readonly MsrTransition[];
  readonly changed: readonly MsrTransition[];
};

/** True where the module writes the MSR on the way in and does not bring the host's value back, as far as is known. */
export const isLeft = (transition: MsrTransition): boolean =>
  transition.entry.length > 0 && transition.exit !== 'restored';

/** Not the way out: an MSR that is left with another value than before was left before too. */
const idOf = ({ msr, guard }: MsrTransition): string => `${msrName(msr)} ${guard ?? ''}`;

/**
 * True where what the host finds is known on both sides and differs: the TD's value or a constant, which constant, and which
 * bits of the host stay. A way that the code does not settle, or a constant that was not read, is no difference.
 */
function isOtherwise(before: MsrTransition, after: MsrTransition): boolean {
  if (before.exit === 'unknown' || after.exit === 'unknown') return false;
  if (before.exit !== after.exit) return true;
  if (before.exit !== 'init' || before.exitValue === undefined || after.exitValue === undefined) return false;
  const bits = (text: string | undefined): bigint => BigInt(text ?? 0);
  return bits(before.exitValue) !== bits(after.exitValue) || bits(before.keepsBits) !== bits(after.keepsBits);
}

/** What differs in the host state that two releases leave behind: MSR and guard say which write it is, never the line. */
export function diffClobbers(before: ClobberFacts, after: ClobberFacts): ClobberChanges {
  const leftBy = ({ msrs }: ClobberFacts): readonly MsrTransition[] =>
    msrs.filter(isLeft).sort((a, b) => compareTexts(idOf(a), idOf(b)));
  const [had, has] = [leftBy(before), leftBy(after)];
  const less = (all: readonly MsrTransition[], known: readonly MsrTransition[]): readonly MsrTransition[] => {
    const ids = new Set(known.map(idOf));
    return all.filter((transition) => !ids.has(idOf(transition)));
  };
  const old = new Map(had.map((transition) => [idOf(transition), transition]));
  const changed = has.filter((transition) => {
    const same = old.get(idOf(transition));
    return same !== undefined && isOtherwise(same, transition);
  });
  return { added: less(has, had), removed: less(had, has), changed };
}

/** True where the row's feature opens the transition: one opener is the row's, or nothing guards it. */
export const isOpenedByRow = ({ openers }: MsrTransition, row: ClobberRow): boolean =>
  openers.length === 0 || openers.some((opener) => isOpener(row, opener));

function isOpener(row: ClobberRow, opener: Opener): boolean {
  if (opener.kind !== 'cpuid') return row[opener.kind].includes(opener.bit);
  return row.bits.some((bit) => samePlace(bit, opener) && and(bit.mask, opener.mask) !== 0);
}

/** A transition without a row that argues it, and an MSR of a row without a transition that shows it. */
export type TableComparison = {
  readonly evidenceWithoutRow: readonly { readonly release: string; readonly transition: MsrTransition }[];
  readonly rowsWithoutEvidence: readonly { readonly row: ClobberRow; readonly msr: string }[];
};

/** True where the row argues the transition: it names the MSR, and both are opened by the same, or both by nothing. */
function argues(row: ClobberRow, transition: MsrTransition): boolean {
  if (!row.msrs.includes(msrName(transition.msr))) return false;
  const isAlways = row.bits.length + row.attributes.length + row.xfam.length === 0;
  return transition.openers.length === 0 ? isAlways : isOpenedByRow(transition, row);
}

/** True for a write that people argued to be no loss of the host's state: only rows of another kind than `clobber` name it. */
export const isHarmless = (transition: MsrTransition, { clobbers }: Pick<Knowledge, 'clobbers'>): boolean =>
  isArguedAway(transition, clobbers);

const isArguedAway = once((transition: MsrTransition, all: Knowledge['clobbers']): boolean => {
  const rows = all.filter((row) => argues(row, transition));
  return rows.length > 0 && rows.every(({ kind }) => kind !== 'clobber');
});

/** Holds `specs/clobbers.md` against what is known of each release, both ways. */
export function compareClobberTable(rows: readonly ClobberRow[], facts: readonly ClobberFacts[]): TableComparison {
  const isShown = (row: ClobberRow, msr: string): boolean =>
    facts.some(({ msrs }) => msrs.some((item) => isLeft(item) && msrName(item.msr) === msr && argues(row, item)));
  return {
    evidenceWithoutRow: facts.flatMap(({ release, msrs }) =>
      msrs
        .filter((transition) => isLeft(transition) && !rows.some((row) => argues(row, transition)))
        .map((transition) => ({ release, transition })),
    ),
    rowsWithoutEvidence: rows
      .filter((row) => row.kind === 'clobber')
      .flatMap((row) => row.msrs.filter((msr) => !isShown(row, msr)).map((msr) => ({ row, msr }))),
  };
}
