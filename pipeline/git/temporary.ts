import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill, pid } from 'node:process';
import { EXIT, KnownError } from '../model/errors.ts';

/** Folders that hold repositories of this program's own, of each run that is under way; all of a run go when it ends. */
const runs = new AsyncLocalStorage<Set<string>>();
/** What was made outside of a run. */
const others = new Set<string>();
const folders = (): Set<string> => runs.getStore() ?? others;

/** Does the work of a run and removes every temporary repository that it made, whichever way it ends. */
export function withTemporaries<T>(work: () => Promise<T>): Promise<T> {
  const own = new Set<string>();
  return runs.run(own, async () => {
    try {
      return await work();
    } finally {
      for (const folder of [...own]) removeTemporary(folder);
    }
  });
}

/**
 * Makes a private folder for repositories of this run. Its name says whose it is, so that what a killed run left goes with the
 * next one. Throws a KnownError (73) where there is no room for it.
 */
export function makeTemporary(): string {
  const parent = tmpdir();
  if (folders().size === 0) removeDead(parent);
  try {
    const folder = mkdtempSync(join(parent, `bitwatch-git-${namespace()}-${pid}-`));
    folders().add(folder);
    return folder;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KnownError(EXIT.cannotCreate, `${parent}: no temporary repository can be made: ${reason}`, {
      cause: error,
    });
  }
}

export function removeTemporary(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders().delete(folder);
}

/** Process ids mean something within their namespace only: a container's 7 is not the machine's 7. */
function namespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

/** Removes what runs of this user left that were killed: folders named after a process that is no more. */
function removeDead(parent: string): void {
  const own = namespace();
  for (const name of existsSync(parent) ? readdirSync(parent) : []) {
    const [, space, owner] = /^bitwatch-git-(\d+)-(\d+)-\w{6}$/.exec(name) ?? [];
    if (space !== own || owner === undefined || Number(owner) === pid || isAlive(Number(owner))) continue;
    const folder = join(parent, name);
    try {
      // A link, or another user's, is not what this program left.
      if (lstatSync(folder).isDirectory()) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Somebody else's, or another run took it away.
    }
  }
}

function isAlive(owner: number): boolean {
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
