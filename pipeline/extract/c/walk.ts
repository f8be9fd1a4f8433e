import type { Stmt } from './ast.ts';

/** The statements directly below a statement, in source order. */
function inner(statement: Stmt): readonly (readonly Stmt[])[] {
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
      return [];
  }
}

/** All statements of a body, outer before inner, in source order. */
export function* allStatements(body: readonly Stmt[]): Generator<Stmt> {
  for (const statement of body) {
    yield statement;
    for (const list of inner(statement)) yield* allStatements(list);
  }
}
