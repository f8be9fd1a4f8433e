import type { SpecsFolder } from './folder.ts';
import { type PlainReader, readPlain } from './plain.ts';
import type { PlainSources } from './sources-shape.ts';

/** What a folder's sources.yaml names; nothing where there is no such file. Throws a DataError where it is damaged. */
export function readSources(folder: SpecsFolder, reader: PlainReader): Promise<PlainSources> {
  const text = folder.textIfAny('sources.yaml') ?? 'sources: []\n';
  const load = async () => (await import('./sources-shape.ts')).checkSources;
  return readPlain<PlainSources>('sources', 'specs/sources.yaml', text, reader, load);
}
