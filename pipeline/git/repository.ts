import { NoInputError } from '../model/errors.ts';
import { compareTexts } from '../model/order.ts';
import type { BlobReader } from './blobs.ts';
import { readForeign } from './foreign.ts';
import { makeRepository, type ObjectFormat } from './own.ts';
import { firstLine, readGit, runGit } from './run.ts';
import { makeTemporary } from './temporary.ts';

/**
 * A repository on this machine, read through one of our own: `gitDir` has its refs as they stood when it was opened and takes
 * its objects from `objects`. Git never works in the repository itself, so nothing of it is run, followed or written.
 */
export type Repository = {
  readonly gitDir: string;
  /** Where it is: for messages, and for what brings a clone of the cache up to date. */
  readonly path: string;
  readonly objects: string;
  readonly format: ObjectFormat;
  /** How reports name it: its public name where it is known, else the path as given. */
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
};

export type Ref = { readonly name: string; readonly commit: string; readonly kind: 'branch' | 'tag' | 'other' };
/** A commit with the names of the tags that lead to it, without `refs/tags/`, in the order of their text. */
export type Commit = {
  readonly id: string;
  readonly time: number;
  readonly subject: string;
  readonly tags: readonly string[];
};

/**
 * Opens a bare repository, a work tree, or a `.git` file's target that names it back. Throws a NoInputError for anything else.
 * What it makes goes when the run ends (see `withTemporaries`).
 */
export function openRepository(path: string, env: NodeJS.ProcessEnv, name = path): Repository {
  const { gitDir: foreign, ...beginning } = readForeign(path);
  const gitDir = makeTemporary();
  makeRepository(gitDir, beginning);
  return { gitDir, path: foreign, objects: beginning.objects, format: beginning.format, name, env };
}

/**
 * The commit that a revision names, asked of a git that is at work already where there is one. Throws a NoInputError where it
 * names none.
 */
export async function resolveCommit(repository: Repository, revision: string, blobs?: BlobReader): Promise<string> {
  if (/[\0\n]/.test(revision) || revision === '')
    throw new NoInputError(`${repository.name}: a revision cannot be ${JSON.stringify(revision)}`);
  const found = (await blobs?.commit(revision)) ?? null;
  if (found !== null) return found;
  // git rev-parse says why.
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const result = await runGit(args, repository);
  const commit = result.stdout.toString('utf8').trim();
  if (result.status === 0 && /^[0-9a-f]{40,64}$/.test(commit)) return commit;
  const reason = result.stderr === '' ? '' : ` (${firstLine(result.stderr)})`;
  throw new NoInputError(
    `${repository.name}: no revision ${JSON.stringify(revision)}${reason}; see git branch --all and git tag`,
  );
}

/** All refs that lead to commits, annotated tags peeled, by name. */
export async function listRefs(repository: Repository): Promise<readonly Ref[]> {
  const format = '%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)';
  const output = await readGit(repository, ['for-each-ref', `--format=${format}`]);
  const lines = output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\0'));
  // Older git peels a tag of a tag only once.
  const nested = await peel(
    repository,
    lines.flatMap(([, , , type, object]) => (type === 'tag' && object !== undefined ? [object] : [])),
  );
  return lines.flatMap((fields) => refOf(fields, nested) ?? []).sort((a, b) => compareTexts(a.name, b.name));
}

/** Null for a ref that leads to no commit, such as a tag of a file. */
function refOf(fields: readonly string[], nested: ReadonlyMap<string, string>): Ref | null {
  const [name = '', type = '', object = '', peeledType = '', peeled = ''] = fields;
  const kind = name.startsWith('refs/tags/') ? 'tag' : name.startsWith('refs/heads/') ? 'branch' : 'other';
  if (type === 'commit') return { name, commit: object, kind };
  if (peeledType === 'commit') return { name, commit: peeled, kind };
  const commit = nested.get(peeled);
  return commit === undefined ? null : { name, commit, kind };
}

/** The commits that tags lead to, by the tags' ids, all in one run; tags of anything else are left out. */
async function peel(repository: Repository, tags: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (tags.length === 0) return new Map();
  const input = tags.map((tag) => `${tag}^{commit}\n`).join('');
  const output = await readGit(repository, ['cat-file', '--batch-check=%(objectname)'], { input });
  const lines = output.toString('utf8').split('\n');
  return new Map(
    tags.flatMap((tag, index) => {
      const commit = lines[index] ?? '';
      return /^[0-9a-f]{40,64}$/.test(commit) ? [[tag, commit] as const] : [];
    }),
  );
}

/** Whether the history ends early: what older commits name is not seen. */
export async function isShallow(repository: Repository): Promise<boolean> {
  const output = await readGit(repository, ['rev-parse', '--is-shallow-repository']);
  return output.toString('utf8').trim() === 'true';
}

/**
 * Every commit that HEAD, a branch or a tag reaches, newest first by git's order; empty for an empty repository. Refs of
 * other kinds do not count: anybody may open a pull request whose commits name a release.
 */
export async function listCommits(repository: Repository): Promise<readonly Commit[]> {
  return log(repository, ['--ignore-missing', '--branches', '--tags', '--remotes', 'HEAD', '--']);
}

const DECORATED = 'tag: refs/tags/';

/** One commit by its full id, whatever reaches it. */
export async function readCommit(repository: Repository, id: string): Promise<Commit> {
  const [commit] = await log(repository, ['--no-walk', '--end-of-options', id, '--']);
  if (commit === undefined) throw new NoInputError(`${repository.name}: no commit ${id}`);
  return commit;
}

async function log(repository: Repository, which: readonly string[]): Promise<readonly Commit[]> {
  // Git's decorations have every tag peeled, a tag of a tag too.
  const tags = ['--decorate=full', '--decorate-refs=refs/tags/'];
  const args = ['log', '--encoding=UTF-8', '--format=%H%x00%ct%x00%D%x00%s', ...tags, ...which];
  const output = await readGit(repository, args);
  return output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', time = '0', names = '', ...subject] = line.split('\0');
      return { id, time: Number(time), subject: subject.join(''), tags: tagsOf(names) };
    });
}

/** `tag: refs/tags/v1, tag: refs/tags/v2`: no name of a ref has a blank. */
const tagsOf = (names: string): readonly string[] =>
  names
    .split(', ')
    .flatMap((name) => (name.startsWith(DECORATED) ? [name.slice(DECORATED.length)] : []))
    .sort(compareTexts);

/** All paths of a commit's tree, in git's order. */
export async function listPaths(repository: Repository, commit: string): Promise<readonly string[]> {
  const output = await readGit(repository, [
    'ls-tree',
    '-r',
    '-z',
    '--full-tree',
    '--name-only',
    '--end-of-options',
    commit,
  ]);
  return output
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}
