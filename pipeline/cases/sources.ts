import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NO_CACHE, readPlain } from '../specs/plain.ts';
import type { PlainSources } from '../specs/sources-shape.ts';
import { type Context, specsDirectory } from './context.ts';

/** What specs/sources.yaml names; nothing where there is no such file. Throws a DataError where it is damaged. */
export async function sourcesOf(context: Context): Promise<PlainSources> {
  const file = join(specsDirectory(context), 'sources.yaml');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : 'sources: []\n';
  return readPlain<PlainSources>(
    'sources',
    'specs/sources.yaml',
    text,
    NO_CACHE,
    async () => (await import('../specs/sources-shape.ts')).checkSources,
  );
}

/** The lists of `specs/sources.yaml`. */
export const knownLists = async (context: Context): Promise<PlainSources['lists']> => (await sourcesOf(context)).lists;
