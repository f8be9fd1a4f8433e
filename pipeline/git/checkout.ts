import { resolve } from 'node:path';
import { NoInputError, UnavailableError } from '../model/errors.ts';
import { remoteAt } from './client.ts';
import type { Setting } from './environment.ts';
import { openRepository, type Repository } from './repository.ts';
import { firstLine, machineFault, runGit } from './run.ts';

/**
 * A checkout of this project, whose HEAD and objects git reads and whose `origin` it fetches from and pushes to. What git makes
 * for it is made in a repository of our own: index, work tree and refs of the checkout stay as they are.
 */
export type Checkout = {
  /** Runs git on the checkout's objects; resolves to what it says. */
  readonly git: (args: readonly string[], input?: string) => Promise<string>;
  /** The same with the network; `origin` names the remote. What fails is unavailable, never "nothing new". */
  readonly fetching: (args: readonly string[]) => Promise<string>;
  readonly pushing: (args: readonly string[]) => Promise<string>;
};

/** Throws a NoInputError for a folder that is no checkout. */
export function openCheckout(path: string, env: NodeJS.ProcessEnv): Checkout {
  const repository = openRepository(path, env);
  const run = async (args: readonly string[], input: string, settings: readonly Setting[] | null): Promise<string> => {
    const network = settings === null ? {} : { network: true, settings };
    const result = await runGit(args, { env, gitDir: repository.gitDir, path, input, ...network });
    if (result.status === 0 && result.cut === null) return result.stdout.toString('utf8').replace(/\n$/, '');
    const reason = result.cut ?? firstLine(result.stderr);
    const message = `${path}: git ${args.find((arg) => !arg.startsWith('-')) ?? ''} failed: ${reason}`;
    const fault = machineFault(result.stderr, message);
    throw fault ?? (settings === null ? new NoInputError(message) : new UnavailableError(message));
  };
  return {
    git: (args, input = '') => run(args, input, null),
    fetching: async (args) => {
      const { url, headers } = await originOf(path, repository);
      return run(args, '', [['remote.origin.url', (await remoteAt(url, env)).url], ...headers]);
    },
    pushing: async ([command = 'push', ...args]) => {
      const { url, headers } = await originOf(path, repository);
      const isFar = /^https:/i.test(url);
      const near = isFar ? [] : [`--receive-pack=git ${RECEIVING.map((pair) => `-c ${pair}`).join(' ')} receive-pack`];
      return run([command, ...near, ...args], '', [['remote.origin.url', url], ...headers]);
    },
  };
}

/** Where the origin is a folder, git works in it: what of its configuration would run something does not. */
const RECEIVING = [
  'core.hooksPath=/dev/null',
  'core.alternateRefsCommand=true',
  'core.fsmonitor=false',
  'receive.procReceiveRefs=',
  'receive.autoGC=false',
  'receive.denyCurrentBranch=refuse',
];

/** The keys of a checkout's configuration that count: where `origin` is, and the headers that a workflow's checkout signs in with. */
const KEYS = '^(remote\\.origin\\.url|http\\.https://.*\\.extraheader)$';

async function originOf(
  path: string,
  { path: gitDir, env }: Repository,
): Promise<{ readonly url: string; readonly headers: readonly Setting[] }> {
  // The file alone: nothing that it includes, and no repository that git would open for it.
  const args = ['config', '--file', resolve(gitDir, 'config'), '--no-includes', '-z', '--get-regexp', KEYS];
  const { stdout } = await runGit(args, { env });
  const pairs = stdout
    .toString('utf8')
    .split('\0')
    .filter((entry) => entry.includes('\n'))
    .map((entry): Setting => [entry.slice(0, entry.indexOf('\n')), entry.slice(entry.indexOf('\n') + 1)]);
  const url = pairs.find(([key]) => key === 'remote.origin.url')?.[1];
  if (url === undefined) throw new UnavailableError(`${path}: no remote "origin" to fetch from`);
  const headers = pairs.filter(([key]) => key !== 'remote.origin.url');
  return { url: /^([a-z][a-z0-9+.-]*:\/\/|\/|[^/]+:)/i.test(url) ? url : resolve(path, url), headers };
}
