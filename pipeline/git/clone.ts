import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DataError, NoInputError, UnavailableError } from '../model/errors.ts';
import { gitClient, reaching } from './client.ts';
import { makeFolder } from './folder.ts';
import { withLock } from './lock.ts';
import { fetchConfigIn } from './ownership.ts';
import { FETCH_CONFIG, FETCH_CONFIG_NAME } from './process.ts';
import { isShallow, listRefs, openRepository, type Ref, type Repository } from './repository.ts';

/** What an update brought: refs that are new, gone, or now name another commit; a tag that moved was rewritten. */
export type Update = {
  readonly repository: Repository;
  readonly isNew: boolean;
  readonly added: readonly Ref[];
  readonly moved: readonly { readonly ref: Ref; readonly before: string }[];
  readonly removed: readonly Ref[];
  /** True where the source's history ends early: what older commits name is not seen. */
  readonly isShallow: boolean;
};

export type CloneSource = { readonly name: string; readonly url: string; readonly repository: string };

/** What is fetched: every branch and tag to its own place, so that no ref of the source can hide another. */
const REFSPECS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
const UNCHANGED = { isNew: false, added: [], moved: [], removed: [] };

/**
 * Brings a source's clone in the cache up to date, or makes it: bare and blobless. A clone that is interrupted leaves
 * nothing that a later run would take for whole. Throws an UnavailableError where the source cannot be reached or another
 * run is at it, which is never "nothing new"; a NoInputError for an empty source.
 */
export async function updateClone(
  source: CloneSource,
  directory: string,
  env: NodeJS.ProcessEnv,
  offline: boolean,
): Promise<Update> {
  checkName(source.name);
  // Git runs in the cache: a relative path would mean another place there.
  const cache = resolve(directory);
  const target = join(cache, `${source.name}.git`);
  if (offline) {
    if (!existsSync(target))
      throw new UnavailableError(`${source.url} is not in the cache at ${cache}, and --offline fetches nothing`);
    const repository = openRepository(target, env, source.repository);
    return { repository, ...UNCHANGED, isShallow: await isShallow(repository) };
  }
  makeCache(cache);
  const update = await withLock(join(cache, `.${source.name}.lock`), source.url, async () => {
    const before = existsSync(target) ? await listRefs(openRepository(target, env)) : null;
    if (before === null) await cloneInto(source, cache, target, env);
    else await fetchRefs(source, target, cache, env);
    const repository = openRepository(target, env, source.repository);
    const after = await listRefs(repository);
    return { repository, after, isNew: before === null, ...compareRefs(before ?? [], after) };
  });
  const { after, ...changes } = update;
  if (after.length === 0) throw new NoInputError(`${source.url} is empty: it has no branch and no tag`);
  return { ...changes, isShallow: await isShallow(update.repository) };
}

function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(name))
    throw new DataError({
      where: { file: 'specs/sources.yaml' },
      expected: 'a source name that is a plain file name',
      found: JSON.stringify(name),
    });
}

export function makeCache(cache: string): void {
  try {
    makeFolder(cache);
    // Only where it differs: another run may be reading it.
    if (fetchConfigIn(cache) === null) writeFileSync(join(cache, FETCH_CONFIG_NAME), FETCH_CONFIG);
  } catch (error) {
    throw new UnavailableError(`${cache}: the cache directory cannot be written; name another with --cache`, {
      cause: error,
    });
  }
}

function compareRefs(before: readonly Ref[], after: readonly Ref[]): Pick<Update, 'added' | 'moved' | 'removed'> {
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
  const prefix = `.${source.name}.clone-`;
  // What a run that was killed left behind; the lock says that no other is at work.
  for (const name of readdirSync(cache))
    if (name.startsWith(prefix)) rmSync(join(cache, name), { recursive: true, force: true });
  const temporary = mkdtempSync(join(cache, prefix));
  try {
    await reaching(source.url, async () => {
      const git = await gitClient(cache, cache, env);
      const filter = (await isShallowPath(source.url, env)) ? [] : ['--filter=blob:none'];
      await git.clone(transportUrl(source.url), join(temporary, 'git'), ['--bare', ...filter]);
    });
    renameSync(join(temporary, 'git'), target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function fetchRefs(source: CloneSource, gitDir: string, cache: string, env: NodeJS.ProcessEnv): Promise<void> {
  await reaching(source.url, async () => {
    const git = await gitClient(gitDir, cache, env);
    // The source may have moved since it was cloned.
    await git.remote(['set-url', 'origin', transportUrl(source.url)]);
    // The filter is the one that the clone was made with.
    await git.raw(['fetch', '--prune', '--force', '--no-auto-maintenance', 'origin', ...REFSPECS]);
  });
}

/** Whether the source is a shallow repository on this machine: it is small, and older git cannot filter what ends early. */
async function isShallowPath(url: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const remote = transportUrl(url);
  if (!remote.startsWith('file://')) return false;
  try {
    return await isShallow(openRepository(fileURLToPath(remote), env));
  } catch {
    return false;
  }
}

/** A local path as git takes it for a transport, relative to where the program runs: a filter works through file:// only. */
export const transportUrl = (url: string): string =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : pathToFileURL(resolve(url)).href;
