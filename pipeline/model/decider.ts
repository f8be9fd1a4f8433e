import type { Computation, Condition, DeciderRule, Effect, GuestControl } from './decider-rules.ts';
import { type ByGateKind, type GateId, type GateKind, gateId, isGate } from './gate.ts';
import { and, FULL, hasBit, or, without } from './mask.ts';
import type { ConfigurableEntry, LookupEntry, XfamMask } from './module.ts';
import { once, onceFor } from './once.ts';
import { type LeafKey, type Place, placeId, type Register } from './place.ts';

/** What gives a bit its value. `ve`: there is none, the leaf injects #VE. */
export type Decision =
  | { readonly kind: 'constant'; readonly value: 0 | 1 }
  | { readonly kind: 'host' }
  | { readonly kind: 'vmm' }
  /** The VMM may clear what the host has. */
  | { readonly kind: 'vmm-and-host' }
  | { readonly kind: GateKind; readonly bits: readonly number[] }
  | { readonly kind: 'config-flags'; readonly bits: readonly number[] }
  | { readonly kind: 'td-params'; readonly field: 'TSC_FREQUENCY' }
  | { readonly kind: 'cpuid'; readonly place: Place; readonly bit: number }
  | { readonly kind: 'guest'; readonly control: GuestControl }
  | { readonly kind: 'computed'; readonly what: Computation }
  | { readonly kind: 've' };

/** Who decides a bit: where all conditions hold, `by`; where one does not, what that one says, the last one first. */
export type Decider = {
  readonly by: Decision;
  readonly conditions: readonly { readonly when: Condition; readonly otherwise: 0 | 1 | 've' }[];
};

/** Bits of one register with one decider. */
export type DecidedBits = { readonly mask: number; readonly decider: Decider };

/** The bits that a release lets a VMM set at all, by its masks of ATTRIBUTES and XFAM; `null` where they were not read. */
type Settable = ByGateKind<bigint | null>;

/** What the tables of a release say about one leaf. */
export type LeafTables = {
  readonly entry: LookupEntry;
  readonly config: ConfigurableEntry | undefined;
  readonly xfam: XfamMask | undefined;
  readonly settable: Settable;
};

const CONSTANT = [
  { kind: 'constant', value: 0 },
  { kind: 'constant', value: 1 },
] as const;

/** One object for each decider that has no conditions, so that what follows can go by identity. */
const always = (by: Decision): Decider => ({ by, conditions: [] });
const PLAIN = {
  zero: always(CONSTANT[0]),
  one: always(CONSTANT[1]),
  host: always({ kind: 'host' }),
  vmm: always({ kind: 'vmm' }),
  vmmAndHost: always({ kind: 'vmm-and-host' }),
  ve: always({ kind: 've' }),
} as const;

/** The rules of a leaf, guest rules last, as the code runs. */
export function rulesOfLeaf(rules: readonly DeciderRule[], key: LeafKey): readonly DeciderRule[] {
  const here = rules.filter(
    (rule) => rule.leaf === key.leaf && (rule.subleaf === undefined || rule.subleaf === key.subleaf),
  );
  return [...here.filter(({ stage }) => stage === 'init'), ...here.filter(({ stage }) => stage === 'guest')];
}

/**
 * Who decides each bit of a register: disjoint masks that together are 0xffffffff, lowest bits first. The tables come first,
 * then the rules of the release's code in their order.
 */
export function decideRegister(
  tables: LeafTables,
  register: Register,
  rules: readonly DeciderRule[],
): readonly DecidedBits[] {
  const bits = ruled(fromTables(tables, register), rules, register, tables.xfam);
  return merged(bits.map(({ mask, decider }) => ({ mask, decider: settled(decider, tables.settable) })));
}

/** Who decides a register of a leaf that is in no table and in the list of leaves that read as 0: zeros, or #VE. */
export const decideAbsent = (register: Register, rules: readonly DeciderRule[]): readonly DecidedBits[] =>
  merged(ruled([{ mask: FULL, decider: PLAIN.zero }], rules, register, undefined));

function ruled(
  bits: readonly DecidedBits[],
  rules: readonly DeciderRule[],
  register: Register,
  xfam: XfamMask | undefined,
): readonly DecidedBits[] {
  let parts = bits;
  for (const rule of rules) {
    const mask = rule.masks[register] ?? 0;
    if (mask !== 0)
      parts = parts.flatMap((part) => {
        const hit = and(part.mask, mask);
        if (hit === 0 || part.decider.by.kind === 've') return [part];
        const rest = { mask: without(part.mask, hit), decider: part.decider };
        const after = changed({ mask: hit, decider: part.decider }, rule.effect, xfam, register);
        return rest.mask === 0 ? after : [rest, ...after];
      });
  }
  return parts;
}

/** What waits for a bit of XFAM or ATTRIBUTES that the release never lets be 1 is a constant. */
function settled(decider: Decider, settable: Settable): Decider {
  const never = (asked: Decision | Condition): boolean => {
    if (!isGate(asked)) return false;
    const may = settable[asked.kind];
    return may !== null && asked.bits.some((bit) => ((may >> BigInt(bit)) & 1n) === 0n);
  };
  const isNever = never(decider.by) || decider.conditions.some(({ when, otherwise }) => otherwise === 0 && never(when));
  return isNever ? rewritten(decider, PLAIN.zero) : decider;
}

/** DOMAIN's order of the tables; what every platform shows, or no platform, is a constant whoever passes it on. */
function fromTables({ entry, config }: LeafTables, register: Register): readonly DecidedBits[] {
  if (entry.faulting) return [{ mask: FULL, decider: PLAIN.ve }];
  const parts: { mask: number; decider: Decider }[] = [];
  let rest = FULL;
  const take = (mask: number, decider: Decider): void => {
    const own = and(mask, rest);
    rest = without(rest, own);
    if (own !== 0) parts.push({ mask: own, decider });
  };
  const verify = entry.verifyMask[register] ?? 0;
  const value = and(verify, entry.verifyValue[register] ?? 0);
  const allowed = config?.allowDirect[register] ?? 0;
  take(config?.configDirect[register] ?? 0, PLAIN.vmm);
  // What the VMM may clear is its own choice where every platform has it, and 0 where none has.
  take(and(allowed, value), PLAIN.vmm);
  take(and(allowed, without(verify, value)), PLAIN.zero);
  take(allowed, PLAIN.vmmAndHost);
  take(entry.fixed1[register] ?? 0, PLAIN.one);
  take(entry.fixed0OrDynamic[register] ?? 0, PLAIN.zero);
  take(value, PLAIN.one);
  take(verify, PLAIN.zero);
  take(FULL, PLAIN.host);
  return parts;
}

function changed(
  part: DecidedBits,
  effect: Effect,
  xfam: XfamMask | undefined,
  register: Register,
): readonly DecidedBits[] {
  if (effect.do === 'xfam-masks') return maskedByXfam(part, xfam, register);
  if (effect.do === 'choose') return chosen(part, effect);
  return [{ mask: part.mask, decider: after(part.decider, effect) }];
}

type Whole = Exclude<Effect, { readonly do: 'xfam-masks' | 'choose' }>;

/** The decider of a bit after a rule that treats all its bits alike. */
const after = once((decider: Decider, effect: Whole): Decider => {
  switch (effect.do) {
    case 'zero':
      return rewritten(decider, PLAIN.zero);
    case 'one':
      return rewritten(decider, PLAIN.one);
    case 'clear':
      return isConstant(decider, 0) ? decider : gated(decider, effect.unless, 0);
    case 'set':
      return isConstant(decider, 1) ? decider : gated(decider, effect.unless, 1);
    case 've':
      return gated(decider, effect.unless, 've');
    case 'follow':
      return rewritten(decider, always(decisionOf(effect.condition)));
    case 'compute':
      if (effect.open && decider.by.kind === 'constant') return decider;
      return rewritten(
        decider,
        always(
          effect.what === 'tsc-frequency'
            ? { kind: 'td-params', field: 'TSC_FREQUENCY' }
            : { kind: 'computed', what: effect.what },
        ),
      );
  }
});

/** What stays when a later rule writes the value: that the leaf may fault. */
const rewritten = (old: Decider, decider: Decider): Decider =>
  old.conditions.some(({ otherwise }) => otherwise === 've') ? { by: decider.by, conditions: faults(old) } : decider;

function chosen(
  { mask, decider }: DecidedBits,
  { when, yes, no }: Extract<Effect, { readonly do: 'choose' }>,
): readonly DecidedBits[] {
  const inverse: Decider = { by: CONSTANT[1], conditions: [{ when: { kind: 'not', of: when }, otherwise: 0 }] };
  return [
    { mask: and(mask, and(yes, no)), decider: rewritten(decider, PLAIN.one) },
    { mask: without(mask, or(yes, no)), decider: rewritten(decider, PLAIN.zero) },
    { mask: and(mask, without(yes, no)), decider: rewritten(decider, always(decisionOf(when))) },
    { mask: and(mask, without(no, yes)), decider: inverse },
  ].filter((part) => part.mask !== 0);
}

function maskedByXfam(part: DecidedBits, xfam: XfamMask | undefined, register: Register): readonly DecidedBits[] {
  if (xfam === undefined || isConstant(part.decider, 0)) return [part];
  // The bits are parted mask by mask: a table has a handful, a register 32 bits.
  let groups: readonly { readonly mask: number; readonly bits: readonly number[] }[] = [{ mask: part.mask, bits: [] }];
  for (const [bit, masks] of xfam.bits) {
    const asked = masks[register] ?? 0;
    if (asked !== 0)
      groups = groups.flatMap(({ mask, bits }) =>
        [
          { mask: and(mask, asked), bits: [...bits, bit] },
          { mask: without(mask, asked), bits },
        ].filter((group) => group.mask !== 0),
      );
  }
  return groups.map(({ mask, bits }) => ({
    mask,
    decider: bits.length === 0 ? part.decider : after(part.decider, xfamEffect(bits.join())),
  }));
}

const xfamEffects = new Map<string, Whole>();
/** The rule that clears where one of these XFAM bits is 0; one object for each list. */
function xfamEffect(list: string): Whole {
  const known = xfamEffects.get(list);
  const effect: Whole = known ?? { do: 'clear', unless: [{ kind: 'xfam', bits: list.split(',').map(Number) }] };
  xfamEffects.set(list, effect);
  return effect;
}

const isConstant = (decider: Decider, value: 0 | 1): boolean =>
  decider.by.kind === 'constant' && decider.by.value === value && decider.conditions.length === 0;

const faults = (decider: Decider): Decider['conditions'] =>
  decider.conditions.filter(({ otherwise }) => otherwise === 've');

/** A bit that is 1 but for one plain condition is decided by what the condition asks. */
function gated(decider: Decider, unless: readonly Condition[], otherwise: 0 | 1 | 've'): Decider {
  const conditions = [...decider.conditions, ...unless.map((when) => ({ when, otherwise }))];
  const [first, ...others] = conditions;
  const isAlone = first !== undefined && first.otherwise === 0 && others.length === 0;
  if (isAlone && decider.by.kind === 'constant' && decider.by.value === 1 && isPlain(first.when))
    return always(decisionOf(first.when));
  return { by: decider.by, conditions };
}

type Plain = Extract<Condition, { readonly kind: GateKind | 'config-flags' | 'cpuid' | 'guest' }>;
const isPlain = (condition: Condition): condition is Plain =>
  condition.kind !== 'not' && condition.kind !== 'any' && condition.kind !== 'paravirt' && condition.kind !== 'xfd';

function decisionOf(condition: Condition): Decision {
  if (isPlain(condition)) return condition;
  throw new Error(`no bit can follow a condition of kind ${condition.kind}`);
}

const texts = new WeakMap<Decider, string>();
function textOf(decider: Decider): string {
  const text = texts.get(decider) ?? JSON.stringify(decider);
  texts.set(decider, text);
  return text;
}

/** Parts with equal deciders are one; lowest bits first. */
function merged(parts: readonly DecidedBits[]): readonly DecidedBits[] {
  const byText = new Map<string, DecidedBits>();
  if (parts.length === 1) return parts;
  for (const part of parts) {
    const text = textOf(part.decider);
    const found = byText.get(text);
    byText.set(text, found === undefined ? part : { ...found, mask: or(found.mask, part.mask) });
  }
  const lowest = (mask: number): number => and(mask, -mask);
  return [...byText.values()].sort((a, b) => lowest(a.mask) - lowest(b.mask));
}

/** What must hold for a bit not to be 0. */
const askedBy = ({ by, conditions }: Decider): readonly (Decision | Condition)[] => [
  by,
  ...conditions.filter(({ otherwise }) => otherwise === 0).map(({ when }) => when),
];

/** The gates of a bit. */
export const gatesAsked = (decider: Decider): readonly GateId[] =>
  askedBy(decider).flatMap((asked) =>
    isGate(asked) ? asked.bits.map((bit) => gateId({ kind: asked.kind, bit })) : [],
  );

/** The gates of a register, `xfam:2` or `attributes:30` to the bits that are 0 while that bit of the TD is 0. */
export function gatesOf(bits: readonly DecidedBits[]): ReadonlyMap<GateId, number> {
  const gates = new Map<GateId, number>();
  for (const { mask, decider } of bits)
    for (const gate of gatesAsked(decider)) gates.set(gate, or(gates.get(gate) ?? 0, mask));
  return gates;
}

/** CONFIG_FLAGS bits that must be 1 for the VMM to have a say: conditions, and computations that take the VMM's number under one. */
export const flagsAsked = onceFor((decider: Decider): readonly number[] => {
  const own = decider.by.kind === 'computed' ? FLAG_OF[decider.by.what] : undefined;
  return [
    ...(own === undefined ? [] : [own]),
    ...askedBy(decider).flatMap((each) => (each.kind === 'config-flags' ? each.bits : [])),
  ];
});

/** MAXPA_VIRT: without it the module computes the width from the host, whatever the VMM configured. */
const FLAG_OF: Partial<Readonly<Record<Computation, number>>> = { maxpa: 3 };

/** Whether what the guest sets decides that the leaf is answered at all, and whether it has a say in the value. */
export function asksGuest(
  { by, conditions }: Decider,
  control: string,
): { readonly fault: boolean; readonly value: boolean } {
  const asks = (condition: Condition): boolean => {
    if (condition.kind === 'not') return asks(condition.of);
    if (condition.kind === 'any') return condition.of.some(asks);
    return condition.kind === 'guest' && condition.control === control;
  };
  const isOwn = by.kind === 'computed' ? GUEST_OF[by.what] === control : by.kind === 'guest' && by.control === control;
  return {
    fault: conditions.some(({ when, otherwise }) => otherwise === 've' && asks(when)),
    value: isOwn || conditions.some(({ when, otherwise }) => otherwise !== 've' && asks(when)),
  };
}

/** What computations themselves ask of the guest. */
const GUEST_OF: Partial<Readonly<Record<Computation, GuestControl>>> = {
  'native-cache': 'REDUCE_VE',
  'initial-apic-id': 'ENUM_TOPOLOGY',
};

/** The decider of one bit. Throws where the masks do not cover it: conservation is broken, a bug. */
export function deciderOfBit(place: Place, bits: readonly DecidedBits[], bit: number): Decider {
  for (const { mask, decider } of bits) if (hasBit(mask, bit)) return decider;
  throw new Error(`${placeId(place)} bit ${bit} has no decider`);
}

/** True for a decision that the guest's state takes part in, so that the value changes while the TD runs. */
export const isDynamic = ({ by }: Decider): boolean =>
  by.kind === 'guest' ||
  (by.kind === 'computed' &&
    (by.what === 'xsave-user' || by.what === 'xsave-all' || by.what === 'x2apic-id' || by.what === 'initial-apic-id'));

/** The value that a bit has in every TD that reads its leaf; null where something else has a say. */
export const constantOf = ({ by, conditions }: Decider): 0 | 1 | null =>
  by.kind === 'constant' && conditions.every(({ otherwise }) => otherwise === 've' || otherwise === by.value)
    ? by.value
    : null;
