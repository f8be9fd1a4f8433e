import { XFAM_NAMES } from '../../model/control.ts';
import { DataError } from '../../model/errors.ts';
import type { Policy } from '../../model/policy.ts';
import { evaluate64, evaluateMacro } from '../c/evaluate.ts';
import { bodyOf } from '../c/unit.ts';
import { expressionsIn } from '../c/walk.ts';
import { readFeatures } from './features.ts';
import { FILTER_TEXT, readFilter } from './filter.ts';
import { KNOWN_TEXT, readKnown } from './known.ts';
import { meaningsOf } from './meanings.ts';
import { RESTORES_TEXT, readRestores } from './restores.ts';
import { HEADERS, type KernelTree, TDX_PATH } from './tree.ts';

const METADATA = 'arch/x86/include/asm/tdx_global_metadata.h';
const X86 = 'arch/x86/kvm/x86.c';
const CPUID = 'arch/x86/kvm/cpuid.c';
const VMX = 'arch/x86/kvm/vmx/vmx.c';
const ATTRIBUTE_MACROS = ['KVM_SUPPORTED_TDX_TD_ATTRS', 'KVM_SUPPORTED_TD_ATTRS'];

/** What one kernel revision does with a TD's CPUID bits. Throws a DataError for what it does not recognise, never guesses. */
export function readPolicy(tree: KernelTree, version: string): Policy {
  const features = tree.once('features', HEADERS, () => readFeatures(tree));
  const meanings = (names: ReadonlySet<string>): string =>
    tree.once(`meanings ${[...names].join(' ')}`, HEADERS, () => meaningsOf(tree, features, names));
  const filter = tree.onceOf({
    name: 'filter',
    path: TDX_PATH,
    about: FILTER_TEXT,
    meanings,
    compute: (part) => readFilter({ unit: part, scope: tree.scope(TDX_PATH), features, path: TDX_PATH }),
    move: (found, lineOf) => ({
      generation: found.generation,
      deny: movedLines(found.deny, lineOf),
      allow: movedLines(found.allow, lineOf),
      adds: movedLines(found.adds, lineOf),
    }),
  });
  const xfam = tree.once('xfam', [X86, VMX, ...HEADERS], () => readXfam(tree));
  return {
    version,
    source: {
      repository: tree.repository,
      revision: tree.revision,
      path: TDX_PATH,
      blob: tree.file(TDX_PATH)?.blob ?? null,
    },
    ...filter,
    attributes: readAttributes(tree),
    xfam: xfam.names,
    restores: tree.onceOf({
      name: 'restores',
      path: TDX_PATH,
      about: RESTORES_TEXT,
      meanings: () => '',
      compute: readRestores,
      move: movedLines,
    }),
    configLimit: readConfigLimit(tree),
    known: tree.onceOf({
      name: 'known',
      path: CPUID,
      about: KNOWN_TEXT,
      meanings,
      compute: (part) => readKnown(part, features),
      move: movedLines,
    }),
    notes: xfam.notes,
  };
}

const movedLines = <T extends { readonly line: number }>(
  items: readonly T[],
  lineOf: (line: number) => number,
): readonly T[] => items.map((item) => ({ ...item, line: lineOf(item.line) }));

/** The kernel's version from its top Makefile: `6.16.1`, `6.17.0-rc3` without the zero: `6.17-rc3`. */
export function kernelVersion(file: string, text: string): string {
  const value = (name: string): string => new RegExp(`^${name} *= *(\\S*)`, 'm').exec(text)?.[1] ?? '';
  const [major, minor, patch, extra] = [
    value('VERSION'),
    value('PATCHLEVEL'),
    value('SUBLEVEL'),
    value('EXTRAVERSION'),
  ];
  if (!/^\d+$/.test(major) || !/^\d+$/.test(minor))
    throw new DataError({ where: { file, line: 1 }, expected: 'VERSION and PATCHLEVEL of a kernel', found: 'none' });
  return `${major}.${minor}${patch === '' || patch === '0' ? '' : `.${patch}`}${extra}`;
}

function readAttributes(tree: KernelTree): bigint {
  const scope = tree.scope(TDX_PATH);
  for (const name of ATTRIBUTE_MACROS) {
    const macro = scope.macro(name);
    if (macro !== undefined)
      return BigInt.asUintN(64, evaluateMacro(macro, { ...scope, file: macro.file ?? TDX_PATH }).value);
  }
  throw new DataError({
    where: { file: TDX_PATH, line: 1 },
    expected: `a definition of ${ATTRIBUTE_MACROS.join(' or ')}`,
    found: 'none',
  });
}

/** `kvm_caps.supported_xcr0 | kvm_caps.supported_xss`: what KVM's own masks leave of each, by feature. */
function readXfam(tree: KernelTree): { readonly names: readonly string[]; readonly notes: readonly string[] } {
  const scope = tree.scope(X86);
  const mask = (name: string): bigint | null => {
    const macro = tree.unit(X86).macros.get(name);
    return macro === undefined ? null : BigInt.asUintN(64, evaluateMacro(macro, scope).value);
  };
  const xcr0 = mask('KVM_SUPPORTED_XCR0');
  if (xcr0 === null)
    throw new DataError({
      where: { file: X86, line: 1 },
      expected: 'a definition of KVM_SUPPORTED_XCR0',
      found: 'none',
    });
  const xss = mask('KVM_SUPPORTED_XSS');
  const cleared = xss === null && clearsXss(tree);
  const notes =
    xss === null && !cleared ? [`${VMX} does not settle supported_xss: XFAM is given without supervisor features`] : [];
  const all = xcr0 | (xss ?? 0n);
  const unnamed = [...Array(64).keys()].filter((bit) => ((all >> BigInt(bit)) & 1n) === 1n && !XFAM_NAMES.has(bit));
  return {
    names: [...XFAM_NAMES].filter(([bit]) => ((all >> BigInt(bit)) & 1n) === 1n).map(([, name]) => name.toLowerCase()),
    notes: [...notes, ...unnamed.map((bit) => `KVM supports XFAM bit ${bit}, which has no name here`)],
  };
}

/** VMX sets `kvm_caps.supported_xss = 0` where KVM supports no supervisor feature. */
function clearsXss(tree: KernelTree): boolean {
  if (!tree.has(VMX)) return false;
  const unit = tree.unit(VMX);
  return [...unit.functions.values()].flat().some((fn) => {
    if (!/cpu_caps$/.test(fn.name)) return false;
    for (const expr of expressionsIn(bodyOf(unit, fn)))
      if (
        expr.kind === 'assign' &&
        expr.op === '=' &&
        expr.target.kind === 'member' &&
        expr.target.name === 'supported_xss' &&
        expr.value.kind === 'num'
      )
        return evaluate64(expr.value, tree.scope(VMX)) === 0n;
    return false;
  });
}

/** The length of `cpuid_config_leaves[]`, null where the header is not there. */
function readConfigLimit(tree: KernelTree): number | null {
  if (!tree.has(METADATA)) return null;
  const { tokens } = tree.unit(METADATA);
  const at = tokens.findIndex((token) => token.text === 'cpuid_config_leaves');
  const size = tokens[at + 2];
  if (at === -1 || tokens[at + 1]?.text !== '[' || size === undefined) return null;
  return Number(
    evaluateMacro(
      { name: 'cpuid_config_leaves', params: null, body: [size], line: size.line, conditions: [] },
      tree.scope(METADATA),
    ).value,
  );
}
