import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Seed } from './targets.ts';
import type { Report, Task } from './worker.ts';

/** No input may take longer, or its reader more memory; the stack is that of the program's main thread. */
const LIMITS = { milliseconds: 2000, megabytes: 500, stackMegabytes: 1 } as const;
/** A machine that does other things makes an input late: it is tried again before it counts as a hang. */
const TRIES = 3;

export type Problem = {
  readonly target: string;
  readonly number: number;
  readonly what: string;
  readonly seed: Seed | null;
};
export type Share = Omit<Task, 'progress'>;

type Ended =
  | { readonly kind: 'done' }
  | { readonly kind: 'late' | 'died'; readonly number: number; readonly what: string };

/** Processor time of a thread in milliseconds (proc(5): utime and stime, in hundredths); null where it is not told. */
function processorTime(folder: string | null): number | null {
  try {
    if (folder === null) return null;
    const fields = readFileSync(`${folder}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return null;
  }
}

/** Whether an input is late by the time that its reader had, not by what else the machine did; one that only waits is late in the end. */
function isBusy(folder: string | null, before: number, milliseconds: number): boolean {
  const now = processorTime(folder);
  return now === null || now - before > LIMITS.milliseconds || milliseconds > 30 * LIMITS.milliseconds;
}

/** Runs a share in one worker until it is done, is late with an input, dies, or `stop` says so. Never throws. */
function runWorker(
  share: Share,
  onProblem: (problem: Problem) => void,
  stop: () => boolean,
): Promise<Ended & { readonly inputs: number }> {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  progress[0] = -1;
  const workerData: Task = { ...share, progress };
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.megabytes, stackSizeMb: LIMITS.stackMegabytes },
  });
  return new Promise((resolve) => {
    let folder: string | null = null;
    let [seen, since] = [-1, Date.now()];
    let used = 0;
    const end = (ended: Ended): void => {
      clearInterval(watch);
      void worker.terminate();
      resolve({ ...ended, inputs: Atomics.load(progress, 1) });
    };
    const watch = setInterval(() => {
      const count = Atomics.load(progress, 1);
      const number = Atomics.load(progress, 0);
      if (stop()) return end({ kind: 'done' });
      // Reading the seeds is no input.
      if (count !== seen || number < 0) [seen, since, used] = [count, Date.now(), processorTime(folder) ?? 0];
      else if (Date.now() - since > LIMITS.milliseconds && isBusy(folder, used, Date.now() - since))
        end({ kind: 'late', number, what: `over ${LIMITS.milliseconds} ms` });
    }, 100);
    worker.on('message', (report: Report) => {
      if (report.kind === 'thread') folder = report.folder;
      else if (report.kind === 'done') end({ kind: 'done' });
      else onProblem({ target: share.target, number: report.number, what: report.what, seed: report.seed });
    });
    worker.on('error', (error: Error) => end({ kind: 'died', number: Atomics.load(progress, 0), what: error.message }));
  });
}

/** Runs a share to its end, over inputs that hang or kill their worker, which are problems. Returns how many inputs were run. */
export async function runShare(
  share: Share,
  onProblem: (problem: Problem) => void,
  stop: () => boolean,
): Promise<number> {
  let inputs = 0;
  let first = share.first;
  for (;;) {
    const ended = await runWorker({ ...share, first }, onProblem, stop);
    inputs += ended.inputs;
    if (ended.kind === 'done') return inputs;
    if (ended.number < 0) {
      onProblem({ target: share.target, number: -1, what: ended.what, seed: null });
      return inputs;
    }
    const alone = { ...share, first: ended.number, end: ended.number + 1 };
    let what: string | null = ended.what;
    for (let left = TRIES; ended.kind === 'late' && left > 0 && what !== null; left -= 1) {
      const again = await runWorker(alone, onProblem, () => false);
      what = again.kind === 'done' ? null : again.what;
    }
    if (what !== null) onProblem({ target: share.target, number: ended.number, what, seed: null });
    inputs += 1;
    first = ended.number + share.step;
  }
}
