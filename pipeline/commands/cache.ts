import { cacheFile, specsDirectory } from '../cases/context.ts';
import { openCache } from '../specs/cache.ts';
import { loadSpecs } from '../specs/store.ts';
import type { Context } from './context.ts';

/** `bitwatch cache`: reads and validates all of specs/ and keeps the parsed form beside the program; part of the build. */
export async function cacheCommand(context: Context): Promise<void> {
  const cache = openCache(cacheFile(context));
  await loadSpecs(specsDirectory(context), cache);
  cache.save();
}
