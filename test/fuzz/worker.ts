import { readlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { inputOf, originsOf, problemOf } from './attempt.ts';
import { type Seed, TARGETS } from './targets.ts';

/** What a worker is told: which inputs of which target, and where it says what it is at. */
export type Task = {
  readonly target: string;
  readonly run: number;
  readonly first: number;
  /** The numbers of the inputs are `first`, `first + step`, … below `end`. */
  readonly step: number;
  readonly end: number;
  readonly seeds: readonly Seed[];
  /** The number of the current input and the inputs done, for the watchdog. */
  readonly progress: Int32Array;
};
export type Report =
  | { readonly kind: 'problem'; readonly number: number; readonly what: string; readonly seed: Seed }
  /** The thread's folder below /proc, by which its processor time is known; null where there is none. */
  | { readonly kind: 'thread'; readonly folder: string | null }
  | { readonly kind: 'done' };

const task: Task = workerData;
const port = parentPort;
const target = TARGETS.find(({ name }) => name === task.target);
if (target === undefined || port === null) throw new Error(`no target ${task.target}`);
const tell = (report: Report): void => port.postMessage(report);
tell({ kind: 'thread', folder: threadFolder() });
const { seeds, facts } = await originsOf(target, [...target.seeds, ...task.seeds]);
for (let number = task.first; number < task.end; number += task.step) {
  Atomics.store(task.progress, 0, number);
  const input = inputOf(target, seeds, task.run, number);
  const what = await problemOf(target, input, facts);
  Atomics.add(task.progress, 1, 1);
  if (what !== null) tell({ kind: 'problem', number, what, seed: input.seed });
}
tell({ kind: 'done' });

function threadFolder(): string | null {
  try {
    return `/proc/${readlinkSync('/proc/thread-self')}`;
  } catch {
    return null;
  }
}
