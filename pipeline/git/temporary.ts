import { AsyncLocalStorage } from 'node:async_hooks';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFault } from '../disk/fault.ts';
import { temporaryFolder } from '../disk/temporary.ts';

/** Folders that hold repositories of this program's own, and how each is removed. */
type Folders = Map<string, () => void>;

/** Those of each run that is under way: all of a run go when it ends. */
const runs = new AsyncLocalStorage<Folders>();
/** What was made outside of a run; it goes with the process, or with the next one's sweep. */
const others: Folders = new Map();
const folders = (): Folders => runs.getStore() ?? others;

/** Does the work of a run and removes every temporary repository that it made, whichever way it ends. */
export function withTemporaries<T>(work: () => Promise<T>): Promise<T> {
  const own: Folders = new Map();
  return runs.run(own, async () => {
    try {
      return await work();
    } finally {
      for (const folder of [...own.keys()]) removeTemporary(folder);
    }
  });
}

/** A place for a repository of this run, where there is none yet. Throws a KnownError (73, 74) where there is no room for it. */
export function makeTemporary(): string {
  const parent = tmpdir();
  try {
    const { path, end } = temporaryFolder(parent);
    const gitDir = join(path, 'git');
    folders().set(gitDir, end);
    return gitDir;
  } catch (error) {
    throw writeFault(parent, error);
  }
}

export function removeTemporary(gitDir: string): void {
  folders().get(gitDir)?.();
  folders().delete(gitDir);
}
