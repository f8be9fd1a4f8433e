import { join } from 'node:path';
import { inside } from '../disk/name.ts';
import { writeFileAtomically } from '../disk/write.ts';
import { readQemu } from '../extract/qemu/facts.ts';
import { openQemu, QEMU_PATHS, TDX_PATH } from '../extract/qemu/tree.ts';
import { type BlobReader, openBlobs } from '../git/blobs.ts';
import type { Update } from '../git/clone.ts';
import { listRefs, type Repository } from '../git/repository.ts';
import { DataError, NoInputError } from '../model/errors.ts';
import { compareVersions } from '../model/order.ts';
import type { QemuFacts } from '../model/qemu.ts';
import { qemuToYaml } from '../specs/qemu-file.ts';
import type { PlainSource } from '../specs/sources-shape.ts';
import type { Specs } from '../specs/store.ts';
import { type Context, specsDirectory } from './context.ts';
import { readFiles } from './module-revision.ts';
import { fetchFrom, readAt } from './sources.ts';
import { each, fetchAhead, type Outcome } from './sync-steps.ts';

/** What one QEMU revision does with a TD's CPUID; its version is the one that its own file VERSION states. */
export async function readQemuRevision(repository: Repository, blobs: BlobReader, commit: string): Promise<QemuFacts> {
  const { files } = await readFiles(blobs, commit, QEMU_PATHS);
  const tdx = files.get(TDX_PATH);
  if (tdx === undefined)
    throw new NoInputError(
      `${repository.name}@${commit.slice(0, 12)}: no ${TDX_PATH}: QEMU has TDX since 10.1; is this a QEMU repository?`,
    );
  const version = files.get('VERSION')?.text.trim() ?? '';
  // A version becomes a file name: what is not digits and dots is none.
  if (!/^\d{1,4}\.\d{1,4}\.\d{1,4}$/.test(version))
    throw new DataError({
      where: { file: 'VERSION', line: 1 },
      expected: 'a version such as 11.1.0',
      found: JSON.stringify(version.slice(0, 40)),
    });
  const texts = new Map([...files].map(([path, { text }]) => [path, text]));
  const source = { repository: repository.name, revision: commit, path: TDX_PATH, blob: tdx.blob };
  return readQemu(openQemu(texts), version, source);
}

/** The facts of a revision of somebody's QEMU tree. */
export const readQemuTree = (context: Context, path: string, revision: string): Promise<QemuFacts> =>
  readAt(context, { path, revision }, readQemuRevision);

/** QEMU has TDX since this version. */
const FIRST = '10.1.0';

/** QEMU's release tags, from the version on that its source names, that begin a line (`v11.1.0`), without release candidates. */
export async function syncQemu(
  context: Context,
  specs: Specs,
  source: PlainSource,
  { repository }: Update,
): Promise<Outcome> {
  const known = new Set(specs.qemu.map(({ source: own }) => own.revision));
  const since = source.tags?.since ?? FIRST;
  const wanted = (await listRefs(repository))
    .flatMap(({ name, commit }) => {
      const version = /^refs\/tags\/v(\d{1,4}\.\d{1,4}\.0)$/.exec(name)?.[1];
      return version === undefined || compareVersions(version, since) < 0 || known.has(commit)
        ? []
        : [{ version, commit }];
    })
    .sort((a, b) => compareVersions(a.version, b.version));
  await fetchAhead(
    context,
    { repository, source },
    wanted.map(({ commit }) => commit),
    QEMU_PATHS,
  );
  const blobs = openBlobs(repository, fetchFrom(context, repository, source.url));
  try {
    const outcome = await each(
      source,
      wanted,
      ({ version }) => `v${version}`,
      async ({ commit }) => {
        const facts = await readQemuRevision(repository, blobs, commit);
        const file = `${facts.version}.yaml`;
        const cited = { ...facts, source: { ...facts.source, repository: source.repository } };
        writeFileAtomically(inside(join(specsDirectory(context), 'qemu'), file, source.name), await qemuToYaml(cited));
        return `specs/qemu/${file}`;
      },
    );
    return { ...outcome, blobs: blobs.count() };
  } finally {
    await blobs.close();
  }
}
