import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readInputText } from '../disk/read.ts';
import { compareTexts } from '../model/order.ts';

/** A folder of specifications, which remembers what was read of it. Names are relative to it. */
export type SpecsFolder = {
  readonly directory: string;
  /** The YAML files of a folder in it, in the order of their names whatever the directory's; null where there is no such folder. */
  readonly list: (folder: string) => readonly string[] | null;
  /** What a file holds. Throws a NoInputError where there is none. */
  readonly text: (name: string) => string;
  /** What a file holds, null where there is none. */
  readonly textIfAny: (name: string) => string | null;
  /** Whether all that was read of it would be read the same now. */
  readonly stands: () => boolean;
};

export function openFolder(directory: string): SpecsFolder {
  const lists = new Map<string, readonly string[] | null>();
  const texts = new Map<string, string | null>();
  const kept = <K, T extends K>(all: Map<string, K>, name: string, value: T): T => {
    all.set(name, value);
    return value;
  };
  return {
    directory,
    list: (folder) => kept(lists, folder, listOf(join(directory, folder))),
    text: (name) => kept(texts, name, readInputText(join(directory, name))),
    textIfAny: (name) => kept(texts, name, textOf(join(directory, name))),
    stands: () => {
      try {
        return (
          [...lists].every(([name, list]) => `${listOf(join(directory, name))}` === `${list}`) &&
          [...texts].every(([name, text]) => textOf(join(directory, name)) === text)
        );
      } catch {
        return false;
      }
    },
  };
}

const listOf = (path: string): readonly string[] | null =>
  existsSync(path)
    ? readdirSync(path)
        .filter((name) => name.endsWith('.yaml'))
        .sort(compareTexts)
    : null;

const textOf = (path: string): string | null => (existsSync(path) ? readInputText(path) : null);

/** All YAML files of a folder, read in the order of their names. */
export async function readAll<T>(
  folder: SpecsFolder,
  name: string,
  read: (file: string, text: string) => Promise<T>,
): Promise<readonly { readonly file: string; readonly value: T }[]> {
  const files: { file: string; value: T }[] = [];
  for (const each of folder.list(name) ?? [])
    files.push({
      file: `specs/${name}/${each}`,
      value: await read(`specs/${name}/${each}`, folder.text(join(name, each))),
    });
  return files;
}
