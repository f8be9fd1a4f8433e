import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { FETCH_CONFIG, FETCH_CONFIG_NAME } from './process.ts';

/**
 * Whether the user owns the repository. The configuration of a partial clone names what runs to fetch a blob, so nothing is
 * fetched for a repository that somebody else wrote; what it holds is read.
 */
export function isOwn(gitDir: string): boolean {
  const user = userId();
  if (user === -1) return true;
  try {
    return statSync(gitDir).uid === user;
  } catch {
    return false;
  }
}

/** -1 where the system has no such ids, null where it cannot be told. */
function userId(): number | null {
  try {
    return userInfo().uid;
  } catch {
    // A container may run under an id that has no name.
    return statSync('/proc/self', { throwIfNoEntry: false })?.uid ?? null;
  }
}

/**
 * The configuration that sync left beside a clone of its own, under which missing blobs are fetched. Any other content is
 * somebody else's and could run programs: it counts as none.
 */
export const fetchConfigBeside = (gitDir: string): string | null => fetchConfigIn(dirname(gitDir));

export function fetchConfigIn(cache: string): string | null {
  const file = join(cache, FETCH_CONFIG_NAME);
  try {
    return readFileSync(file, 'utf8') === FETCH_CONFIG ? file : null;
  } catch {
    return null;
  }
}
