import { DataError, NoInputError } from '../../model/errors.ts';
import type { ScopedMacro as FoundMacro, Scope } from '../c/evaluate.ts';
import { sparse } from '../c/sparse.ts';
import { type Macro, readUnit, type Unit } from '../c/unit.ts';
import { readConstants } from './constants.ts';
import { checkMeaning } from './meaning.ts';
import { layoutOf, movedLine, type Slice, sliceOf, type Words } from './slice.ts';

type ScopedMacro = FoundMacro & { readonly definitions?: readonly Macro[] };
export type KernelFile = { readonly text: string; readonly blob: string };

/** One kernel revision: the files that policies are read from, as C units, each parsed once. */
export type KernelTree = {
  /** A value that only some files decide, computed once for each set of their blobs. */
  readonly once: <T>(name: string, paths: readonly string[], compute: () => T) => T;
  /**
   * A value that a part of one file decides, and the headers if `meanings` gives what they make of the part's names:
   * computed once for each text of the part. `move` gives the value with other line numbers.
   */
  readonly onceOf: <T>(question: Question<T>) => T;
  readonly repository: string;
  readonly revision: string;
  readonly has: (path: string) => boolean;
  /** The unit of a path. Throws a NoInputError where the revision does not have it. */
  readonly unit: (path: string) => Unit;
  readonly file: (path: string) => KernelFile | undefined;
  /** A scope that sees the macros and enumerators of all files, those of `path` first. */
  readonly scope: (path: string) => Scope;
};

export type Question<T> = {
  readonly name: string;
  readonly path: string;
  /** What the text of the functions that the value is about matches; the others are not there for `compute`. */
  readonly about: RegExp;
  readonly meanings: (names: ReadonlySet<string>) => string;
  readonly compute: (unit: Unit) => T;
  readonly move: (value: T, lineOf: (line: number) => number) => T;
};

/** Units by blob id: a history parses each distinct blob once, and keeps the last few. */
export type UnitCache = Map<string, Unit> & { facts?: Map<string, unknown>; words?: Words };

export const TDX_PATH = 'arch/x86/kvm/vmx/tdx.c';
/** What a policy is read from; older trees have some elsewhere or not at all. */
export const KVM_PATHS: readonly string[] = [
  TDX_PATH,
  'arch/x86/kvm/vmx/tdx_arch.h',
  'arch/x86/kvm/vmx/tdx.h',
  'arch/x86/kvm/cpuid.c',
  'arch/x86/kvm/x86.c',
  'arch/x86/kvm/vmx/vmx.c',
  'arch/x86/kvm/reverse_cpuid.h',
  'arch/x86/include/asm/kvm_host.h',
  'arch/x86/include/asm/cpufeature.h',
  'arch/x86/include/asm/cpufeatures.h',
  'arch/x86/include/asm/shared/tdx.h',
  'arch/x86/include/asm/tdx.h',
  'arch/x86/include/asm/tdx_global_metadata.h',
  'arch/x86/include/uapi/asm/kvm.h',
  'arch/x86/include/asm/fpu/types.h',
  'arch/x86/include/asm/fpu/xcr.h',
  'arch/x86/virt/vmx/tdx/tdx.h',
  'arch/x86/virt/vmx/tdx/tdx.c',
  'arch/x86/virt/vmx/tdx/tdx_global_metadata.c',
  'Makefile',
];
/** What the names of bits are read from. */
export const NAME_PATHS: readonly string[] = [
  'arch/x86/kvm/reverse_cpuid.h',
  'arch/x86/include/asm/kvm_host.h',
  'arch/x86/include/asm/cpufeature.h',
  'arch/x86/include/asm/cpufeatures.h',
];
/** Files whose macros and enumerators constants are made of; the big C files are searched only for themselves. */
export const HEADERS = KVM_PATHS.filter((path) => path.endsWith('.h'));

/** Large files of which only macros, enums and the functions that match are read. */
const SPARSE: ReadonlyMap<string, RegExp | null> = new Map<string, RegExp | null>([
  ['arch/x86/include/asm/kvm_host.h', null],
  ['arch/x86/kvm/x86.c', null],
  ['arch/x86/kvm/vmx/vmx.c', /supported_xss/],
]);

const MAX_UNITS = 32;
/** Answers that a history keeps: more than any revision gives. */
const MAX_FACTS = 256;

export function openTree(
  repository: string,
  revision: string,
  files: ReadonlyMap<string, KernelFile>,
  cache: UnitCache = new Map(),
): KernelTree {
  const fileOf = (path: string): KernelFile => {
    const file = files.get(path);
    if (file === undefined) throw new NoInputError(`${repository}@${revision.slice(0, 12)}: no ${path}`);
    return file;
  };
  const blobsOf = (paths: readonly string[]): string => paths.map((path) => files.get(path)?.blob ?? '-').join(' ');
  const units = new Map<string, Unit>();
  const unit = (path: string): Unit => {
    const known = units.get(path);
    if (known !== undefined) return known;
    const read = cachedUnit(cache, path, fileOf(path));
    units.set(path, read);
    return read;
  };
  cache.facts ??= new Map();
  const { facts } = cache;
  const once = <T>(name: string, paths: readonly string[], compute: () => T): T =>
    kept(facts, `${name} ${blobsOf(paths)}`, compute);
  cache.words ??= new Map();
  const { words } = cache;
  const headers = blobsOf(HEADERS);
  const slice = (path: string, about: RegExp): Slice => {
    const { blob, text } = fileOf(path);
    return kept(facts, `slice ${blob} ${about.source}`, () =>
      sliceOf(
        kept(facts, `layout ${blob}`, () => layoutOf(text)),
        about,
        words,
      ),
    );
  };
  const onceOf = <T>({ name, path, about, meanings, compute, move }: Question<T>): T => {
    const part = slice(path, about);
    // The names mean the same where the headers are the same, and where only other things in these have changed.
    const { value, pieces } = kept(facts, [name, path, headers, part.text].join('\n'), () =>
      kept(facts, [name, path, meanings(part.names()), part.text].join('\n'), () => {
        checkMerge(path, fileOf(path).text);
        return { value: compute(readUnit(path, part.source())), pieces: part.pieces };
      }),
    );
    return move(value, (line) => movedLine(line, pieces, part.pieces));
  };
  let constants: ReadonlyMap<string, bigint> | null = null;
  let macros: ReadonlyMap<string, ScopedMacro> | null = null;
  /** The macros of all headers, of each name the first: what every scope of the revision shares. */
  const shared = (): ReadonlyMap<string, ScopedMacro> => {
    macros ??= once('macros', HEADERS, () => macrosOf(HEADERS.filter((path) => files.has(path)).map(unit)));
    return macros;
  };
  const macroOf = (path: string, name: string): ScopedMacro | undefined => {
    const own = files.has(path) ? unit(path).macros.get(name) : undefined;
    return own === undefined ? shared().get(name) : scoped(unit(path), own);
  };
  const checked = new Set<string>();
  const scope = (path: string): Scope => ({
    file: path,
    macro: (name) => {
      const macro = macroOf(path, name);
      // What tdx.c itself defines is checked where KVM's names for features are in scope.
      if (macro?.definitions !== undefined && macro.file !== TDX_PATH && !checked.has(`${macro.file}:${name}`)) {
        checked.add(`${macro.file}:${name}`);
        checkMeaning(macro.file ?? path, macro.definitions, scope(macro.file ?? path));
      }
      return macro;
    },
    constant: (name) => {
      constants ??= once('constants', HEADERS, () =>
        readConstants(HEADERS.filter((header) => files.has(header)).map(unit), (name_) => macroOf('', name_)),
      );
      return constants.get(name);
    },
  });
  return {
    once,
    onceOf,
    repository,
    revision,
    has: (path) => files.has(path),
    unit,
    file: (path) => files.get(path),
    scope,
  };
}

/** The value of a key that names all that it depends on; the value that was longest not asked for goes first. */
function kept<T>(facts: Map<string, unknown>, key: string, compute: () => T): T {
  const value = facts.has(key) ? (facts.get(key) as T) : compute();
  facts.delete(key);
  facts.set(key, value);
  const [oldest] = facts.keys();
  if (facts.size > MAX_FACTS && oldest !== undefined) facts.delete(oldest);
  return value;
}

/** The macros of several units, of each name the first. */
function macrosOf(units: readonly Unit[]): ReadonlyMap<string, ScopedMacro> {
  const macros = new Map<string, ScopedMacro>();
  for (const each of units)
    for (const [name, macro] of each.macros) if (!macros.has(name)) macros.set(name, scoped(each, macro));
  return macros;
}

/** A macro with its file, and with all its definitions where it has several: a build may choose between them. */
function scoped(unit: Unit, macro: Macro): ScopedMacro {
  const definitions = unit.definitions.get(macro.name) ?? [];
  return { ...macro, file: unit.file, ...(definitions.length > 1 ? { definitions } : {}) };
}

/** A file's unit, parsed if none of the last revisions had it. */
function cachedUnit(cache: UnitCache, path: string, { blob, text }: KernelFile): Unit {
  const key = `${blob}:${path}`;
  const known = cache.get(key);
  if (known !== undefined) {
    // Used again: it is the last to go.
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  checkMerge(path, text);
  const wanted = SPARSE.get(path);
  const read = readUnit(path, wanted === undefined ? text : sparse(text, wanted));
  // A history goes forward: what the last few revisions read is what the next one shares.
  for (const old of cache.keys()) {
    if (cache.size < MAX_UNITS) break;
    cache.delete(old);
  }
  cache.set(key, read);
  return read;
}

const MARKERS = ['<<<<<<<', '>>>>>>>', '======='];

function checkMerge(path: string, text: string): void {
  if (!MARKERS.some((marker) => text.includes(marker))) return;
  const match = /^(<{7}|>{7}|={7})(?=\s|$)/m.exec(text);
  if (match === null) return;
  const line = text.slice(0, match.index).split('\n').length;
  throw new DataError({
    where: { file: path, line, column: 1 },
    expected: 'a resolved merge',
    found: `the merge marker ${match[1]}`,
  });
}
