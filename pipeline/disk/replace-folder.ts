import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { cwd } from 'node:process';
import { CannotCreateError, IoError } from '../model/errors.ts';
import { isFault, writeFault } from './fault.ts';
import { makeFolder } from './folder.ts';
import { exchange } from './kernel.ts';
import { inside } from './name.ts';
import { entriesOf, hashOf, isUnchanged, MANIFEST, manifestText, type Owned, readOwned } from './owned.ts';
import { sweep, temporaryFolder } from './temporary.ts';
import { writeFiles } from './write.ts';

/** A file of the folder: a plain name and its content. */
export type Page = { readonly name: string; readonly content: string | Uint8Array };

const NOTHING: Owned = new Map();

/**
 * Refuses a folder that is neither empty nor of this program's making, unless `takeOver` says to write into it all the same.
 * Throws a CannotCreateError. Whoever is to write there asks this before the work.
 */
export function checkFolder(directory: string, takeOver: boolean): void {
  if (directory === '' || directory.includes('\0'))
    throw new CannotCreateError(`${JSON.stringify(directory)}: expected the name of a folder`);
  try {
    const stats = statSync(directory, { throwIfNoEntry: false });
    if (stats === undefined) {
      if (lstatSync(directory, { throwIfNoEntry: false }) !== undefined)
        throw new CannotCreateError(`${directory}: expected a folder, found a link to nothing`);
      return;
    }
    if (!stats.isDirectory()) throw new CannotCreateError(`${directory}: expected a folder, found something else`);
    rescueIn(directory);
    const [first] = entriesOf(directory);
    if (first !== undefined && readOwned(directory) === null && !takeOver)
      throw new CannotCreateError(
        `${directory}: neither empty nor a folder that bitwatch wrote (it holds ${JSON.stringify(first)}); name another with --directory, or say --take-over: what it holds under other names stays`,
      );
  } catch (error) {
    throw writeFault(directory, error);
  }
}

/**
 * Makes a folder hold these pages, all at once: they are written to a folder beside it, which then takes its name. Of what was
 * there only files that an earlier run wrote, and nobody changed since, go. Where the folder is a mount, or its parent may not
 * be written, the files are replaced one by one.
 */
export function replaceFolder(directory: string, pages: readonly Page[], takeOver: boolean): void {
  checkFolder(directory, takeOver);
  try {
    const old = statSync(directory, { throwIfNoEntry: false }) ?? null;
    const target = old === null ? resolve(directory) : realpathSync(directory);
    const before = old === null ? NOTHING : (readOwned(target) ?? NOTHING);
    if (old !== null) checkPages(directory, target, { pages, before, takeOver });
    makeFolder(dirname(target));
    if (!swapFolder(target, pages, before, old)) replaceFiles(target, pages, before);
  } catch (error) {
    throw writeFault(directory, error);
  }
}

type Plan = { readonly pages: readonly Page[]; readonly before: Owned; readonly takeOver: boolean };

function checkPages(directory: string, target: string, { pages, before, takeOver }: Plan): void {
  const foreign = pages.find(({ name }) => {
    const stats = lstatSync(inside(target, name, 'a page of the report'), { throwIfNoEntry: false });
    return stats !== undefined && (takeOver ? !stats.isFile() : !isUnchanged(target, name, before));
  });
  if (foreign !== undefined)
    throw new CannotCreateError(
      `${join(directory, foreign.name)}: not written by bitwatch, or changed since: move it away${takeOver ? '' : ', or say --take-over to replace it'}`,
    );
}

const ownedBy = (pages: readonly Page[]): Map<string, readonly string[]> =>
  new Map(pages.map(({ name, content }) => [name, [hashOf(content)]]));

/** False where names cannot be exchanged here: nothing has changed then. */
function swapFolder(target: string, pages: readonly Page[], before: Owned, old: Stats | null): boolean {
  // A shell that stands in the folder would stand in a removed one.
  if (old !== null && `${realpathSync(cwd())}/`.startsWith(`${target}/`)) return false;
  let beside: ReturnType<typeof temporaryFolder>;
  try {
    beside = temporaryFolder(dirname(target), basename(target));
  } catch (error) {
    if (old !== null && isFault(error) && /^(EACCES|EPERM|EROFS)$/.test(error.code)) return false;
    throw error;
  }
  try {
    for (const { name, content } of pages) writeFileSync(join(beside.path, name), content, { flag: 'wx' });
    writeFileSync(join(beside.path, MANIFEST), manifestText(ownedBy(pages)), { flag: 'wx', flush: true });
    if (old === null) {
      renameSync(beside.path, target);
      return true;
    }
    keepMode(beside.path, old);
    carryFiles(target, beside.path, before);
    beside.ready();
    const isSwapped = exchange(beside.path, target);
    discard(beside.path, target, isSwapped ? before : ownedBy(pages));
    return isSwapped;
  } finally {
    beside.end();
  }
}

function keepMode(path: string, old: Stats): void {
  const own = statSync(path);
  if (own.uid !== old.uid || own.gid !== old.gid)
    try {
      chownSync(path, old.uid, old.gid);
    } catch {
      // A user may not give folders away.
    }
  chmodSync(path, old.mode & 0o7777);
}

/** Gives files that are not ours a second name in the new folder, so that they are never without one. */
function carryFiles(from: string, to: string, before: Owned): void {
  for (const name of entriesOf(from)) {
    const [path, other] = [join(from, name), join(to, name)];
    const stats = lstatSync(path);
    if (lstatSync(other, { throwIfNoEntry: false }) !== undefined || isUnchanged(from, name, before)) continue;
    try {
      if (stats.isSymbolicLink()) symlinkSync(readlinkSync(path), other);
      else if (!stats.isDirectory()) linkSync(path, other);
    } catch {
      // Where no second name may be given it moves when the folder has, as folders do.
    }
  }
}

/**
 * Takes away a folder that was replaced, or was to take the place of another: files of ours and second names go, all else goes
 * to the folder that stands. What cannot go there stays, and is told.
 */
function discard(left: string, standing: string, before: Owned): void {
  for (const name of entriesOf(left)) {
    const [path, other] = [join(left, name), join(standing, name)];
    const [stats, there] = [lstatSync(path), lstatSync(other, { throwIfNoEntry: false })];
    if (there === undefined && !isUnchanged(left, name, before)) renameSync(path, other);
    else if (there?.ino === stats.ino || stats.isSymbolicLink() || isUnchanged(left, name, before)) unlinkSync(path);
    // With --take-over, a file that a page has replaced; never a folder.
    else if (stats.isFile()) unlinkSync(path);
    else throw new IoError(`${path}: cannot go back to ${standing}, where that name is taken; move it by hand`);
  }
  rmSync(join(left, MANIFEST), { force: true });
  rmdirSync(left);
}

/** Ends what a run left that was killed while it replaced a folder beside this one, or this one. */
function rescueIn(directory: string): void {
  sweep(dirname(realpathSync(directory)), (left, name) => {
    if (statSync(left, { throwIfNoEntry: false }) === undefined) return;
    discard(left, join(dirname(left), basename(name)), readOwned(left) ?? NOTHING);
  });
}

/** One by one: the manifest names the old and the new content meanwhile, so that a run that is killed loses nothing. */
function replaceFiles(target: string, pages: readonly Page[], before: Owned): void {
  const after = ownedBy(pages);
  const both = new Map(after);
  for (const [name, hashes] of before) both.set(name, [...hashes, ...(after.get(name) ?? [])]);
  const manifest = join(target, MANIFEST);
  writeFiles([{ path: manifest, content: manifestText(both) }]);
  writeFiles(pages.map(({ name, content }) => ({ path: join(target, name), content })));
  for (const name of before.keys())
    if (!after.has(name) && isUnchanged(target, name, before)) unlinkSync(join(target, name));
  writeFiles([{ path: manifest, content: manifestText(after) }]);
}
