import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { gitClient, reaching } from '../git/client.ts';
import { makeCache, transportUrl } from '../git/clone.ts';
import { makeFolder } from '../git/folder.ts';
import { withLock } from '../git/lock.ts';
import { UnavailableError } from '../model/errors.ts';

/** The commit that a remote repository's HEAD names, null where it has none. Throws an UnavailableError. */
export async function remoteTip(url: string, directory: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const cache = resolve(directory);
  makeCache(cache);
  return reaching(url, async () => {
    const git = await gitClient(cache, cache, env);
    const out = await git.raw(['ls-remote', '--', transportUrl(url), 'HEAD']);
    return /^([0-9a-f]{40,64})\tHEAD$/m.exec(out)?.[1] ?? null;
  });
}

/**
 * Brings the mirror of an archive's epoch up to date, or makes it: bare and whole, as every mail is read. HEAD then names `tip`,
 * so that the shares of a scan on several machines read the same history. Throws an UnavailableError where the source cannot be
 * reached or does not have the tip (any more), which is never "nothing new".
 */
export async function updateMirror(
  url: string,
  mirror: string,
  tip: string,
  directory: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  // Git runs in the cache: a relative path would mean another place there.
  const [target, cache] = [resolve(mirror), resolve(directory)];
  makeCache(cache);
  const parent = dirname(target);
  makeFolder(parent);
  await withLock(`${target}.lock`, url, async () => {
    if (existsSync(target)) await fetchHeads(url, target, cache, env);
    else await cloneWhole(url, target, cache, env);
    const git = await gitClient(target, cache, env);
    const type = await git.raw(['cat-file', '-t', '--', tip]).catch(() => '');
    if (type.trim() !== 'commit')
      throw new UnavailableError(
        `${url} does not have ${tip.slice(0, 12)}: the archive was rewritten since the run was planned; plan again`,
      );
    await git.raw(['update-ref', '--no-deref', 'HEAD', tip]);
  });
}

async function cloneWhole(url: string, target: string, cache: string, env: NodeJS.ProcessEnv): Promise<void> {
  const parent = dirname(target);
  const prefix = `.${basename(target)}.clone-`;
  // What a run that was killed left behind; the lock says that no other is at work.
  for (const name of readdirSync(parent))
    if (name.startsWith(prefix)) rmSync(join(parent, name), { recursive: true, force: true });
  const temporary = mkdtempSync(join(parent, prefix));
  try {
    await reaching(url, async () => {
      const git = await gitClient(cache, cache, env);
      await git.clone(transportUrl(url), join(temporary, 'git'), ['--bare']);
    });
    renameSync(join(temporary, 'git'), target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function fetchHeads(url: string, target: string, cache: string, env: NodeJS.ProcessEnv): Promise<void> {
  await reaching(url, async () => {
    const git = await gitClient(target, cache, env);
    await git.raw([
      'fetch',
      '--prune',
      '--force',
      '--no-auto-maintenance',
      '--',
      transportUrl(url),
      '+refs/heads/*:refs/heads/*',
    ]);
  });
}
