import type { Place } from '../git/run.ts';
import { type Pool, startPool } from './pool.ts';
import { blobOf, scanLines } from './scan-line.ts';

/** Takes blob ids while they come, and gives the line of each (see `scanLines`) by its id. */
export type BlobScanner = {
  readonly add: (blob: string) => void;
  readonly finish: () => Promise<ReadonlyMap<string, string>>;
};

/** Workers are plain JavaScript: where the sources run uncompiled, as under the test runner, mail is scanned right here. */
const COMPILED = import.meta.url.endsWith('.js');
/** Below this many mails workers are not worth their start. */
const WORTHWHILE = 4000;

/** Scans with `jobs` worker processes, each with a git of its own; a few mails, and an uncompiled run, right here. */
export function blobScanner(place: Place, jobs: number): BlobScanner {
  const early: string[] = [];
  let pool: Pool | null = null;
  const add = (blob: string): void => {
    if (pool === null) early.push(blob);
    else pool.add(blob);
    if (pool !== null || !COMPILED || jobs < 1 || early.length < WORTHWHILE) return;
    pool = startPool(place, jobs);
    for (const each of early.splice(0)) pool.add(each);
  };
  const finish = async (): Promise<ReadonlyMap<string, string>> => {
    if (pool !== null) return pool.finish();
    const lines = new Map<string, string>();
    for (const line of await scanLines(place, early)) lines.set(blobOf(line), line);
    return lines;
  };
  return { add, finish };
}
