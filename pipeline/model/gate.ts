import { compareNumbers, compareTexts } from './order.ts';

/** What gates a CPUID bit in a TD's parameters: the bit is 0 where the TD's attribute or XFAM bit is 0. */
const GATE_KINDS = ['attributes', 'xfam'] as const;
type GateKind = (typeof GATE_KINDS)[number];

/** A gate as the machine formats write it: `xfam:2`, `attributes:63`. */
export type GateId = `${GateKind}:${number}`;
type Gate = { readonly kind: GateKind; readonly bit: number };

export const gateId = ({ kind, bit }: Gate): GateId => `${kind}:${bit}`;

/** The gate that an id names. An id of another kind does not compile, so the kinds are told in one place. */
export function gateOf(id: GateId): Gate {
  const kind = GATE_KINDS.find((each) => id.startsWith(`${each}:`));
  if (kind === undefined) throw new Error(`${id} names no gate`);
  return { kind, bit: Number(id.slice(kind.length + 1)) };
}

/** Attributes before XFAM, each by bit number. */
export function compareGates(a: GateId, b: GateId): number {
  const [left, right] = [gateOf(a), gateOf(b)];
  return compareTexts(left.kind, right.kind) || compareNumbers(left.bit, right.bit);
}
