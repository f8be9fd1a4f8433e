import { makefileVersion, type NamedRevision, nameRevision, releaseNameOf } from '../extract/module/release-name.ts';
import { compareTexts, compareVersions } from '../model/order.ts';
import type { BlobReader } from './blobs.ts';
import { type Commit, listCommits, type Repository } from './repository.ts';

/** A revision that is a release, with what named it and what disagreed. */
export type ReleaseRevision = {
  readonly release: string;
  readonly commit: string;
  readonly name: NamedRevision;
  readonly notes: readonly string[];
};

/** Every release that the tags and commit subjects of a repository name, in the order of versions. Reads no blob. */
export async function listReleases(repository: Repository): Promise<readonly ReleaseRevision[]> {
  return choose((await listCommits(repository)).flatMap(nameCommit));
}

function nameCommit(commit: Commit): readonly (ReleaseRevision & { readonly time: number })[] {
  const { tags } = commit;
  if (tags.every((tag) => releaseNameOf(tag) === null) && releaseNameOf(commit.subject) === null) return [];
  const { name, notes } = nameRevision(tags, commit.subject, null);
  return name === null ? [] : [{ release: name.release, commit: commit.id, name, notes, time: commit.time }];
}

/** What the make file of a release's revision says otherwise. */
export async function makefileNotes(blobs: BlobReader, revision: ReleaseRevision): Promise<readonly string[]> {
  const makefile = await blobs.read(`${revision.commit}:proj_defs.mk`);
  const made = makefile === null ? null : makefileVersion(makefile.bytes.toString('latin1'));
  if (made === null || made === revision.release) return [];
  return [
    `the make file's default says ${made}, the ${revision.name.by} (${revision.name.from}) says ${revision.release}`,
  ];
}

/** One revision a release: a tag before a subject, then the newest commit; the others are noted. */
function choose(found: readonly (ReleaseRevision & { readonly time: number })[]): readonly ReleaseRevision[] {
  const byRelease = new Map<string, (ReleaseRevision & { readonly time: number })[]>();
  for (const revision of found) byRelease.set(revision.release, [...(byRelease.get(revision.release) ?? []), revision]);
  return [...byRelease.values()]
    .flatMap((revisions) => {
      const [best, ...others] = revisions.sort((a, b) =>
        a.name.by === b.name.by ? b.time - a.time || compareTexts(a.commit, b.commit) : a.name.by === 'tag' ? -1 : 1,
      );
      if (best === undefined) return [];
      const { time: _, ...revision } = best;
      const notes = others.map(
        (other) =>
          `the ${other.name.by} of ${other.commit.slice(0, 12)} names ${other.release} too; ${best.commit.slice(0, 12)} was taken by its ${best.name.by}`,
      );
      return [{ ...revision, notes: [...revision.notes, ...notes] }];
    })
    .sort((a, b) => compareVersions(a.release, b.release));
}
