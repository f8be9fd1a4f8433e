import { absentRegister, CELL_CLASSES, type CellClass, type RegisterClasses } from '../model/class.ts';
import { type GateId, gateOf } from '../model/gate.ts';
import { and, bitMask, countBits, FULL, hasBit, or, without } from '../model/mask.ts';
import { compareTexts } from '../model/order.ts';
import { compareLeaves, comparePlaces, type LeafKey, leafId, type Place, placeId } from '../model/place.ts';
import {
  type AbiField,
  type AbiRegister,
  type AbiTable,
  CLAIMS,
  type Claim,
  type Virtualization,
} from '../model/virtualization.ts';

/** A bit set of one register on which the table and the ABI table of the same release disagree. */
export type TableDifference = Place & { readonly mask: number } & (
    | { readonly kind: 'class'; readonly table: CellClass; readonly abi: Claim }
    | { readonly kind: 'gate'; readonly gate: GateId; readonly only: 'table' | 'abi' }
    /** The ABI table says nothing of these bits. */
    | { readonly kind: 'not-in-abi'; readonly table: CellClass }
  );

/** What was compared, and what could not be. */
export type TableComparison = {
  readonly differences: readonly TableDifference[];
  readonly comparedBits: number;
  /** Bits of which the ABI table only says that a rule of their own applies. */
  readonly openBits: number;
  /** Leaves whose gates the ABI table states and the module's tables have no place for: its code applies them. */
  readonly gatesBeyondTable: readonly LeafKey[];
};

/** Which classes of the module's table a claim is true for. An absent leaf injects #VE; `configurable` is special and directly configured; `special` claims no class. */
const TRUE_FOR = {
  ve: ['ve', 'absent'],
  'config-direct': ['config-direct'],
  'allow-direct': ['allow-direct'],
  configurable: ['config-direct', 'allow-direct'],
  'td-params': ['fixed0', 'fixed1', 'native'],
  fixed1: ['fixed1'],
  fixed0: ['fixed0'],
  fixed: ['fixed0', 'fixed1'],
  native: ['native'],
  computed: ['fixed0', 'fixed1', 'native'],
  special: CELL_CLASSES,
} as const satisfies Record<Claim, readonly CellClass[]>;

const GATED: readonly CellClass[] = ['config-direct', 'allow-direct', 'native'];

function claimOf(virtualization: Virtualization, bit: number): Claim {
  const { fixed, configurable, allow } = virtualization;
  if (virtualization.ve) return 've';
  if (fixed !== null) return hasBit(fixed.ones, bit) ? 'fixed1' : 'fixed0';
  if (configurable === 'direct') return virtualization.special ? 'configurable' : 'config-direct';
  if (configurable === 'td-params') return 'td-params';
  if (virtualization.native) return allow.includes('direct') ? 'allow-direct' : 'native';
  if (virtualization.calculated || virtualization.dynamic) return 'computed';
  return virtualization.special ? 'special' : 'fixed';
}

/** Masks by key, in the order of first use. */
function addTo<K>(masks: Map<K, number>, key: K, mask: number): void {
  masks.set(key, or(masks.get(key) ?? 0, mask));
}

function claimsOf(register: AbiRegister | undefined): ReadonlyMap<Claim, number> {
  const claims = new Map<Claim, number>();
  for (const { virtualization, lsb, msb } of register?.fields ?? []) {
    for (let bit = lsb; bit <= msb; bit += 1) addTo(claims, claimOf(virtualization, bit), bitMask(bit));
  }
  return claims;
}

/** The bits of each gate that the ABI table states, and the bits of which it states all gates. */
function gatesOf(register: AbiRegister): { readonly masks: ReadonlyMap<GateId, number>; readonly stated: number } {
  const masks = new Map<GateId, number>();
  const gated = ({ virtualization }: AbiField): boolean =>
    virtualization.native || virtualization.configurable !== null;
  let stated = 0;
  for (const field of register.fields) {
    if (field.gates === null || !gated(field)) continue;
    stated = or(stated, field.mask);
    for (const gate of field.gates) addTo(masks, gate, field.mask);
  }
  return { masks, stated };
}

/** The leaves that the module's tables gate at all, by kind of gate: elsewhere only its code does. */
function gatedLeaves(table: readonly RegisterClasses[]): ReadonlySet<string> {
  return new Set(
    table.flatMap((register) => [...register.gates.keys()].map((gate) => `${gateOf(gate).kind} ${leafId(register)}`)),
  );
}

type GateComparison = { readonly differences: readonly TableDifference[]; readonly beyond: boolean };

function compareGates(table: RegisterClasses, abi: AbiRegister, gated: ReadonlySet<string>): GateComparison {
  const place: Place = { leaf: table.leaf, subleaf: table.subleaf, register: table.register };
  const { masks, stated } = gatesOf(abi);
  const compared = and(
    stated,
    GATED.reduce((mask, name) => or(mask, table.classes.get(name) ?? 0), 0),
  );
  const differences: TableDifference[] = [];
  let beyond = false;
  for (const gate of new Set([...table.gates.keys(), ...masks.keys()])) {
    const [left, right] = [and(table.gates.get(gate) ?? 0, compared), and(masks.get(gate) ?? 0, compared)];
    if (left === right) continue;
    if (!gated.has(`${gateOf(gate).kind} ${leafId(table)}`)) {
      beyond = true;
      continue;
    }
    for (const [only, mask] of [
      ['table', without(left, right)],
      ['abi', without(right, left)],
    ] as const) {
      if (mask !== 0) differences.push({ ...place, kind: 'gate', mask, gate, only });
    }
  }
  return { differences, beyond };
}

/** Bits that a native claim is true for although they are classed as fixed: the module checks the platform for them. */
function verifiedIn({ verified }: RegisterClasses, name: CellClass): number {
  return name === 'fixed1' ? verified.fixed1 : name === 'fixed0' ? verified.fixed0 : 0;
}

function classDifferences(table: RegisterClasses, abi: AbiRegister | undefined): readonly TableDifference[] {
  const place: Place = { leaf: table.leaf, subleaf: table.subleaf, register: table.register };
  const claims = claimsOf(abi);
  return CELL_CLASSES.flatMap((name): readonly TableDifference[] => {
    const own = table.classes.get(name) ?? 0;
    const unsaid = name === 'absent' ? 0 : without(own, abi?.covered ?? 0);
    const wrong = [...claims].flatMap(([claim, claimed]): readonly TableDifference[] => {
      const mask = without(and(own, claimed), claim === 'native' ? verifiedIn(table, name) : 0);
      const holds = (TRUE_FOR[claim] as readonly CellClass[]).includes(name);
      return mask === 0 || holds ? [] : [{ ...place, kind: 'class', mask, table: name, abi: claim }];
    });
    return unsaid === 0 ? wrong : [...wrong, { ...place, kind: 'not-in-abi', mask: unsaid, table: name }];
  });
}

/** A register of a leaf that the module's table does not hold: it reads as 0 where the release says so, else #VE. */
const beyondTable = (abi: AbiRegister, fixed0Leaves: ReadonlySet<number>): RegisterClasses =>
  fixed0Leaves.has(abi.leaf) ? { ...absentRegister(abi), classes: new Map([['fixed0', FULL]]) } : absentRegister(abi);

function rank(difference: TableDifference): readonly number[] {
  const kinds = ['class', 'gate', 'not-in-abi'] as const satisfies readonly TableDifference['kind'][];
  const table = 'table' in difference ? CELL_CLASSES.indexOf(difference.table) : 0;
  const abi = difference.kind === 'class' ? CLAIMS.indexOf(difference.abi) : 0;
  return [kinds.indexOf(difference.kind), table, abi];
}

function gateRank(difference: TableDifference): string {
  if (difference.kind !== 'gate') return '';
  const { kind, bit } = gateOf(difference.gate);
  return `${kind}:${String(bit).padStart(3, '0')}:${difference.only}`;
}

function compareDifferences(a: TableDifference, b: TableDifference): number {
  const [left, right] = [rank(a), rank(b)];
  const byRank = left.map((value, index) => value - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
  return comparePlaces(a, b) || byRank || compareTexts(gateRank(a), gateRank(b));
}

function countOf(register: AbiRegister): { readonly compared: number; readonly open: number } {
  const open = countBits(claimsOf(register).get('special') ?? 0);
  return { compared: countBits(register.covered) - open, open };
}

/**
 * Compares a module's classified CPUID tables with Intel's ABI table of the same release, bit by bit, in total order.
 * `fixed0Leaves` are leaves outside of the tables that read as 0. Bits of which the ABI table only says that a rule of
 * their own applies are counted as open, never as agreed.
 */
export function compareTableWithAbi(
  table: readonly RegisterClasses[],
  abi: AbiTable,
  fixed0Leaves: readonly number[] = [],
): TableComparison {
  const claimed = new Map(abi.registers.map((register) => [placeId(register), register] as const));
  const own = new Set(table.map(placeId));
  const zero = new Set(fixed0Leaves);
  const beyond = [...claimed].filter(([id]) => !own.has(id)).map(([, register]) => beyondTable(register, zero));
  const gated = gatedLeaves(table);
  const differences: TableDifference[] = [];
  const gatesBeyond = new Map<string, LeafKey>();
  let [comparedBits, openBits] = [0, 0];
  for (const register of [...table, ...beyond]) {
    const other = claimed.get(placeId(register));
    differences.push(...classDifferences(register, other));
    if (other === undefined) continue;
    const gates = compareGates(register, other, gated);
    differences.push(...gates.differences);
    if (gates.beyond) gatesBeyond.set(leafId(register), { leaf: register.leaf, subleaf: register.subleaf });
    const count = countOf(other);
    comparedBits += count.compared;
    openBits += count.open;
  }
  const gatesBeyondTable = [...gatesBeyond.values()].sort(compareLeaves);
  return { differences: differences.sort(compareDifferences), comparedBits, openBits, gatesBeyondTable };
}
