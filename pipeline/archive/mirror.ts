import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { withLock } from '../disk/lock.ts';
import { remoteAt, remoteHead } from '../git/client.ts';
import { cloneInto, fetchRefs, makeCache } from '../git/clone.ts';
import { openRepository, resolveCommit } from '../git/repository.ts';
import { readGit } from '../git/run.ts';
import { NoInputError, UnavailableError } from '../model/errors.ts';

/** The commit that a remote repository's HEAD names, null where it has none. Throws an UnavailableError. */
export async function remoteTip(url: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  return (await remoteHead(url, await remoteAt(url, env), env))?.commit ?? null;
}

/**
 * Brings the mirror of an archive's epoch up to date, or makes it: bare and whole, as every mail is read. HEAD then names `tip`,
 * so that the shares of a scan on several machines read the same history. Throws an UnavailableError where the source cannot be
 * reached or does not have the tip (any more), which is never "nothing new".
 */
export async function updateMirror(url: string, mirror: string, tip: string, env: NodeJS.ProcessEnv): Promise<void> {
  // Git runs in the mirror: a relative path would mean another place there.
  const target = resolve(mirror);
  makeCache(dirname(target));
  await withLock(`${target}.lock`, url, async () => {
    const step = { url, remote: await remoteAt(url, env), target, env, isPartial: false };
    await (existsSync(target) ? fetchRefs(step) : cloneInto(step));
    const commit = await resolveCommit(openRepository(target, env), tip).catch((cause: unknown) => {
      if (!(cause instanceof NoInputError)) throw cause;
      throw new UnavailableError(
        `${url} does not have ${tip.slice(0, 12)}: the archive was rewritten since the run was planned; plan again`,
        { cause },
      );
    });
    await readGit({ gitDir: target, path: target, env }, ['update-ref', '--no-deref', 'HEAD', commit]);
  });
}
