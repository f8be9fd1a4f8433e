import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CannotCreateError } from '../model/errors.ts';
import { faultCode, writeFault } from './fault.ts';
import { makeFolder } from './folder.ts';
import { type Target, targetOf } from './target.ts';
import { endTemporary, openTemporary, type Temporary } from './temporary.ts';

export type OutputFile = { readonly path: string; readonly content: string | Uint8Array };

/** Replaces one file at once: a reader sees the old one or the new one, never half. See `writeFiles`. */
export const writeFileAtomically = (path: string, content: string | Uint8Array): void =>
  writeFiles([{ path, content }]);

/** Removes a file that the program wrote; one that is gone already is no fault. */
export const removeFile = (path: string): void => naming(path, () => rmSync(path, { force: true }));

type FileTarget = Target & { readonly kind: 'file' };
type Begun = { readonly name: string; readonly target: FileTarget; readonly temporary: Temporary };

/**
 * Writes all files or none: each goes to a new file beside its target, with the target's mode, and only when all are written
 * and every stream took its part are they renamed. Throws a CannotCreateError (73) or an IoError (74) that names the path.
 */
export function writeFiles(files: readonly OutputFile[]): void {
  // What cannot be written is refused before the first byte.
  const targets = files.map((file) => ({ ...file, target: targetOf(file.path) }));
  const begun: Begun[] = [];
  try {
    for (const { path, content, target } of targets)
      if (target.kind === 'file') naming(path, () => begun.push(begin(path, target, content, files.length < 8)));
    for (const { path, content, target } of targets)
      if (target.kind === 'stream') naming(path, () => writeThrough(target, content));
    for (const { name, temporary, target } of begun) naming(name, () => renameSync(temporary.path, target.path));
  } finally {
    for (const { temporary } of begun) endTemporary(temporary);
  }
}

function naming(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw writeFault(path, error);
  }
}

function begin(name: string, target: FileTarget, content: string | Uint8Array, isFlushed: boolean): Begun {
  const folder = dirname(target.path);
  makeFolder(folder);
  const temporary = openTemporary(folder, target.old === null ? 0o666 : target.old.mode & 0o777);
  try {
    if (target.old !== null) takeAfter(temporary.fd, target.old);
    writeAll(temporary.fd, content);
    if (isFlushed) fsyncSync(temporary.fd);
  } catch (error) {
    endTemporary(temporary);
    throw error;
  }
  return { name, target, temporary };
}

/** The new file belongs to whom the old one did, as far as this user may give it, and has its mode. */
function takeAfter(fd: number, old: { readonly uid: number; readonly gid: number; readonly mode: number }): void {
  const own = fstatSync(fd);
  if (own.uid !== old.uid || own.gid !== old.gid)
    try {
      fchownSync(fd, old.uid, old.gid);
    } catch {
      // A user may not give files away; the folder let him replace this one.
    }
  fchmodSync(fd, old.mode & 0o7777);
}

function writeThrough({ path, fd }: Target & { readonly kind: 'stream' }, content: string | Uint8Array): void {
  if (fd !== null) {
    writeAll(fd, content);
    return;
  }
  const opened = openSync(path, constants.O_WRONLY | constants.O_NOCTTY);
  try {
    // It may have been exchanged since it was looked at.
    if (fstatSync(opened).isFile()) throw new CannotCreateError(`${path}: became another kind of file; try again`);
    writeAll(opened, content);
  } finally {
    closeSync(opened);
  }
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it, also into a pipe that takes it in parts and is full now and then. Throws the machine's own errors. */
export function writeAll(fd: number, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (faultCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(clock, 0, 0, 5);
    }
  }
}
