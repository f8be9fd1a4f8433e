import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inside } from '../disk/name.ts';
import { readInputText } from '../disk/read.ts';
import { removeFile, writeFileAtomically } from '../disk/write.ts';
import { cpuid2Paths } from '../extract/kvm/cpuid2.ts';
import type { UnitCache } from '../extract/kvm/open-tree.ts';
import { KVM_PATHS } from '../extract/kvm/paths.ts';
import { type BlobReader, openBlobs } from '../git/blobs.ts';
import type { Update } from '../git/clone.ts';
import { listRefs, type Repository } from '../git/repository.ts';
import { blobIds, tipsOf } from '../git/scratch.ts';
import type { Cpuid2Facts } from '../model/cpuid2.ts';
import { KnownError } from '../model/errors.ts';
import { lineOf } from '../model/lineage.ts';
import { compareVersions } from '../model/order.ts';
import type { Policy } from '../model/policy.ts';
import { cpuid2ToYaml } from '../specs/cpuid2-file.ts';
import { policyToYaml } from '../specs/policy-file.ts';
import type { PlainSource } from '../specs/sources-shape.ts';
import type { Specs } from '../specs/store.ts';
import { type Context, cloneDirectory, specsDirectory } from './context.ts';
import { readCpuid2Revision, readPolicyRevision } from './kvm-revision.ts';
import { fetchFrom } from './sources.ts';
import { each, fetchAhead, isSourceError, type Outcome } from './sync-steps.ts';

/**
 * Kernel release tags from the version on that the source names, stable ones included and candidates not, and the tips that it
 * names. Kept are the versions where something that is read changed, and the newest of each series.
 */
export async function syncKernels(
  context: Context,
  specs: Specs,
  source: PlainSource,
  { repository }: Update,
): Promise<Outcome> {
  const known = new Set(specs.policies.map(({ source: own }) => own.revision));
  const paths = [...new Set([...KVM_PATHS, ...cpuid2Paths(specs.cpuid2.questions)])];
  const tags = await releaseTags(repository, source, paths);
  const tips = (await sourceTips(repository, source)).filter(({ commit }) => !known.has(commit));
  const memory = memoryOf(context, source);
  const wanted = tags.filter((tag) => isWanted(tag, memory.same, known)).map(({ commit }) => commit);
  await fetchAhead(context, { repository, source }, [...wanted, ...tips.map(({ commit }) => commit)], paths);
  const reading: Reading = {
    repository,
    blobs: openBlobs(repository, fetchFrom(context, repository, source.url)),
    units: new Map(),
    specs,
  };
  try {
    const weighed = await weighTags(tags, memory.same, reading);
    const write = async ({ policy, asks }: Kernel, version: string): Promise<string> => {
      const path = (folder: string): string =>
        inside(join(specsDirectory(context), folder), `${version}.yaml`, source.name);
      writeFileAtomically(path('kvm'), await policyToYaml({ ...policy, version }));
      writeFileAtomically(path('cpuid2'), await cpuid2ToYaml({ ...asks, version }));
      return `specs/kvm/${version}.yaml and specs/cpuid2/${version}.yaml`;
    };
    const due = weighed.filter(({ commit, isKept }) => isKept && !known.has(commit));
    const outcome = await each(
      source,
      [...due.map((tag) => ({ ...tag, name: `v${tag.version}` })), ...tips.map((tip) => ({ ...tip, version: null }))],
      ({ name }) => name,
      async ({ commit, version }) => {
        const kernel = await readKernel(reading, commit);
        return write(kernel, version ?? `${source.name}-${kernel.policy.version}`);
      },
    );
    const gone = removeSuperseded(context, specs, source, weighed);
    memory.keep(weighed.filter(({ isSame }) => isSame).map(({ commit }) => commit));
    const dropped = weighed.filter(
      ({ isKept, isSame, commit }) => isSame && !isKept && !memory.same.has(commit),
    ).length;
    return {
      ...outcome,
      lines: [
        ...outcome.lines,
        ...gone,
        ...(dropped === 0
          ? []
          : [
              `${source.name}: ${dropped} versions not kept: nothing that is read changed in them, and newer ones of their series are there`,
            ]),
      ],
      written: outcome.written + gone.length,
      blobs: reading.blobs.count(),
    };
  } finally {
    await reading.blobs.close();
  }
}

type Reading = {
  readonly repository: Repository;
  readonly blobs: BlobReader;
  readonly units: UnitCache;
  readonly specs: Specs;
};

/** A release of the kernel, in the order of versions. */
type Tag = {
  readonly version: string;
  readonly commit: string;
  /** The version that it is held against: the one before in its series; of a series' first the first of the one before. */
  readonly before: string | null;
  /** All files that are read are those of the version before. */
  readonly isEqual: boolean;
  readonly isNewest: boolean;
};

/** Whether a version says what the one before says, and whether it is kept. */
type Weighed = Tag & { readonly isSame: boolean; readonly isKept: boolean };

async function releaseTags(
  repository: Repository,
  source: PlainSource,
  paths: readonly string[],
): Promise<readonly Tag[]> {
  const since = source.tags?.since;
  if (since === undefined) return [];
  const found = (await listRefs(repository)).flatMap(({ name, commit }) => {
    const version = /^refs\/tags\/v(\d+\.\d+(?:\.\d+)?)$/.exec(name)?.[1];
    return version === undefined || compareVersions(version, since) < 0 ? [] : [{ version, commit }];
  });
  const tags = found.sort((a, b) => compareVersions(a.version, b.version));
  const read = paths.filter((path) => path !== 'Makefile');
  const trees = (
    await tipsOf(
      repository,
      tags.map(({ commit }) => commit),
    )
  ).map(({ tree }) => tree);
  const ids = (await blobIds(repository, trees, read)).map((found) => JSON.stringify([...found].sort()));
  const firsts = tags.flatMap(({ version }, at) =>
    lineOf(tags[at - 1]?.version ?? '') === lineOf(version) ? [] : [at],
  );
  return tags.map(({ version, commit }, at) => {
    const isFirst = firsts.includes(at);
    const from = isFirst ? (firsts[firsts.indexOf(at) - 1] ?? null) : at - 1;
    return {
      version,
      commit,
      before: from === null ? null : (tags[from]?.version ?? null),
      isEqual: from !== null && ids[from] === ids[at],
      isNewest: lineOf(tags[at + 1]?.version ?? '') !== lineOf(version),
    };
  });
}

/** What was not read and cannot be told from its files: it is read, unless an earlier run found that it says nothing new. */
const isWanted = ({ commit, isEqual, isNewest }: Tag, same: ReadonlySet<string>, known: ReadonlySet<string>): boolean =>
  !known.has(commit) && (isNewest || (!isEqual && !same.has(commit)));

/** Holds each version against the one before it; what cannot be read is kept to be tried, and said, each time. */
async function weighTags(
  tags: readonly Tag[],
  same: ReadonlySet<string>,
  reading: Reading,
): Promise<readonly Weighed[]> {
  const facts = new Map<string, string | null>();
  const weighed: Weighed[] = [];
  for (const tag of tags) {
    const { version, commit, before, isEqual, isNewest } = tag;
    const old = before === null ? null : (facts.get(before) ?? null);
    const own = isEqual || same.has(commit) ? old : await factsAt(reading, commit);
    facts.set(version, own);
    const isSame = before !== null && (isEqual || same.has(commit) || (own !== null && own === old));
    weighed.push({ ...tag, isSame, isKept: !isSame || isNewest });
  }
  return weighed;
}

/** What one version of the kernel says, of its policy and of what it asks of KVM_SET_CPUID2. */
type Kernel = { readonly policy: Policy; readonly asks: Cpuid2Facts };

const readKernel = async ({ repository, blobs, units, specs }: Reading, commit: string): Promise<Kernel> => ({
  policy: await readPolicyRevision(repository, blobs, commit, units),
  asks: await readCpuid2Revision(repository, blobs, commit, specs.cpuid2.questions),
});

async function factsAt(reading: Reading, commit: string): Promise<string | null> {
  const { policies, cpuid2 } = reading.specs;
  const policy = policies.find(({ source }) => source.revision === commit);
  const asks = cpuid2.kernels.find(({ source }) => source.revision === commit);
  try {
    return await factsOf(
      policy === undefined || asks === undefined ? await readKernel(reading, commit) : { policy, asks },
    );
  } catch (error) {
    if (!isSourceError(error)) throw error;
    return null;
  }
}

const NOWHERE = { version: '', source: { repository: '', revision: '', path: '', blob: null } };

/** What a version says, wherever it stands: its files without version, revision, lines and what people argued. */
async function factsOf({ policy: { base, upstream, ...policy }, asks }: Kernel): Promise<string> {
  const text = (await policyToYaml({ ...policy, ...NOWHERE })) + (await cpuid2ToYaml({ ...asks, ...NOWHERE }));
  return text.replace(/\bline: \d+/g, 'line');
}

/** Removes what was kept as the newest of its series, says what the version before it says, and is the newest no more. */
function removeSuperseded(
  context: Context,
  specs: Specs,
  source: PlainSource,
  weighed: readonly Weighed[],
): readonly string[] {
  const folder = (kind: 'kvm' | 'cpuid2'): string => join(specsDirectory(context), kind);
  const newest = new Map(weighed.map(({ version }) => [lineOf(version), version]));
  return weighed.flatMap(({ version, commit, isKept }) => {
    const isOurs = specs.policies.some(
      (policy) =>
        policy.version === version &&
        policy.source.repository === source.repository &&
        policy.source.revision === commit,
    );
    const isThere = existsSync(join(folder('kvm'), `${newest.get(lineOf(version))}.yaml`));
    if (isKept || !isOurs || !isThere) return [];
    for (const kind of ['kvm', 'cpuid2'] as const) removeFile(inside(folder(kind), `${version}.yaml`, source.name));
    return [`${source.name}: v${version}: removed specs/kvm/${version}.yaml: a newer one of its series says the same`];
  });
}

/** Versions that an earlier run read and found to say nothing new; without the file they are read again and found so again. */
function memoryOf(
  context: Context,
  source: PlainSource,
): { readonly same: ReadonlySet<string>; readonly keep: (commits: readonly string[]) => void } {
  const file = join(cloneDirectory(context), `${source.name}.same`);
  const read = (): string => {
    try {
      return readInputText(file);
    } catch (error) {
      if (error instanceof KnownError) return '';
      throw error;
    }
  };
  const text = read();
  const same = new Set(text.split('\n').filter((line) => /^[0-9a-f]{40,64}$/.test(line)));
  return {
    same,
    keep: (commits) => {
      const next = [...new Set(commits)]
        .sort()
        .map((commit) => `${commit}\n`)
        .join('');
      if (next !== text) writeFileAtomically(file, next);
    },
  };
}

async function sourceTips(
  repository: Repository,
  source: PlainSource,
): Promise<readonly { readonly name: string; readonly commit: string }[]> {
  const refs = await listRefs(repository);
  return (source.tips ?? []).flatMap((tip) =>
    refs.filter(({ name }) => name === `refs/heads/${tip}`).map(({ commit }) => ({ name: tip, commit })),
  );
}
