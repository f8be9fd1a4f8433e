import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { KnownError, UnavailableError } from '../model/errors.ts';
import { gitEnvironment } from './environment.ts';
import { makeRepository } from './own.ts';
import { isShallow, openRepository } from './repository.ts';
import { firstLine, machineFault, requireSuccess, runGit } from './run.ts';
import { makeTemporary, removeTemporary } from './temporary.ts';

/** A transfer that says nothing for so long has come to a stand. */
const MAX_SILENCE = 600_000;
/** The longest honest transfer is the whole history of a kernel; a source that trickles would hold a run for ever. */
const MAX_SECONDS = 4 * 3600;

/** Where git fetches from: a forge, or a repository of our own that stands for one on this machine. */
export type Remote = { readonly url: string; readonly isShallow: boolean };

/**
 * What git may fetch from a URL: `https://`, or a repository on this machine, by `file://` or its path. The latter is served
 * through one of our own, so that its configuration serves nothing. Throws an UnavailableError for anything else.
 */
export async function remoteAt(url: string, env: NodeJS.ProcessEnv): Promise<Remote> {
  if (/^https:\/\//i.test(url)) return { url, isShallow: false };
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0].toLowerCase();
  if (scheme !== undefined && scheme !== 'file://')
    throw new UnavailableError(`${url} could not be fetched: expected https:// or a path on this machine`);
  try {
    const path = scheme === undefined ? resolve(url) : fileURLToPath(url);
    const repository = openRepository(path, env);
    return { url: pathToFileURL(repository.gitDir).href, isShallow: await isShallow(repository) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnavailableError(`${url} could not be fetched: ${reason}`, { cause: error });
  }
}

export type Transfer = {
  /** A repository of the program's own, with a configuration that it has just written. */
  readonly gitDir: string;
  /** How messages name the source. */
  readonly url: string;
  readonly remote: Remote;
  readonly env: NodeJS.ProcessEnv;
  /** Arguments of `git fetch` behind the remote. */
  readonly what: readonly string[];
  readonly input?: string;
  /** Other configuration of this transfer. */
  readonly settings?: readonly string[];
  /** How long it may take. */
  readonly seconds?: number;
};

/** `git fetch` by simple-git, in this program's environment and no other; what simple-git guards against stays guarded. */
export async function fetchInto(transfer: Transfer): Promise<void> {
  const { gitDir, url, remote, env, what, input, settings = [], seconds = MAX_SECONDS } = transfer;
  const { simpleGit } = await import('simple-git');
  // simple-git takes no settings from the environment: the repository's own configuration has them.
  const safe: Record<string, string> = { GIT_DIR: gitDir };
  for (const [name, value] of Object.entries(gitEnvironment(env, true)))
    if (value !== undefined && !/^GIT_CONFIG_(COUNT$|KEY_|VALUE_)/.test(name)) safe[name] = value;
  const abort = AbortSignal.timeout(seconds * 1000);
  const git = simpleGit({
    abort,
    baseDir: gitDir,
    allowEnvironment: Object.keys(safe),
    // The one guard that is lifted points git's global configuration at nothing.
    unsafe: { allowUnsafeConfigPaths: true },
    timeout: { block: MAX_SILENCE },
    ...(input === undefined ? {} : { input: () => input }),
  }).env(safe);
  const pairs = [`remote.origin.url=${remote.url}`, ...settings].flatMap((setting) => ['-c', setting]);
  const quiet = ['--progress', '--no-auto-maintenance', '--no-write-fetch-head', '--recurse-submodules=no'];
  const shallow = remote.isShallow ? ['--update-shallow'] : [];
  try {
    await git.raw([...pairs, 'fetch', ...quiet, ...shallow, 'origin', ...what]);
  } catch (error) {
    if (error instanceof KnownError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    const text = abort.aborted ? `it took more than ${seconds} seconds` : said;
    const message = `${url} could not be fetched: ${firstLine(text)}`;
    throw machineFault(text, `${message} (into ${gitDir})`) ?? new UnavailableError(message, { cause: error });
  }
}

/** Where a remote's HEAD stands. */
export type RemoteHead = { readonly commit: string; readonly branch: string | null };

/** How long a remote may take to say its HEAD, in seconds, and how much it may say. */
const HEAD_SECONDS = 120;
const HEAD_BYTES = 1 << 20;

/** What a remote's HEAD names, null where it has none. Throws an UnavailableError that says what git said. */
export async function remoteHead(url: string, remote: Remote, env: NodeJS.ProcessEnv): Promise<RemoteHead | null> {
  const gitDir = makeTemporary();
  try {
    makeRepository(gitDir, { format: 'sha1' });
    const args = ['ls-remote', '--symref', '--end-of-options', remote.url, 'HEAD'];
    const limits = { seconds: HEAD_SECONDS, maxBytes: HEAD_BYTES };
    const { stdout, ...result } = await runGit(args, { env, gitDir, network: true, ...limits });
    if (result.status !== 0 && result.cut === null)
      throw new UnavailableError(`${url} could not be fetched: ${firstLine(result.stderr)}`);
    requireSuccess(url, args, result);
    const said = stdout.toString('utf8');
    const commit = /^([0-9a-f]{64}|[0-9a-f]{40})\tHEAD$/m.exec(said)?.[1];
    const branch = /^ref: (refs\/heads\/[\w./+-]+)\tHEAD$/m.exec(said)?.[1] ?? null;
    return commit === undefined ? null : { commit, branch };
  } finally {
    removeTemporary(gitDir);
  }
}
