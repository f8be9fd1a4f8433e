import { accessSync, constants, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pid } from 'node:process';
import { CannotCreateError, UsageError } from '../model/errors.ts';
import { writeFault } from './fault.ts';

/** Where an output goes: a file that is replaced, with its mode and owner where it is there, or a stream that is written through. */
export type Target =
  | { readonly kind: 'file'; readonly path: string; readonly old: Stats | null }
  /** `fd` where it is one of this process's own. */
  | { readonly kind: 'stream'; readonly path: string; readonly fd: number | null };

/**
 * What an output's path stands for. A link is followed to a regular file; a character device, a pipe and an open stream are
 * written through; a folder, a block device, a socket and a link to nothing are refused: a CannotCreateError, before any work.
 */
export function targetOf(path: string): Target {
  if (path === '' || path.includes('\0') || /[/\\]$/.test(path))
    throw new CannotCreateError(`${JSON.stringify(path)}: expected the name of a file`);
  try {
    const fd = ownStream(path);
    return fd === null ? namedTarget(path) : { kind: 'stream', path, fd };
  } catch (error) {
    throw writeFault(path, error);
  }
}

function namedTarget(path: string): Target {
  const old = statSync(path, { throwIfNoEntry: false });
  if (old === undefined) {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw new CannotCreateError(`${path}: expected a file, found a link to nothing; remove it or name its target`);
    return { kind: 'file', path: resolve(path), old: null };
  }
  if (old.isFile()) {
    // A rename would replace a file that nobody may write to.
    accessSync(path, constants.W_OK);
    return { kind: 'file', path: realpathSync(path), old };
  }
  if (old.isCharacterDevice() || old.isFIFO()) return { kind: 'stream', path, fd: null };
  throw new CannotCreateError(`${path}: expected a file, found ${kindOf(old)}`);
}

const kindOf = (stats: Stats): string =>
  stats.isDirectory()
    ? 'a folder'
    : stats.isBlockDevice()
      ? 'a block device'
      : stats.isSocket()
        ? 'a socket'
        : 'neither';

/** The descriptor that `/dev/stdout`, `/dev/fd/3` and links to them name; null for other paths. */
function ownStream(path: string): number | null {
  let at = resolve(path);
  for (let hop = 0; hop < 40; hop += 1) {
    try {
      const folder = realpathSync(dirname(at));
      const owner = /^\/proc\/(\d+)(?:\/task\/\d+)?\/fd$/.exec(folder)?.[1];
      const isOwn = folder === '/dev/fd' || owner === String(pid);
      if (isOwn && /^\d{1,9}$/.test(basename(at))) return Number(basename(at));
      at = resolve(folder, readlinkSync(at));
    } catch {
      return null;
    }
  }
  return null;
}

/** Refuses outputs that cannot be written as far as that shows, and two that are one file, before any work is done. */
export function checkOutputs(paths: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const target = targetOf(path);
    if (target.kind === 'stream') continue;
    const other = seen.get(target.path);
    if (other !== undefined)
      throw new UsageError(`${JSON.stringify(other)} and ${JSON.stringify(path)} are one file; name two`);
    seen.set(target.path, path);
  }
}
