import { join } from 'node:path';
import { inside } from '../disk/name.ts';
import { writeFileAtomically } from '../disk/write.ts';
import { cpuid2Paths } from '../extract/kvm/cpuid2.ts';
import { KVM_PATHS } from '../extract/kvm/tree.ts';
import { openBlobs } from '../git/blobs.ts';
import type { Update } from '../git/clone.ts';
import { listRefs, type Repository } from '../git/repository.ts';
import { compareVersions } from '../model/order.ts';
import { cpuid2ToYaml } from '../specs/cpuid2-file.ts';
import { policyToYaml } from '../specs/policy-text.ts';
import type { PlainSource } from '../specs/sources-shape.ts';
import type { Specs } from '../specs/store.ts';
import { type Context, specsDirectory } from './context.ts';
import { readCpuid2Revision, readPolicyRevision } from './kvm-revision.ts';
import { fetchFrom } from './sources.ts';
import { each, fetchAhead, type Outcome } from './sync-steps.ts';

/** Kernel release tags from 6.16 on, without release candidates, and the tips that the source names. */
export async function syncKernels(
  context: Context,
  specs: Specs,
  source: PlainSource,
  { repository }: Update,
): Promise<Outcome> {
  const known = new Set(specs.policies.map(({ source: own }) => own.revision));
  const wanted = (await kernelRevisions(repository, source)).filter(({ commit }) => !known.has(commit));
  await fetchAhead(
    context,
    { repository, source },
    wanted.map(({ commit }) => commit),
    [...new Set([...KVM_PATHS, ...cpuid2Paths(specs.cpuid2.questions)])],
  );
  const blobs = openBlobs(repository, fetchFrom(context, repository, source.url));
  const units = new Map();
  try {
    const outcome = await each(
      source,
      wanted,
      ({ name }) => name,
      async ({ commit, version }) => {
        const policy = await readPolicyRevision(repository, blobs, commit, units);
        const named =
          version === null ? { ...policy, version: `${source.name}-${policy.version}` } : { ...policy, version };
        const file = `${named.version}.yaml`;
        writeFileAtomically(
          inside(join(specsDirectory(context), 'kvm'), file, `${repository.name}@${commit.slice(0, 12)} Makefile`),
          policyToYaml(named),
        );
        const asks = await readCpuid2Revision(repository, blobs, commit, specs.cpuid2.questions);
        writeFileAtomically(
          inside(join(specsDirectory(context), 'cpuid2'), file, `${repository.name}@${commit.slice(0, 12)} Makefile`),
          await cpuid2ToYaml({ ...asks, version: named.version }),
        );
        return `specs/kvm/${file} and specs/cpuid2/${file}`;
      },
    );
    return { ...outcome, blobs: blobs.count() };
  } finally {
    await blobs.close();
  }
}

async function kernelRevisions(
  repository: Repository,
  source: PlainSource,
): Promise<readonly { readonly name: string; readonly commit: string; readonly version: string | null }[]> {
  const refs = await listRefs(repository);
  const tags = refs.flatMap((ref) => {
    const version = /^refs\/tags\/v(\d+\.\d+(?:\.\d+)?)$/.exec(ref.name)?.[1];
    return version === undefined || compareVersions(version, '6.16') < 0 || source.tags === undefined
      ? []
      : [{ name: `v${version}`, commit: ref.commit, version }];
  });
  const tips = (source.tips ?? []).flatMap((tip) =>
    refs.filter(({ name }) => name === `refs/heads/${tip}`).map(({ commit }) => ({ name: tip, commit, version: null })),
  );
  return [...tags.sort((a, b) => compareVersions(a.version, b.version)), ...tips];
}
