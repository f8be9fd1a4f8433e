import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPlain } from '../specs/plain.ts';
import type { PlainSources } from '../specs/sources-shape.ts';
import { type Context, specsDirectory } from './context.ts';

/** The lists of `specs/sources.yaml`; none where there is no such file. */
export async function knownLists(context: Context): Promise<PlainSources['lists']> {
  const file = join(specsDirectory(context), 'sources.yaml');
  if (!existsSync(file)) return [];
  const { lists } = await readPlain<PlainSources>(
    'sources',
    'specs/sources.yaml',
    readFileSync(file, 'utf8'),
    { cached: () => undefined, parsed: () => {} },
    async () => (await import('../specs/sources-shape.ts')).checkSources,
  );
  return lists;
}
