import { withLock } from '../disk/lock.ts';
import { fetchInto, remoteAt } from './client.ts';
import { lockOf, mendClone } from './clone.ts';
import type { Repository } from './repository.ts';
import { readGit } from './run.ts';

/** No module binary is ever fetched: their licence forbids reading them. */
const BINARIES = ['bin', 'blob', 'sigstruct'].map((ending) => `:(top,exclude,icase,glob)**/*.${ending}`);

/**
 * Fetches the blobs of the paths at the commits that a blobless clone lacks, all in one transfer instead of one for each.
 * A folder stands for all in it but module binaries. Returns how many were fetched; asks nothing of the source where none lack.
 */
export async function prefetchBlobs(
  repository: Repository,
  url: string,
  commits: readonly string[],
  paths: readonly string[],
): Promise<number> {
  const missing = await missingBlobs(repository, commits, paths);
  if (missing.length === 0) return 0;
  await fetchObjects(repository, url, missing);
  return missing.length;
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const MOST_WAIT = 600_000;

/** Fetches objects by their ids from a URL into a clone of the cache: the only way in which what lacks is ever fetched. */
export async function fetchObjects(repository: Repository, url: string, ids: readonly string[]): Promise<void> {
  const { path, env } = repository;
  const remote = await remoteAt(url, env);
  const work = async (): Promise<void> => {
    mendClone(path, true, remote);
    await fetchInto({
      gitDir: path,
      url,
      remote,
      env,
      what: ['--stdin', '--filter=blob:none', '--no-tags'],
      input: ids.map((id) => `${id}\n`).join(''),
      settings: ['fetch.negotiationAlgorithm=noop'],
    });
  };
  // Another run may be fetching: it has its own news to bring, and this one only a little.
  await withLock(lockOf(path), url, work, { sleep, limit: MOST_WAIT });
}

/** Fetches one object after another, those that are asked for meanwhile in one transfer. */
export function objectFetcher(repository: Repository, url: string): (id: string) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let waiting: { readonly ids: string[]; readonly done: Promise<void> } | null = null;
  return (id) => {
    if (waiting === null) {
      const ids: string[] = [];
      const fetchThem = (): Promise<void> => {
        waiting = null;
        return fetchObjects(repository, url, ids);
      };
      last = last.then(fetchThem, fetchThem);
      waiting = { ids, done: last };
    }
    waiting.ids.push(id);
    return waiting.done;
  };
}

/** The blobs of the paths at the commits that the repository does not have. */
async function missingBlobs(
  repository: Repository,
  commits: readonly string[],
  paths: readonly string[],
): Promise<readonly string[]> {
  if (commits.length === 0 || paths.length === 0) return [];
  const wanted = paths.map((path) => `:(top,literal)${path}`);
  const input = [...commits, '--', ...wanted, ...BINARIES].map((line) => `${line}\n`).join('');
  const args = ['rev-list', '--objects', '--no-walk', '--missing=print', '--stdin'];
  const output = await readGit(repository, args, { input });
  return output
    .toString('latin1')
    .split('\n')
    .flatMap((line) => (line.startsWith('?') ? [line.slice(1, 65).trim()] : []));
}
