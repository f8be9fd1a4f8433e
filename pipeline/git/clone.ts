import { existsSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { makeFolder } from '../disk/folder.ts';
import { withLock } from '../disk/lock.ts';
import { DataError, NoInputError, UnavailableError } from '../model/errors.ts';
import { fetchInto, type Remote, remoteAt, remoteHead } from './client.ts';
import { readForeign } from './foreign.ts';
import { makeRepository, replaceConfig } from './own.ts';
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
  const update = await withLock(lockOf(target), source.url, async () => {
    const before = existsSync(target) ? await listRefs(openRepository(target, env)) : null;
    const remote = await remoteAt(source.url, env);
    if (before === null) await cloneInto({ url: source.url, remote, target, env, isPartial: true });
    else await fetchRefs({ url: source.url, remote, target, env, isPartial: true });
    const repository = openRepository(target, env, source.repository);
    const after = await listRefs(repository);
    return { repository, after, isNew: before === null, ...compareRefs(before ?? [], after) };
  });
  const { after, ...changes } = update;
  if (after.length === 0) throw new NoInputError(`${source.url} is empty: it has no branch and no tag`);
  return { ...changes, isShallow: await isShallow(update.repository) };
}

/** The lock of a clone of the cache, beside it. */
export const lockOf = (target: string): string => join(dirname(target), `.${basename(target, '.git')}.lock`);

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

export type CloneStep = {
  readonly url: string;
  readonly remote: Remote;
  /** The clone's own folder. */
  readonly target: string;
  readonly env: NodeJS.ProcessEnv;
  /** Without blobs but those that are asked for. */
  readonly isPartial: boolean;
};

/** Makes a clone beside its place, and puts it there when it is whole. */
export async function cloneInto(step: CloneStep): Promise<void> {
  const { url, remote, target, env } = step;
  const parent = dirname(target);
  const prefix = `.${basename(target, '.git')}.clone-`;
  // What a run that was killed left behind; the lock says that no other is at work.
  for (const name of readdirSync(parent))
    if (name.startsWith(prefix)) rmSync(join(parent, name), { recursive: true, force: true });
  const head = await remoteHead(url, remote, env);
  const temporary = mkdtempSync(join(parent, prefix));
  try {
    const gitDir = join(temporary, 'git');
    makeRepository(gitDir, {
      format: head?.commit.length === 64 ? 'sha256' : 'sha1',
      isPartial: step.isPartial && !remote.isShallow,
      ...(head === null ? {} : { head: head.branch === null ? head.commit : `ref: ${head.branch}` }),
    });
    await fetchInto({ gitDir, url, remote, env, what: ['--force', ...REFSPECS] });
    renameSync(gitDir, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Brings a clone's refs up to date. */
export async function fetchRefs(step: CloneStep): Promise<void> {
  const { url, remote, target, env } = step;
  mendClone(target, step.isPartial, remote);
  // The filter is the one that the clone was made with.
  await fetchInto({ gitDir: target, url, remote, env, what: ['--prune', '--force', ...REFSPECS] });
}

/**
 * Makes a clone of the cache this program's own again before git works in it: its configuration is written anew, what git wrote
 * when it was killed goes, and a place that would lead git elsewhere is refused. Throws an UnavailableError while a git that a
 * killed run left is still at work in it.
 */
export function mendClone(target: string, isPartial: boolean, remote: Remote): void {
  for (const name of [
    '',
    'objects',
    'objects/pack',
    'objects/info',
    'refs',
    'refs/heads',
    'refs/tags',
    'packed-refs',
  ]) {
    const kind = lstatSync(join(target, name), { throwIfNoEntry: false });
    if (kind !== undefined && !kind.isDirectory() && !(name === 'packed-refs' && kind.isFile()))
      throw foreignClone(target, `${name || 'it'} is no ${name === 'packed-refs' ? 'file' : 'folder'}`);
  }
  if (existsSync(join(target, 'objects', 'info', 'alternates'))) throw foreignClone(target, 'it borrows objects');
  const worker = workerIn(target);
  if (worker !== null)
    throw new UnavailableError(
      `${target}: git (process ${worker}) is still at work there for a run that ended; try again`,
    );
  removeLocks(target);
  const packs = join(target, 'objects', 'pack');
  const isFiltered = existsSync(packs) && readdirSync(packs).some((name) => name.endsWith('.promisor'));
  replaceConfig(target, readForeign(target).format, isFiltered || (isPartial && !remote.isShallow));
}

const foreignClone = (target: string, found: string): DataError =>
  new DataError({
    where: { file: target },
    expected: 'a clone that sync made',
    found,
    hint: 'delete the folder, or name another cache with --cache',
  });

/** A process that works in a folder, where the system tells; the lock of the cache says that it is none of a run. */
function workerIn(folder: string): string | null {
  const inside = statSync('/proc/self/cwd', { throwIfNoEntry: false }) === undefined ? [] : readdirSync('/proc');
  for (const name of inside) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const at = readlinkSync(`/proc/${name}/cwd`);
      if (at === folder || at.startsWith(`${folder}${sep}`)) return name;
    } catch {
      // It has ended, or is somebody else's.
    }
  }
  return null;
}

/** Removes the locks and half-written packs that a git which was killed left: with them every later git would refuse to write. */
function removeLocks(target: string): void {
  for (const name of readdirSync(target)) if (name.endsWith('.lock')) rmSync(join(target, name), { force: true });
  // No ref may end so.
  for (const name of readdirSync(join(target, 'refs'), { recursive: true, encoding: 'utf8' }))
    if (name.endsWith('.lock')) rmSync(join(target, 'refs', name), { force: true, recursive: true });
  for (const name of readdirSync(join(target, 'objects')))
    if (/^(incoming|tmp_objdir)-/.test(name)) rmSync(join(target, 'objects', name), { force: true, recursive: true });
  const packs = join(target, 'objects', 'pack');
  for (const name of existsSync(packs) ? readdirSync(packs) : [])
    if (/^\.?tmp[-_]/.test(name)) rmSync(join(packs, name), { force: true });
}
