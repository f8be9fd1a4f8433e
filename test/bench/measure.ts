import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

type Works = readonly (() => void)[];
type Times<T extends Works> = { [K in keyof T]: number };

/** What works that are compared take in milliseconds, round by round and in turn, so that load on the machine meets all. */
function inTurn<const T extends Works>(runs: number, works: T): readonly Times<T>[] {
  const time = (work: () => void): number => {
    const start = performance.now();
    work();
    return performance.now() - start;
  };
  return Array.from({ length: runs }, () => works.map(time) as Times<T>);
}

/** The best of several runs: these machines are noisy, and noise only adds. */
export function bestOfEach<const T extends Works>(runs: number, works: T): Times<T> {
  const rounds = inTurn(runs, works);
  return works.map((_, at) => Math.min(...rounds.map((times) => times[at] ?? 0))) as Times<T>;
}

export const best = (runs: number, work: () => void): number => bestOfEach(runs, [work])[0];

/**
 * The round whose ratio is the median one. A short run finds a quiet moment of the machine more often than a long one: the
 * best of each would set the quiet moments of the one against the loud ones of the other.
 */
export function medianRound<const T extends Works>(
  runs: number,
  works: T,
  ratio: (times: Times<T>) => number,
): Times<T> {
  const rounds = inTurn(runs, works).toSorted((a, b) => ratio(a) - ratio(b));
  return rounds[Math.floor(runs / 2)] as Times<T>;
}

export function command(name: string, args: readonly string[], input?: string): string {
  const result = spawnSync(name, [...args], { maxBuffer: 1 << 30, input: input ?? '' });
  if (result.status !== 0 && result.status !== 100)
    throw new Error(`${name} ${args.join(' ')}: ${result.stderr.toString()}`);
  return result.stdout.toString('latin1');
}

/** One line: what was measured, against what, the ratio and its limit. */
export function ratioLine(what: string, took: number, base: number, limit: number): string {
  const ratio = took / base;
  return `${what.padEnd(58)} ${took.toFixed(0).padStart(6)} ms  ${base.toFixed(0).padStart(6)} ms  ratio ${ratio.toFixed(2)} (limit ${Number(limit.toFixed(1))}) ${ratio <= limit ? 'ok' : 'OVER'}`;
}
