import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { writeFault } from './fault.ts';

/**
 * Makes a folder and those above it that are not there. Node's own recursive form never returns where a file system refuses
 * a folder below one that is there, as /proc does. Throws a CannotCreateError or an IoError.
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // Another run may have made it in between.
      if (!existsSync(folder)) throw writeFault(path, error);
    }
  }
}
