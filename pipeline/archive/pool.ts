import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { gitEnvironment } from '../git/environment.ts';
import type { Place } from '../git/run.ts';
import { UnavailableError } from '../model/errors.ts';

/** Worker processes that scan blobs of a repository. */
export type Pool = {
  readonly add: (blob: string) => void;
  /** The line of each blob by its id. */
  readonly finish: () => Promise<ReadonlyMap<string, string>>;
};

/** What a worker is asked, and what it answers for a run of blobs. */
export type Ask = { readonly ids: string };
export type Answer = { readonly lines: string };

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
/** A run is one git: longer runs start fewer and find more delta bases at hand, shorter ones end together. */
const RUN = { first: 2048, least: 256, most: 8192 } as const;

/** One thread per reader, for there is a reader per core; a small young generation stays in the cache. */
const READER_FLAGS = ['--single-threaded', '--max-semi-space-size=2'];

/** Starts `jobs` workers; each asks for the next run when it has finished one, so that all end at nearly the same time. */
export function startPool(place: Place, jobs: number): Pool {
  const waiting: string[] = [];
  let next = 0;
  let complete = false;
  const result = new Map<string, string>();
  const idle: ChildProcess[] = [];

  /** The next run: what is there, up to a whole one; smaller ones when the last blobs are known. */
  const nextRun = (): readonly string[] => {
    const remaining = waiting.length - next;
    if (!complete && remaining < RUN.first) return [];
    const share = complete ? Math.ceil(remaining / (2 * jobs)) : remaining;
    const run = waiting.slice(next, next + Math.min(RUN.most, Math.max(RUN.least, share)));
    next += run.length;
    return run;
  };
  const serve = (worker: ChildProcess): void => {
    const run = nextRun();
    if (run.length > 0) worker.send({ ids: run.join('\n') } satisfies Ask);
    else if (complete) worker.disconnect();
    else idle.push(worker);
  };
  const take = ({ lines }: Answer): void => {
    for (const line of lines.split('\n')) if (line !== '') result.set(line.slice(0, line.indexOf(' ')), line);
  };
  const wake = (): void => {
    for (const worker of idle.splice(0)) serve(worker);
  };

  const ends = Array.from({ length: jobs }, () => startWorker(place, take, serve));
  // A reader may end before anybody waits for it; `finish` tells of it.
  for (const end of ends) end.catch(() => {});
  return {
    add: (blob) => {
      waiting.push(blob);
      if (idle.length > 0 && waiting.length - next >= RUN.first) wake();
    },
    finish: async () => {
      complete = true;
      wake();
      await Promise.all(ends);
      return result;
    },
  };
}

/** Starts a worker and serves it until it is disconnected; rejects with UnavailableError where it ends early. */
function startWorker(
  { gitDir, path, env }: Place,
  take: (answer: Answer) => void,
  serve: (worker: ChildProcess) => void,
): Promise<void> {
  const worker = fork(WORKER, [gitDir, path], {
    env: gitEnvironment(env, false),
    execArgv: READER_FLAGS,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  worker.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < 2000) stderr += text;
  });
  worker.on('message', (answer: Answer) => {
    take(answer);
    serve(worker);
  });
  serve(worker);
  return new Promise((resolve, reject) => {
    worker.on('error', (cause) => reject(new UnavailableError('a reader of mail cannot be started', { cause })));
    worker.on('exit', (code) => {
      if (code === 0) resolve();
    });
    // After an early end, what the worker said of it may still be on its way.
    worker.on('close', (code, signal) => {
      const reason = /^\w*Error: .*$/m.exec(stderr)?.[0] ?? signal ?? `exit status ${code}`;
      reject(new UnavailableError(`${path}: a reader of mail ended early: ${reason}`));
    });
  });
}
