import { cpuid2Paths, readCpuid2 } from '../extract/kvm/cpuid2.ts';
import { kernelVersion } from '../extract/kvm/policy.ts';
import { TDX_PATH } from '../extract/kvm/tree.ts';
import type { BlobReader } from '../git/blobs.ts';
import type { Repository } from '../git/repository.ts';
import type { Cpuid2Facts, Cpuid2Question } from '../model/cpuid2.ts';
import { NoInputError } from '../model/errors.ts';
import { readFiles } from './module-revision.ts';

/** Where one kernel revision asks what KVM_SET_CPUID2 said. A NoInputError where it is no kernel with TDX in KVM. */
export async function readCpuid2Revision(
  repository: Repository,
  blobs: BlobReader,
  commit: string,
  questions: readonly Cpuid2Question[],
): Promise<Cpuid2Facts> {
  const { files } = await readFiles(blobs, commit, ['Makefile', ...cpuid2Paths(questions)]);
  const [tdx, makefile] = [files.get(TDX_PATH), files.get('Makefile')];
  if (tdx === undefined || makefile === undefined)
    throw new NoInputError(
      `${repository.name}@${commit.slice(0, 12)}: no ${tdx === undefined ? TDX_PATH : 'Makefile'}: not the tree of a kernel with TDX in KVM`,
    );
  const texts = new Map([...files].map(([path, { text }]) => [path, text]));
  return {
    version: kernelVersion('Makefile', makefile.text),
    source: { repository: repository.name, revision: commit, path: TDX_PATH, blob: tdx.blob },
    ...readCpuid2(texts, questions),
  };
}
