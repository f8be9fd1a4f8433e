import type { Requirement } from '../../model/policy.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate64 } from '../c/evaluate.ts';
import { bodyOf, functionsNaming } from '../c/unit.ts';
import { allExpressions, allStatements } from '../c/walk.ts';
import { oneMeaning } from './meaning.ts';
import { TDX_PATH } from './paths.ts';
import { returnsError } from './refusal.ts';
import type { KernelTree } from './tree.ts';

/** Where the host's side of TDX initialises the module, and refuses one that it cannot work with. */
const HOST_PATHS: readonly string[] = ['arch/x86/virt/vmx/tdx/tdx.c', 'arch/x86/virt/vmx/tdx/tdx_global_metadata.c'];

/** What else of the policy a requirement is made of. */
export type Supported = { readonly attributes: bigint; readonly xfam: bigint; readonly configLimit: number | null };
type Failing = { readonly path: string; readonly statement: Extract<Stmt, { kind: 'if' }> };

/**
 * What KVM and the host's TDX code refuse a module for: bits of TDX_FEATURES0 that it lacks, bits of ATTRIBUTES and XFAM
 * that it fixes to 1 and KVM does not support, more CPUID_CONFIG entries than there is room for. A note for each file that
 * the tree does not have. Throws a DataError for a check of TDX_FEATURES0 that is no mask of bits.
 */
export function readRequirements(
  tree: KernelTree,
  supported: Supported,
): { readonly requirements: readonly Requirement[]; readonly notes: readonly string[] } {
  const paths = [TDX_PATH, ...HOST_PATHS];
  const failing = paths.filter((path) => tree.has(path)).flatMap((path) => failingIn(tree, path));
  return {
    requirements: failing.flatMap((each) => requirementsOf(tree, each, supported)),
    notes: HOST_PATHS.filter((path) => !tree.has(path)).map(
      (path) => `${path} is not there to be read: what it requires of a module is not known`,
    ),
  };
}

/** What the conditions that are a requirement name. */
const REQUIRED = new Set(['tdx_features0', 'attributes_fixed1', 'xfam_fixed1', 'num_cpuid_config']);

/** Conditions under which a function gives up: with an error, or with 0 for what is supported. */
function failingIn(tree: KernelTree, path: string): readonly Failing[] {
  const unit = tree.unit(path);
  return functionsNaming(unit, (name) => REQUIRED.has(name)).flatMap((fn) => {
    const failing: Failing[] = [];
    for (const statement of allStatements(bodyOf(unit, fn)))
      if (statement.kind === 'if' && givesUp(statement.then)) failing.push({ path, statement });
    return failing;
  });
}

/** With an error, with nothing that is supported, or by a jump to where the file's own cleaning up is. */
const givesUp = (body: readonly Stmt[]): boolean =>
  returnsError(body) || returnsZero(body) || body.some((each) => each.kind === 'jump' && each.form === 'goto');
const returnsZero = (body: readonly Stmt[]): boolean =>
  body.some((each) => each.kind === 'return' && each.value?.kind === 'num' && /^0$/.test(each.value.text));

function requirementsOf(
  tree: KernelTree,
  { path, statement }: Failing,
  { attributes, xfam, configLimit }: Supported,
): readonly Requirement[] {
  const { test } = statement;
  const at = { path, line: statement.at.line };
  if (names(test, 'tdx_features0')) return [{ kind: 'features0', mask: requiredBits(tree, path, test), ...at }];
  if (names(test, 'attributes_fixed1')) return [{ kind: 'attributes-fixed1', mask: attributes, ...at }];
  if (names(test, 'xfam_fixed1')) return [{ kind: 'xfam-fixed1', mask: xfam, ...at }];
  const isRoom = test.kind === 'binary' && /^>=?$/.test(test.op) && isNamed(test.left, 'num_cpuid_config');
  // The second of two arrays of equal length requires nothing more.
  const isFirst = isRoom && names(test.right, 'cpuid_config_leaves');
  if (isFirst && configLimit !== null)
    return [{ kind: 'config-slots', limit: test.op === '>=' ? configLimit - 1 : configLimit, ...at }];
  return [];
}

/** `!(features0 & BITS)`, `(features0 & BITS) != BITS`, of one bit each or of several that must all be there. */
function requiredBits(tree: KernelTree, path: string, test: Expr): bigint {
  const scope = oneMeaning(tree.unit(path), tree.scope(path));
  const masked = (expr: Expr): Expr | null => {
    if (expr.kind !== 'binary' || expr.op !== '&') return null;
    if (isNamed(expr.left, 'tdx_features0')) return expr.right;
    return isNamed(expr.right, 'tdx_features0') ? expr.left : null;
  };
  if (test.kind === 'unary' && test.op === '!') {
    const mask = masked(test.operand);
    const bits = mask === null ? 0n : evaluate64(mask, scope);
    if (bits !== 0n && (bits & (bits - 1n)) === 0n) return bits;
  }
  if (test.kind === 'binary' && test.op === '!=') {
    const mask = masked(test.left);
    const bits = mask === null ? 0n : evaluate64(mask, scope);
    if (bits !== 0n && evaluate64(test.right, scope) === bits) return bits;
  }
  return fail(path, test.at, 'a check that bits of TDX_FEATURES0 are all set');
}

const isNamed = (expr: Expr, name: string): boolean =>
  (expr.kind === 'member' || expr.kind === 'id') && expr.name === name;

function names(expr: Expr, name: string): boolean {
  for (const part of allExpressions(expr)) if (isNamed(part, name)) return true;
  return false;
}
