import { type ChildProcessByStdio, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { EXIT, KnownError, NoInputError, UnavailableError } from '../model/errors.ts';
import { gitEnvironment, type Setting } from './environment.ts';

export type GitOptions = {
  readonly env: NodeJS.ProcessEnv;
  /** The repository to work in, by its own folder; none for commands that need none. */
  readonly gitDir?: string;
  /** How messages name that repository: what git says of its folder is said of this. */
  readonly path?: string;
  readonly input?: Buffer | string | Readable;
  readonly network?: boolean;
  readonly settings?: readonly Setting[];
  /** What git may say on standard output, in bytes; it is ended beyond. */
  readonly maxBytes?: number;
  /** How much of what git says on standard error is kept, in characters: a few lines where it is not given. */
  readonly maxErrors?: number;
  /** How long git may take; it is ended then. */
  readonly seconds?: number;
};

export type GitResult = {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Why git was ended before it was done; null where it ended by itself. */
  readonly cut: string | null;
};

const MAX_OUTPUT = 512 * 1024 * 1024;
/** The longest honest work is the history of a kernel on a slow disk. */
const MAX_SECONDS = 3600;
/** Processes of git that run at once for short questions; a repository that makes the program ask more has it wait. */
const MOST_AT_ONCE = 8;

/** Starts git: the one place where the program does (simple-git's transfers apart, which get the same environment). */
export function startGit(args: readonly string[], options: GitOptions): ChildProcessWithoutNullStreams {
  const child = spawn('git', argsIn(args, options), { env: environmentOf(options), stdio: ['pipe', 'pipe', 'pipe'] });
  // A process that ends early closes its input; what matters is its status.
  child.stdin.on('error', () => {});
  return child;
}

/** Starts git with what it says going to another process, by that one's standard input: this one neither reads nor holds it. */
function startGitInto(args: readonly string[], options: GitOptions, reader: Writable): Child {
  const child = spawn('git', argsIn(args, options), { env: environmentOf(options), stdio: ['pipe', reader, 'pipe'] });
  child.stdin.on('error', () => {});
  // The reader meets the end of its input where git ends, as nobody else can write to it.
  reader.destroy();
  return child;
}

type Child = ChildProcessByStdio<Writable, Readable | null, Readable>;

const argsIn = (args: readonly string[], { gitDir }: GitOptions): readonly string[] =>
  gitDir === undefined ? args : [`--git-dir=${gitDir}`, ...args];

const environmentOf = ({ env, network = false, settings = [] }: GitOptions): NodeJS.ProcessEnv =>
  gitEnvironment(env, network, settings);

/** Runs git with an argument list, never through a shell. Resolves also where git fails; rejects where it cannot run. */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  const chunks: Buffer[] = [];
  const ended = await streamGit(args, options, (chunk) => chunks.push(chunk));
  return { ...ended, stdout: Buffer.concat(chunks) };
}

/** Runs git for another process, which reads its output (see `startGitInto`), for as long as it asks: it waits for no turn. */
export function feedGit(
  args: readonly string[],
  options: GitOptions,
  reader: Writable,
): Promise<Omit<GitResult, 'stdout'>> {
  return followGit(startGitInto(args, options, reader), options, () => {});
}

let running = 0;
const waiting: (() => void)[] = [];

/** Runs git and hands on its output in the pieces in which it comes. */
export async function streamGit(
  args: readonly string[],
  options: GitOptions,
  onChunk: (chunk: Buffer) => void,
): Promise<Omit<GitResult, 'stdout'>> {
  // Where it need not wait, git starts at once: it works while the caller goes on.
  while (running >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    return await followGit(startGit(args, options), options, onChunk);
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

function followGit(
  child: Child,
  options: GitOptions,
  onChunk: (chunk: Buffer) => void,
): Promise<Omit<GitResult, 'stdout'>> {
  const { input = '', maxBytes = MAX_OUTPUT, maxErrors = 4096, seconds = MAX_SECONDS } = options;
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let stderr = '';
    let cut: string | null = null;
    const end = (reason: string): void => {
      cut ??= reason;
      child.kill('SIGKILL');
      // A process that git started may hold the pipes open; it meets their end.
      child.stdout?.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => end(`it took more than ${seconds} s`), seconds * 1000);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(error);
    };
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) return end(`it said more than ${maxBytes} bytes`);
      try {
        onChunk(chunk);
      } catch (error) {
        fail(error);
      }
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < maxErrors) stderr += chunk.toString('utf8');
    });
    child.on('error', (error) => fail(notStarted(error)));
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (signal !== null) cut ??= `it was ended by ${signal}`;
      resolve({ status: status ?? 128, stderr: named(stderr.trim(), options), cut });
    });
    if (typeof input === 'string' || Buffer.isBuffer(input)) child.stdin.end(input);
    else input.pipe(child.stdin);
  });
}

/** The names of repositories of our own are another each time, and nobody knows them. */
export const named = (text: string, { gitDir, path }: Pick<GitOptions, 'gitDir' | 'path'>): string =>
  gitDir === undefined || path === undefined ? text : text.replaceAll(gitDir, path);

/** Why git could not be started: it is not there, or the machine has no room for one more. */
export function notStarted(error: Error): KnownError {
  const code = 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'EACCES'
    ? new UnavailableError(`git cannot be run: ${error.message}; install git`, { cause: error })
    : new KnownError(EXIT.io, `git cannot be run: ${error.message}`, { cause: error });
}

/** A repository to run git in, and how messages name it. */
export type Place = { readonly gitDir: string; readonly path: string; readonly env: NodeJS.ProcessEnv };

/** Runs git in a repository; a failure is a known error with git's first line. */
export async function readGit(
  { gitDir, path, env }: Place,
  args: readonly string[],
  more: Partial<GitOptions> = {},
): Promise<Buffer> {
  const result = await runGit(args, { env, gitDir, path, ...more });
  requireSuccess(path, args, result);
  return result.stdout;
}

/** Throws where git failed: with what ended it, or with the first line that it said. */
export function requireSuccess(path: string, args: readonly string[], result: Omit<GitResult, 'stdout'>): void {
  if (result.status === 0 && result.cut === null) return;
  const what = `${path}: git ${args.find((arg) => !arg.startsWith('-')) ?? ''}`;
  if (result.cut !== null) throw new UnavailableError(`${what} did not end: ${result.cut}`);
  const said = `${what} failed: ${firstLine(result.stderr) || `exit status ${result.status}`}`;
  throw machineFault(result.stderr, said) ?? new NoInputError(said);
}

/** The error for a full, broken or closed disk, where git's words name one; else null. */
export function machineFault(stderr: string, message: string): KnownError | null {
  if (/No space left on device|Disk quota exceeded|Input\/output error|File too large|Too many open files/.test(stderr))
    return new KnownError(EXIT.io, message);
  return /Read-only file system|(?:creat|writ|mkdir|adding)[^\n]*Permission denied|Permission denied[^\n]*(?:creat|writ)|insufficient permission for adding/i.test(
    stderr,
  )
    ? new KnownError(EXIT.cannotCreate, message)
    : null;
}

/** What git says went wrong: its first fatal line, else its first error, else its first line. */
export function firstLine(text: string): string {
  const lines = text.trim().split('\n');
  const line = ['fatal: ', 'error: ', ''].flatMap((start) => lines.filter((each) => each.startsWith(start)))[0] ?? '';
  return line.replace(/^(fatal|error): /, '');
}

/** The pieces of a stream cut at line ends: whole lines, in blocks of many. `end` hands on a last line without its break. */
export function lineBlocks(onBlock: (lines: Buffer) => void): {
  readonly take: (chunk: Buffer) => void;
  readonly end: () => void;
} {
  // Joined only where a line ends: a line of many pieces is copied once.
  let rest: Buffer[] = [];
  return {
    take: (chunk) => {
      const end = chunk.lastIndexOf(0x0a) + 1;
      if (end > 0) {
        onBlock(rest.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...rest, chunk.subarray(0, end)]));
        rest = [];
      }
      if (end < chunk.length) rest.push(chunk.subarray(end));
    },
    end: () => {
      if (rest.length > 0) onBlock(Buffer.concat(rest));
    },
  };
}
