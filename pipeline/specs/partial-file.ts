import type { PartialPolicy } from '../model/policy.ts';
import { type PlainReader, readPlain } from './plain.ts';

/** Reads one `specs/kvm-partial/*.yaml`. Throws a DataError with line and column; a field that is neither read nor not read is one. */
export const readPartialFile = (file: string, text: string, reader: PlainReader): Promise<PartialPolicy> =>
  readPlain<PartialPolicy>(
    'partial',
    file,
    text,
    reader,
    async () => (await import('./partial-shape.ts')).checkPartial,
  );
