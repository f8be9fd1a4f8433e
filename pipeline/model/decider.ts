import type { Computation, Condition, DeciderRule, Effect, GuestControl } from './decider-rules.ts';
import { type GateId, gateId } from './gate.ts';
import { and, bitsOf, FULL, hasBit, without } from './mask.ts';
import type { ConfigurableEntry, LookupEntry, XfamMask } from './module.ts';
import { type LeafKey, type Place, placeId, type Register } from './place.ts';

/** What gives a bit its value. `ve`: there is none, the leaf injects #VE. */
export type Decision =
  | { readonly kind: 'constant'; readonly value: 0 | 1 }
  | { readonly kind: 'host' }
  | { readonly kind: 'vmm' }
  /** The VMM may clear what the host has. */
  | { readonly kind: 'vmm-and-host' }
  | { readonly kind: 'xfam'; readonly bits: readonly number[] }
  | { readonly kind: 'attributes'; readonly bits: readonly number[] }
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
export type Settable = { readonly attributes: bigint | null; readonly xfam: bigint | null };

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
  merged(ruled([{ mask: FULL, decider: { by: CONSTANT[0], conditions: [] } }], rules, register, undefined));

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
    if (asked.kind !== 'xfam' && asked.kind !== 'attributes') return false;
    const may = settable[asked.kind];
    return may !== null && asked.bits.some((bit) => ((may >> BigInt(bit)) & 1n) === 0n);
  };
  const isNever = never(decider.by) || decider.conditions.some(({ when, otherwise }) => otherwise === 0 && never(when));
  return isNever ? { by: CONSTANT[0], conditions: faults(decider) } : decider;
}

/** DOMAIN's order of the tables; what every platform shows, or no platform, is a constant whoever passes it on. */
function fromTables({ entry, config }: LeafTables, register: Register): readonly DecidedBits[] {
  if (entry.faulting) return [{ mask: FULL, decider: { by: { kind: 've' }, conditions: [] } }];
  const parts: { mask: number; decider: Decider }[] = [];
  let rest = FULL;
  const take = (mask: number, by: Decision): void => {
    const own = and(mask, rest);
    rest = without(rest, own);
    if (own !== 0) parts.push({ mask: own, decider: { by, conditions: [] } });
  };
  const verify = entry.verifyMask[register] ?? 0;
  const value = and(verify, entry.verifyValue[register] ?? 0);
  const allowed = config?.allowDirect[register] ?? 0;
  take(config?.configDirect[register] ?? 0, { kind: 'vmm' });
  // What the VMM may clear is its own choice where every platform has it, and 0 where none has.
  take(and(allowed, value), { kind: 'vmm' });
  take(and(allowed, without(verify, value)), CONSTANT[0]);
  take(allowed, { kind: 'vmm-and-host' });
  take(entry.fixed1[register] ?? 0, CONSTANT[1]);
  take(entry.fixed0OrDynamic[register] ?? 0, CONSTANT[0]);
  take(value, CONSTANT[1]);
  take(verify, CONSTANT[0]);
  take(FULL, { kind: 'host' });
  return parts;
}

function changed(
  { mask, decider }: DecidedBits,
  effect: Effect,
  xfam: XfamMask | undefined,
  register: Register,
): readonly DecidedBits[] {
  const always = (by: Decision): Decider => ({ by, conditions: faults(decider) });
  switch (effect.do) {
    case 'zero':
      return [{ mask, decider: always(CONSTANT[0]) }];
    case 'one':
      return [{ mask, decider: always(CONSTANT[1]) }];
    case 'clear':
      return [{ mask, decider: isConstant(decider, 0) ? decider : gated(decider, effect.unless, 0) }];
    case 'set':
      return [{ mask, decider: isConstant(decider, 1) ? decider : gated(decider, effect.unless, 1) }];
    case 've':
      return [{ mask, decider: gated(decider, effect.unless, 've') }];
    case 'follow':
      return [{ mask, decider: always(decisionOf(effect.condition)) }];
    case 'choose':
      return chosen(mask, effect, always);
    case 'compute':
      if (effect.open && decider.by.kind === 'constant') return [{ mask, decider }];
      return [
        {
          mask,
          decider: always(
            effect.what === 'tsc-frequency'
              ? { kind: 'td-params', field: 'TSC_FREQUENCY' }
              : { kind: 'computed', what: effect.what },
          ),
        },
      ];
    case 'xfam-masks':
      return maskedByXfam({ mask, decider }, xfam, register);
  }
}

function chosen(
  mask: number,
  { when, yes, no }: Extract<Effect, { readonly do: 'choose' }>,
  always: (by: Decision) => Decider,
): readonly DecidedBits[] {
  const inverse: Decider = { by: CONSTANT[1], conditions: [{ when: { kind: 'not', of: when }, otherwise: 0 }] };
  return [
    { mask: and(mask, and(yes, no)), decider: always(CONSTANT[1]) },
    { mask: without(mask, (yes | no) >>> 0), decider: always(CONSTANT[0]) },
    { mask: and(mask, without(yes, no)), decider: always(decisionOf(when)) },
    { mask: and(mask, without(no, yes)), decider: inverse },
  ].filter((part) => part.mask !== 0);
}

function maskedByXfam(part: DecidedBits, xfam: XfamMask | undefined, register: Register): readonly DecidedBits[] {
  if (xfam === undefined || isConstant(part.decider, 0)) return [part];
  const byBits = new Map<string, { mask: number; bits: readonly number[] }>();
  for (const bit of bitsOf(part.mask)) {
    const needs = [...xfam.bits].filter(([, masks]) => hasBit(masks[register] ?? 0, bit)).map(([name]) => name);
    const key = needs.join();
    const found = byBits.get(key) ?? { mask: 0, bits: needs };
    byBits.set(key, { ...found, mask: (found.mask | (1 << bit)) >>> 0 });
  }
  return [...byBits.values()].map(({ mask, bits }) => ({
    mask,
    decider: bits.length === 0 ? part.decider : gated(part.decider, [{ kind: 'xfam', bits }], 0),
  }));
}

const isConstant = (decider: Decider, value: 0 | 1): boolean =>
  decider.by.kind === 'constant' &&
  decider.by.value === value &&
  decider.conditions.every(({ otherwise }) => otherwise === value);

/** What stays when a later rule writes the value: that the leaf may fault. */
const faults = (decider: Decider): Decider['conditions'] =>
  decider.conditions.filter(({ otherwise }) => otherwise === 've');

/** A bit that is 1 but for one plain condition is decided by what the condition asks. */
function gated(decider: Decider, unless: readonly Condition[], otherwise: 0 | 1 | 've'): Decider {
  const conditions = [...decider.conditions, ...unless.map((when) => ({ when, otherwise }))];
  const [first, ...others] = conditions;
  const alone = first !== undefined && first.otherwise === 0 && others.every((each) => each.otherwise === 've');
  if (alone && decider.by.kind === 'constant' && decider.by.value === 1 && isPlain(first.when))
    return { by: decisionOf(first.when), conditions: others };
  return { by: decider.by, conditions };
}

type Plain = Extract<Condition, { readonly kind: 'xfam' | 'attributes' | 'config-flags' | 'cpuid' | 'guest' }>;
const isPlain = (condition: Condition): condition is Plain =>
  condition.kind !== 'not' && condition.kind !== 'any' && condition.kind !== 'paravirt' && condition.kind !== 'xfd';

function decisionOf(condition: Condition): Decision {
  if (isPlain(condition)) return condition;
  throw new Error(`no bit can follow a condition of kind ${condition.kind}`);
}

/** Parts with equal deciders are one; lowest bits first. */
function merged(parts: readonly DecidedBits[]): readonly DecidedBits[] {
  const byText = new Map<string, DecidedBits>();
  for (const part of parts) {
    const text = JSON.stringify(part.decider);
    const found = byText.get(text);
    byText.set(text, found === undefined ? part : { ...found, mask: (found.mask | part.mask) >>> 0 });
  }
  const lowest = (mask: number): number => (mask & -mask) >>> 0;
  return [...byText.values()].sort((a, b) => lowest(a.mask) - lowest(b.mask));
}

/** The gates of a register, `xfam:2` or `attributes:30` to the bits that are 0 while that bit of the TD is 0. */
export function gatesOf(bits: readonly DecidedBits[]): ReadonlyMap<GateId, number> {
  const gates = new Map<GateId, number>();
  for (const { mask, decider } of bits)
    for (const asked of [
      decider.by,
      ...decider.conditions.filter(({ otherwise }) => otherwise === 0).map(({ when }) => when),
    ])
      if (asked.kind === 'xfam' || asked.kind === 'attributes')
        for (const bit of asked.bits) {
          const name = gateId({ kind: asked.kind, bit });
          gates.set(name, ((gates.get(name) ?? 0) | mask) >>> 0);
        }
  return gates;
}

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
