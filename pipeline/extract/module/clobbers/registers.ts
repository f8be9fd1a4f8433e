import { DataError } from '../../../model/errors.ts';
import type { RegisterCheck } from '../../../model/register-mask.ts';
import type { Expr, Stmt } from '../../c/ast.ts';
import { isText, skipBrackets } from '../../c/cursor.ts';
import type { Unit } from '../../c/unit.ts';
import { allStatements } from '../../c/walk.ts';
import { bare, show } from './expression.ts';
import { constantOf, bodies as keepBodies, readTree, type Tree, type TreeFile, type TreeFunction } from './tree.ts';

/**
 * Reads the module's check of the registers that TDG.VP.VMCALL passes: which bits of RCX it refuses.
 * Throws a DataError where the check is not there or has another shape: a mask is never guessed.
 */
export function readRegisterChecks(files: ReadonlyMap<string, TreeFile>): readonly RegisterCheck[] {
  const tree = readTree(files);
  const [fn] = tree.functions.get('tdg_vp_vmcall') ?? [];
  if (fn === undefined) throw problem('the module source', 1, 'the function tdg_vp_vmcall()', 'none');
  const body = keepBodies().of(fn);
  for (const stmt of body) {
    if (stmt.kind !== 'if') continue;
    const register = refusedRegister(stmt.then);
    if (register !== null) return [checkOf(tree, fn, body, stmt, register)];
  }
  throw problem(fn.unit.file, fn.fn.line, 'a check that refuses a register', 'none');
}

const problem = (file: string, line: number, expected: string, found: string): DataError =>
  new DataError({ where: { file, line }, expected, found });

/** The register whose operand id the refusal reports, null where the statements refuse none. */
function refusedRegister(body: readonly Stmt[]): string | null {
  for (const stmt of allStatements(body)) {
    if (stmt.kind !== 'expr' || stmt.expr.kind !== 'assign' || stmt.expr.value.kind !== 'call') continue;
    for (const arg of stmt.expr.value.args) {
      const match = arg.kind === 'id' ? /^OPERAND_ID_(R\w+)$/.exec(arg.name) : null;
      if (match?.[1] !== undefined) return match[1];
    }
  }
  return null;
}

// biome-ignore lint/complexity/useMaxParams: a check, the function that it stands in, and what it checks.
function checkOf(
  tree: Tree,
  fn: TreeFunction,
  body: readonly Stmt[],
  check: Extract<Stmt, { kind: 'if' }>,
  register: string,
): RegisterCheck {
  let mustBeClear = 0n;
  const conditional: { condition: string; mustBeClear: bigint }[] = [];
  for (const part of alternatives(check.test)) {
    const { field, mask } = refusedBits(fn, part);
    const { offset, width } = fieldOf(tree, fn, body, field);
    const local = mask?.kind === 'id' ? localMask(tree, body, mask.name) : null;
    const value = mask === null ? (1n << width) - 1n : (local?.value ?? constantOf(tree, mask));
    if (value === null) throw problem(fn.unit.file, part.at.line, 'a constant mask', `\`${show(part)}\``);
    mustBeClear |= BigInt.asUintN(Number(width), value) << offset;
    for (const more of local?.conditional ?? [])
      conditional.push({ condition: more.condition, mustBeClear: more.value << offset });
  }
  return {
    interface: 'TDG.VP.VMCALL',
    register,
    mustBeSet: 0n,
    mustBeClear,
    conditional,
    path: fn.unit.file,
    line: check.at.line,
  };
}

function alternatives(expr: Expr): readonly Expr[] {
  const inner = bare(expr);
  return inner.kind === 'binary' && inner.op === '||'
    ? [...alternatives(inner.left), ...alternatives(inner.right)]
    : [inner];
}

/** `(control.field & mask) != 0` or `control.field != 0`. */
function refusedBits(
  fn: TreeFunction,
  expr: Expr,
): { readonly field: Extract<Expr, { kind: 'member' }>; readonly mask: Expr | null } {
  const test = expr.kind === 'binary' && expr.op === '!=' && show(expr.right) === '0' ? bare(expr.left) : null;
  if (test?.kind === 'member') return { field: test, mask: null };
  if (test?.kind === 'binary' && test.op === '&') {
    const [left, right] = [bare(test.left), bare(test.right)];
    if (left.kind === 'member') return { field: left, mask: right };
    if (right.kind === 'member') return { field: right, mask: left };
  }
  throw problem(
    fn.unit.file,
    expr.at.line,
    'a test of bits such as `(control.field & mask) != 0`',
    `\`${show(expr)}\``,
  );
}

/** A local mask: its constant value, and what `|=` adds under conditions. */
function localMask(tree: Tree, body: readonly Stmt[], name: string) {
  const declared = body.find((stmt) => stmt.kind === 'decl' && stmt.name === name);
  const value = declared?.kind === 'decl' && declared.init !== null ? constantOf(tree, declared.init) : null;
  if (value === null) return null;
  const conditional = body.flatMap((stmt) => {
    if (stmt.kind !== 'if') return [];
    return [...allStatements(stmt.then)].flatMap((inner) => {
      if (inner.kind !== 'expr' || inner.expr.kind !== 'assign' || show(inner.expr.target) !== name) return [];
      const more = inner.expr.op === '|=' ? constantOf(tree, inner.expr.value) : null;
      return more === null ? [] : [{ condition: show(stmt.test), value: more }];
    });
  });
  return { value, conditional };
}

/** The bits of the register that a field of the union stands for. */
function fieldOf(
  tree: Tree,
  fn: TreeFunction,
  body: readonly Stmt[],
  field: Extract<Expr, { kind: 'member' }>,
): { readonly offset: bigint; readonly width: bigint } {
  const object = bare(field.object);
  const declared = body.find((stmt) => stmt.kind === 'decl' && object.kind === 'id' && stmt.name === object.name);
  const type = declared?.kind === 'decl' ? declared.type : '';
  for (const unit of tree.units.values())
    for (const aggregate of unit.aggregates) {
      const place = aggregate.typedef === type ? memberBits(unit, aggregate.open, field.name) : null;
      if (place !== null) return place;
    }
  throw problem(fn.unit.file, field.at.line, `the type of \`${show(field)}\``, type === '' ? 'none' : `\`${type}\``);
}

/** The offset and width of a plain integer member of the struct inside a union. */
function memberBits(unit: Unit, open: number, name: string) {
  const end = skipBrackets(unit.file, unit.tokens, open);
  let offset = 0n;
  for (let at = open + 1; at < end; at += 1) {
    const [type, member, behind] = [unit.tokens[at], unit.tokens[at + 1], unit.tokens[at + 2]];
    if (type !== undefined && isText(type, '{')) offset = 0n;
    const width = /^uint(8|16|32|64)_t$/.exec(type?.text ?? '')?.[1];
    if (width === undefined || member?.kind !== 'id' || behind === undefined || !isText(behind, ';')) continue;
    if (member.text === name) return { offset, width: BigInt(width) };
    offset += BigInt(width);
  }
  return null;
}
