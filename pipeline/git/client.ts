import { join } from 'node:path';
import { UnavailableError } from '../model/errors.ts';
import { FETCH_CONFIG_NAME, firstLine, gitEnvironment } from './process.ts';

/**
 * simple-git with this program's environment and none of the caller's; what it guards against stays guarded. `input` goes
 * to git's standard input.
 */
export async function gitClient(directory: string, cache: string, env: NodeJS.ProcessEnv, input?: string) {
  const { simpleGit } = await import('simple-git');
  // What these would set is in the configuration file beside the clones.
  const inFile = /^GIT_(CONFIG_(KEY|VALUE)_|CONFIG_COUNT$|ASKPASS$)/;
  const safe: Record<string, string> = {};
  for (const [name, value] of Object.entries(gitEnvironment(env, true, join(cache, FETCH_CONFIG_NAME))))
    if (value !== undefined && !inFile.test(name)) safe[name] = value;
  // A transfer must not start transfers: git 2.39 does so without end where a blobless clone meets a shallow history.
  safe.GIT_NO_LAZY_FETCH = '1';
  // The one guard that is lifted points git's global configuration at this program's own: a user's could run programs.
  return simpleGit({
    baseDir: directory,
    allowEnvironment: Object.keys(safe),
    unsafe: { allowUnsafeConfigPaths: true },
    ...(input === undefined ? {} : { input: () => input }),
  }).env(safe);
}

/** Turns any failure to fetch into an UnavailableError that names the URL and says what git said. */
export async function reaching<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UnavailableError(`${url} could not be fetched: ${firstLine(text)}`, { cause: error });
  }
}
