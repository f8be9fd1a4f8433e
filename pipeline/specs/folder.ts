import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readInputText } from '../disk/read.ts';
import { compareTexts } from '../model/order.ts';

/** All YAML files of a folder, in the order of their names whatever the directory's. */
export async function readAll<T>(
  directory: string,
  folder: string,
  read: (file: string, text: string) => Promise<T>,
): Promise<readonly { readonly file: string; readonly value: T }[]> {
  const path = join(directory, folder);
  const names = existsSync(path)
    ? readdirSync(path)
        .filter((name) => name.endsWith('.yaml'))
        .sort(compareTexts)
    : [];
  const files: { file: string; value: T }[] = [];
  for (const name of names)
    files.push({
      file: `specs/${folder}/${name}`,
      value: await read(`specs/${folder}/${name}`, readInputText(join(path, name))),
    });
  return files;
}
