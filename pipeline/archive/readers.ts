import { spawn } from 'node:child_process';
import { MAX_MAIL } from '../extract/mail/mail.ts';
import { type BatchObject, batchParser } from './batch.ts';
import { ended, GIT_ENV, gitArguments, requireSuccess } from './git.ts';
import { type Pool, startPool } from './pool.ts';
import { objectLine } from './scan-line.ts';

const CAT_FILE = ['cat-file', '--batch', '--buffer'];

/** Takes blob ids while they come, and gives the line of each (see `objectLine`) by its id. */
export type BlobScanner = {
  readonly add: (blob: string) => void;
  readonly finish: () => Promise<ReadonlyMap<string, string>>;
};

/** Reads blobs one after the other with one `git cat-file`; the bytes are valid only during the call. */
export async function readObjects(
  gitDir: string,
  blobs: Iterable<string>,
  onObject: (object: BatchObject) => void,
): Promise<void> {
  const child = spawn('git', gitArguments(gitDir, CAT_FILE), { env: GIT_ENV, stdio: ['pipe', 'pipe', 'pipe'] });
  const parser = batchParser(MAX_MAIL, onObject);
  child.stdout.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      const count = chunk.copy(parser.reserve(), 0, at);
      at += count;
      parser.filled(count);
    }
  });
  child.stdin.on('error', () => {});
  for (const blob of blobs) child.stdin.write(`${blob}\n`);
  child.stdin.end();
  requireSuccess(gitDir, 'cat-file', await ended(child));
}

/** Scans with git in this process: what a daily run brings, and what the pack readers leave. */
async function scanWithGit(gitDir: string, blobs: readonly string[], lines: Map<string, string>): Promise<void> {
  if (blobs.length === 0) return;
  await readObjects(gitDir, blobs, (object) => lines.set(object.name, objectLine(object)));
}

/** Workers are plain JavaScript: where the sources run uncompiled, as under the test runner, mail is scanned in this process. */
const COMPILED = import.meta.url.endsWith('.js');
/** Below this many mails workers are not worth their start. */
const WORTHWHILE = 4000;

/** Scans with `jobs` worker processes that read the packs; a few mails, an uncompiled run, and what is in no pack, with git. */
export function blobScanner(gitDir: string, jobs: number): BlobScanner {
  const early: string[] = [];
  let pool: Pool | null = null;
  const add = (blob: string): void => {
    if (pool === null) early.push(blob);
    else pool.add(blob);
    if (pool !== null || !COMPILED || jobs < 1 || early.length < WORTHWHILE) return;
    pool = startPool(gitDir, jobs);
    for (const each of early.splice(0)) pool.add(each);
  };
  const finish = async (): Promise<ReadonlyMap<string, string>> => {
    const { lines, left } = (await pool?.finish()) ?? { lines: new Map<string, string>(), left: early };
    await scanWithGit(gitDir, left, lines);
    return lines;
  };
  return { add, finish };
}
