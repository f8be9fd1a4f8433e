import { join } from 'node:path';
import { DataError } from '../model/errors.ts';

/** A name that a file system takes as one: it begins with a letter or digit, so that it is no `..`, no option and not hidden. */
export const isPlainName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/.test(name);

/**
 * The path of a file whose name came from input, in a folder of ours: the only way from one to the other. Throws a DataError for
 * a name that could lead elsewhere; `source` says where the name was read.
 */
export function inside(folder: string, name: string, source: string): string {
  if (!isPlainName(name))
    throw new DataError({
      where: { file: source },
      expected: 'a plain name: letters, digits and ._+-, 200 at most',
      found: JSON.stringify(name.slice(0, 80)),
    });
  return join(folder, name);
}
