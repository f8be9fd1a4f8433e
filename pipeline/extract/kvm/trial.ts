import { DataError } from '../../model/errors.ts';
import { REGISTERS, type Register } from '../../model/place.ts';
import { isText, skipBrackets } from '../c/cursor.ts';
import type { Token } from '../c/lex.ts';
import type { CFunction, Unit } from '../c/unit.ts';
import { invoke } from '../machine/call.ts';
import { current, Group, isNonZero, type Numeric, settled } from '../machine/group.ts';
import {
  type At,
  elementOf,
  type Int,
  int,
  isNumeric,
  memberOf,
  type Node,
  newNode,
  read,
  retype,
  type Value,
} from '../machine/memory.ts';
import { type CType, type Member, typeOfWords, U32, U64, UNKNOWN_TYPE } from '../machine/types.ts';
import type { Run, World } from '../machine/world.ts';

/** A CPUID entry: registers are 32-bit unsigned. */
export type Entry = Readonly<Record<Register | 'function' | 'index', bigint>>;
export type Leaf = { readonly function: bigint; readonly index: bigint };
export const ALL = 0xffffffffn;
/** What the module reports for a leaf without sub-leaves. */
export const NO_SUBLEAF = 0xffffffffn;
export const blank = (leaf: Leaf): Entry => ({ ...leaf, eax: 0n, ebx: 0n, ecx: 0n, edx: 0n });
export const full = (leaf: Leaf): Entry => ({ ...leaf, eax: ALL, ebx: ALL, ecx: ALL, edx: ALL });

/** A function to run, and the world that it runs in. */
export type Root = { readonly world: World; readonly unit: Unit; readonly fn: CFunction };
/** Conditions that the host or the virtual machine decides, by their text. */
export type Choices = ReadonlyMap<string, boolean>;

/** What one run gives: an error, or registers with where they were changed. */
export type Result = {
  readonly isRefused: boolean;
  /** The statement that gave up. */
  readonly refusedAt: At | null;
  readonly registers: Readonly<Record<Register, bigint>>;
  readonly changedAt: Readonly<Record<Register, At | null>>;
  /** The sub-leaf of the entry that is shown. */
  readonly index: bigint;
  /** Whether later leaves of the module are still looked at. */
  readonly goesOn: boolean;
  readonly compared: Run['compared'];
  /** Registers where several bits were tried, each alone: `registers` is what they are but for those. */
  readonly numbers: Readonly<Record<Register, Numeric>>;
};
/** What comes out for those of the tried bits that are its members; 0 where none are tried. */
export type Outcome = { readonly members: bigint; readonly choices: Choices; readonly result: Result };

/** Bits that are tried at once, each alone beside what is given: of the four registers in a row, or of a field. */
export type Tried = { readonly of: 'config' | 'user' | 'attributes' | 'xfam'; readonly members: bigint };

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

const PLAIN_ENTRY: CType = structOf(['function', 'index', 'flags', 'eax', 'ebx', 'ecx', 'edx'], 'kvm_cpuid_entry2');
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
type Places = {
  readonly member: (name: string) => Node | null;
  readonly cpuid: Node;
  readonly values: Node;
};

/** A struct's own type where its header is read: what compares or copies whole entries counts their bytes. */
function typeNamed({ world, unit }: Root, tag: string, otherwise: CType): CType {
  const type = typeOfWords(['struct', tag], world.types(unit.file));
  return type.kind === 'struct' && type.members() !== null ? type : otherwise;
}

function placesOf(inputs: Inputs, entry: CType, group: Group | null): Places {
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
const positionOf = ({ second, isLast }: Inputs): number => (second !== undefined && isLast === true ? 1 : 0);

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

type Head = { readonly unit: Unit; readonly fn: CFunction };
const params = new WeakMap<CFunction, readonly (readonly Token[])[]>();

/** The tokens of each parameter of a function. */
function paramTokens({ unit, fn }: Head): readonly (readonly Token[])[] {
  const known = params.get(fn);
  if (known !== undefined) return known;
  const { tokens } = fn;
  let at = fn.open;
  while (at > 0 && !(isText(tokens[at], fn.name) && isText(tokens[at + 1], '('))) at -= 1;
  const inside = tokens.slice(at + 2, skipBrackets(unit.file, tokens, at + 1) - 1);
  const parts: Token[][] = [[]];
  for (const token of inside) {
    if (isText(token, ',')) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  params.set(fn, parts);
  return parts;
}
export const hasParam = (root: Head, type: string): boolean =>
  paramTokens(root).some((tokens) => tokens.some((token) => isText(token, type)));

/** Runs a root once. `shown` is the entry that it fills, null for a set-up, whose result is the values of the TD. */
function runOnce(
  root: Root,
  inputs: Inputs,
  choices: Choices,
  isShown: boolean,
): Result & { readonly asked: ReadonlySet<string>; readonly group: Group | null } {
  const type = typeNamed(root, 'kvm_cpuid_entry2', PLAIN_ENTRY);
  const group = inputs.tried === undefined ? null : new Group(inputs.tried.members);
  const places = placesOf(inputs, type, group);
  const entry = newNode('entry', type, 'zero');
  const caps = newNode('caps', typeNamed(root, 'kvm_tdx_capabilities', UNKNOWN_TYPE), 'zero');
  const run: Run = {
    world: root.world,
    choices,
    asked: new Set(),
    member: places.member,
    outsides: new Map(),
    compared: { function: new Set(), index: new Set() },
    isFilling: false,
    steps: 0,
    depth: 0,
    at: null,
    failedAt: null,
  };
  const args = paramTokens(root).map((tokens): Value => {
    const has = (name: string): boolean => tokens.some((token) => isText(token, name));
    const name = tokens.findLast(({ kind }) => kind === 'id')?.text ?? '';
    const pointer = (node: Node): Value => ({ kind: 'pointer', node });
    if (has('kvm_tdx_capabilities')) return pointer(caps);
    if (has('kvm_cpuid_entry2')) return pointer(entry);
    if (has('kvm_cpuid2')) return pointer(places.cpuid);
    if (has('kvm_tdx_init_vm')) return pointer(initOf(places, inputs, group));
    if (!tokens.some((token) => isText(token, '*'))) return int(0n);
    return pointer(newNode(name, UNKNOWN_TYPE, 'outside'));
  });
  const value = safely(root, run, () => invoke(root, args, run, () => tooDeep(root)));
  if (value.kind === 'unset') throw unknownResult(root, value.text);
  const isRefused = isNumeric(value) && isNonZero(value);
  const shownEntry = isShown ? entryOf(caps) : null;
  const own = isShown ? (shownEntry ?? entry) : elementOf(places.values, positionOf(inputs));
  const zero = int(0n, 32, false);
  const numbers: Record<Register, Numeric> = { eax: zero, ebx: zero, ecx: zero, edx: zero };
  const changedAt: Record<Register, At | null> = { eax: null, ebx: null, ecx: null, edx: null };
  const index = own === null || !isShown ? null : memberOf(own, 'index');
  const ownIndex = index === null ? inputs.config.index : settled(numberAt(root, index)).value;
  const goesOn = inputs.second === undefined || isPassed(root, places, inputs, inputs.second);
  for (const register of REGISTERS) {
    const part = own === null ? null : memberOf(own, register);
    if (part === null) continue;
    numbers[register] = numberAt(root, part);
    changedAt[register] = part.at;
  }
  return {
    isRefused,
    refusedAt: run.failedAt,
    registers: {
      eax: numbers.eax.value,
      ebx: numbers.ebx.value,
      ecx: numbers.ecx.value,
      edx: numbers.edx.value,
    },
    numbers,
    changedAt,
    index: ownIndex,
    goesOn,
    compared: run.compared,
    asked: run.asked,
    group,
  };
}

/** The entry that KVM_TDX_CAPABILITIES reports first; null where none is reported, or another way of reporting is used. */
function entryOf(caps: Node): Node | null {
  const entries = caps.fields?.get('cpuid')?.fields?.get('entries');
  return entries === undefined ? null : elementOf(entries, 0);
}

function isPassed(root: Root, places: Places, inputs: Inputs, second: Entry): boolean {
  const value = elementOf(places.values, 1 - positionOf(inputs));
  return REGISTERS.some((register) => {
    const part = value === null ? null : memberOf(value, register);
    return part !== null && second[register] !== 0n && settled(numberAt(root, part)).value === second[register];
  });
}

function initOf(places: Places, inputs: Inputs, group: Group | null): Node {
  const init = newNode('init_vm', UNKNOWN_TYPE, 'outside');
  init.fields = new Map([['cpuid', places.cpuid]]);
  for (const name of ['attributes', 'xfam'] as const) {
    const node = newNode(name, U64, 'zero');
    node.value = triedBits(0n, 64, 0, inputs.tried?.of === name ? group : null);
    init.fields.set(name, node);
  }
  return init;
}

function numberAt(root: Root, node: Node): Numeric {
  const value = read(node);
  if (isNumeric(value)) return retype(value, 32, false);
  throw new DataError({
    where: { file: node.at?.file ?? root.unit.file, line: node.at?.line ?? root.fn.line },
    expected: `a value of ${node.name} that the entry and constants give`,
    found: value.kind === 'outside' || value.kind === 'unset' ? `\`${value.text}\`` : value.kind,
  });
}

const unknownResult = ({ unit, fn }: Root, found: string): DataError =>
  new DataError({
    where: { file: unit.file, line: fn.line },
    expected: `a value that ${fn.name}() returns on every way through it`,
    found: `\`${found}\`, which nothing has set`,
  });

function tooDeep({ unit, fn }: Root): never {
  throw new DataError({ where: { file: unit.file, line: fn.line }, expected: 'calls that end', found: `${fn.name}()` });
}

/** What nests deeper than the program can follow is told with the statement that it got to. */
function safely<T>({ unit, fn }: Root, run: Run, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DataError(
      {
        where: { file: run.at?.file ?? unit.file, line: run.at?.line ?? fn.line },
        expected: 'code that nests less deeply',
        found: `more than can be followed in ${fn.name}()`,
      },
      { cause: error },
    );
  }
}

/** More would take too many runs, and no filter asks the host for so much. */
const MAX_OUTCOMES = 64;

type Way = Omit<Outcome, 'result'>;

/** All that a root may do with the same inputs, by what the host decides beyond what is given, and by the bits that are tried. */
export function explore(root: Root, inputs: Inputs, given: Choices, isShown: boolean): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  const { tried } = inputs;
  const open: Way[] = [{ choices: given, members: tried?.members ?? 0n }];
  for (let way = open.pop(); way !== undefined; way = open.pop()) {
    const { choices, members } = way;
    const own = tried === undefined ? inputs : { ...inputs, tried: { ...tried, members } };
    const { asked, group, ...result } = runOnce(root, own, choices, isShown);
    for (const left of group?.left ?? []) open.push({ choices, members: left });
    const done = group?.members ?? 0n;
    const taken = new Map(choices);
    for (const text of asked) {
      open.push({ choices: new Map([...taken, [text, true]]), members: done });
      taken.set(text, false);
    }
    outcomes.push({ members: done, choices: taken, result });
    const ways = [...outcomes, ...open].filter((each) => group === null || (each.members & done) !== 0n);
    if (ways.length > MAX_OUTCOMES)
      throw new DataError({
        where: { file: root.unit.file, line: root.fn.line },
        expected: 'a filter that the host decides less of',
        found: `more than ${MAX_OUTCOMES} ways through ${root.fn.name}(): ${[...taken.keys()].slice(0, 6).join(', ')}`,
      });
  }
  return outcomes;
}
