import type { Expr, Stmt } from '../../c/ast.ts';
import { expressionsOf, inner, partsOf } from '../../c/walk.ts';
import { bare } from './expression.ts';

/** The name that an expression is, null where it is more than a name. */
export const nameOf = (expr: Expr): string | null => (expr.kind === 'id' ? expr.name : null);

/** The name that an access path starts from, null where it starts from a call. */
export function rootName(expr: Expr): string | null {
  const inner = bare(expr);
  if (inner.kind === 'id') return inner.name;
  return inner.kind === 'member' || inner.kind === 'index' ? rootName(inner.object) : null;
}

/** An alternative of a switch: its case values and what runs for them. */
export type Segment = { readonly values: readonly Expr[]; readonly isDefault: boolean; readonly body: readonly Stmt[] };

/** The alternatives of a switch; a case without `break` goes on into the next one. */
export function segmentsOf(body: readonly Stmt[]): readonly Segment[] {
  const starts = body.flatMap((stmt, at) => (stmt.kind === 'case' && body[at - 1]?.kind !== 'case' ? [at] : []));
  return starts.map((start) => {
    let at = start;
    const labels: Extract<Stmt, { kind: 'case' }>[] = [];
    for (let stmt = body[at]; stmt?.kind === 'case'; stmt = body[at]) {
      labels.push(stmt);
      at += 1;
    }
    const rest = body.slice(at);
    const ending = rest.findIndex((stmt) => endsSegment(stmt));
    return {
      values: labels.flatMap(({ value }) => (value === null ? [] : [value])),
      isDefault: labels.some(({ value }) => value === null),
      body: (ending < 0 ? rest : rest.slice(0, ending + 1)).filter((stmt) => stmt.kind !== 'case'),
    };
  });
}

function endsSegment(stmt: Stmt): boolean {
  if (stmt.kind === 'jump' || stmt.kind === 'return') return true;
  return stmt.kind === 'block' && stmt.body.some(endsSegment);
}

/** Names that a statement assigns or declares, at any depth. */
export function assignedNames(stmts: readonly Stmt[]): ReadonlySet<string> {
  const names = new Set<string>();
  const seeExpr = (expr: Expr | null): void => {
    if (expr === null) return;
    if (expr.kind === 'assign') {
      const root = rootName(expr.target);
      if (root !== null) names.add(root);
    }
    if (
      (expr.kind === 'unary' || expr.kind === 'postfix') &&
      (expr.op === '++' || expr.op === '--' || expr.op === '&')
    ) {
      const root = rootName(expr.operand);
      if (root !== null) names.add(root);
    }
    for (const part of partsOf(expr)) seeExpr(part);
  };
  const see = (stmt: Stmt): void => {
    if (stmt.kind === 'decl') names.add(stmt.name);
    for (const expr of expressionsOf(stmt)) seeExpr(expr);
    for (const below of innerOf(stmt)) see(below);
  };
  for (const stmt of stmts) see(stmt);
  return names;
}

const innerOf = (stmt: Stmt): readonly Stmt[] => inner(stmt).flat();

const kept = new WeakMap<Stmt, readonly string[]>();

/** The names of all calls in a statement, at any depth. */
export function callNames(stmt: Stmt): readonly string[] {
  const known = kept.get(stmt);
  if (known !== undefined) return known;
  const names: string[] = [];
  const take = (below: Stmt): void => {
    for (const name of callNames(below)) names.push(name);
  };
  const seeExpr = (expr: Expr): void => {
    if (expr.kind === 'call' && expr.callee.kind === 'id') names.push(expr.callee.name);
    if (expr.kind === 'statements') for (const below of expr.body) take(below);
    for (const part of partsOf(expr)) seeExpr(part);
  };
  for (const expr of expressionsOf(stmt)) seeExpr(expr);
  for (const below of innerOf(stmt)) take(below);
  kept.set(stmt, names);
  return names;
}
