import { kernelVersion, readPolicy } from '../extract/kvm/policy.ts';
import { type KernelFile, KVM_PATHS, openTree, type UnitCache } from '../extract/kvm/tree.ts';
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
  const makefile = files.get('Makefile');
  if (makefile === undefined || !files.has('arch/x86/kvm/vmx/tdx.c'))
    throw new NoInputError(
      `${repository.name}@${commit.slice(0, 12)}: no arch/x86/kvm/vmx/tdx.c: this revision has no TDX support in KVM`,
    );
  const tree = openTree(repository.name, commit, files, cache);
  return readPolicy(tree, kernelVersion('Makefile', makefile.text));
}
