import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CannotCreateError } from '../model/errors.ts';
import { isPlainName } from './name.ts';
import { writeFileAtomically } from './write.ts';

/** The file that says which others of its folder this program wrote, and with which content. */
export const MANIFEST = '.bitwatch-manifest.json';
const SCHEMA = 'bitwatch.folder/1';

/** The files of a folder that are ours: each name with the SHA-256 of every content that was written under it. */
export type Owned = ReadonlyMap<string, readonly string[]>;

export const hashOf = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

export const manifestText = (owned: Owned): string =>
  `${JSON.stringify({ schema: SCHEMA, files: Object.fromEntries([...owned].sort(([a], [b]) => (a < b ? -1 : 1))) }, null, 1)}\n`;

/** What a folder's manifest says; null where it has none of ours. */
export function readOwned(folder: string): Owned | null {
  try {
    const value: unknown = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'));
    if (typeof value !== 'object' || value === null || !('files' in value) || !('schema' in value)) return null;
    if (value.schema !== SCHEMA || typeof value.files !== 'object' || value.files === null) return null;
    // A name that is no plain one was not written by us.
    const entries = Object.entries(value.files).flatMap(([name, hashes]): [string, readonly string[]][] =>
      isPlainName(name) && Array.isArray(hashes) ? [[name, hashes.map(String)]] : [],
    );
    return new Map(entries);
  } catch {
    return null;
  }
}

/** Whether a file is there as we wrote it. */
export function isUnchanged(folder: string, name: string, owned: Owned): boolean {
  const path = join(folder, name);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true && owned.get(name)?.includes(hashOf(readFileSync(path))) === true;
}

/** The names in a folder, without what is only there while a run is at work. */
export const entriesOf = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name !== MANIFEST && !/^\.bitwatch-[0-9a-f]{16}\.(tmp|guard|new)$/.test(name))
    .sort();

/**
 * Takes away files that an earlier run left under these names: only as we wrote them. Throws a CannotCreateError, before
 * anything is removed, where one was changed since or is somebody else's.
 */
export function removeOwned(folder: string, names: readonly string[]): void {
  const owned = readOwned(folder) ?? new Map();
  const there = names.filter((name) => lstatSync(join(folder, name), { throwIfNoEntry: false }) !== undefined);
  const foreign = there.find((name) => !isUnchanged(folder, name, owned));
  if (foreign !== undefined)
    throw new CannotCreateError(
      `${join(folder, foreign)}: not written by bitwatch, or changed since: move it away, or name another folder with --directory`,
    );
  for (const name of there) rmSync(join(folder, name), { force: true });
}

/** Takes down that files of a folder are ours, as far as they are there. */
export function claim(folder: string, names: readonly string[]): void {
  const there = names.filter((name) => lstatSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true);
  if (there.length === 0) return;
  const owned = new Map(readOwned(folder) ?? []);
  for (const name of there) owned.set(name, [hashOf(readFileSync(join(folder, name)))]);
  writeFileAtomically(join(folder, MANIFEST), manifestText(owned));
}
