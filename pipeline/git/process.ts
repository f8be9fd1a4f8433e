import { spawn } from 'node:child_process';
import { NoInputError, UnavailableError } from '../model/errors.ts';

/** What holds whatever a repository's own configuration says. */
const CONFIGURATION: readonly (readonly [string, string])[] = [
  // Mirrors are often owned by somebody else; only data is read from them, no hook and no configured program runs.
  ['safe.directory', '*'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['credential.helper', ''],
  ['log.showSignature', 'false'],
  ['color.ui', 'false'],
  ['log.showRoot', 'true'],
  ['log.follow', 'false'],
  // A transfer that stands still for a minute is an error, not a wait without end.
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
];

const configuration = (pairs: readonly (readonly [string, string])[]): NodeJS.ProcessEnv => ({
  GIT_CONFIG_COUNT: String(pairs.length),
  ...Object.fromEntries(
    pairs.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ),
});

/**
 * The environment that every git process gets: no prompt, no user's or system's configuration that could run programs, the
 * same words in any locale, and no transport but those that a sync needs.
 */
export function gitEnvironment(
  base: NodeJS.ProcessEnv,
  network: boolean,
  globalConfig = '/dev/null',
): NodeJS.ProcessEnv {
  const kept = Object.fromEntries(
    Object.entries(base).filter(([name]) =>
      /^(PATH|HOME|TMPDIR|SSL_CERT_FILE|SSL_CERT_DIR|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|SystemRoot)$/.test(
        name,
      ),
    ),
  );
  return {
    ...kept,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: globalConfig,
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOW_PROTOCOL: network ? 'https:file' : 'none',
    GIT_NO_LAZY_FETCH: network ? '0' : '1',
    GIT_ASKPASS: '',
    ...configuration(CONFIGURATION),
  };
}

/**
 * The global configuration that fetches run with, written beside the clones: a local path serves partial clones as a forge
 * does, also where its owner is somebody else.
 */
export const FETCH_CONFIG =
  '[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n' +
  '[http]\n\tlowSpeedLimit = 1\n\tlowSpeedTime = 60\n[credential]\n\thelper =\n';
export const FETCH_CONFIG_NAME = 'gitconfig';

export type GitResult = { readonly status: number; readonly stdout: Buffer; readonly stderr: string };
export type GitOptions = {
  readonly env: NodeJS.ProcessEnv;
  readonly input?: Buffer | string;
  readonly network?: boolean;
  readonly maxBytes?: number;
  /** How much of what git says on standard error is kept, in characters: a few lines where it is not given. */
  readonly maxErrors?: number;
};

const MAX_OUTPUT = 512 * 1024 * 1024;

/** Runs git with an argument list, never through a shell. Resolves also where git fails; rejects where it cannot run. */
export function runGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...args], {
      env: gitEnvironment(options.env, options.network ?? false),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > (options.maxBytes ?? MAX_OUTPUT)) child.kill();
      else chunks.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < (options.maxErrors ?? 4096)) stderr += chunk.toString('utf8');
    });
    child.on('error', (error) =>
      reject(new UnavailableError(`git cannot be run: ${error.message}; install git`, { cause: error })),
    );
    child.on('close', (status) =>
      resolve({ status: status ?? 128, stdout: Buffer.concat(chunks), stderr: stderr.trim() }),
    );
    // A process that ends early closes its input; what matters is its status.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** Runs git in a repository; a failure is a NoInputError with git's first line. */
export async function readGit(gitDir: string, args: readonly string[], options: GitOptions): Promise<Buffer> {
  const result = await runGit([`--git-dir=${gitDir}`, ...args], options);
  if (result.status === 0) return result.stdout;
  throw new NoInputError(
    `${gitDir}: git ${args.find((arg) => !arg.startsWith('-')) ?? ''} failed: ${firstLine(result.stderr)}`,
  );
}

/** What git says went wrong: its first fatal line, else its first error, else its first line. */
export function firstLine(text: string): string {
  const lines = text.trim().split('\n');
  const line = ['fatal: ', 'error: ', ''].flatMap((start) => lines.filter((each) => each.startsWith(start)))[0] ?? '';
  return line.replace(/^(fatal|error): /, '');
}
