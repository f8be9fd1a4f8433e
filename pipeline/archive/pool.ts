import { spawn } from 'node:child_process';
import { execPath } from 'node:process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { feedObjects } from '../git/cat-file.ts';
import { gitEnvironment } from '../git/environment.ts';
import type { Place } from '../git/run.ts';
import { UnavailableError } from '../model/errors.ts';
import { blobOf } from './scan-line.ts';

/** Worker processes that scan blobs of a repository. */
export type Pool = {
  readonly add: (blob: string) => void;
  /** The line of each blob by its id. */
  readonly finish: () => Promise<ReadonlyMap<string, string>>;
};

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
/** A run of blobs goes to one git: a long one finds more delta bases at hand, with short ones all end together. */
const RUN = { least: 256, most: 1024 } as const;

/** One thread per reader, for there is a reader per core; a small young generation stays in the cache. */
const READER_FLAGS = ['--single-threaded', '--max-semi-space-size=2'];

/** Starts `jobs` workers, each behind a git that takes the next run when it has taken up its last: so all end at nearly one time. */
export function startPool(place: Place, jobs: number): Pool {
  const waiting: string[] = [];
  let next = 0;
  let complete = false;
  const idle: Readable[] = [];

  /** The next run: a whole one; smaller ones when the last blobs are known. */
  const nextRun = (): readonly string[] => {
    const remaining = waiting.length - next;
    if (!complete && remaining < RUN.most) return [];
    const share = complete ? Math.ceil(remaining / (2 * jobs)) : remaining;
    const run = waiting.slice(next, next + Math.min(RUN.most, Math.max(RUN.least, share)));
    next += run.length;
    return run;
  };
  const serve = (asks: Readable): void => {
    const run = nextRun();
    if (run.length > 0) asks.push(`${run.join('\n')}\n`);
    else if (complete) asks.push(null);
    else idle.push(asks);
  };
  const wake = (): void => {
    for (const asks of idle.splice(0)) serve(asks);
  };
  const ends = Array.from({ length: jobs }, () => {
    const asks = new Readable({ read: () => serve(asks) });
    return startReader(place, asks);
  });
  // A reader may end before anybody waits for it; `finish` tells of it.
  for (const end of ends) end.catch(() => {});
  return {
    add: (blob) => {
      waiting.push(blob);
      if (idle.length > 0 && waiting.length - next >= RUN.most) wake();
    },
    finish: async () => {
      complete = true;
      wake();
      const lines = (await Promise.all(ends)).flatMap((text) => text.split('\n'));
      return new Map(lines.map((line) => [blobOf(line), line]));
    },
  };
}

/**
 * Starts git and, behind it, a worker; resolves to all lines when all that was asked is answered, rejects with a KnownError where
 * either ends early.
 */
async function startReader(place: Place, asks: Readable): Promise<string> {
  const worker = spawn(execPath, [...READER_FLAGS, WORKER], {
    env: gitEnvironment(place.env, false),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Made text at the end only: a line at a time, the collector would move each again and again.
  const pieces: Buffer[] = [];
  worker.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  let stderr = '';
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < 2000) stderr += text;
  });
  const end = new Promise<void>((resolve, reject) => {
    worker.on('error', (cause) => reject(new UnavailableError('a reader of mail cannot be started', { cause })));
    worker.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const reason = /^\w*Error: .*$/m.exec(stderr)?.[0] ?? signal ?? `exit status ${code}`;
      reject(new UnavailableError(`${place.path}: a reader of mail ended early: ${reason}`));
    });
  });
  // Where the worker ends early, so does git, of which there is nothing else to say.
  const [read, ended] = await Promise.allSettled([feedObjects(place, asks, worker.stdin), end]);
  if (ended.status === 'rejected') throw ended.reason;
  if (read.status === 'rejected') throw read.reason;
  return Buffer.concat(pieces).toString('latin1').slice(0, -1);
}
