import type { Check } from '../model/decider-rules.ts';
import { FULL, not, or } from '../model/mask.ts';
import type { Registers } from './case.ts';
import { NO_SUBLEAF } from './host.ts';
import type { Program } from './program.ts';

/** What a completion status and RCX of TDH.MNG.INIT, or of the module's start, say under a release. */
export type Decoded = {
  readonly status: bigint;
  /** The checks that end with this status, in the order of testing; none where no check of the release does. */
  readonly checks: readonly Check[];
  /** The leaf that RCX names, for a status that puts one there. */
  readonly leaf: number | null;
  readonly subleaf: number | null;
  /** The bits of that leaf that no VMM may set; `null` where RCX names no leaf. */
  readonly notSettable: Registers | null;
};

/** Checks of one leaf that name it in RCX, with what is in its upper half; those that leave RCX alone may be behind any value of it. */
const ONE_LEAF: ReadonlyMap<string, readonly [leaf: number, subleaf: number]> = new Map([
  ['fms', [1, NO_SUBLEAF]],
  ['fms-given', [1, NO_SUBLEAF]],
  ['tsx-equal-rcx', [7, 0]],
]);

const CPUID_CONFIG = 69;
const LOW = 0xffffffffn;

export function decodeStatus(program: Program, status: bigint, rcx: bigint | null): Decoded {
  const [upper, lower] = [status & ~LOW, Number(status & LOW)];
  const checks = program.checks.filter(
    (check) => check.status === upper && (check.operand === null || check.operand === lower),
  );
  const namesLeaf = checks.some(({ operand, id }) => operand === CPUID_CONFIG || id === 'host-verified');
  const leaf = rcx === null || !namesLeaf ? null : Number(rcx & LOW);
  const subleaf = rcx === null || !namesLeaf ? null : Number(rcx >> 32n);
  const slot = leaf === null ? null : program.rows[program.find(leaf, subleaf ?? 0)]?.slot;
  // What only one leaf is refused for is no reason where RCX names another.
  const isOfLeaf = ({ id }: Check): boolean => {
    const own = ONE_LEAF.get(id);
    return leaf === null || own === undefined || (own[0] === leaf && own[1] === subleaf);
  };
  return {
    status,
    checks: checks.filter(isOfLeaf),
    leaf,
    subleaf: subleaf === NO_SUBLEAF ? null : subleaf,
    notSettable: leaf === null ? null : slot == null ? FOUR_FULL : closed(slot.direct, slot.allow),
  };
}

/** A leaf without a slot in TD_PARAMS: nothing of it can be configured. */
const FOUR_FULL: Registers = [FULL, FULL, FULL, FULL];

const closed = (direct: Registers, allow: Registers): Registers => [
  not(or(direct[0], allow[0])),
  not(or(direct[1], allow[1])),
  not(or(direct[2], allow[2])),
  not(or(direct[3], allow[3])),
];
