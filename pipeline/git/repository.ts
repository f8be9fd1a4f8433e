import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve as resolvePath } from 'node:path';
import { NoInputError } from '../model/errors.ts';
import { compareTexts } from '../model/order.ts';
import { firstLine, readGit, runGit } from './process.ts';

/** A repository on this machine. */
export type Repository = {
  readonly gitDir: string;
  /** How reports name it: its public name where it is known, else the path as given. */
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
};

export type Ref = { readonly name: string; readonly commit: string; readonly kind: 'branch' | 'tag' | 'other' };
export type Commit = { readonly id: string; readonly time: number; readonly subject: string };

/** Opens a bare repository, a work tree, or a `.git` file's target. Throws a NoInputError for anything else. */
export function openRepository(path: string, env: NodeJS.ProcessEnv, name = path): Repository {
  const gitDir = gitDirOf(path);
  if (gitDir === null)
    throw new NoInputError(`${path}: not a git repository (expected a bare repository or a work tree)`);
  return { gitDir, name, env };
}

function gitDirOf(path: string): string | null {
  if (!existsSync(path)) return null;
  const inner = join(path, '.git');
  if (existsSync(inner) && statSync(inner).isDirectory()) return resolvePath(inner);
  if (existsSync(inner) && statSync(inner).isFile()) {
    const target = /^gitdir: (.+?)\s*$/.exec(readFileSync(inner, 'utf8'))?.[1];
    if (target === undefined) return null;
    const gitDir = resolvePath(isAbsolute(target) ? target : join(path, target));
    return existsSync(join(gitDir, 'HEAD')) ? gitDir : null;
  }
  return existsSync(join(path, 'objects')) && existsSync(join(path, 'HEAD')) ? resolvePath(path) : null;
}

/** The commit that a revision names. Throws a NoInputError where it names none. */
export async function resolveCommit(repository: Repository, revision: string): Promise<string> {
  if (/[\0\n]/.test(revision) || revision === '')
    throw new NoInputError(`${repository.name}: a revision cannot be ${JSON.stringify(revision)}`);
  const args = [
    `--git-dir=${repository.gitDir}`,
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ];
  const result = await runGit(args, { env: repository.env });
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
  const output = await readGit(repository.gitDir, ['for-each-ref', `--format=${format}`], { env: repository.env });
  const lines = output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const refs = await Promise.all(lines.map((line) => refOf(repository, line.split('\0'))));
  return refs.flatMap((ref) => (ref === null ? [] : [ref])).sort((a, b) => compareTexts(a.name, b.name));
}

/** Null for a ref that leads to no commit, such as a tag of a file. */
async function refOf(repository: Repository, fields: readonly string[]): Promise<Ref | null> {
  const [name = '', type = '', object = '', peeledType = '', peeled = ''] = fields;
  const kind = name.startsWith('refs/tags/') ? 'tag' : name.startsWith('refs/heads/') ? 'branch' : 'other';
  if (type === 'commit') return { name, commit: object, kind };
  if (peeledType === 'commit') return { name, commit: peeled, kind };
  // Older git peels a tag of a tag only once.
  return peeledType === 'tag' ? { name, commit: await resolveCommit(repository, peeled), kind } : null;
}

/** Whether the history ends early: what older commits name is not seen. */
export async function isShallow(repository: Repository): Promise<boolean> {
  const output = await readGit(repository.gitDir, ['rev-parse', '--is-shallow-repository'], { env: repository.env });
  return output.toString('utf8').trim() === 'true';
}

/**
 * Every commit that HEAD, a branch or a tag reaches, newest first by git's order; empty for an empty repository. Refs of
 * other kinds do not count: anybody may open a pull request whose commits name a release.
 */
export async function listCommits(repository: Repository): Promise<readonly Commit[]> {
  return log(repository, ['--ignore-missing', '--branches', '--tags', '--remotes', 'HEAD', '--']);
}

/** One commit by its full id, whatever reaches it. */
export async function readCommit(repository: Repository, id: string): Promise<Commit> {
  const [commit] = await log(repository, ['--no-walk', '--end-of-options', id, '--']);
  if (commit === undefined) throw new NoInputError(`${repository.name}: no commit ${id}`);
  return commit;
}

async function log(repository: Repository, which: readonly string[]): Promise<readonly Commit[]> {
  const args = ['log', '--encoding=UTF-8', '--format=%H%x00%ct%x00%s', ...which];
  const output = await readGit(repository.gitDir, args, { env: repository.env });
  return output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', time = '0', ...subject] = line.split('\0');
      return { id, time: Number(time), subject: subject.join('') };
    });
}

/** All paths of a commit's tree, in git's order. */
export async function listPaths(repository: Repository, commit: string): Promise<readonly string[]> {
  const output = await readGit(
    repository.gitDir,
    ['ls-tree', '-r', '-z', '--full-tree', '--name-only', '--end-of-options', commit],
    {
      env: repository.env,
    },
  );
  return output
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}
