import type { Expr, Stmt } from './ast.ts';

const NONE: readonly never[] = [];

/** The lists of statements directly below a statement, in source order. */
export function inner(statement: Stmt): readonly (readonly Stmt[])[] {
  switch (statement.kind) {
    case 'if':
      return [statement.then, statement.otherwise];
    case 'loop':
      return [statement.head, statement.body];
    case 'switch':
    case 'block':
      return [statement.body];
    case 'conditional':
      return statement.branches.map((branch) => branch.body);
    default:
      return NONE;
  }
}

/** What a body holds, walked once however often it is asked for: bodies never change. */
const statements = new WeakMap<readonly Stmt[], readonly Stmt[]>();
const expressions = new WeakMap<readonly Stmt[], readonly Expr[]>();

/** All statements of a body, outer before inner, in source order. */
export function allStatements(body: readonly Stmt[]): readonly Stmt[] {
  const known = statements.get(body);
  if (known !== undefined) return known;
  const found: Stmt[] = [];
  addStatements(body, found);
  statements.set(body, found);
  return found;
}

function addStatements(body: readonly Stmt[], found: Stmt[]): void {
  for (const statement of body) {
    found.push(statement);
    for (const list of inner(statement)) addStatements(list, found);
  }
}

/** The expressions that a statement holds itself, not those of the statements below it. */
export function expressionsOf(statement: Stmt): readonly Expr[] {
  switch (statement.kind) {
    case 'expr':
      return [statement.expr];
    case 'decl':
      return statement.init === null ? [] : [statement.init];
    case 'if':
      return [statement.test];
    case 'loop':
      return [statement.test, statement.step].filter((expr) => expr !== null);
    case 'switch':
      return [statement.subject];
    case 'return':
      return statement.value === null ? [] : [statement.value];
    case 'case':
      return [statement.value, statement.last].filter((expr) => expr !== null);
    default:
      return NONE;
  }
}

/** An expression and all that it is made of, outer before inner. */
export function allExpressions(expr: Expr): readonly Expr[] {
  const found: Expr[] = [];
  addExpressions(expr, found);
  return found;
}

function addExpressions(expr: Expr, found: Expr[]): void {
  found.push(expr);
  for (const part of partsOf(expr)) addExpressions(part, found);
}

/** The expressions directly below an expression. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'call':
      return [expr.callee, ...expr.args];
    case 'member':
      return [expr.object];
    case 'index':
      return [expr.object, expr.index];
    case 'unary':
    case 'postfix':
    case 'cast':
      return [expr.operand];
    case 'binary':
      return [expr.left, expr.right];
    case 'assign':
      return [expr.target, expr.value];
    case 'ternary':
      return [expr.test, expr.then, expr.otherwise];
    case 'comma':
      return expr.items;
    case 'init':
      return expr.items.map((item) => item.value);
    default:
      return NONE;
  }
}

/** All expressions of a body, in source order. */
export function expressionsIn(body: readonly Stmt[]): readonly Expr[] {
  const known = expressions.get(body);
  if (known !== undefined) return known;
  const found: Expr[] = [];
  for (const statement of allStatements(body)) for (const expr of expressionsOf(statement)) addExpressions(expr, found);
  expressions.set(body, found);
  return found;
}
