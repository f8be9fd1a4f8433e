import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MAX_MAIL } from '../../extract/mail/mail.ts';
import { UnavailableError } from '../../model/errors.ts';
import { type BatchObject, batchParser } from './batch.ts';
import { ended, GIT_ENV, gitArguments, requireSuccess } from './git.ts';
import { objectLine } from './scan-line.ts';

const CAT_FILE = ['cat-file', '--batch', '--buffer'];

/** Takes blob ids while they come, and gives a line per blob (see `objectLine`) in the order of the ids. */
export type BlobScanner = { readonly add: (blob: string) => void; readonly finish: () => Promise<readonly string[]> };

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

/** Scans in this process: right for the few mails of a daily run, where starting workers costs more. */
function localScanner(gitDir: string): BlobScanner {
  const blobs: string[] = [];
  const finish = async (): Promise<readonly string[]> => {
    const lines: string[] = [];
    if (blobs.length > 0) await readObjects(gitDir, blobs, (object) => lines.push(objectLine(object)));
    return lines;
  };
  return { add: (blob) => blobs.push(blob), finish };
}

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
/** Workers are plain JavaScript: where the sources run uncompiled, as under the test runner, mail is scanned in this process. */
const COMPILED = import.meta.url.endsWith('.js');

type Job = { readonly take: (blob: string) => void; readonly finish: () => Promise<readonly string[]> };

/** How long a reader of several rests after a short read, in milliseconds. */
const REST = 0.6;

function startJob(gitDir: string, rest: number): Job {
  const git = spawn('git', gitArguments(gitDir, CAT_FILE), { env: GIT_ENV, stdio: ['pipe', 'pipe', 'pipe'] });
  const worker: ChildProcess = spawn(process.execPath, ['--max-semi-space-size=8', WORKER, `${rest}`], {
    stdio: [git.stdout, 'pipe', 'pipe'],
  });
  // The worker holds its own copy of the descriptor; ours must not read from it or keep it open.
  git.stdout.destroy();
  let text = '';
  const chunks: string[] = [];
  worker.stdout?.setEncoding('latin1').on('data', (chunk: string) => chunks.push(chunk));
  git.stdin.on('error', () => {});
  const gitEnd = ended(git);
  const workerEnd = ended(worker);
  return {
    take: (blob) => {
      text += `${blob}\n`;
      if (text.length < 1 << 14) return;
      git.stdin.write(text);
      text = '';
    },
    finish: async () => {
      git.stdin.end(text);
      const [worked, read] = await Promise.all([workerEnd, gitEnd]);
      if (worked.code !== 0) throw new UnavailableError(`${gitDir}: a reader of mail ended early: ${worked.stderr}`);
      requireSuccess(gitDir, 'cat-file', read);
      const lines = chunks.join('').split('\n');
      lines.pop();
      return lines;
    },
  };
}

/** Runs of this many ids go to one job, so that its delta cache is of use. */
const RUN = 512;
/** Below this many mails workers are not worth their start. */
const WORTHWHILE = 4000;

/** Scans with `jobs` pairs of `git cat-file` and a worker process; a few mails, or one uncompiled run, in this process. */
export function blobScanner(gitDir: string, jobs: number): BlobScanner {
  if (!COMPILED || jobs < 1) return localScanner(gitDir);
  const waiting: string[] = [];
  let running: Job[] | null = null;
  let count = 0;
  const add = (blob: string): void => {
    if (running === null) {
      waiting.push(blob);
      if (waiting.length < WORTHWHILE) return;
      running = Array.from({ length: jobs }, () => startJob(gitDir, jobs > 1 ? REST : 0));
      for (const early of waiting) add(early);
      return;
    }
    running[Math.floor(count / RUN) % jobs]?.take(blob);
    count += 1;
  };
  const finish = async (): Promise<readonly string[]> => {
    if (running === null) {
      const local = localScanner(gitDir);
      for (const blob of waiting) local.add(blob);
      return local.finish();
    }
    const results = await Promise.all(running.map((job) => job.finish()));
    const next = results.map(() => 0);
    return Array.from({ length: count }, (_, index) => {
      const job = Math.floor(index / RUN) % jobs;
      const at = next[job] ?? 0;
      next[job] = at + 1;
      return results[job]?.[at] ?? '';
    });
  };
  return { add, finish };
}
