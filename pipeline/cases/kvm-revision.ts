import { cpuid2Paths, readCpuid2 } from '../extract/kvm/cpuid2.ts';
import { openTree, type UnitCache } from '../extract/kvm/open-tree.ts';
import { KVM_PATHS, TDX_PATH } from '../extract/kvm/paths.ts';
import { kernelVersion, readPolicy } from '../extract/kvm/policy.ts';
import type { KernelFile } from '../extract/kvm/tree.ts';
import type { BlobReader } from '../git/blobs.ts';
import type { Repository } from '../git/repository.ts';
import { type ClassedRelease, classify } from '../model/class.ts';
import type { Cpuid2Facts, Cpuid2Question } from '../model/cpuid2.ts';
import { NoInputError } from '../model/errors.ts';
import type { Policy } from '../model/policy.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { rulesOfRevision } from './decider-rules.ts';
import { readFiles, readModuleRevision } from './module-revision.ts';
import { readAt } from './sources.ts';

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

/** What a revision of somebody's repository holds: KVM, by the file that has it, else a release of the module. */
export async function readRevision(
  context: Context,
  specs: Specs,
  path: string,
  revision: string,
): Promise<
  { readonly kind: 'policy'; readonly policy: Policy } | { readonly kind: 'release'; readonly release: ClassedRelease }
> {
  return readAt(context, { path, revision }, async (repository, blobs, commit) => {
    if ((await blobs.read(`${commit}:${TDX_PATH}`)) !== null)
      return { kind: 'policy', policy: await readPolicyRevision(repository, blobs, commit) };
    const module = await readModuleRevision(repository, blobs, commit, null);
    // Rules hold for the tree's own code: the name of a release does not say that it is unchanged.
    const { rules, unexamined, note } = await rulesOfRevision(specs, module.release, blobs, commit);
    const noted = note === null ? module : { ...module, notes: [...module.notes, note] };
    return { kind: 'release', release: { module: noted, registers: classify(module, rules), rules, unexamined } };
  });
}

/** Where a revision of somebody's repository asks what KVM_SET_CPUID2 said. */
export const readCpuid2Tree = (
  context: Context,
  { cpuid2 }: Specs,
  path: string,
  revision: string,
): Promise<Cpuid2Facts> =>
  readAt(context, { path, revision }, (repository, blobs, commit) =>
    readCpuid2Revision(repository, blobs, commit, cpuid2.questions),
  );

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
