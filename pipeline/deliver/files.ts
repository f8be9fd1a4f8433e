import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../git/folder.ts';
import { EXIT, KnownError } from '../model/errors.ts';

export type OutputFile = { readonly path: string; readonly content: string | Uint8Array };

/**
 * Writes all files or none: each goes to a temporary name beside its target first, and only when all are written are they
 * renamed. A failure removes what was begun and leaves the old files.
 */
export function writeFiles(files: readonly OutputFile[]): void {
  const begun: { readonly temporary: string; readonly path: string }[] = [];
  try {
    // What a rename could refuse is found before the first one.
    const taken = files.find(({ path }) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
    if (taken !== undefined) throw new Error(`${taken.path} is a directory`);
    for (const { path, content } of files) {
      makeFolder(dirname(path));
      const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
      begun.push({ temporary, path });
      writeFileSync(temporary, content, { flush: files.length < 8 });
    }
    for (const { temporary, path } of begun) renameSync(temporary, path);
  } catch (error) {
    for (const { temporary } of begun) rmSync(temporary, { force: true });
    throw new KnownError(
      EXIT.noInput,
      `cannot write: ${error instanceof Error ? error.message : String(error)}; nothing was changed`,
      { cause: error },
    );
  }
}

/** Removes files of a directory that a run no longer writes: a page of a pair that is gone would read as current. */
export function removeStale(directory: string, kept: ReadonlySet<string>, extension: string): void {
  for (const name of readdirSync(directory))
    if (name.endsWith(extension) && !kept.has(name)) rmSync(join(directory, name));
}

/** Removes files as far as they are there. */
export function removeFiles(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true });
}
