import type { Knowledge } from '../model/knowledge.ts';
import type { SpecsFolder } from './folder.ts';
import { readNamesFile } from './lists-file.ts';
import type { PlainReader } from './plain.ts';
import { readArguedNames } from './tables.ts';

/** The names of bits that a folder holds: the kernel's own, then those that were argued. */
export async function loadNames(folder: SpecsFolder, reader: PlainReader): Promise<Knowledge['names']> {
  const argued = folder.textIfAny('names.md');
  return [
    ...(await readNamesFile('specs/names.yaml', folder.text('names.yaml'), reader)),
    ...(argued === null ? [] : await readArguedNames('specs/names.md', argued, reader)),
  ];
}
