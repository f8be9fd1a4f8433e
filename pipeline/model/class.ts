import { type GateId, gateId } from './gate.ts';
import { and, FULL, not, or, without } from './mask.ts';
import type { ConfigurableEntry, LookupEntry, ModuleRelease, ModuleTables, RegisterMasks, XfamMask } from './module.ts';
import { compareLeaves, leafId, type Place, placeId, REGISTERS, type Register } from './place.ts';

/**
 * What one release does with a bit, by the module's own code: `absent` leaf not in the table, `ve` the leaf injects #VE,
 * `config-direct` the VMM chooses, `allow-direct` the VMM may clear the native bit, `fixed1` and `fixed0` the same in every
 * TD, `native` the host's value passes through.
 */
export const CELL_CLASSES = ['absent', 've', 'config-direct', 'allow-direct', 'fixed1', 'fixed0', 'native'] as const;
export type CellClass = (typeof CELL_CLASSES)[number];

/** The classes of one register: disjoint masks that together are 0xffffffff; a class without bits is not there. */
export type RegisterClasses = Place & {
  readonly classes: ReadonlyMap<CellClass, number>;
  /** `xfam:2` or `attributes:30` to the bits that it gates, beside their class. */
  readonly gates: ReadonlyMap<GateId, number>;
  /** Which part of fixed1 and fixed0 rests on the platform verification at the module's start. */
  readonly verified: { readonly fixed1: number; readonly fixed0: number };
  /** Bits that the module computes when the guest asks, whatever their class. */
  readonly dynamic: number;
  /** The line of the leaf's entry in the source, absent where only the facts are known. */
  readonly line?: number;
};

type AttributeGate = { readonly bit: number; readonly masks: RegisterMasks };
/** TD attributes that clear CPUID bits where they are 0, from the module's TD initialisation and CPUID exit code. */
const ATTRIBUTE_GATES: ReadonlyMap<string, readonly AttributeGate[]> = new Map([
  [leafId({ leaf: 0x7, subleaf: 0x1 }), [{ bit: 27, masks: { eax: 0x00000040 } }]],
  [
    leafId({ leaf: 0x7, subleaf: 0x0 }),
    [
      { bit: 30, masks: { ecx: 0x80000000 } },
      { bit: 31, masks: { ecx: 0x00800000 } },
    ],
  ],
  [leafId({ leaf: 0xa, subleaf: null }), [{ bit: 63, masks: { eax: FULL, ebx: FULL, ecx: FULL, edx: FULL } }]],
]);

export type DynamicBits = ReadonlyMap<string, number>;

/** A release with its registers classed. */
export type ClassedRelease = { readonly module: ModuleRelease; readonly registers: readonly RegisterClasses[] };

/** All registers of a release with their classes, in the order of places. The rule is DOMAIN's table: first match wins. */
export function classify(tables: ModuleTables, dynamic: DynamicBits = new Map()): readonly RegisterClasses[] {
  const configurable = new Map(tables.configurable.map((entry) => [leafId(entry), entry]));
  const xfam = new Map(tables.xfamMasks.map((mask) => [leafId(mask), mask]));
  return [...tables.lookup].sort(compareLeaves).flatMap((entry) => {
    const id = leafId(entry);
    const [config, mask, gates] = [configurable.get(id), xfam.get(id), ATTRIBUTE_GATES.get(id) ?? []];
    return REGISTERS.map((register) => classifyRegister(entry, config, mask, gates, register, dynamic));
  });
}

function classifyRegister(
  entry: LookupEntry,
  config: ConfigurableEntry | undefined,
  xfam: XfamMask | undefined,
  attributeGates: readonly AttributeGate[],
  register: Register,
  dynamic: DynamicBits,
): RegisterClasses {
  const place: Place = { leaf: entry.leaf, subleaf: entry.subleaf, register };
  const line = entry.line === undefined ? {} : { line: entry.line };
  const isDynamic = dynamic.size === 0 ? 0 : (dynamic.get(placeId(place)) ?? 0);
  if (entry.faulting)
    return {
      ...place,
      classes: new Map([['ve', FULL]]),
      gates: new Map(),
      verified: { fixed1: 0, fixed0: 0 },
      dynamic: 0,
      ...line,
    };
  const gates = new Map<GateId, number>();
  let gated = 0;
  for (const [bit, masks] of xfam?.bits ?? []) {
    const mask = masks[register] ?? 0;
    if (mask === 0) continue;
    gates.set(gateId({ kind: 'xfam', bit }), mask);
    gated = or(gated, mask);
  }
  const verify = entry.verifyMask[register] ?? 0;
  const value = entry.verifyValue[register] ?? 0;
  const direct = config?.configDirect[register] ?? 0;
  const allowed = without(config?.allowDirect[register] ?? 0, direct);
  let taken = or(direct, allowed);
  const one = without(entry.fixed1[register] ?? 0, taken);
  taken = or(taken, one);
  const zero = without(entry.fixed0OrDynamic[register] ?? 0, taken);
  taken = or(taken, zero);
  const through = without(gated, taken);
  taken = or(taken, through);
  const verified = { fixed1: without(and(verify, value), taken), fixed0: without(without(verify, value), taken) };
  const rest = not(or(taken, or(verified.fixed1, verified.fixed0)));
  const classes = new Map<CellClass, number>();
  if (direct !== 0) classes.set('config-direct', direct);
  if (allowed !== 0) classes.set('allow-direct', allowed);
  if (one !== 0 || verified.fixed1 !== 0) classes.set('fixed1', or(one, verified.fixed1));
  if (zero !== 0 || verified.fixed0 !== 0) classes.set('fixed0', or(zero, verified.fixed0));
  if (through !== 0 || rest !== 0) classes.set('native', or(through, rest));
  const open = not(classes.get('fixed0') ?? 0);
  for (const { bit, masks } of attributeGates) {
    const mask = and(masks[register] ?? 0, open);
    if (mask !== 0) gates.set(gateId({ kind: 'attributes', bit }), mask);
  }
  return { ...place, classes, gates, verified, dynamic: isDynamic, ...line };
}

/** The classes of a register that the table does not hold. */
export function absentRegister(place: Place): RegisterClasses {
  return {
    leaf: place.leaf,
    subleaf: place.subleaf,
    register: place.register,
    classes: new Map([['absent', FULL]]),
    gates: new Map(),
    verified: { fixed1: 0, fixed0: 0 },
    dynamic: 0,
  };
}

/** The class of one bit. Throws where the masks do not cover it: conservation is broken, a bug. */
export function classOfBit(register: RegisterClasses, bit: number): CellClass {
  for (const [name, mask] of register.classes) if (((mask >>> bit) & 1) === 1) return name;
  throw new Error(`${placeId(register)} bit ${bit} has no class`);
}

/** Bits that the VMM can choose or clear. */
export function configurableMask(register: RegisterClasses): number {
  return or(register.classes.get('config-direct') ?? 0, register.classes.get('allow-direct') ?? 0);
}
