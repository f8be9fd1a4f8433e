import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NoInputError, UnavailableError } from '../model/errors.ts';
import { FETCH_CONFIG, FETCH_CONFIG_NAME, firstLine, gitEnvironment } from './process.ts';
import { listRefs, openRepository, type Ref, type Repository } from './repository.ts';

/** What an update brought: refs that are new, gone, or now name another commit; a tag that moved was rewritten. */
export type Update = {
  readonly repository: Repository;
  readonly isNew: boolean;
  readonly added: readonly Ref[];
  readonly moved: readonly { readonly ref: Ref; readonly before: string }[];
  readonly removed: readonly Ref[];
};

export type CloneSource = { readonly name: string; readonly url: string; readonly repository: string };

/** What is fetched: every branch and tag to its own place, so that no ref of the source can hide another. */
const REFSPECS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];

/**
 * Brings a source's clone in the cache up to date, or makes it: bare and blobless. A clone that is interrupted leaves
 * nothing behind. Throws an UnavailableError where the source cannot be reached: that is never "nothing new".
 */
export async function updateClone(
  source: CloneSource,
  cache: string,
  env: NodeJS.ProcessEnv,
  offline: boolean,
): Promise<Update> {
  const target = join(cache, `${source.name}.git`);
  if (!offline) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, FETCH_CONFIG_NAME), FETCH_CONFIG);
  }
  if (!existsSync(target)) {
    if (offline) throw new NoInputError(`not in the cache at ${cache}, and --offline fetches nothing`);
    await cloneInto(source, cache, target, env);
    const repository = openRepository(target, env, source.repository);
    return { repository, isNew: true, added: await listRefs(repository), moved: [], removed: [] };
  }
  const repository = openRepository(target, env, source.repository);
  if (offline) return { repository, isNew: false, added: [], moved: [], removed: [] };
  const before = await listRefs(repository);
  await attempt(source, () => fetchRefs(target, cache, env));
  return { repository, isNew: false, ...compareRefs(before, await listRefs(repository)) };
}

export function compareRefs(
  before: readonly Ref[],
  after: readonly Ref[],
): Pick<Update, 'added' | 'moved' | 'removed'> {
  const old = new Map(before.map((ref) => [ref.name, ref]));
  const now = new Set(after.map((ref) => ref.name));
  return {
    added: after.filter((ref) => !old.has(ref.name)),
    moved: after.flatMap((ref) => {
      const known = old.get(ref.name);
      return known === undefined || known.commit === ref.commit ? [] : [{ ref, before: known.commit }];
    }),
    removed: before.filter((ref) => !now.has(ref.name)),
  };
}

async function cloneInto(source: CloneSource, cache: string, target: string, env: NodeJS.ProcessEnv): Promise<void> {
  const temporary = mkdtempSync(join(cache, '.clone-'));
  try {
    await attempt(source, async () => {
      const git = await client(cache, cache, env);
      await git.clone(absoluteUrl(source.url), join(temporary, 'git'), ['--bare', '--filter=blob:none']);
    });
    renameSync(join(temporary, 'git'), target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function fetchRefs(gitDir: string, cache: string, env: NodeJS.ProcessEnv): Promise<void> {
  const git = await client(gitDir, cache, env);
  await git.raw(['fetch', '--prune', '--force', '--no-auto-maintenance', '--filter=blob:none', 'origin', ...REFSPECS]);
}

/** A local path as git takes it for a transport: a filter works through file:// only. */
const absoluteUrl = (url: string): string => (url.startsWith('/') ? `file://${url}` : url);

/** simple-git with this program's environment and none of the caller's; what it guards against stays guarded. */
async function client(directory: string, cache: string, env: NodeJS.ProcessEnv) {
  const { simpleGit } = await import('simple-git');
  const own = Object.entries(gitEnvironment(env, true, join(cache, FETCH_CONFIG_NAME))).flatMap(([name, value]) =>
    value === undefined ||
    name.startsWith('GIT_CONFIG_KEY') ||
    name.startsWith('GIT_CONFIG_VALUE') ||
    name === 'GIT_CONFIG_COUNT' ||
    name === 'GIT_ASKPASS'
      ? []
      : [[name, value] as const],
  );
  const safe = Object.fromEntries(own);
  // The one guard that is lifted points git's global configuration at this program's own: a user's could run programs.
  return simpleGit({
    baseDir: directory,
    allowEnvironment: Object.keys(safe),
    unsafe: { allowUnsafeConfigPaths: true },
  }).env(safe);
}

async function attempt(source: CloneSource, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const line = text.split('\n').find((each) => /^(fatal|error):/.test(each)) ?? firstLine(text);
    throw new UnavailableError(`${source.url} could not be fetched: ${firstLine(line)}`, {
      cause: error,
    });
  }
}
