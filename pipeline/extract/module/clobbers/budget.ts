import { DataError } from '../../../model/errors.ts';

/** What a derivation may still do: a step is a statement or a part of an expression on a path, or a macro that is looked up. */
export type Budget = { left: number };

/** Six times what the largest release that was read takes. */
const MAX_STEPS = 400_000;
/** Expressions higher than this would exhaust the stack of who walks them. */
const MAX_HEIGHT = 1500;

export const newBudget = (): Budget => ({ left: MAX_STEPS });

/** Says where a derivation was given up: calls and assignments that double what is known need more time than there is. */
export class BudgetError extends DataError {}

type Where = { readonly file: string; readonly line: number };

export function spend(budget: Budget, steps: number, where: Where): void {
  budget.left -= steps;
  if (budget.left >= 0) return;
  throw new BudgetError({
    where,
    expected: `source that can be followed in ${MAX_STEPS} steps`,
    found: 'more up to here',
    hint: 'what this release leaves in the MSRs is not derived: read it by hand',
  });
}

/** Takes the size of an expression that was put together from others. */
export function spendOn(
  budget: Budget,
  extent: { readonly size: number; readonly height: number },
  where: Where,
): void {
  spend(budget, extent.size, where);
  if (extent.height > MAX_HEIGHT)
    throw new BudgetError({ where, expected: `values of at most ${MAX_HEIGHT} levels`, found: 'more' });
}
