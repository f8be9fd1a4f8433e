import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve as resolvePath } from 'node:path';
import { DataError, NoInputError } from '../model/errors.ts';
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
    return target === undefined ? null : resolvePath(isAbsolute(target) ? target : join(path, target));
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
  return output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line): Ref[] => {
      const [name = '', type = '', object = '', peeledType = '', peeled = ''] = line.split('\0');
      const commit = type === 'commit' ? object : peeledType === 'commit' ? peeled : null;
      if (commit === null) return [];
      return [
        {
          name,
          commit,
          kind: name.startsWith('refs/tags/') ? 'tag' : name.startsWith('refs/heads/') ? 'branch' : 'other',
        },
      ];
    })
    .sort((a, b) => compareTexts(a.name, b.name));
}

/** Every commit that a ref reaches, newest first by git's order; empty for an empty repository. */
export async function listCommits(repository: Repository): Promise<readonly Commit[]> {
  const output = await readGit(
    repository.gitDir,
    ['log', '--all', '--no-show-signature', '--encoding=UTF-8', '--format=%H%x00%ct%x00%s'],
    { env: repository.env },
  );
  return output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', time = '0', ...subject] = line.split('\0');
      return { id, time: Number(time), subject: subject.join('') };
    });
}

/** One revision where a path changed: each path with its blob id, null where it was removed. */
export type PathChange = {
  readonly commit: string;
  readonly time: number;
  readonly subject: string;
  readonly paths: ReadonlyMap<string, string | null>;
};

/** The revisions of a range, oldest first, where any of the paths changed. A rename shows as a removal and an addition. */
export async function listPathChanges(
  repository: Repository,
  range: string,
  paths: readonly string[],
): Promise<readonly PathChange[]> {
  if (/[\0\n]/.test(range) || range === '')
    throw new NoInputError(`${repository.name}: a range cannot be ${JSON.stringify(range)}`);
  const args = [
    'log',
    '--reverse',
    '--topo-order',
    '--first-parent',
    '-m',
    '--raw',
    '--no-abbrev',
    '--no-renames',
    '-z',
    '--format=%x01%H%x00%ct%x00%s',
    '--end-of-options',
    range,
    '--',
    ...paths,
  ];
  const output = (await readGit(repository.gitDir, args, { env: repository.env })).toString('utf8');
  return output
    .split('\x01')
    .filter((part) => part !== '')
    .map((part) => {
      const [id = '', time = '0', subject = '', ...rest] = part.split('\0');
      return { commit: id, time: Number(time), subject, paths: rawPaths(repository, rest) };
    })
    .filter((change) => change.paths.size > 0);
}

/** `:100644 100644 <old> <new> M`, then the path. */
function rawPaths(repository: Repository, fields: readonly string[]): ReadonlyMap<string, string | null> {
  const paths = new Map<string, string | null>();
  const entries = fields.map((field) => field.replace(/^\n/, '')).filter((field) => field !== '');
  for (let at = 0; at < entries.length; at += 2) {
    const match = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ([A-Z])/.exec(entries[at] ?? '');
    const path = entries[at + 1];
    if (match === null || path === undefined)
      throw new DataError({
        where: { file: repository.name },
        expected: 'a raw entry of git log',
        found: JSON.stringify(entries[at]),
      });
    paths.set(path, match[2] === 'D' ? null : (match[1] ?? null));
  }
  return paths;
}

/** All paths of a commit's tree, in git's order. */
export async function listPaths(repository: Repository, commit: string): Promise<readonly string[]> {
  const output = await readGit(repository.gitDir, ['ls-tree', '-r', '-z', '--name-only', commit], {
    env: repository.env,
  });
  return output
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}
