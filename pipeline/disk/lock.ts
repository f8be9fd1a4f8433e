import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pid } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../model/errors.ts';
import { writeFault } from './fault.ts';
import { noLocks, tryLock } from './kernel.ts';

/** How a run waits for another: told how long to sleep, in milliseconds. */
type Sleep = (milliseconds: number) => Promise<void>;

type Patience = {
  readonly sleep: Sleep;
  /** All that it may wait, in milliseconds. */
  readonly limit: number;
};

/** Long enough for a run that reads a whole archive or fetches a kernel. */
export const WAIT: Patience = { sleep: (milliseconds) => sleep(milliseconds), limit: 30 * 60_000 };

/** The lock of a file, hidden beside it: who lists, copies or proposes the folder does not take it for one of its files. */
export const lockBeside = (file: string, end = '.lock'): string => join(dirname(file), `.${basename(file)}${end}`);

/** Another run is at work. */
class BusyError extends UnavailableError {}

/**
 * Does work that no two runs may do at once. The lock is the kernel's, on an open file: it ends with the process that holds it,
 * in whatever container, and what the file says is for people. Waits as long as it may, then throws a BusyError (69).
 */
export async function withLock<T>(
  file: string,
  what: string,
  work: () => Promise<T>,
  patience: Patience | null = null,
): Promise<T> {
  const fd = await acquire(file, what, patience);
  try {
    return await work();
  } finally {
    // Under the lock: whoever waits finds the file gone and makes his own.
    try {
      if (isNamed(fd, file)) unlinkSync(file);
    } catch {
      // Somebody removed it, or the folder: the lock ends all the same.
    }
    closeSync(fd);
  }
}

async function acquire(file: string, what: string, patience: Patience | null): Promise<number> {
  let waited = 0;
  for (;;) {
    const fd = tryOpen(file);
    if (fd !== null) return fd;
    if (patience === null || waited >= patience.limit) throw busy(file, what, waited);
    const pause = Math.min(2000, 50 + waited / 4);
    await patience.sleep(pause);
    waited += pause;
  }
}

/** The open file with its lock; null where another process has it. */
function tryOpen(file: string): number | null {
  for (;;) {
    const fd = opened(file);
    try {
      const isOurs = tryLock(fd);
      if (isOurs === null) throw noLocks(file);
      if (!isOurs) {
        closeSync(fd);
        return null;
      }
      // Its owner may have removed it between the two calls: a lock on a file without a name keeps nobody out.
      if (isNamed(fd, file)) {
        sign(fd);
        return fd;
      }
    } catch (error) {
      closeSync(fd);
      throw writeFault(file, error);
    }
    closeSync(fd);
  }
}

/** Who holds it, for people: a disk that is full keeps nobody from locking. */
function sign(fd: number): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, `process ${pid} on ${hostname()}\n`, 0);
  } catch {
    // The lock stands all the same.
  }
}

/** Whether the name still is that of the open file. */
function isNamed(fd: number, file: string): boolean {
  const [own, named] = [fstatSync(fd), statSync(file, { throwIfNoEntry: false })];
  return own.ino === named?.ino && own.dev === named.dev;
}

function opened(file: string): number {
  try {
    return openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o644);
  } catch (error) {
    throw writeFault(file, error);
  }
}

function busy(file: string, what: string, waited: number): BusyError {
  const owner = /^process \d{1,10} on [\w.-]{1,255}(?=\n)/.exec(readOwner(file))?.[0] ?? 'another run';
  const time = waited === 0 ? '' : `, also after ${Math.round(waited / 1000)} s`;
  return new BusyError(
    `${what} is in use by another run${time}: ${owner} holds ${file}. Wait for it or end it: the lock ends with it, and the file need not be removed`,
  );
}

function readOwner(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
