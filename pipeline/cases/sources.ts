import { resolve, sep } from 'node:path';
import { type BlobOptions, type BlobReader, openBlobs } from '../git/blobs.ts';
import { objectFetcher } from '../git/prefetch.ts';
import { openRepository, type Repository, resolveCommit } from '../git/repository.ts';
import { openCache } from '../specs/cache.ts';
import { openFolder } from '../specs/folder.ts';
import { readSources } from '../specs/sources-file.ts';
import type { PlainSources } from '../specs/sources-shape.ts';
import { type Context, cacheFile, cloneDirectory, specsDirectory } from './context.ts';

/** What specs/sources.yaml names; nothing where there is no such file. Throws a DataError where it is damaged. */
export const sourcesOf = (context: Context): Promise<PlainSources> =>
  readSources(openFolder(specsDirectory(context)), openCache(cacheFile(context)));

/** The lists of `specs/sources.yaml`. */
export const knownLists = async (context: Context): Promise<PlainSources['lists']> => (await sourcesOf(context)).lists;

/** How the blobs of a source's clone are read: what lacks is fetched from the source's URL, and from nowhere else. */
export function fetchFrom(context: Context, repository: Repository, url: string): BlobOptions {
  if (context.options.offline) return {};
  return { fetch: objectFetcher(repository, url) };
}

/** The same for a repository that the command line names: fetched is only into a clone of the cache, from what specs/sources.yaml says. */
export async function fetchKnown(context: Context, repository: Repository): Promise<BlobOptions> {
  const clones = resolve(cloneDirectory(context));
  if (context.options.offline || !resolve(repository.path).startsWith(`${clones}${sep}`)) return {};
  const { sources } = await sourcesOf(context);
  const own = sources.find(({ name }) => resolve(clones, `${name}.git`) === resolve(repository.path));
  return own === undefined ? {} : fetchFrom(context, repository, own.url);
}

/** Reads a revision of a repository that the command line names. */
export async function readAt<T>(
  context: Context,
  { path, revision }: { readonly path: string; readonly revision: string },
  read: (repository: Repository, blobs: BlobReader, commit: string) => Promise<T>,
): Promise<T> {
  const repository = openRepository(path, context.env);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    return await read(repository, blobs, await resolveCommit(repository, revision, blobs));
  } finally {
    await blobs.close();
  }
}
