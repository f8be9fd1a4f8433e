import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** The best of several runs in milliseconds: these machines are noisy, and noise only adds. */
export function best(runs: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
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
  return `${what.padEnd(58)} ${took.toFixed(0).padStart(6)} ms  ${base.toFixed(0).padStart(6)} ms  ratio ${ratio.toFixed(2)} (limit ${limit}) ${ratio <= limit ? 'ok' : 'OVER'}`;
}
