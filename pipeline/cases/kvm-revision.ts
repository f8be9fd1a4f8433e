import { kernelVersion, readPolicy } from '../extract/kvm/policy.ts';
import { type KernelFile, KVM_PATHS, openTree, TDX_PATH, type UnitCache } from '../extract/kvm/tree.ts';
import type { BlobReader } from '../git/blobs.ts';
import type { Repository } from '../git/repository.ts';
import { NoInputError } from '../model/errors.ts';
import type { Policy } from '../model/policy.ts';
import { readFiles } from './module-revision.ts';

/** Reads one kernel revision's policy; its version is the top Makefile's. */
export async function readPolicyRevision(
  repository: Repository,
  blobs: BlobReader,
  commit: string,
  cache?: UnitCache,
): Promise<Policy> {
  const { files } = await readFiles(blobs, commit, KVM_PATHS);
  return policyOf(repository, commit, files, cache);
}

/** The policy of a revision whose files are at hand. A NoInputError where they are no kernel with TDX in KVM. */
export function policyOf(
  repository: Repository,
  commit: string,
  files: ReadonlyMap<string, KernelFile>,
  cache?: UnitCache,
): Policy {
  const at = `${repository.name}@${commit.slice(0, 12)}`;
  if (!files.has(TDX_PATH)) throw new NoInputError(`${at}: no ${TDX_PATH}: this revision has no TDX support in KVM`);
  const makefile = files.get('Makefile');
  if (makefile === undefined)
    throw new NoInputError(`${at}: no Makefile at the top, which says the version: not the whole tree of a kernel`);
  const tree = openTree(repository.name, commit, files, cache);
  return readPolicy(tree, kernelVersion('Makefile', makefile.text));
}
