import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { kill, pid } from 'node:process';
import { UnavailableError } from '../model/errors.ts';

/**
 * Does work that no two runs may do at once. The lock is a file that holds the process id; one whose process has ended, as
 * after a crash, is taken over. Throws an UnavailableError where another run is at work.
 */
export async function withLock<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  if (!create(file)) {
    takeOver(file, what);
    if (!create(file)) throw busy(what, ownerOf(file));
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function create(file: string): boolean {
  try {
    writeFileSync(file, `${pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw new UnavailableError(`${file}: cannot be written (${codeOf(error) ?? 'unknown'})`, { cause: error });
  }
}

/** Moves a dead run's lock out of the way; a lock that somebody took in the meantime goes back. */
function takeOver(file: string, what: string): void {
  const owner = ownerOf(file);
  if (owner === null) return;
  if (isAlive(owner)) throw busy(what, owner);
  const aside = `${file}.${pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = ownerOf(aside);
  if (moved === owner) {
    rmSync(aside, { force: true });
    return;
  }
  renameSync(aside, file);
  throw busy(what, moved);
}

/** The process id in a lock, 0 in one that was cut short, null where the lock has gone. */
function ownerOf(file: string): number | null {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || 0;
  } catch {
    return null;
  }
}

function isAlive(owner: number): boolean {
  if (owner <= 0) return false;
  try {
    kill(owner, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

const busy = (what: string, owner: number | null): UnavailableError =>
  new UnavailableError(`${what} is in use by another run${owner === null ? '' : ` (process ${owner})`}; try again`);
