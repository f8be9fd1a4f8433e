import { join } from 'node:path';
import { inside } from '../disk/name.ts';
import { writeFileAtomically } from '../disk/write.ts';
import { compareDecidingCode, DECIDING_PATHS, readDecidingCode } from '../extract/module/deciding-code.ts';
import { MODULE_PATHS } from '../extract/module/release.ts';
import { type BlobReader, openBlobs } from '../git/blobs.ts';
import { type Update, updateClone } from '../git/clone.ts';
import { listReleases, makefileNotes, type ReleaseRevision } from '../git/releases.ts';
import type { Repository } from '../git/repository.ts';
import { codeChangeText } from '../model/decider-text.ts';
import { clobbersToYaml } from '../specs/clobbers-file.ts';
import { newDecidersToYaml } from '../specs/decider-text.ts';
import { moduleFileName, moduleToYaml } from '../specs/module-file.ts';
import type { PlainSource } from '../specs/sources-shape.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { cloneDirectory, specsDirectory } from './context.ts';
import { notCompared, predecessorRules } from './decider-rules.ts';
import { readClobbersRevision, readFiles, readModuleRevision } from './module-revision.ts';
import { syncQemu } from './qemu-revision.ts';
import { fetchFrom } from './sources.ts';
import { syncKernels } from './sync-kernels.ts';
import { syncListing } from './sync-listing.ts';
import { each, fetchAhead, isSourceError, type Outcome } from './sync-steps.ts';

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
    const outcome = await SYNC[source.kind](context, specs, source, update);
    const shallow = update.isShallow
      ? [`${source.name}: the history is shallow: releases before its first commit are not seen`]
      : [];
    return { ...outcome, lines: [...rewritten, ...shallow, ...outcome.lines] };
  } catch (error) {
    if (!isSourceError(error)) throw error;
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
    { repository, source },
    fresh.map(({ commit }) => commit),
    [...MODULE_PATHS, ...DECIDING_PATHS, 'proj_defs.mk'],
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
        // The module's file says that a release is known: it comes last, so that a run that ends before is made up for.
        const clobbers = await writeClobbers(context, repository, blobs, revision);
        const deciders = await writeDeciders(context, specs, { repository, blobs, revision });
        writeFileAtomically(
          inside(join(specsDirectory(context), 'modules'), file, `${repository.name}: a release`),
          await moduleToYaml({
            ...module,
            notes: [
              ...revision.notes,
              ...(await makefileNotes(blobs, revision)),
              ...module.notes,
              ...(clobbers.startsWith(` (${NONE}`) ? [clobbers.slice(2, -1)] : []),
            ],
          }),
        );
        return `specs/modules/${file}${clobbers}${deciders}`;
      },
    );
    const healed = await writeMissing(context, specs, { repository, blobs, found });
    const notes = moved.map(
      ({ release, commit }) =>
        `${source.name}: ${release} is now named by ${commit.slice(0, 12)}; specs/modules has it from ${known.get(release)?.slice(0, 12)}`,
    );
    return {
      ...outcome,
      lines: [
        ...(healed.length > 0 && fresh.length === 0 ? [] : outcome.lines),
        ...healed.map((text) => `${source.name}: ${text}`),
        ...notes,
        ...listing.lines,
      ],
      written: outcome.written + healed.length + listing.written,
      blobs: blobs.count(),
    };
  } finally {
    await blobs.close();
  }
}

/** How a release is told whose tree does not show its host state; its own file keeps it, so that nobody looks again. */
const NONE = 'no clobbers: ';

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
    writeFileAtomically(
      inside(join(specsDirectory(context), 'clobbers'), file, `${repository.name}: a release`),
      await clobbersToYaml(facts),
    );
    return ` and specs/clobbers/${file}`;
  } catch (error) {
    if (!isSourceError(error)) throw error;
    return ` (${NONE}${error.message})`;
  }
}

/**
 * The rules of a new release: those of the release before it while the code that decides is the same token by token, else none,
 * and what changed.
 */
async function writeDeciders(
  context: Context,
  specs: Specs,
  { repository, blobs, revision }: { repository: Repository; blobs: BlobReader; revision: ReleaseRevision },
): Promise<string> {
  const { release, commit } = revision;
  const base = predecessorRules(specs, release);
  if (base === null) return '';
  const { files } = await readFiles(blobs, commit, DECIDING_PATHS);
  const code = readDecidingCode(files);
  const gap = notCompared(base, code);
  if (gap !== null) return ` (${gap})`;
  const changes = compareDecidingCode(base.functions, code);
  const file = moduleFileName(release);
  writeFileAtomically(
    inside(join(specsDirectory(context), 'deciders'), file, `${repository.name}: a release`),
    await newDecidersToYaml({ release, base, repository: repository.name, commit, files, code, changes }),
  );
  return ` and specs/deciders/${file}${changes.length === 0 ? '' : ` (${codeChangeText(changes)})`}`;
}

/** What earlier runs did not come to: releases of this history, at the revision that specs/ names, whose host state was never written. */
async function writeMissing(
  context: Context,
  specs: Specs,
  { repository, blobs, found }: { repository: Repository; blobs: BlobReader; found: readonly ReleaseRevision[] },
): Promise<readonly string[]> {
  const derived = new Set(specs.clobbers.map(({ release }) => release));
  const missing = found.filter(
    ({ release, commit }) =>
      !derived.has(release) &&
      specs.releases.some(
        ({ module }) =>
          module.release === release &&
          module.source.revision === commit &&
          !module.notes.some((note) => note.startsWith(NONE)),
      ),
  );
  const lines: string[] = [];
  for (const revision of missing) {
    const said = await writeClobbers(context, repository, blobs, revision);
    if (said.startsWith(' and '))
      lines.push(`${revision.release}: wrote ${said.slice(' and '.length)}, which was missing`);
  }
  return lines;
}

async function syncBinaries(
  context: Context,
  specs: Specs,
  source: PlainSource,
  { repository }: Update,
): Promise<Outcome> {
  const { syncMapping } = await import('./sync-mapping.ts');
  return syncMapping(context, specs, source, repository);
}

type SyncOf = (context: Context, specs: Specs, source: PlainSource, update: Update) => Promise<Outcome>;

/** What is taken of a source, by its kind: a new kind does not compile until it is here. */
const SYNC: Readonly<Record<PlainSource['kind'], SyncOf>> = {
  module: syncModules,
  kernel: syncKernels,
  binaries: syncBinaries,
  qemu: syncQemu,
};
