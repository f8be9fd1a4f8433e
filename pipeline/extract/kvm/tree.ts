import { DataError, NoInputError } from '../../model/errors.ts';
import { evaluate, type Scope, type ScopedMacro } from '../c/evaluate.ts';
import { enumMembers, readUnit, type Unit } from '../c/unit.ts';

export type KernelFile = { readonly text: string; readonly blob: string };

/** One kernel revision: the files that policies are read from, as C units, each parsed once. */
export type KernelTree = {
  /** A value that only some files decide, computed once for each set of their blobs. */
  readonly once: <T>(name: string, paths: readonly string[], compute: () => T) => T;
  readonly repository: string;
  readonly revision: string;
  readonly has: (path: string) => boolean;
  /** The unit of a path. Throws a NoInputError where the revision does not have it. */
  readonly unit: (path: string) => Unit;
  readonly file: (path: string) => KernelFile | undefined;
  /** A scope that sees the macros and enumerators of all files, those of `path` first. */
  readonly scope: (path: string) => Scope;
};

/** Units by blob id: a history parses each distinct blob once, and keeps the last few. */
export type UnitCache = Map<string, Unit> & { facts?: Map<string, unknown> };

const TDX = 'arch/x86/kvm/vmx/tdx.c';
/** What a policy is read from; older trees have some elsewhere or not at all. */
export const KVM_PATHS: readonly string[] = [
  TDX,
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
  'arch/x86/include/asm/fpu/types.h',
  'arch/x86/include/asm/fpu/xcr.h',
  'Makefile',
];
export const TDX_PATH = TDX;
/** What the names of bits are read from. */
export const NAME_PATHS: readonly string[] = [
  'arch/x86/kvm/reverse_cpuid.h',
  'arch/x86/include/asm/kvm_host.h',
  'arch/x86/include/asm/cpufeature.h',
  'arch/x86/include/asm/cpufeatures.h',
];
/** Files whose macros and enumerators constants are made of; the big C files are searched only for themselves. */
export const HEADERS = KVM_PATHS.filter((path) => path.endsWith('.h'));

const MAX_UNITS = 64;

export function openTree(
  repository: string,
  revision: string,
  files: ReadonlyMap<string, KernelFile>,
  cache: UnitCache = new Map(),
): KernelTree {
  const units = new Map<string, Unit>();
  const unit = (path: string): Unit => {
    const known = units.get(path);
    if (known !== undefined) return known;
    const file = files.get(path);
    if (file === undefined) throw new NoInputError(`${repository}@${revision.slice(0, 12)}: no ${path}`);
    const read = cachedUnit(cache, path, file);
    units.set(path, read);
    return read;
  };
  cache.facts ??= new Map();
  const { facts } = cache;
  const once = <T>(name: string, paths: readonly string[], compute: () => T): T => {
    const key = [name, ...paths.map((path) => files.get(path)?.blob ?? '-')].join(' ');
    if (!facts.has(key)) facts.set(key, compute());
    // The key names all that the value depends on, so it is the value of this computation.
    return facts.get(key) as T;
  };
  let constants: ReadonlyMap<string, bigint> | null = null;
  /** The macros of all headers, of each name the first: what every scope of the revision shares. */
  const shared = (): ReadonlyMap<string, ScopedMacro> =>
    once('macros', HEADERS, () => {
      const macros = new Map<string, ScopedMacro>();
      for (const path of HEADERS.filter((header) => files.has(header)))
        for (const [name, macro] of unit(path).macros)
          if (!macros.has(name)) macros.set(name, { ...macro, file: path });
      return macros;
    });
  const macroOf = (path: string, name: string): ScopedMacro | undefined => {
    const own = files.has(path) ? unit(path).macros.get(name) : undefined;
    return own === undefined ? shared().get(name) : { ...own, file: path };
  };
  const scope = (path: string): Scope => ({
    file: path,
    macro: (name) => macroOf(path, name),
    constant: (name) => {
      constants ??= once('constants', HEADERS, () =>
        readConstants(HEADERS.filter((header) => files.has(header)).map(unit), (name_) => macroOf('', name_)),
      );
      return constants.get(name);
    },
  });
  return { once, repository, revision, has: (path) => files.has(path), unit, file: (path) => files.get(path), scope };
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

/** Enumerators of the enums that number CPUID words, CPUID registers and XSAVE features. */
function readConstants(units: readonly Unit[], macro: Scope['macro']): ReadonlyMap<string, bigint> {
  const constants = new Map<string, bigint>([]);
  for (const wanted of ['cpuid_leafs', 'kvm_only_cpuid_leafs', 'cpuid_regs_idx', 'xfeature']) {
    for (const unit of units) {
      const aggregate = unit.aggregates.find((candidate) => candidate.form === 'enum' && candidate.tag === wanted);
      if (aggregate === undefined) continue;
      let next = 0n;
      for (const member of enumMembers(unit, aggregate)) {
        if (member.value !== null)
          next = evaluate(member.value, { file: unit.file, macro, constant: (name) => constants.get(name) }).value;
        constants.set(member.name, next);
        next += 1n;
      }
    }
  }
  return constants;
}

function checkMerge(path: string, text: string): void {
  const match = /^(<{7}|>{7}|={7})(?=\s|$)/m.exec(text);
  if (match === null) return;
  const line = text.slice(0, match.index).split('\n').length;
  throw new DataError({
    where: { file: path, line, column: 1 },
    expected: 'a resolved merge',
    found: `the merge marker ${match[1]}`,
  });
}
