import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readInputText } from '../disk/read.ts';
import type { DeciderRules } from '../model/decider-rules.ts';
import type { ModuleRelease } from '../model/module.ts';
import { type DeciderFile, readDeciderFile, resolveDeciders } from './decider-file.ts';
import { moduleFileName, readModuleFile } from './module-file.ts';
import type { PlainReader } from './plain.ts';

/** One release and its rules, read without the rest of a directory; `null` where the files of these names do not say all of it. */
export async function loadRelease(
  directory: string,
  name: string,
  reader: PlainReader,
): Promise<{ readonly module: ModuleRelease; readonly rules: DeciderRules } | null> {
  const path = join(directory, 'modules', moduleFileName(name));
  if (!existsSync(path)) return null;
  const module = await readModuleFile(`specs/modules/${moduleFileName(name)}`, readInputText(path), reader);
  const rules = await loadRules(directory, name, reader);
  return module.release === name && rules !== null && rules.unexamined.length === 0 ? { module, rules } : null;
}

/** The rules of a release, with those of the releases that it is like, one after the other. */
async function loadRules(directory: string, name: string, reader: PlainReader): Promise<DeciderRules | null> {
  const files: DeciderFile[] = [];
  for (let next: string | undefined = name; next !== undefined; next = files.at(-1)?.plain.like) {
    const file = moduleFileName(next);
    const path = join(directory, 'deciders', file);
    if (!existsSync(path) || files.some(({ plain }) => plain.release === next)) return null;
    const read = await readDeciderFile(`specs/deciders/${file}`, readInputText(path), reader);
    if (read.plain.release !== next) return null;
    files.push(read);
  }
  return resolveDeciders(files).get(name) ?? null;
}
