import { DataError, NoInputError } from '../../model/errors.ts';
import type { ScopedMacro as FoundMacro, Scope } from '../c/evaluate.ts';
import { type Macro, readUnit, type Unit } from '../c/unit.ts';
import { constantsOf } from './constants.ts';
import { checkMeaning } from './meaning.ts';
import { type Facts, remember } from './remember.ts';
import { Words } from './words.ts';

type ScopedMacro = FoundMacro & { readonly definitions?: readonly Macro[] };
export type KernelFile = { readonly text: string; readonly blob: string };

/** One kernel revision: the files that policies are read from, as C units, each parsed once. */
export type KernelTree = {
  readonly repository: string;
  readonly revision: string;
  readonly has: (path: string) => boolean;
  /** The unit of a path. Throws a NoInputError where the revision does not have it. */
  readonly unit: (path: string) => Unit;
  readonly file: (path: string) => KernelFile | undefined;
  /** Whether a word stands anywhere in a file, comments included: what does not cannot be defined there. */
  readonly mentions: (path: string, word: string) => boolean;
  /** A scope that sees the macros and enumerators of all headers, those of `path` first. */
  readonly scope: (path: string) => Scope;
  /**
   * A value that is computed again only where something that it was computed from has changed: all that may differ
   * between revisions has to be asked of the tree that `compute` is given, none taken from around it.
   */
  readonly remember: <T>(name: string, compute: (tree: KernelTree) => T) => T;
};

/** What a history keeps: units by blob, and values with what they were computed from. Without it all is read anew. */
export type UnitCache = Map<string, Unit> & { facts?: Facts };

export const TDX_PATH = 'arch/x86/kvm/vmx/tdx.c';
/** What a policy is read from; older trees have some elsewhere or not at all. */
export const KVM_PATHS: readonly string[] = [
  TDX_PATH,
  'arch/x86/kvm/vmx/tdx_arch.h',
  'arch/x86/kvm/vmx/tdx.h',
  'arch/x86/kvm/vmx/common.h',
  'arch/x86/kvm/cpuid.c',
  'arch/x86/kvm/cpuid.h',
  'arch/x86/kvm/x86.c',
  'arch/x86/kvm/vmx/vmx.c',
  'arch/x86/kvm/reverse_cpuid.h',
  'arch/x86/include/asm/kvm_host.h',
  'arch/x86/include/asm/cpufeature.h',
  'arch/x86/include/asm/cpufeatures.h',
  'arch/x86/include/asm/cpuid/types.h',
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
/** KVM's other files with functions that tdx.c may call. */
export const CODE: readonly string[] = ['arch/x86/kvm/cpuid.c', 'arch/x86/kvm/x86.c', 'arch/x86/kvm/vmx/vmx.c'];

const MAX_UNITS = 32;

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
  const units = new Map<string, Unit>();
  const unit = (path: string): Unit => {
    const known = units.get(path);
    if (known !== undefined) return known;
    const read = cachedUnit(cache, path, fileOf(path));
    units.set(path, read);
    return read;
  };
  const mentions = (path: string, word: string): boolean => {
    const file = files.get(path);
    return file !== undefined && wordsOf(file).has(word);
  };
  const headers = HEADERS.filter((path) => files.has(path));
  const macroIn = (path: string, name: string): ScopedMacro | undefined => {
    const own = mentions(path, name) ? unit(path).macros.get(name) : undefined;
    return own === undefined ? undefined : scoped(unit(path), own);
  };
  const shared = new Map<string, ScopedMacro | undefined>();
  const macroOf = (path: string, name: string): ScopedMacro | undefined => {
    const own = macroIn(path, name);
    if (own !== undefined) return own;
    if (shared.has(name)) return shared.get(name);
    let found: ScopedMacro | undefined;
    for (const header of headers) {
      found = macroIn(header, name);
      if (found !== undefined) break;
    }
    shared.set(name, found);
    return found;
  };
  const constants = constantsOf({ headers, mentions, unit, macro: macroOf });
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
    constant: (name) => constants.value(path, name),
  });
  cache.facts ??= new Map();
  const { facts } = cache;
  const tree: KernelTree = {
    repository,
    revision,
    has: (path) => files.has(path),
    unit,
    file: (path) => files.get(path),
    mentions,
    scope,
    remember: (name, compute) => remember(facts, tree, name, compute),
  };
  return tree;
}

const words = new WeakMap<KernelFile, Words>();

/** The words of a file, comments included. */
function wordsOf(file: KernelFile): Words {
  const known = words.get(file) ?? new Words(file.text);
  words.set(file, known);
  return known;
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
  const read = readUnit(path, text);
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
