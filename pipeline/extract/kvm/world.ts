import { DataError, KnownError } from '../../model/errors.ts';
import { fail, isText, skipBrackets } from '../c/cursor.ts';
import { evaluate as evaluateConstant, type Scope } from '../c/evaluate.ts';
import { parseTernary } from '../c/expr.ts';
import { cursorOf } from '../c/grammar.ts';
import type { Token } from '../c/token.ts';
import { type CFunction, initialiserOf, type Unit } from '../c/unit.ts';
import { evaluate } from '../machine/expression.ts';
import { initialise } from '../machine/initial.ts';
import { INTERPRETER } from '../machine/interpreter.ts';
import { libraryCall } from '../machine/library.ts';
import { int, memberOf, type Node, newNode, outside, read, stepFrom } from '../machine/memory.ts';
import { isTrue, one, operate } from '../machine/operate.ts';
import { type CType, declaratorsOf, type Member, membersOf, type TypeScope, U32 } from '../machine/types.ts';
import { type Builtin, type FoundFunction, type Frame, type Run, stop, textOf, type World } from '../machine/world.ts';
import { featureCall } from './feature-calls.ts';
import { fillers, runFillers } from './fillers.ts';
import { oneMeaning } from './meaning.ts';
import { CODE, HEADERS, TDX_PATH } from './paths.ts';
import { memoOf, noteConditions, type Program } from './program.ts';
import type { KernelTree } from './tree.ts';
import { ask } from './view.ts';

/** What only the host tells: both ways are run. */
const HOST =
  /^(?:boot_cpu_has|cpu_feature_enabled|static_cpu_has|this_cpu_has|cpu_has\w*|kvm_cpu_cap_\w+|IS_REACHABLE)$/;
const hostCall: Builtin = (call) => outside(textOf(call));

/** What the names that a file uses mean, found once. */
type Names = {
  readonly scope: Scope;
  readonly functions: Map<string, FoundFunction | null>;
  readonly macros: Map<string, ReturnType<Scope['macro']>>;
  readonly constants: Map<string, bigint | undefined>;
  readonly objects: Map<string, Node | null>;
  readonly builtins: Map<string, Builtin | undefined>;
};

function kept<T>(known: Map<string, T>, name: string, find: () => T): T {
  const value = known.get(name);
  if (value !== undefined || known.has(name)) return value as T;
  const found = find();
  known.set(name, found);
  return found;
}

/** The world that the functions of tdx.c run in: their file, KVM's other files and headers, the places of features. */
export function worldOf(tree: KernelTree, program: Program): World {
  const own = program.unit;
  const { conditions } = memoOf(program);
  const paths = [TDX_PATH, ...HEADERS, ...CODE].filter((path) => tree.has(path));
  const having = (word: string): readonly string[] => paths.filter((path) => tree.mentions(path, word));
  const types = typesOf(tree, program, having);
  const files = new Map<string, Names>();
  const namesOf = (file: string): Names => {
    const known = files.get(file);
    if (known !== undefined) return known;
    const made: Names = {
      scope: file === program.path ? memoOf(program).scope : oneMeaning(tree.unit(file), tree.scope(file)),
      functions: new Map(),
      macros: new Map(),
      constants: new Map(),
      objects: new Map(),
      builtins: new Map(),
    };
    files.set(file, made);
    return made;
  };
  const world: World = {
    function: (file, name, at) =>
      kept(namesOf(file).functions, name, () => {
        const found = findFunction(tree, file, name, having(name), at);
        if (found !== null) noteConditions(conditions, found.fn);
        return found;
      }),
    macro: (file, name) => {
      const { macros, scope } = namesOf(file);
      return kept(macros, name, () => {
        const macro = scope.macro(name);
        if (macro !== undefined && own.definitions.get(name)?.length === 1) noteConditions(conditions, macro);
        return macro;
      });
    },
    constant: (file, name) => {
      const { constants, scope } = namesOf(file);
      return kept(constants, name, () => scope.constant?.(name) ?? errorNumber(name));
    },
    object: (file, name) => {
      const { objects } = namesOf(file);
      const known = objects.get(name);
      if (known !== undefined) return known;
      objects.set(name, null);
      const found = findObject(tree, file, name, having(name), types);
      objects.set(name, found?.node ?? null);
      if (found === null) {
        const owner = having(name).find((path) => path !== file && declaresObject(tree.unit(path), name, types));
        if (owner !== undefined) objects.set(name, objectOf(world, owner, name));
        return objects.get(name) ?? null;
      }
      try {
        fillObject(world, name, found);
      } catch (error) {
        // What is half filled is nothing that anyone may read.
        objects.delete(name);
        throw error;
      }
      return found.node;
    },
    types: () => types,
    builtin: (file, name) =>
      kept(namesOf(file).builtins, name, () => {
        // What a header defines is known by what it means; a C file may give a name another meaning.
        const unit = file.endsWith('.c') ? tree.unit(file) : own;
        const feature = featureCall(name, program.features, unit);
        if (feature !== undefined) return feature;
        if (unit.functions.has(name) || unit.macros.has(name)) return undefined;
        if (HOST.test(name)) return hostCall;
        if (/find_cpuid_entry/.test(name) && !having(name).some((path) => tree.unit(path).functions.has(name)))
          return findEntry;
        return libraryCall(name);
      }),
    interpreter: INTERPRETER,
    codes: new WeakMap(),
    places: new WeakMap(),
    blocks: new WeakMap(),
    statics: new WeakMap(),
    signatures: new WeakMap(),
  };
  return world;
}

/** Errors are told apart from 0, and rarely from each other; their header is none of KVM's. */
const ERRORS: Readonly<Record<string, bigint | undefined>> = {
  EPERM: 1n,
  ENOENT: 2n,
  EIO: 5n,
  E2BIG: 7n,
  EAGAIN: 11n,
  ENOMEM: 12n,
  EFAULT: 14n,
  EBUSY: 16n,
  ENODEV: 19n,
  EINVAL: 22n,
  EOPNOTSUPP: 95n,
};
const errorNumber = (name: string): bigint | undefined => (Object.hasOwn(ERRORS, name) ? ERRORS[name] : undefined);

/** A run that tries nothing: it gives files' own objects what their initialisers and the code that fills them say. */
function fillingRun(world: World): Run {
  return {
    world,
    choices: new Map(),
    asked: new Set(),
    member: () => null,
    outsides: new Map(),
    compared: { function: new Set(), index: new Set() },
    isFilling: true,
    steps: 0,
    depth: 0,
    at: null,
    failedAt: null,
  };
}

const frameIn = (run: Run, file: string): Frame => ({
  run,
  file,
  scope: { names: new Map(), outer: null },
  bindings: null,
  callLine: null,
  returned: null,
  label: null,
});

type FoundObject = { readonly node: Node; readonly unit: Unit; readonly value: number | null };

/** A file-scope object: of the file itself, else of a header or another file. */
// biome-ignore lint/complexity/useMaxParams: a name, where it is looked for, and how its types are read.
function findObject(
  tree: KernelTree,
  file: string,
  name: string,
  having: readonly string[],
  types: TypeScope,
): FoundObject | null {
  const places = [file, ...having.filter((path) => path !== file && path.endsWith('.h'))];
  for (const path of places) {
    if (!tree.has(path)) continue;
    const unit = tree.unit(path);
    const object = unit.objects.get(name);
    if (object !== undefined) {
      const tokens = object.tokens.slice(object.start, object.value - 1);
      const said = declaratorsOf(path, tokens, types).find((each) => each.name === name)?.type;
      const type = ofBody(said ?? { kind: 'unknown', text: '' }, unit, object.start, types);
      return { node: newNode(name, type, 'zero', true), unit, value: object.value };
    }
    for (const tokens of declaring(unit, name)) {
      if (/^(?:typedef|extern)$/.test(tokens[0]?.text ?? '')) continue;
      const found = declaratorsOf(path, tokens, types).find((each) => each.name === name);
      if (found === undefined) continue;
      // What a pointer or a switch of the module's parameters holds, the code that runs before says, and the host.
      const isOutside = found.type.kind === 'pointer' || found.type.kind === 'unknown' || isFlag(found.type);
      return { node: newNode(name, found.type, isOutside ? 'outside' : 'zero', true), unit, value: null };
    }
  }
  return null;
}

/** The tokens of each declaration that names something. */
const declaring = (unit: Unit, name: string): readonly (readonly Token[])[] =>
  ask(unit, `declarations that name ${name}`, ({ declarations }) =>
    declarations.filter(({ tokens, start, end }) => {
      for (let at = start; at < end; at += 1) if (isText(tokens[at], name)) return true;
      return false;
    }),
  ).map(({ tokens, start, end }) => tokens.slice(start, end));

/** The type of an object whose declaration stands behind the body of its struct: `static const struct { … } rows[] = …`. */
function ofBody(type: CType, unit: Unit, start: number, types: TypeScope): CType {
  if (type.kind === 'array') return { ...type, of: ofBody(type.of, unit, start, types) };
  if (type.kind !== 'unknown' || type.text !== '') return type;
  const body = unit.aggregates.find(
    ({ form, open }) => form !== 'enum' && skipBrackets(unit.file, unit.tokens, open) === start,
  );
  if (body === undefined) return type;
  const members = membersOf(unit.file, unit.tokens, body.open, types, body.form === 'union');
  return { kind: 'struct', tag: body.tag ?? '', members: () => members };
}

/** Whether a C file holds an object that others may use. */
function declaresObject(unit: Unit, name: string, types: TypeScope): boolean {
  const { file, objects } = unit;
  if (!file.endsWith('.c')) return false;
  const object = objects.get(name);
  if (object !== undefined) return !isText(object.tokens[object.start], 'static');
  return declaring(unit, name).some(
    (tokens) =>
      !/^(?:typedef|extern|static)$/.test(tokens[0]?.text ?? '') &&
      declaratorsOf(file, tokens, types).some((each) => each.name === name),
  );
}

const isFlag = (type: Node['type']): boolean => type.kind === 'int' && type.isBool === true;

/** An object of another C file, which that file's own code fills; what it fills from the host is outside. */
function objectOf(world: World, path: string, name: string): Node | null {
  try {
    return world.object(path, name);
  } catch (error) {
    if (error instanceof KnownError) return null;
    throw error;
  }
}

function fillObject(world: World, name: string, { node, unit, value }: FoundObject): void {
  const run = fillingRun(world);
  const object = unit.objects.get(name);
  if (value !== null && object !== undefined) initialise(node, initialiserOf(unit, object), frameIn(run, unit.file));
  if (node.fill === 'outside') return;
  const writers = fillers(unit, name);
  if (writers.length === 0) {
    const at = unit.tokens.find((token) => isText(token, name));
    if (value === null && node.type.kind === 'array' && at !== undefined)
      fail(unit.file, at, `code without parameters that fills ${name}[]`, 'none of what is read does');
    return;
  }
  if (isFlag(node.type)) {
    // A module parameter, or a switch that code sets: either way.
    node.fill = 'outside';
    node.value = null;
    return;
  }
  runFillers(unit, writers, run);
  checkFilled(name, unit, writers, run);
}

/** What the host decides of a table is not known where it is filled once for all runs. */
function checkFilled(name: string, unit: Unit, [first]: readonly CFunction[], run: Run): void {
  const [text] = run.asked;
  if (text === undefined) return;
  throw new DataError({
    where: { file: unit.file, line: first?.line ?? 1 },
    expected: `code that fills ${name} alike on every host`,
    found: `\`${text}\`, which the host decides`,
  });
}

// biome-ignore lint/complexity/useMaxParams: a name, where it is looked for, and where it is asked for.
function findFunction(
  tree: KernelTree,
  file: string,
  name: string,
  having: readonly string[],
  at: Token,
): FoundFunction | null {
  const places = [file, ...having.filter((path) => path !== file)];
  for (const path of places) {
    if (!tree.has(path) || !tree.mentions(path, name)) continue;
    const unit = tree.unit(path);
    const [fn, ...more] = unit.functions.get(name) ?? [];
    if (fn === undefined) continue;
    // What is static in another C file is not what this one calls.
    if (path !== file && path.endsWith('.c') && isStatic(fn)) continue;
    if (more.length === 0) return { unit, fn };
    const built = [fn, ...more].filter(({ conditions }) => !conditions.some(isLeftOut));
    const [only, ...others] = built;
    if (only !== undefined && others.length === 0) return { unit, fn: only };
    return fail(path, at, `one definition of \`${name}\``, 'the preprocessor chooses between several');
  }
  return null;
}

/** What no kernel with TDX has. */
const isLeftOut = (condition: string): boolean =>
  /^!\(?defined\(CONFIG_(?:X86_64|KVM|KVM_INTEL|KVM_INTEL_TDX|INTEL_TDX_HOST)\)\)?$/.test(condition);

function isStatic({ tokens, open }: CFunction): boolean {
  for (let at = open - 1; at >= 0; at -= 1) {
    const token = tokens[at];
    if (isText(token, ';') || isText(token, '}') || token?.kind === 'directive') return false;
    if (isText(token, 'static')) return true;
  }
  return false;
}

/** Structs that all KVM code shares; a tree of few files need not have their header. */
const BUILT_IN: ReadonlyMap<string, readonly string[]> = new Map([
  ['struct kvm_cpuid_entry2', ['function', 'index', 'flags', 'eax', 'ebx', 'ecx', 'edx']],
  ['struct cpuid_reg', ['function', 'index', 'reg']],
]);

function typesOf(tree: KernelTree, program: Program, having: (word: string) => readonly string[]): TypeScope {
  const structs = new Map<string, readonly Member[] | null>();
  const types: TypeScope = {
    members: (name) => {
      const known = structs.get(name);
      if (known !== undefined) return known;
      const own = BUILT_IN.get(name)?.map((member): Member => ({ name: member, type: U32, isUnion: false })) ?? null;
      const members = readStruct(tree, having(name.split(' ')[1] ?? ''), name, types) ?? own;
      structs.set(name, members);
      return members;
    },
    length: (tokens) => lengthOf(program, tokens),
  };
  return types;
}

function readStruct(
  tree: KernelTree,
  paths: readonly string[],
  name: string,
  types: TypeScope,
): readonly Member[] | null {
  const [form, tag] = name.split(' ');
  for (const path of paths) {
    const unit = tree.unit(path);
    const [found] = ask(unit, name, ({ aggregates }) =>
      aggregates.filter((each) => each.form === form && each.tag === tag).slice(0, 1),
    );
    if (found !== undefined) return membersOf(path, found.tokens, found.open, types, form === 'union');
  }
  return null;
}

/** The length of an array; null where it is no constant that is known. */
function lengthOf(program: Program, tokens: readonly Token[]): number | null {
  try {
    return Number(evaluateConstant(parseTernary(cursorOf(program.path, tokens)), program.scope).value);
  } catch (error) {
    if (error instanceof KnownError) return null;
    throw error;
  }
}

/** `kvm_find_cpuid_entry2(entries, count, function, index)` of a tree that does not have its body. */
const findEntry: Builtin = (call, frame) => {
  const [entries, count, fn, index] = call.args.map((arg) => one(evaluate(arg, frame)));
  if (entries?.kind !== 'pointer' || count?.kind !== 'int' || fn === undefined || index === undefined)
    return stop(frame, call.at, 'a search for the leaf and sub-leaf that the module reports');
  for (let at = 0; at < Number(count.value); at += 1) {
    const node = stepFrom(entries.node, at);
    const parts = node === null ? [] : [memberOf(node, 'function'), memberOf(node, 'index')];
    const [leaf, subleaf] = parts.map((part) => (part === null ? int(0n) : read(part)));
    if (node === null || leaf === undefined || subleaf === undefined) break;
    const flags = memberOf(node, 'flags');
    const isIndexed = flags === null || isTrue(operate('&', read(flags), int(1n), frame, call.at), frame, call.at);
    const isLeaf = isTrue(operate('==', leaf, fn, frame, call.at), frame, call.at);
    if (isLeaf && !isIndexed) return { kind: 'pointer', node };
    if (isLeaf && isTrue(operate('==', subleaf, index, frame, call.at), frame, call.at))
      return { kind: 'pointer', node };
  }
  return int(0n, 64, false);
};
