import { join } from 'node:path';
import { writeFileAtomically } from '../disk/write.ts';
import { readReleaseTable } from '../extract/module/release-table.ts';
import { openBlobs } from '../git/blobs.ts';
import { type Repository, resolveCommit } from '../git/repository.ts';
import { compareVersions } from '../model/order.ts';
import { type KnownRelease, releasesToYaml, unknownRelease } from '../specs/lists-file.ts';
import type { PlainSource } from '../specs/sources-shape.ts';
import type { Specs } from '../specs/store.ts';
import { type Context, specsDirectory } from './context.ts';
import { fetchFrom } from './sources.ts';

/** Takes the README's table of releases (version, MRSEAM, link, source published or not) into specs/releases.yaml. */
export async function syncListing(
  context: Context,
  specs: Specs,
  source: PlainSource,
  repository: Repository,
): Promise<{ readonly lines: readonly string[]; readonly written: number }> {
  const commit = await resolveCommit(repository, 'HEAD');
  const mark = `${source.repository}@${commit.slice(0, 12)} README.md`;
  // Every release of this repository's history carries such a mark: a README that was read is not read again.
  if (specs.known.some(({ seen }) => seen.includes(mark))) return { lines: [], written: 0 };
  const blobs = openBlobs(repository, fetchFrom(context, repository, source.url));
  try {
    const blob = await blobs.read(`${commit}:README.md`);
    const table = blob === null ? null : readReleaseTable('README.md', blob.bytes);
    if (table === null || table.releases.length === 0) return { lines: [], written: 0 };
    const known = new Map<string, KnownRelease>(specs.known.map((entry) => [entry.release, entry]));
    for (const { release, url, mrseam, sourcePending } of table.releases) {
      const entry = known.get(release) ?? unknownRelease(release);
      const seen = [
        ...entry.seen.filter((text) => !(text.startsWith(`${source.repository}@`) && text.endsWith('README.md'))),
        mark,
      ];
      known.set(release, {
        ...entry,
        link: url ?? entry.link,
        mrseam: mrseam?.slice(2) ?? entry.mrseam,
        sourceReleased: !sourcePending,
        seen,
      });
    }
    const sorted = [...known.values()].sort((a, b) => compareVersions(a.release, b.release));
    writeFileAtomically(join(specsDirectory(context), 'releases.yaml'), await releasesToYaml(sorted));
    return {
      lines: [
        `${source.name}: README lists ${table.releases.length} releases: wrote specs/releases.yaml`,
        ...table.notes.map((note) => `${source.name}: ${note}`),
      ],
      written: 1,
    };
  } finally {
    await blobs.close();
  }
}
