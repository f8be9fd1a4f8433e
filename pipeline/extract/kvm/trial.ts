import { DataError } from '../../model/errors.ts';
import { REGISTERS, type Register } from '../../model/place.ts';
import { isText, skipBrackets } from '../c/cursor.ts';
import type { Token } from '../c/token.ts';
import type { CFunction, Unit } from '../c/unit.ts';
import { invoke } from '../machine/call.ts';
import { Group, isNonZero, type Numeric, settled } from '../machine/group.ts';
import {
  type At,
  elementOf,
  int,
  isNumeric,
  memberOf,
  type Node,
  newNode,
  read,
  retype,
  type Value,
} from '../machine/memory.ts';
import { type CType, typeOfWords, UNKNOWN_TYPE } from '../machine/types.ts';
import type { Run, World } from '../machine/world.ts';
import { type Entry, type Inputs, initOf, PLAIN_ENTRY, type Places, placesOf, positionOf } from './inputs.ts';

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

/** A struct's own type where its header is read: what compares or copies whole entries counts their bytes. */
function typeNamed({ world, unit }: Root, tag: string, otherwise: CType): CType {
  const type = typeOfWords(['struct', tag], world.types(unit.file));
  return type.kind === 'struct' && type.members() !== null ? type : otherwise;
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
