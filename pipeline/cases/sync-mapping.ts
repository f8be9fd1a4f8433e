import { join } from 'node:path';
import { writeFileAtomically } from '../disk/write.ts';
import { readMappingFile } from '../extract/module/mapping-file.ts';
import { openBlobs } from '../git/blobs.ts';
import { type Repository, resolveCommit } from '../git/repository.ts';
import { compareVersions } from '../model/order.ts';
import { type KnownRelease, releasesToYaml, unknownRelease } from '../specs/lists-file.ts';
import type { PlainSource } from '../specs/sources-shape.ts';
import type { Specs } from '../specs/store.ts';
import { type Context, specsDirectory } from './context.ts';
import { fetchFrom } from './sources.ts';

/** Takes what `mapping_file.json` publishes of each release into specs/releases.yaml. The binaries are not read. */
export async function syncMapping(
  context: Context,
  specs: Specs,
  source: PlainSource,
  repository: Repository,
): Promise<{
  readonly lines: readonly string[];
  readonly written: number;
  readonly blobs: number;
  readonly failed: boolean;
}> {
  const commit = await resolveCommit(repository, 'HEAD');
  const mark = `${source.repository}@${commit.slice(0, 12)} mapping_file.json`;
  if (specs.known.some(({ seen }) => seen.includes(mark)))
    return { lines: [`${source.name}: nothing new`], written: 0, blobs: 0, failed: false };
  const blobs = openBlobs(repository, fetchFrom(context, repository, source.url));
  try {
    const blob = await blobs.read(`${commit}:mapping_file.json`);
    if (blob === null)
      return {
        lines: [`${source.name}: ${commit.slice(0, 12)} has no mapping_file.json`],
        written: 0,
        blobs: blobs.count(),
        failed: true,
      };
    const mapping = readMappingFile('mapping_file.json', blob.bytes);
    const known = new Map<string, KnownRelease>(specs.known.map((entry) => [entry.release, entry]));
    for (const { release, features0, minModule, seamldr } of mapping.releases) {
      const entry = known.get(release) ?? unknownRelease(release);
      const seen = [
        mark,
        ...entry.seen.filter(
          (text) => !(text.startsWith(`${source.repository}@`) && text.endsWith('mapping_file.json')),
        ),
      ];
      known.set(release, { ...entry, features0, updatesFrom: minModule, seamldr, seen });
    }
    writeFileAtomically(
      join(specsDirectory(context), 'releases.yaml'),
      await releasesToYaml([...known.values()].sort((a, b) => compareVersions(a.release, b.release))),
    );
    return {
      lines: [
        `${source.name}: ${mapping.releases.length} releases: wrote specs/releases.yaml`,
        ...mapping.notes.map((note) => `${source.name}: ${note}`),
      ],
      written: 1,
      blobs: blobs.count(),
      failed: false,
    };
  } finally {
    await blobs.close();
  }
}
