import { type PatchFile, pathsOf } from '../extract/mail/patch.ts';
import { offsetsIn, readRefusal } from '../extract/mail/rejection.ts';
import { NoInputError } from '../model/errors.ts';
import { compareNumbers } from '../model/order.ts';
import type { Rejection, SeriesBase } from '../model/series-effect.ts';
import type { BlobReader } from './blobs.ts';
import { listRefs, type Repository, resolveCommit } from './repository.ts';
import { blobIds, newestTips, pastCommits, type Scratch, type Tip, tipOf } from './scratch.ts';

/** A patch ready to apply. */
export type Patch = {
  readonly part: number;
  readonly id: string;
  readonly title: string;
  readonly diff: Buffer;
  readonly files: readonly PatchFile[];
};

export type ApplyResult =
  /** A tree for each patch, in their order. */
  | { readonly kind: 'applied'; readonly trees: readonly string[]; readonly offsets: number }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Applies the patches one after the other to a commit, all or none. */
export async function applyPatches(scratch: Scratch, commit: string, patches: readonly Patch[]): Promise<ApplyResult> {
  await scratch.readTree(commit);
  let offsets = 0;
  const trees: string[] = [];
  for (const patch of patches) {
    const { part, id, title } = patch;
    const binary = patch.files.find((file) => file.binary);
    if (binary !== undefined) {
      const path = binary.newPath ?? binary.oldPath;
      return {
        kind: 'rejected',
        rejection: { part, id, title, path, hunk: null, reason: 'binary diffs are not applied' },
      };
    }
    const { taken, output } = await scratch.apply(patch.diff);
    if (!taken) return { kind: 'rejected', rejection: { part, id, title, ...readRefusal(output, patch.files) } };
    offsets += offsetsIn(output);
    trees.push(await scratch.writeTree());
  }
  return { kind: 'applied', trees, offsets };
}

/** More files than any series changes. */
const MAX_PREIMAGES = 2000;

/** The files as the diffs were made against, by the first patch that touches each; those that say no id are left out. */
function preimagesOf(patches: readonly Patch[]): ReadonlyMap<string, string> {
  const seen = new Set<string>();
  const found = new Map<string, string>();
  for (const { oldPath, newPath, preimage } of patches.flatMap(({ files }) => files)) {
    if (oldPath !== null && preimage !== null && !seen.has(oldPath)) found.set(oldPath, preimage);
    for (const path of [oldPath, newPath]) if (path !== null) seen.add(path);
    // Paths go to git as arguments: those of a forged series must not overflow them.
    if (found.size === MAX_PREIMAGES) break;
  }
  return found;
}

/** Refs that are looked at, newest first, and of those without all preimages how many are tried by applying. */
const MAX_TIPS = 400;
const MAX_TRIES = 8;
/** Revisions of the files' history that are looked at where no ref stands at the base. */
const MAX_PAST = 2000;

type Candidate = { readonly commit: string; readonly matched: number };

/** How many preimages stand at each commit. */
async function countMatches(
  repository: Repository,
  tips: readonly Tip[],
  preimages: ReadonlyMap<string, string>,
): Promise<readonly Candidate[]> {
  const trees = tips.map(({ tree }) => tree);
  const ids = await blobIds(repository, trees, [...preimages.keys()]);
  return tips.map(({ commit }, at) => ({
    commit,
    matched: [...preimages].filter(([path, id]) => ids[at]?.get(path)?.startsWith(id) === true).length,
  }));
}

export type BaseQuery = {
  /** The revision that the caller names; it wins over what the series names. */
  readonly given: string | null;
  /** The `base-commit:` of the series. */
  readonly named: string | null;
  readonly prerequisites: number;
  /** Makes a candidate's blobs available before it is tried. */
  readonly prepare: (commit: string) => Promise<void>;
  /** A git that is at work already, which is asked for commits. */
  readonly blobs?: BlobReader;
};

/**
 * Finds the base of a series: the one that is given, the one that it names, or the best known one, and says which. `null` where the clone has
 * no commit at all. Throws a NoInputError for a given revision that is not there.
 */
export async function findBase(
  repository: Repository,
  scratch: Scratch,
  patches: readonly Patch[],
  query: BaseQuery,
): Promise<SeriesBase | null> {
  const preimages = preimagesOf(patches);
  const finish = async (by: SeriesBase['by'], { commit, matched }: Candidate, tried: number): Promise<SeriesBase> => ({
    commit,
    name: await nameOf(repository, commit),
    by,
    named: query.named,
    preimages: { matched, of: preimages.size },
    tried,
    prerequisites: query.prerequisites,
  });
  const certain =
    query.given === null
      ? await commitOf(repository, query.named, query.blobs)
      : await resolveCommit(repository, query.given, query.blobs);
  if (certain !== null) {
    const [candidate] = await countMatches(repository, [await tipOf(repository, certain)], preimages);
    return finish(query.given === null ? 'base-commit' : 'given', candidate ?? { commit: certain, matched: 0 }, 1);
  }
  const tips = await newestTips(repository, MAX_TIPS);
  const candidates = await countMatches(repository, tips, preimages);
  const whole = candidates.find(({ matched }) => preimages.size > 0 && matched === preimages.size);
  if (whole !== undefined) return finish('preimages', whole, tips.length);
  const past = await pastCommits(repository, [...preimages.keys()], MAX_PAST);
  const inPast = (await countMatches(repository, past, preimages)).find(({ matched }) => matched === preimages.size);
  if (inPast !== undefined) return finish('preimages', inPast, tips.length + past.length);
  const best = [...candidates.entries()]
    .sort(([a, left], [b, right]) => compareNumbers(right.matched, left.matched) || compareNumbers(a, b))
    .map(([, candidate]) => candidate);
  const tries = new Set(best.slice(0, MAX_TRIES));
  for (const candidate of candidates) {
    if (!tries.has(candidate)) continue;
    await query.prepare(candidate.commit);
    const result = await applyPatches(scratch, candidate.commit, patches);
    if (result.kind === 'applied') return finish('applies', candidate, tips.length);
  }
  return best[0] === undefined ? null : finish('closest', best[0], tips.length);
}

/** The commit that a series names, `null` where it names none or this clone does not have it. */
async function commitOf(repository: Repository, named: string | null, blobs?: BlobReader): Promise<string | null> {
  if (named === null) return null;
  try {
    return await resolveCommit(repository, named, blobs);
  } catch (error) {
    if (error instanceof NoInputError) return null;
    throw error;
  }
}

/** A tag that names a commit, else a branch. */
async function nameOf(repository: Repository, commit: string): Promise<string | null> {
  const refs = (await listRefs(repository)).filter((ref) => ref.commit === commit);
  const ref = refs.find(({ kind }) => kind === 'tag') ?? refs.find(({ kind }) => kind === 'branch') ?? refs[0];
  return ref === undefined ? null : ref.name.replace(/^refs\/(?:tags|heads)\//, '');
}

/**
 * All paths that patches touch, by this program's reading and by git's, sorted by code units. `broken` is the first patch that git takes for
 * no diff: what it touches is not known for certain.
 */
export async function touchedPaths(
  scratch: Scratch,
  patches: readonly Patch[],
): Promise<{ readonly paths: readonly string[]; readonly broken: Patch | null }> {
  const paths = new Set<string>();
  let broken: Patch | null = null;
  for (const patch of patches) {
    for (const path of pathsOf(patch.files)) paths.add(path);
    const said = await scratch.paths(patch.diff);
    if (said === null) broken ??= patch;
    for (const path of said ?? []) paths.add(path);
  }
  return { paths: [...paths].sort(), broken };
}
