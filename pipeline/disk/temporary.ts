import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { tryLock } from './kernel.ts';

/** A file that only this process knows, open, empty and locked while it is at work, so that nobody takes it for a dead run's. */
export type Temporary = { readonly path: string; readonly fd: number };

const FILE = /^\.bitwatch-[0-9a-f]{16}\.tmp$/;
const GUARD = /^(\.bitwatch-[0-9a-f]{16})\.guard$/;
/** What a guard says of a folder that takes the place of another. */
const SWAP = 'swap ';
const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

const pending = new Set<string>();
const swept = new Set<string>();

const secretName = (): string => `.bitwatch-${randomBytes(8).toString('hex')}`;

/** Opens a new file of an unpredictable name. Throws the machine's own errors. */
export function openTemporary(folder: string, mode: number): Temporary {
  sweep(folder);
  return openLocked(folder, '.tmp', mode);
}

function openLocked(folder: string, end: string, mode: number): Temporary {
  for (;;) {
    const path = join(folder, `${secretName()}${end}`);
    const fd = openSync(path, NEW_FILE, mode);
    pending.add(path);
    // Between the two calls another run may take the file for a dead one's: then it is gone, and another name is taken.
    if (tryLock(fd) !== false && fstatSync(fd).nlink > 0) return { path, fd };
    closeSync(fd);
    drop(path);
  }
}

/** Closes what was opened and removes it where it still has its name. */
export function endTemporary({ path, fd }: Temporary): void {
  drop(path);
  closeSync(fd);
}

function drop(path: string): void {
  rmSync(path, { recursive: true, force: true });
  pending.delete(path);
}

/**
 * A folder for work in progress, with a locked file beside it that says that its run lives. `end` removes both. One that is to
 * take the place of another (`swapFor`, its name) may come to hold what is not ours, from `ready` on: then only the one who
 * knows what is ours takes it away, see `sweep`.
 */
export function temporaryFolder(
  parent: string,
  swapFor: string | null = null,
): { readonly path: string; readonly ready: () => void; readonly end: () => void } {
  sweep(parent);
  const guard = openLocked(parent, '.guard', 0o600);
  const path = guard.path.replace(/guard$/, 'new');
  try {
    mkdirSync(path, 0o777);
  } catch (error) {
    endTemporary(guard);
    throw error;
  }
  pending.add(path);
  let isReady = false;
  return {
    path,
    ready: () => {
      isReady = true;
      pending.delete(path);
      pending.delete(guard.path);
      writeSync(guard.fd, `${SWAP}${swapFor ?? ''}\n`);
      fsyncSync(guard.fd);
    },
    end: () => {
      // What may hold more than ours is taken away by who knows; the guard tells the next run of what is left.
      if (isReady && existsSync(path)) return closeSync(guard.fd);
      drop(path);
      endTemporary(guard);
    },
  };
}

/** What a run that is ended by a signal takes away before it goes. */
export function removeTemporaries(): void {
  for (const path of pending)
    try {
      drop(path);
    } catch {
      // The next run in this folder finds it.
    }
}

/** What is done with a folder that was to take the place of `name`, or has: whatever in it is not ours goes back there. */
type Rescue = (left: string, name: string) => void;

/** Removes what runs that were killed left in a folder: their locks ended with them. Looked at once a run. */
export function sweep(folder: string, rescue: Rescue | null = null): void {
  const own = resolve(folder);
  if (swept.has(own) && rescue === null) return;
  swept.add(own);
  for (const name of namesIn(own)) {
    const stem = GUARD.exec(name)?.[1];
    if (FILE.test(name)) ifDead(join(own, name), () => true);
    else if (stem !== undefined) ifDead(join(own, name), (fd) => endFolder(join(own, `${stem}.new`), fd, rescue));
  }
}

/** False where the folder stays for somebody who knows what is in it. */
function endFolder(path: string, guard: number, rescue: Rescue | null): boolean {
  const swap = readSome(guard);
  if (!swap.startsWith(SWAP)) rmSync(path, { recursive: true, force: true });
  else if (rescue === null) return false;
  else rescue(path, swap.slice(SWAP.length).trimEnd());
  return true;
}

function readSome(fd: number): string {
  const bytes = Buffer.alloc(4096);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Removes a file that nobody has locked, after the work that has to come before. What cannot be opened is left alone. */
function ifDead(path: string, work: (fd: number) => boolean): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return;
  }
  try {
    if (fstatSync(fd).isFile() && tryLock(fd) === true && work(fd)) unlinkSync(path);
  } catch {
    // Another run was quicker, or this one may not; nothing of it depends on that.
  } finally {
    closeSync(fd);
  }
}
