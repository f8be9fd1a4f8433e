import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../git/folder.ts';

/** Writes to a temporary name in the same directory and renames: a reader sees the old file or the new one, never half. */
export function writeFileAtomically(file: string, content: string | Uint8Array): void {
  const directory = dirname(file);
  makeFolder(directory);
  const temporary = join(directory, `.${basename(file)}.${process.pid}.tmp`);
  try {
    writeFileSync(temporary, content, { flush: true });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
