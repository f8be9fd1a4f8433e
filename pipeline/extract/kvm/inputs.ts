import { REGISTERS, type Register } from '../../model/place.ts';
import type { Int } from '../machine/group.ts';
import { current, type Group } from '../machine/group.ts';
import { elementOf, int, memberOf, type Node, newNode, type Value } from '../machine/memory.ts';
import { type CType, type Member, U32, U64, UNKNOWN_TYPE } from '../machine/types.ts';

/** A CPUID entry: registers are 32-bit unsigned. */
export type Entry = Readonly<Record<Register | 'function' | 'index', bigint>>;
export type Leaf = { readonly function: bigint; readonly index: bigint };
export const ALL = 0xffffffffn;
/** What the module reports for a leaf without sub-leaves. */
export const NO_SUBLEAF = 0xffffffffn;
export const blank = (leaf: Leaf): Entry => ({ ...leaf, eax: 0n, ebx: 0n, ecx: 0n, edx: 0n });
export const full = (leaf: Leaf): Entry => ({ ...leaf, eax: ALL, ebx: ALL, ecx: ALL, edx: ALL });

/** Bits that are tried at once, each alone beside what is given: of the four registers in a row, or of a field. */
type Tried = { readonly of: 'config' | 'user' | 'attributes' | 'xfam'; readonly members: bigint };

/** What a run starts from. */
export type Inputs = {
  /** What the module reports. */
  readonly config: Entry;
  /** What user space asks for; null where nothing is asked. */
  readonly user: Entry | null;
  /** A second leaf of the module, with the entry of user space for it: what else a set-up must be given. */
  readonly second?: Entry;
  /** Masks of KVM's own, where the code asks for them. */
  readonly supported?: { readonly xcr0: bigint; readonly xss: bigint };
  /** Whether the flags of user space's entry say that its sub-leaf counts. */
  readonly isIndexed?: boolean;
  readonly tried?: Tried;
  /** Whether what is tried stands behind the second leaf. */
  readonly isLast?: boolean;
};

export const PLAIN_ENTRY: CType = structOf(
  ['function', 'index', 'flags', 'eax', 'ebx', 'ecx', 'edx'],
  'kvm_cpuid_entry2',
);
const VALUE: CType = structOf(['eax', 'ebx', 'ecx', 'edx'], 'tdx_cpuid_value');
const CONFIG: CType = structOf(['leaf', 'sub_leaf', 'eax', 'ebx', 'ecx', 'edx'], 'tdx_cpuid_config');

function structOf(names: readonly string[], tag: string): CType {
  const members: readonly Member[] = names.map((name) => ({ name, type: U32, isUnion: false }));
  return { kind: 'struct', tag, members: () => members };
}
const arrayOf = (of: CType, length: number): CType => ({ kind: 'array', of, length });

const input = (value: bigint, bits: number, key?: Int['key']): Int => ({
  kind: 'int',
  value,
  bits,
  signed: false,
  isInput: true,
  ...(key === undefined ? {} : { key }),
});

/** Sets a part of a place that is made here: its type has it. */
function put(node: Node, name: string | number, value: Value): void {
  const part = typeof name === 'string' ? memberOf(node, name) : elementOf(node, name);
  if (part !== null) part.value = value;
}

/** A number with those of its bits that are tried in one run: `offset` is the first one's member. */
function triedBits(value: bigint, bits: number, offset: number, group: Group | null): Value {
  const plain = input(value, bits);
  if (group === null) return plain;
  const live = BigInt.asUintN(bits, ~value & (group.members >> BigInt(offset)));
  return current({ ...plain, kind: 'bits', live, offset: BigInt(offset), group });
}

type Filling = { readonly isTried: boolean; readonly names: readonly [string, string]; readonly group: Group | null };

function fillEntry(node: Node, entry: Entry, { isTried, names, group }: Filling): void {
  put(node, names[0], input(entry.function, 32, 'function'));
  put(node, names[1], input(entry.index, 32, 'index'));
  for (const [at, register] of REGISTERS.entries())
    put(node, register, isTried ? triedBits(entry[register], 32, 32 * at, group) : int(entry[register], 32, false));
}

/** The places that the code finds by the names of members, whatever structure they stand in. */
export type Places = {
  readonly member: (name: string) => Node | null;
  readonly cpuid: Node;
  readonly values: Node;
};

export function placesOf(inputs: Inputs, entry: CType, group: Group | null): Places {
  const configGroup = inputs.tried?.of === 'config' ? group : null;
  const configs = inOrder(inputs, inputs.config);
  const tried = positionOf(inputs);
  const made = new Map<string, Node>();
  const place = (name: string, type: CType, fill: (node: Node) => void): Node => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const node = newNode(name, type, 'zero');
    made.set(name, node);
    fill(node);
    return node;
  };
  const number = (name: string, value: bigint, bits: number): Node =>
    place(name, bits === 64 ? U64 : U32, (node) => {
      node.value = int(value, bits, false);
    });
  const length = configs.length + 2;
  const values = place('cpuid_values', arrayOf(VALUE, length), () => undefined);
  const cpuid = place('cpuid', UNKNOWN_TYPE, (node) => fillCpuid(node, inputs, entry, group));
  const member = (name: string): Node | null => {
    switch (name) {
      case 'cpuid_config_leaves':
        return place(name, arrayOf(U64, length), (node) => {
          for (const [at, { function: fn, index }] of configs.entries())
            put(node, at, input((index << 32n) | fn, 64, 'both'));
        });
      case 'cpuid_config_values':
        return place(name, arrayOf(arrayOf(U64, 2), length), (node) => {
          for (const [at, entry] of configs.entries()) {
            const pair = elementOf(node, at);
            if (pair === null) continue;
            const own = at === tried ? configGroup : null;
            put(pair, 0, triedBits((entry.ebx << 32n) | entry.eax, 64, 0, own));
            put(pair, 1, triedBits((entry.edx << 32n) | entry.ecx, 64, 64, own));
          }
        });
      case 'cpuid_configs':
      case 'cpuid_config':
        return place('cpuid_configs', arrayOf(CONFIG, length), (node) => {
          for (const [at, entry] of configs.entries()) {
            const config = elementOf(node, at);
            const own: Filling = { isTried: at === tried, names: ['leaf', 'sub_leaf'], group: configGroup };
            if (config !== null) fillEntry(config, entry, own);
          }
        });
      case 'num_cpuid_config':
      case 'num_cpuid_configs':
      case 'num':
        return number('num_cpuid_config', BigInt(configs.length), 32);
      case 'cpuid_values':
        return values;
      case 'attributes_fixed1':
      case 'xfam_fixed1':
        return number(name, 0n, 64);
      case 'attributes_fixed0':
      case 'xfam_fixed0':
        return number(name, 0xffff_ffff_ffff_ffffn, 64);
      case 'supported_xcr0':
      case 'supported_xss': {
        const { supported } = inputs;
        if (supported === undefined) return null;
        return number(name, name === 'supported_xcr0' ? supported.xcr0 : supported.xss, 64);
      }
      default:
        return null;
    }
  };
  return { member, cpuid, values };
}

/** What is tried and the second leaf, as they follow each other. */
function inOrder({ second, isLast }: Inputs, own: Entry): readonly Entry[] {
  if (second === undefined) return [own];
  return isLast === true ? [second, own] : [own, second];
}
export const positionOf = ({ second, isLast }: Inputs): number => (second !== undefined && isLast === true ? 1 : 0);

/** What user space gives: the entry that is tried, and one for the second leaf. */
function fillCpuid(node: Node, inputs: Inputs, type: CType, group: Group | null): void {
  const { user, second, isIndexed, tried } = inputs;
  const given = user === null ? (second === undefined ? [] : [second]) : inOrder(inputs, user);
  put(node, 'nent', int(BigInt(given.length), 32, false));
  const entries = newNode('entries', arrayOf(type, given.length + 1), 'zero');
  for (const [at, entry] of given.entries()) {
    const own = elementOf(entries, at);
    if (own === null) continue;
    const isTried = at === positionOf(inputs) && user !== null;
    const index = entry.index === NO_SUBLEAF ? 0n : entry.index;
    fillEntry(own, isTried ? entry : { ...entry, index }, {
      isTried,
      names: ['function', 'index'],
      group: tried?.of === 'user' ? group : null,
    });
    const isOwnIndex = isTried ? isIndexed !== false : entry.index !== NO_SUBLEAF;
    put(own, 'flags', int(isOwnIndex ? 1n : 0n, 32, false));
  }
  node.fields ??= new Map();
  node.fields.set('entries', entries);
}

export function initOf(places: Places, inputs: Inputs, group: Group | null): Node {
  const init = newNode('init_vm', UNKNOWN_TYPE, 'outside');
  init.fields = new Map([['cpuid', places.cpuid]]);
  for (const name of ['attributes', 'xfam'] as const) {
    const node = newNode(name, U64, 'zero');
    node.value = triedBits(0n, 64, 0, inputs.tried?.of === name ? group : null);
    init.fields.set(name, node);
  }
  return init;
}
