import { compareNumbers, compareTexts } from './order.ts';

/** What gates a CPUID bit in a TD's parameters: the bit is 0 where the TD's attribute or XFAM bit is 0. */
export const GATE_KINDS = ['attributes', 'xfam'] as const;
export type GateKind = (typeof GATE_KINDS)[number];
/** Something that each kind of gate has its own of: a new kind does not compile until it has one everywhere. */
export type ByGateKind<T> = Readonly<Record<GateKind, T>>;

/** A gate as the machine formats write it: `xfam:2`, `attributes:63`. */
export type GateId = `${GateKind}:${number}`;
type Gate = { readonly kind: GateKind; readonly bit: number };

export const gateId = ({ kind, bit }: Gate): GateId => `${kind}:${bit}`;

/** The gate that an id names. */
export function gateOf(id: GateId): Gate {
  const kind = GATE_KINDS.find((each) => id.startsWith(`${each}:`));
  if (kind === undefined) throw new Error(`${id} names no gate`);
  return { kind, bit: Number(id.slice(kind.length + 1)) };
}

/** Whether something that is told by its kind is a gate. */
export const isGate = <T extends { readonly kind: string }>(
  asked: T,
): asked is Extract<T, { readonly kind: GateKind }> => (GATE_KINDS as readonly string[]).includes(asked.kind);

/** Attributes before XFAM, each by bit number. */
export function compareGates(a: GateId, b: GateId): number {
  const [left, right] = [gateOf(a), gateOf(b)];
  return compareTexts(left.kind, right.kind) || compareNumbers(left.bit, right.bit);
}
