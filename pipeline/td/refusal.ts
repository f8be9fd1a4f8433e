import type { Check } from '../model/decider-rules.ts';
import type { Register } from '../model/place.ts';

/** What a call of the module refuses: the check, and the leaf that it puts in RCX where it does. */
export type Refusal = {
  readonly check: Check;
  readonly leaf: number | null;
  /** `null` also where the leaf has no sub-leaves. */
  readonly subleaf: number | null;
  readonly register: Register | null;
  /** The bits that are refused, where they can be told. */
  readonly mask: number | null;
};

/** The completion status that a refusal ends with. */
export const statusOf = ({ check }: Refusal): bigint => check.status | BigInt(check.operand ?? 0);

export const refusalOf = (check: Check, at: Partial<Omit<Refusal, 'check'>> = {}): Refusal => ({
  check,
  leaf: null,
  subleaf: null,
  register: null,
  mask: null,
  ...at,
});
