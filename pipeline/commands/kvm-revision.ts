import { NoInputError } from '../model/errors.ts';
import type { Policy } from '../model/policy.ts';
import type { BlobReader } from '../sources/blobs.ts';
import type { Repository } from '../sources/repository.ts';

/** Reads one kernel revision's policy. */
export async function readPolicyRevision(repository: Repository, _blobs: BlobReader, _commit: string): Promise<Policy> {
  throw new NoInputError(`${repository.name}: not read`);
}
