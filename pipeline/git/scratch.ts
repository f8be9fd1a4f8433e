import { createHash } from 'node:crypto';
import { NoInputError } from '../model/errors.ts';
import { makeRepository } from './own.ts';
import type { Repository } from './repository.ts';
import { type Place, readGit, requireSuccess, runGit } from './run.ts';
import { makeTemporary, removeTemporary } from './temporary.ts';

/** What git says of one patch. `output` is all that it said, for who reads hunks and reasons out of it. */
type Applied = { readonly taken: boolean; readonly output: string };

/**
 * A temporary bare repository with an index of its own. It reads the objects of another one and writes its own: neither that
 * repository nor a work tree is ever written (git may renew the time of an object that it finds there again), and none of that
 * repository's configuration, hooks or attributes is in force.
 */
export type Scratch = Place & {
  /** Fills the index with a commit's or tree's entries; blobs need not be there. */
  readonly readTree: (id: string) => Promise<void>;
  /** Applies a diff to the index, whole or not at all. */
  readonly apply: (diff: Buffer) => Promise<Applied>;
  /** The paths that git takes out of a diff, `null` where it takes it for none. */
  readonly paths: (diff: Buffer) => Promise<readonly string[] | null>;
  /** The tree of the index. */
  readonly writeTree: () => Promise<string>;
};

/** Gives a scratch repository to some work and removes it afterwards. */
export async function withScratch<T>(
  repository: Pick<Repository, 'objects' | 'format' | 'path' | 'env'>,
  work: (scratch: Scratch) => Promise<T>,
): Promise<T> {
  const { objects, format, path, env } = repository;
  const gitDir = makeTemporary();
  try {
    makeRepository(gitDir, { objects, format });
    return await work(scratchIn({ gitDir, path, env }));
  } finally {
    removeTemporary(gitDir);
  }
}

function scratchIn(place: Place): Scratch {
  const read = (args: readonly string[]): Promise<Buffer> => readGit(place, args);
  return {
    ...place,
    readTree: async (id) => {
      await read(['read-tree', '--end-of-options', id]);
    },
    apply: async (diff) => {
      const args = ['apply', '--cached', '--verbose', '--whitespace=nowarn', '-p1', '-'];
      const { stdout: _, ...result } = await runGit(args, { ...place, input: diff, maxErrors: 1 << 22 });
      // A diff that does not fit is an answer; a git that was ended is none.
      if (result.cut !== null) requireSuccess(place.path, args, result);
      return { taken: result.status === 0, output: result.stderr };
    },
    paths: async (diff) => {
      const args = ['apply', '--numstat', '-z', '-p1', '-'];
      const { stdout, ...result } = await runGit(args, { ...place, input: diff });
      if (result.cut !== null) requireSuccess(place.path, args, result);
      return result.status === 0 ? numstatPaths(stdout.toString('utf8')) : null;
    },
    // A blobless clone has no blobs for most of the tree, and they are not needed.
    writeTree: async () => (await read(['write-tree', '--missing-ok'])).toString('utf8').trim(),
  };
}

const numstatPaths = (text: string): readonly string[] =>
  text
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => entry.split('\t').slice(2).join('\t'));

/** A commit with its tree. */
export type Tip = { readonly commit: string; readonly tree: string };

const TIP = '--format=%H %T';
const tipsIn = (output: Buffer): readonly Tip[] =>
  output
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const [commit = '', tree = ''] = line.split(' ');
      return commit === '' ? [] : [{ commit, tree }];
    });

/** From where a history is read; no path can be taken for more of it. */
const EVERYWHERE = ['--ignore-missing', '--branches', '--tags', '--remotes', 'HEAD', '--'];

/** Commits that HEAD, branches and tags stand at, newest first, each once; at most `limit`. */
export async function newestTips(repository: Repository, limit: number): Promise<readonly Tip[]> {
  const tips = tipsIn(await readGit(repository, ['log', '--no-walk=sorted', TIP, ...EVERYWHERE]));
  return tips.filter(({ commit }, at) => tips.findIndex((other) => other.commit === commit) === at).slice(0, limit);
}

/** Commits of the whole history in which one of the paths changed, newest first; at most `limit`. Their trees are read, no blob. */
export async function pastCommits(
  repository: Repository,
  paths: readonly string[],
  limit: number,
): Promise<readonly Tip[]> {
  if (paths.length === 0) return [];
  const args = ['--literal-pathspecs', 'log', TIP, `--max-count=${limit}`, '--full-history'];
  return tipsIn(await readGit(repository, [...args, ...EVERYWHERE, ...paths]));
}

/** Commits by their full ids, with their trees, in the order given. */
export async function tipsOf(repository: Repository, commits: readonly string[]): Promise<readonly Tip[]> {
  if (commits.length === 0) return [];
  const input = commits.map((commit) => `${commit}\n`).join('');
  return tipsIn(await readGit(repository, ['log', '--no-walk=unsorted', TIP, '--stdin'], { input }));
}

/** A commit by its full id, with its tree. */
export async function tipOf(repository: Repository, commit: string): Promise<Tip> {
  const [tip] = tipsIn(await readGit(repository, ['log', '--no-walk', TIP, '--end-of-options', commit, '--']));
  if (tip === undefined) throw new NoInputError(`${repository.name}: no commit ${commit}`);
  return tip;
}

/**
 * The blob ids at some paths of many trees, by path, in the order of the trees; paths that a tree lacks are left out. Read from the
 * trees alone, in one run: a blobless clone need not have the blobs.
 */
export async function blobIds(
  repository: Repository,
  trees: readonly string[],
  paths: readonly string[],
): Promise<readonly ReadonlyMap<string, string>[]> {
  if (trees.length === 0 || paths.length === 0) return trees.map(() => new Map());
  const empty = createHash(repository.format).update('tree 0\0').digest('hex');
  const args = ['diff-tree', '--stdin', '-r', '-z', '--no-renames', '--no-abbrev', '--'];
  const output = await readGit(repository, [...args, ...paths.map((path) => `:(top,literal)${path}`)], {
    input: trees.map((tree) => `${empty} ${tree}\n`).join(''),
  });
  // A tree that has none of the paths has no entry at all.
  const byTree = new Map(
    output
      .toString('utf8')
      .split(`${empty} `)
      .map((part) => [part.slice(0, part.indexOf('\n')), entriesOf(part.slice(part.indexOf('\n') + 1))] as const),
  );
  return trees.map((tree) => byTree.get(tree) ?? new Map());
}

/** `:000000 100644 0… <id> A`, then the path, each ended by NUL. */
function entriesOf(text: string): ReadonlyMap<string, string> {
  const fields = text.split('\0');
  const found = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const id = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) [A-Z]$/.exec(fields[at] ?? '')?.[1];
    if (id !== undefined) found.set(fields[at + 1] ?? '', id);
  }
  return found;
}

/** The mode of each path in a tree, such as `100644`; paths that are not there are left out. */
export async function modesOf(
  place: Place,
  tree: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const args = ['ls-tree', '-z', '--full-tree', '--end-of-options', tree, ...paths];
  const entries = (await readGit(place, args)).toString('utf8').split('\0');
  return new Map(
    entries.flatMap((entry) => {
      const [, mode, path] = /^(\d+) [^\t]*\t(.*)$/s.exec(entry) ?? [];
      return mode === undefined || path === undefined ? [] : [[path, mode] as const];
    }),
  );
}
