import { lstatSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DataError } from '../model/errors.ts';
import { compareTexts } from '../model/order.ts';

/** Runs git in a checkout with this input; resolves to its output. */
export type Git = (args: readonly string[], input?: string) => Promise<string>;

type Folder = { readonly path: string; readonly files: readonly string[]; readonly folders: readonly string[] };

/**
 * Writes a folder's files as a tree into a repository, without its index or work tree: what a person has staged stays. Throws a
 * DataError for anything but plain files and folders: it may come from another machine. Git is started once for all files and once for
 * the folders of each depth, the deepest first.
 */
export async function writeTree(git: Git, folder: string): Promise<string> {
  const levels: (readonly Folder[])[] = [];
  for (let level = [listed(resolve(folder))]; level.length > 0; level = level.flatMap(below)) levels.push(level);
  const files = levels.flat().flatMap(({ path, files: names }) => names.map((name) => join(path, name)));
  const hashes = await git(
    ['hash-object', '-w', '--no-filters', '--stdin-paths'],
    files.map((path) => `${path}\n`).join(''),
  );
  const blobs = new Map(hashes.split('\n').map((id, index) => [files[index], id]));
  const trees = new Map<string, string>();
  for (const level of levels.reverse()) {
    const texts = level.map(({ path, files: names, folders }) =>
      [
        ...names.map((name) => `100644 blob ${blobs.get(join(path, name)) ?? ''}\t${name}\n`),
        ...folders.map((name) => `040000 tree ${trees.get(join(path, name)) ?? ''}\t${name}\n`),
        '\n',
      ].join(''),
    );
    const ids = (await git(['mktree', '--batch'], texts.join(''))).split('\n');
    for (const [index, { path }] of level.entries()) trees.set(path, ids[index] ?? '');
  }
  return trees.get(resolve(folder)) ?? '';
}

const below = ({ path, folders }: Folder): readonly Folder[] => folders.map((name) => listed(join(path, name)));

function listed(path: string): Folder {
  const [files, folders]: [string[], string[]] = [[], []];
  for (const name of readdirSync(path).sort(compareTexts)) {
    const kind = lstatSync(join(path, name));
    const isPlain = /^[\w][\w .+-]*$/.test(name);
    if (isPlain && kind.isDirectory()) folders.push(name);
    else if (isPlain && kind.isFile()) files.push(name);
    // What a program that was ended left half written.
    else if (!/^\..*\.(tmp|lock)$/.test(name))
      throw new DataError({
        where: { file: join(path, JSON.stringify(name)) },
        expected: 'a plain file or folder',
        found: kind.isSymbolicLink() ? 'a link' : 'something else, or an odd name',
      });
  }
  return { path, files, folders };
}
