import { lstatSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DataError } from '../model/errors.ts';
import { compareTexts } from '../model/order.ts';

/** Runs git in a checkout with this input; resolves to its output. */
export type Git = (args: readonly string[], input?: string) => Promise<string>;

/**
 * Writes a folder's files as a tree into a repository, without its index or work tree: what a person has staged stays. Throws a
 * DataError for anything but plain files and folders: it may come from another machine.
 */
export async function writeTree(git: Git, folder: string): Promise<string> {
  const files: string[] = [];
  const folders: { readonly path: string; readonly name: string }[] = [];
  for (const name of readdirSync(folder).sort(compareTexts)) {
    const path = resolve(folder, name);
    const kind = lstatSync(path);
    const isPlain = /^[\w][\w .+-]*$/.test(name);
    if (isPlain && kind.isDirectory()) folders.push({ path, name });
    else if (isPlain && kind.isFile()) files.push(name);
    // What a program that was ended left half written.
    else if (!/^\..*\.(tmp|lock)$/.test(name))
      throw new DataError({
        where: { file: join(folder, JSON.stringify(name)) },
        expected: 'a plain file or folder',
        found: kind.isSymbolicLink() ? 'a link' : 'something else, or an odd name',
      });
  }
  const paths = files.map((name) => `${resolve(folder, name)}\n`).join('');
  const blobs = (await git(['hash-object', '-w', '--no-filters', '--stdin-paths'], paths)).split('\n');
  const entries = files.map((name, index) => `100644 blob ${blobs[index] ?? ''}\t${name}\n`);
  for (const { path, name } of folders) entries.push(`040000 tree ${await writeTree(git, path)}\t${name}\n`);
  return git(['mktree'], entries.join(''));
}
