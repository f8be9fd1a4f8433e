import { type ChildProcess, spawn } from 'node:child_process';
import { UnavailableError } from '../model/errors.ts';

/**
 * Small windows on the pack and a small delta cache: the same speed, a third of the memory. No transport: a missing blob of a
 * partial clone is reported, never fetched.
 */
const SETTINGS = [
  ['core.packedGitLimit', '32m'],
  ['core.packedGitWindowSize', '1m'],
  ['core.deltaBaseCacheLimit', '16m'],
  ['protocol.allow', 'never'],
].flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/**
 * git flushes after every commit when it writes to a pipe, which doubles the time of a listing; missing blobs are never fetched;
 * an archive is read as it is, without replacements; messages are not translated.
 */
export const GIT_ENV = {
  ...process.env,
  GIT_FLUSH: '0',
  GIT_NO_LAZY_FETCH: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  LC_ALL: 'C',
};

/** The argument array of a git command on a bare repository: no shell, no work tree. */
export const gitArguments = (gitDir: string, args: readonly string[]): string[] => [
  ...SETTINGS,
  `--git-dir=${gitDir}`,
  ...args,
];

type Ended = { readonly code: number | null; readonly stderr: string };

/** Waits for the end of a child; rejects only where it could not be started. */
export function ended(child: ChildProcess): Promise<Ended> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < 2000) stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(new UnavailableError('git cannot be started; is it installed?', { cause })));
    child.on('close', (code) => resolve({ code, stderr: stderr.trim() }));
  });
}

/** Throws where git failed, with the first line that it said. */
export function requireSuccess(gitDir: string, command: string, { code, stderr }: Ended): void {
  if (code === 0) return;
  throw new UnavailableError(`${gitDir}: git ${command} failed: ${stderr.split('\n')[0] || `exit status ${code}`}`);
}

/** Runs git and hands on its output: whole lines, in pieces of many. */
export async function gitBlocks(
  gitDir: string,
  args: readonly string[],
  onBlock: (lines: Buffer) => void,
  input?: string,
): Promise<void> {
  const child = spawn('git', gitArguments(gitDir, args), { env: GIT_ENV, stdio: ['pipe', 'pipe', 'pipe'] });
  let rest: Buffer = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    const block = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = block.lastIndexOf(0x0a) + 1;
    if (end > 0) onBlock(block.subarray(0, end));
    rest = block.subarray(end);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  requireSuccess(gitDir, args[0] ?? '', await ended(child));
  if (rest.length > 0) onBlock(rest);
}

/** Runs git and hands on its output line by line, as latin1. */
export async function gitLines(
  gitDir: string,
  args: readonly string[],
  onLine: (line: string) => void,
  input?: string,
): Promise<void> {
  const onBlock = (block: Buffer): void => {
    const lines = block.toString('latin1').split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) onLine(line);
  };
  await gitBlocks(gitDir, args, onBlock, input);
}

/** The output of git in lines, and its exit status where the caller reads meaning into it. */
export async function gitTry(gitDir: string, args: readonly string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn('git', gitArguments(gitDir, args), { env: GIT_ENV, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    out += text;
  });
  const { code } = await ended(child);
  return { code, out: out.trim() };
}
