import type { FlagBits, Opener } from '../../../model/clobber.ts';
import { or } from '../../../model/mask.ts';
import { placeId } from '../../../model/place.ts';
import type { Expr, Stmt } from '../../c/ast.ts';
import { allStatements } from '../../c/walk.ts';
import { bare } from './expression.ts';
import { cpuidBit } from './features.ts';
import type { Bodies, Tree, TreeFunction } from './tree.ts';

/** Reads the code that sets the flags when a TD is created (`tdh_mng_init.c`): each flag with the CPUID bits behind it. */
export function readFlagBits(
  tree: Tree,
  bodies: Bodies,
): { readonly flags: readonly FlagBits[]; readonly notes: readonly string[] } {
  const flags: FlagBits[] = [];
  const notes: string[] = [];
  for (const fn of [...tree.functions.values()].flat()) {
    if (!/(^|\/)tdh_?mng_?init\.c$/.test(fn.unit.file) || !usesFlags(fn)) continue;
    const body = bodies.of(fn);
    const types = localTypes(body);
    const aliases = equalMembers(body);
    for (const { flag, value, line } of flagStores(body)) {
      const names = value === null ? [] : [value.name, ...(aliases.get(`${value.local}.${value.name}`) ?? [])];
      const openers = names.flatMap((name) => cpuidBit(tree, types.get(value?.local ?? '') ?? '', name, flag) ?? []);
      const path = fn.unit.file;
      if (openers.length < Math.max(1, names.length))
        notes.push(`${path}:${line}: cpuid_flags.${flag} is not set from a CPUID bit that the headers name`);
      flags.push({ flag, openers: joined(openers), path, line });
    }
  }
  return { flags, notes };
}

const usesFlags = (fn: TreeFunction): boolean =>
  fn.unit.tokens.some((token, at) => at > fn.fn.open && token.text === 'cpuid_flags');

type BitField = { readonly local: string; readonly name: string };

function flagStores(
  body: readonly Stmt[],
): readonly { readonly flag: string; readonly value: BitField | null; readonly line: number }[] {
  return [...allStatements(body)].flatMap((stmt) => {
    if (stmt.kind !== 'expr' || stmt.expr.kind !== 'assign' || stmt.expr.op !== '=') return [];
    const { target, value } = stmt.expr;
    if (target.kind !== 'member' || target.object.kind !== 'member' || target.object.name !== 'cpuid_flags') return [];
    return [{ flag: target.name, value: bitField(value), line: stmt.at.line }];
  });
}

function bitField(expr: Expr): BitField | null {
  const inner = bare(expr);
  if (inner.kind !== 'member' || inner.object.kind !== 'id') return null;
  return { local: inner.object.name, name: inner.name };
}

/** The declared type of each local, by name. */
const localTypes = (body: readonly Stmt[]): ReadonlyMap<string, string> =>
  new Map([...allStatements(body)].flatMap((stmt) => (stmt.kind === 'decl' ? [[stmt.name, stmt.type] as const] : [])));

/** `if (x.a != x.b) { … goto/return }` refuses a difference: behind it both bit-fields are one. */
function equalMembers(body: readonly Stmt[]): ReadonlyMap<string, readonly string[]> {
  const equal = new Map<string, string[]>();
  const add = (local: string, a: string, b: string) => {
    const own = equal.get(`${local}.${a}`) ?? [];
    equal.set(`${local}.${a}`, [...own, b]);
  };
  for (const stmt of allStatements(body)) {
    if (stmt.kind !== 'if' || stmt.otherwise.length > 0 || !refuses(stmt.then)) continue;
    const test = bare(stmt.test);
    if (test.kind !== 'binary' || test.op !== '!=') continue;
    const [left, right] = [bitField(test.left), bitField(test.right)];
    if (left === null || right === null || left.local !== right.local) continue;
    add(left.local, left.name, right.name);
    add(right.local, right.name, left.name);
  }
  return equal;
}

function refuses(body: readonly Stmt[]): boolean {
  const last = body.at(-1);
  return last?.kind === 'return' || (last?.kind === 'jump' && last.form === 'goto');
}

/** Bits of one register in one mask. */
function joined(openers: readonly Opener[]): readonly Opener[] {
  const byPlace = new Map<string, Opener>();
  for (const opener of openers) {
    if (opener.kind !== 'cpuid') continue;
    const before = byPlace.get(placeId(opener));
    const mask = before?.kind === 'cpuid' ? or(before.mask, opener.mask) : opener.mask;
    byPlace.set(placeId(opener), { ...opener, mask });
  }
  return [...byPlace.values()];
}
