import { openBlobs } from '../../pipeline/git/blobs.ts';
import { listReleases } from '../../pipeline/git/releases.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { withTemporaries } from '../../pipeline/git/temporary.ts';

/** Extracts and classes every release of the repository that the argument names: what `sync` does, without writing. */
await withTemporaries(async () => {
  const repository = openRepository(process.argv[2] ?? '.', process.env);
  // As in `sync`, git looks through the history first; it answers while the extractors load.
  const listed = listReleases(repository);
  const blobs = openBlobs(repository);
  const { readModuleRevision } = await import('../../pipeline/cases/module-revision.ts');
  const { classify } = await import('../../pipeline/model/class.ts');
  const releases = await listed;
  const modules = await Promise.all(
    releases.map(({ commit, release }) => readModuleRevision(repository, blobs, commit, release)),
  );
  const registers = modules.flatMap((module) => classify(module)).length;
  await blobs.close();
  console.log(
    `${modules.length} releases, ${registers} registers, ${blobs.count()} blobs, peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
  );
});
