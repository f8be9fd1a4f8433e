import { XFAM_NAMES } from '../../model/control.ts';
import { DataError } from '../../model/errors.ts';
import type { Expr } from '../c/ast.ts';
import { evaluate64, evaluateMacro, type Scope } from '../c/evaluate.ts';
import { bodyOf, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn } from '../c/walk.ts';
import { refusedBits } from './attributes.ts';
import type { KernelTree } from './tree.ts';
import { ask } from './view.ts';

const X86_PATH = 'arch/x86/kvm/x86.c';
const VMX_PATH = 'arch/x86/kvm/vmx/vmx.c';

/** XFAM bits by what KVM itself supports, with what could not be settled. */
export type Xfam = { readonly xcr0: bigint; readonly xss: bigint; readonly notes: readonly string[] };
/** What tdx.c makes of KVM's masks for a TD. */
export type XfamChanges = { readonly adds: bigint; readonly refuses: bigint };

/** `kvm_caps.supported_xcr0 | kvm_caps.supported_xss`: what KVM's own masks leave of each. */
export function readXfam(tree: KernelTree): Xfam {
  const scope = tree.scope(X86_PATH);
  const mask = (name: string): bigint | null => {
    const macro = tree.unit(X86_PATH).macros.has(name) ? scope.macro(name) : undefined;
    return macro === undefined ? null : BigInt.asUintN(64, evaluateMacro(macro, scope).value);
  };
  const xcr0 = mask('KVM_SUPPORTED_XCR0');
  if (xcr0 === null)
    throw new DataError({
      where: { file: X86_PATH, line: 1 },
      expected: 'a definition of KVM_SUPPORTED_XCR0',
      found: 'none',
    });
  const xss = mask('KVM_SUPPORTED_XSS');
  const cleared = xss === null && clearsXss(tree);
  const unsettled =
    xss === null && !cleared
      ? [`${VMX_PATH} does not settle supported_xss: XFAM is given without supervisor features`]
      : [];
  return { xcr0, xss: xss ?? 0n, notes: [...unsettled, ...conditionalMasks(tree)] };
}

/** KVM's masks that only some builds have; every kernel with TDX is of 64 bits. */
const conditionalMasks = (tree: KernelTree): readonly string[] =>
  ['KVM_SUPPORTED_XCR0', 'KVM_SUPPORTED_XSS'].flatMap((name) => {
    const conditions = tree.unit(X86_PATH).macros.get(name)?.conditions ?? [];
    const open = conditions.filter((condition) => !/^defined\(CONFIG_X86_64\)$/.test(condition));
    return open.length === 0 ? [] : [`${name} is taken to be there, which it is only where ${open.join(' && ')}`];
  });

/** XFAM by feature name, or as a mask where a bit has none: a note says which. */
export function namedXfam(
  all: bigint,
  notes: readonly string[],
): {
  readonly mask: bigint;
  readonly xfam: bigint | readonly string[];
  readonly notes: readonly string[];
} {
  const has = (bit: number): boolean => ((all >> BigInt(bit)) & 1n) === 1n;
  const unnamed = [...Array(64).keys()].filter((bit) => has(bit) && !XFAM_NAMES.has(bit));
  return {
    mask: all,
    xfam: unnamed.length > 0 ? all : [...XFAM_NAMES].filter(([bit]) => has(bit)).map(([, name]) => name.toLowerCase()),
    notes: [...notes, ...unnamed.map((bit) => `KVM supports XFAM bit ${bit}, which has no name here`)],
  };
}

/**
 * What the functions of tdx.c that start from KVM's masks add to them (`xss &= kvm_caps.supported_xss | XFEATURE_MASK_PT`,
 * `supported |= XFEATURE_MASK_PT`), and what they refuse. Throws a DataError for an addition that is no constant.
 */
export function readXfamChanges(unit: Unit, scope: Scope): XfamChanges {
  let [adds, refuses] = [0n, 0n];
  for (const fn of [...unit.functions.values()].flat()) {
    const body = bodyOf(unit, fn);
    const names = new Set<string>();
    for (const statement of allStatements(body))
      if (
        statement.kind === 'decl' &&
        statement.init !== null &&
        [...allExpressions(statement.init)].some(isSupported)
      ) {
        names.add(statement.name);
        for (const chain of chainsOf(statement.init)) adds |= constantsOf(chain, scope);
      }
    for (const expr of expressionsIn(body)) {
      if (expr.kind !== 'assign' || expr.target.kind !== 'id') continue;
      if ([...allExpressions(expr.value)].some(isSupported)) {
        names.add(expr.target.name);
        for (const chain of chainsOf(expr.value)) adds |= constantsOf(chain, scope);
      } else if (names.has(expr.target.name) && expr.op === '|=') adds |= evaluate64(expr.value, scope);
      else if (names.has(expr.target.name) && expr.op === '&=' && !isOfModule(expr.value))
        refuses |= BigInt.asUintN(64, ~evaluate64(expr.value, scope));
    }
    refuses |= refusedBits(body, 'xfam', scope);
  }
  return { adds, refuses };
}

const isSupported = (expr: Expr): boolean => expr.kind === 'member' && /^supported_x(?:cr0|ss)$/.test(expr.name);

/** What the module supports is no mask of KVM's. */
const isOfModule = (expr: Expr): boolean =>
  [...allExpressions(expr)].some((part) => part.kind === 'member' && /^xfam_fixed[01]$/.test(part.name));

/** The operands of each chain of `|` that holds one of KVM's masks. */
function chainsOf(expr: Expr): readonly (readonly Expr[])[] {
  const operands = (part: Expr): readonly Expr[] =>
    part.kind === 'binary' && part.op === '|' ? [...operands(part.left), ...operands(part.right)] : [part];
  return [...allExpressions(expr)]
    .filter((part) => part.kind === 'binary' && part.op === '|')
    .map(operands)
    .filter((chain) => chain.some(isSupported));
}

const constantsOf = (chain: readonly Expr[], scope: Scope): bigint =>
  chain
    .filter((part) => part.kind !== 'member' && !(part.kind === 'id' && scope.macro(part.name) === undefined))
    .reduce((mask, part) => mask | evaluate64(part, scope), 0n);

/** VMX sets `kvm_caps.supported_xss = 0` where KVM supports no supervisor feature. */
function clearsXss(tree: KernelTree): boolean {
  if (!tree.has(VMX_PATH)) return false;
  const unit = tree.unit(VMX_PATH);
  const setting = ask(unit, 'functions that set capabilities of the CPU', (own) =>
    [...own.functions.values()].flat().filter((fn) => /cpu_caps$/.test(fn.name)),
  );
  return setting.some((fn) => {
    for (const expr of expressionsIn(bodyOf(unit, fn)))
      if (
        expr.kind === 'assign' &&
        expr.op === '=' &&
        expr.target.kind === 'member' &&
        expr.target.name === 'supported_xss' &&
        expr.value.kind === 'num'
      )
        return evaluate64(expr.value, tree.scope(VMX_PATH)) === 0n;
    return false;
  });
}
