import type { RegisterCheck, RegisterRow } from '../model/register-mask.ts';

/** Three columns of one register; null where nothing is documented, read or checked. */
export type RegisterColumns = {
  readonly interface: string;
  readonly register: string;
  readonly documented: RegisterMask | null;
  readonly enforced: RegisterMask | null;
  readonly validated: RegisterMask | null;
  /** True where two columns that are there differ. A party that checks nothing does not disagree. */
  readonly differs: boolean;
};
export type RegisterMask = { readonly mustBeSet: bigint; readonly mustBeClear: bigint };

/** Joins the argued masks with what the module's code enforces; extracted checks take the place of argued ones. */
export function compareRegisters(
  rows: readonly RegisterRow[],
  checks: readonly RegisterCheck[],
): readonly RegisterColumns[] {
  const keys = new Map([...rows, ...checks].map((row) => [`${row.interface} ${row.register}`, row]));
  return [...keys.values()].map(({ interface: name, register }) => {
    const own = rows.filter((row) => row.interface === name && row.register === register);
    const check = checks.find((item) => item.interface === name && item.register === register);
    const [documented, argued, validated] = (['documented', 'enforced', 'validated'] as const).map((column) =>
      maskOf(own.find((row) => row.column === column)),
    );
    const enforced = check === undefined ? (argued ?? null) : maskOf(check);
    const present = [documented ?? null, enforced, validated ?? null].filter((mask) => mask !== null);
    const differs = present.some(
      (mask) => mask.mustBeSet !== present[0]?.mustBeSet || mask.mustBeClear !== present[0]?.mustBeClear,
    );
    return {
      interface: name,
      register,
      documented: documented ?? null,
      enforced,
      validated: validated ?? null,
      differs,
    };
  });
}

function maskOf(row: Pick<RegisterRow, 'mustBeSet' | 'mustBeClear'> | undefined): RegisterMask | null {
  if (row === undefined || row.mustBeSet === null || row.mustBeClear === null) return null;
  return { mustBeSet: row.mustBeSet, mustBeClear: row.mustBeClear };
}
