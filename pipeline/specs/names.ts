import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readInputText } from '../disk/read.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { readNamesFile } from './lists-file.ts';
import type { PlainReader } from './plain.ts';
import { readArguedNames } from './tables.ts';

/** The names of bits that a directory holds: the kernel's own, then those that were argued. */
export async function loadNames(directory: string, reader: PlainReader): Promise<Knowledge['names']> {
  const text = (name: string): string => readInputText(join(directory, name));
  return [
    ...(await readNamesFile('specs/names.yaml', text('names.yaml'), reader)),
    ...(existsSync(join(directory, 'names.md'))
      ? await readArguedNames('specs/names.md', text('names.md'), reader)
      : []),
  ];
}
