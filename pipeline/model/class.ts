import { type DecidedBits, decideRegister, gatesOf, isDynamic, type LeafTables, rulesOfLeaf } from './decider.ts';
import type { CodeChange, DeciderRules } from './decider-rules.ts';
import { type GateId, gateId } from './gate.ts';
import { and, FULL, not, or, without } from './mask.ts';
import type { ModuleRelease, ModuleTables, XfamMask } from './module.ts';
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
  /** `xfam:2` or `attributes:30` to the bits that are 0 while it is 0, beside their class. */
  readonly gates: ReadonlyMap<GateId, number>;
  /** Which part of fixed1 and fixed0 rests on the platform verification at the module's start. */
  readonly verified: { readonly fixed1: number; readonly fixed0: number };
  /** Who decides each bit beyond the tables: disjoint masks that together are 0xffffffff; empty where the code was not examined. */
  readonly deciders: readonly DecidedBits[];
  /** Bits that the module computes when the guest asks, whatever their class. */
  readonly dynamic: number;
  /** The line of the leaf's entry in the source, absent where only the facts are known. */
  readonly line?: number;
};

/** A release with its registers classed. */
export type ClassedRelease = {
  readonly module: ModuleRelease;
  readonly registers: readonly RegisterClasses[];
  /** The rules of its code; absent where that was not examined. */
  readonly rules?: DeciderRules | undefined;
  /** What of its deciding code is not that of the release whose rules it would have: nobody examined it, so it has no rules. */
  readonly unexamined?: readonly CodeChange[];
};

/**
 * All registers of a release with their classes, in the order of places. The class is DOMAIN's table: first match wins. The
 * deciders come from the rules of the release's code; without any, only the XFAM tables gate and nobody is named.
 */
export function classify(tables: ModuleTables & Partial<Masks>, rules?: DeciderRules): readonly RegisterClasses[] {
  const settable = { attributes: tables.attributes?.fixed0 ?? null, xfam: tables.xfam?.fixed0 ?? null };
  const configurable = new Map(tables.configurable.map((entry) => [leafId(entry), entry]));
  const xfam = new Map(tables.xfamMasks.map((mask) => [leafId(mask), mask]));
  return [...tables.lookup].sort(compareLeaves).flatMap((entry) => {
    const id = leafId(entry);
    const leaf = { entry, config: configurable.get(id), xfam: xfam.get(id), settable };
    const here = rules === undefined ? undefined : rulesOfLeaf(rules.rules, entry);
    return REGISTERS.map((register) => {
      const { classes, verified } = classesOf(leaf, register);
      const deciders = here === undefined ? [] : decideRegister(leaf, register, here);
      return {
        leaf: entry.leaf,
        subleaf: entry.subleaf,
        register,
        classes,
        verified,
        gates: here === undefined ? xfamGates(leaf.xfam, register) : gatesOf(deciders),
        deciders,
        dynamic: deciders.reduce((mask, bits) => (isDynamic(bits.decider) ? or(mask, bits.mask) : mask), 0),
        ...(entry.line === undefined ? {} : { line: entry.line }),
      };
    });
  });
}

/** What a release lets a VMM set, where it was read: a bit that waits for one that is never 1 is a constant. */
type Masks = Pick<ModuleRelease, 'attributes' | 'xfam'>;

/** What the table alone gates, where nobody has read what the code does. */
const xfamGates = (xfam: XfamMask | undefined, register: Register): ReadonlyMap<GateId, number> =>
  new Map(
    [...(xfam?.bits ?? [])].flatMap(([bit, masks]) =>
      (masks[register] ?? 0) === 0 ? [] : [[gateId({ kind: 'xfam', bit }), masks[register] ?? 0] as const],
    ),
  );

function classesOf(
  { entry, config, xfam }: LeafTables,
  register: Register,
): Pick<RegisterClasses, 'classes' | 'verified'> {
  if (entry.faulting) return { classes: new Map([['ve', FULL]]), verified: { fixed1: 0, fixed0: 0 } };
  const gated = [...(xfam?.bits.values() ?? [])].reduce((mask, masks) => or(mask, masks[register] ?? 0), 0);
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
  return { classes, verified };
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
    deciders: [],
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
