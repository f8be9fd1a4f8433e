import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readInputText } from '../disk/read.ts';
import { type PlainReader, readPlain } from './plain.ts';
import type { PlainSources } from './sources-shape.ts';

/** What a directory's sources.yaml names; nothing where there is no such file. Throws a DataError where it is damaged. */
export function readSources(directory: string, reader: PlainReader): Promise<PlainSources> {
  const file = join(directory, 'sources.yaml');
  const text = existsSync(file) ? readInputText(file) : 'sources: []\n';
  const load = async () => (await import('./sources-shape.ts')).checkSources;
  return readPlain<PlainSources>('sources', 'specs/sources.yaml', text, reader, load);
}
