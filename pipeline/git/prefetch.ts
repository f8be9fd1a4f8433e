import { dirname } from 'node:path';
import { gitClient, reaching } from './client.ts';
import { readGit } from './process.ts';
import type { Repository } from './repository.ts';

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
  const fetch = ['-c', 'fetch.negotiationAlgorithm=noop', 'fetch', 'origin', '--stdin', '--filter=blob:none'];
  const quiet = ['--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--recurse-submodules=no'];
  await reaching(url, async () => {
    const git = await gitClient(
      repository.gitDir,
      dirname(repository.gitDir),
      repository.env,
      missing.map((id) => `${id}\n`).join(''),
    );
    await git.raw([...fetch, ...quiet]);
  });
  return missing.length;
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
  const output = await readGit(repository.gitDir, args, { env: repository.env, input });
  return output
    .toString('latin1')
    .split('\n')
    .flatMap((line) => (line.startsWith('?') ? [line.slice(1, 65).trim()] : []));
}
