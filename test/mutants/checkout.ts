import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { KEEPER } from './engine.ts';
import { type Mutant, mutantsOf } from './mutate.ts';

const LEFT_OUT = new Set(['.git', 'node_modules', 'dist', 'build', 'reports', 'artifacts', 'outbox']);
const ROOMS = ['model', 'diff', 'judge', 'cases'] as const;

/** A copy of the checkout to run in: whatever a mutant does to files, it does there. */
export function copyOf(root: string): string {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'bitwatch-mutants-')));
  for (const name of readdirSync(root).sort())
    if (!LEFT_OUT.has(name)) cpSync(join(root, name), join(copy, name), { recursive: true });
  for (const name of ['node_modules', 'dist', 'build'])
    if (existsSync(join(root, name))) symlinkSync(realpathSync(join(root, name)), join(copy, name));
  return copy;
}

export type SourceFile = {
  readonly path: string;
  readonly source: string;
  readonly points: ReturnType<typeof mutantsOf>['points'];
  readonly mutants: readonly Mutant[];
};

/** The files of the four rooms, with their mutants, numbered through. */
export function sourcesOf(root: string): readonly SourceFile[] {
  let first = 0;
  return ROOMS.flatMap((room) =>
    filesUnder(root, `pipeline/${room}`).filter((path) => path.endsWith('.ts') && path !== KEEPER),
  ).map((path) => {
    const source = readFileSync(join(root, path), 'utf8');
    const { mutants, points } = mutantsOf(path, source, first);
    first += mutants.length;
    return { path, source, mutants, points };
  });
}

export const roomOf = (path: string): string => path.split('/')[1] ?? '';

/** Paths from the root, in the order of their names. */
export const filesUnder = (root: string, folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();

/** What a test file reaches by its imports, itself included. */
export function reachOf(root: string, start: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(start) || !existsSync(join(root, start))) return seen;
  seen.add(start);
  for (const [, name = ''] of readFileSync(join(root, start), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g))
    reachOf(root, relative(root, join(root, dirname(start), name)), seen);
  return seen;
}

/** Changes with what a test can read: the files that it reaches, and the data beside them. */
export function stampsOf(root: string): (test: string) => string {
  const hash = (paths: Iterable<string>): string => {
    const all = createHash('sha256');
    for (const path of paths)
      all
        .update(path)
        .update('\0')
        .update(readFileSync(join(root, path)))
        .update('\0');
    return all.digest('hex');
  };
  const tool = ['test/mutants/mutate.ts', 'test/mutants/runner.ts'];
  const data = hash([...['specs', 'fixtures'].flatMap((folder) => filesUnder(root, folder)), ...tool]);
  return (test) => hash([...reachOf(root, test)].sort()) + data;
}
