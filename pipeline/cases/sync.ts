import { join } from 'node:path';
import { writeFileAtomically } from '../disk/write.ts';
import { MODULE_PATHS } from '../extract/module/release.ts';
import { type BlobReader, openBlobs } from '../git/blobs.ts';
import { type Update, updateClone } from '../git/clone.ts';
import { listReleases, makefileNotes } from '../git/releases.ts';
import type { Repository } from '../git/repository.ts';
import { KnownError } from '../model/errors.ts';
import { clobbersToYaml } from '../specs/clobbers-text.ts';
import { moduleFileName, moduleToYaml } from '../specs/module-text.ts';
import type { PlainSource } from '../specs/sources-shape.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { cloneDirectory, specsDirectory } from './context.ts';
import { readClobbersRevision, readModuleRevision } from './module-revision.ts';
import { fetchFrom } from './sources.ts';
import { syncKernels } from './sync-kernels.ts';
import { syncListing } from './sync-listing.ts';
import { each, fetchAhead, type Outcome } from './sync-steps.ts';

/** Fetches one source and extracts what it has and specs/ has not. What fails is said in the outcome. */
export async function syncSource(context: Context, specs: Specs, source: PlainSource): Promise<Outcome> {
  context.progress(`${source.name}: fetching ${source.url}`);
  try {
    const update = await updateClone(source, cloneDirectory(context), context.env, context.options.offline);
    const rewritten = update.moved
      .filter(({ ref }) => ref.kind === 'tag')
      .map(
        ({ ref, before }) =>
          `${source.name}: the tag ${ref.name.slice(10)} was rewritten: ${before.slice(0, 12)} is now ${ref.commit.slice(0, 12)}`,
      );
    const outcome =
      source.kind === 'module'
        ? await syncModules(context, specs, source, update)
        : source.kind === 'kernel'
          ? await syncKernels(context, specs, source, update)
          : await syncBinaries(context, specs, source, update);
    const shallow = update.isShallow
      ? [`${source.name}: the history is shallow: releases before its first commit are not seen`]
      : [];
    return { ...outcome, lines: [...rewritten, ...shallow, ...outcome.lines] };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return { lines: [`${source.name}: ${error.message}`], written: 0, blobs: 0, failed: true };
  }
}

async function syncModules(context: Context, specs: Specs, source: PlainSource, update: Update): Promise<Outcome> {
  const { repository } = update;
  const known = new Map(specs.releases.map(({ module }) => [module.release, module.source.revision]));
  const found = await listReleases(repository);
  const fresh = found.filter(({ release }) => !known.has(release));
  // Another history of a release that is embedded is no news; its own history at another commit is.
  const moved = found.filter(({ release, commit }) =>
    specs.releases.some(
      ({ module }) =>
        module.release === release &&
        module.source.repository === source.repository &&
        module.source.revision !== commit,
    ),
  );
  await fetchAhead(
    context,
    repository,
    source,
    fresh.map(({ commit }) => commit),
    [...MODULE_PATHS, 'proj_defs.mk'],
  );
  // Also where no ref moved: a kept clone may be newer than these specifications.
  const listing = await syncListing(context, specs, source, repository);
  const blobs = openBlobs(repository, fetchFrom(context, repository, source.url));
  try {
    const outcome = await each(
      source,
      fresh,
      ({ release }) => release,
      async (revision) => {
        const module = await readModuleRevision(repository, blobs, revision.commit, revision.release);
        const file = moduleFileName(revision.release);
        writeFileAtomically(
          join(specsDirectory(context), 'modules', file),
          moduleToYaml({
            ...module,
            notes: [...revision.notes, ...(await makefileNotes(blobs, revision)), ...module.notes],
          }),
        );
        return `specs/modules/${file}${await writeClobbers(context, repository, blobs, revision)}`;
      },
    );
    const notes = moved.map(
      ({ release, commit }) =>
        `${source.name}: ${release} is now named by ${commit.slice(0, 12)}; specs/modules has it from ${known.get(release)?.slice(0, 12)}`,
    );
    return {
      ...outcome,
      lines: [...outcome.lines, ...notes, ...listing.lines],
      written: outcome.written + listing.written,
      blobs: blobs.count(),
    };
  } finally {
    await blobs.close();
  }
}

/** What the release's code leaves behind, beside its tables; a tree that does not show it says so and keeps the tables. */
async function writeClobbers(
  context: Context,
  repository: Repository,
  blobs: BlobReader,
  { commit, release }: { readonly commit: string; readonly release: string },
): Promise<string> {
  const file = moduleFileName(release);
  try {
    const facts = await readClobbersRevision(repository, blobs, commit, release);
    writeFileAtomically(join(specsDirectory(context), 'clobbers', file), clobbersToYaml(facts));
    return ` and specs/clobbers/${file}`;
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return ` (no clobbers: ${error.message})`;
  }
}

async function syncBinaries(
  context: Context,
  specs: Specs,
  source: PlainSource,
  { repository }: Update,
): Promise<Outcome> {
  const { syncMapping } = await import('../cases/sync-mapping.ts');
  return syncMapping(context, specs, source, repository);
}
