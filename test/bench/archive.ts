import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { listEvents } from '../../pipeline/archive/events.ts';
import { tipOf } from '../../pipeline/archive/git-part.ts';
import { locateArchives } from '../../pipeline/archive/locate.ts';
import { blobScanner } from '../../pipeline/archive/readers.ts';
import { rowsThatMatter, updateState } from '../../pipeline/archive/scan.ts';
import { EMPTY_STATE, type State } from '../../pipeline/archive/state.ts';
import { scanSubjects } from '../../pipeline/archive/subjects.ts';
import { openRepository } from '../../pipeline/git/repository.ts';

const ROUNDS = 3;
const MOST_MEMORY = 500;
/** The processor time of a whole scan against git's own for reading the same mails. */
const MOST_TIME = 2.5;
const cli = join(import.meta.dirname, '..', '..', 'dist', 'pipeline', 'cli.js');

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;

/** What a task took: by the clock, and on all cores together, its processes included. */
type Cost = { readonly wall: number; readonly cpu: number };

/** Milliseconds of processor time of this process and of all that have ended below it. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  const stat = readFileSync('/proc/self/stat', 'latin1');
  // The fields behind the name, which may hold blanks: children's user and system time are the 14th and 15th, in 1/100 s.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (user + system) / 1000 + (Number(fields[13]) + Number(fields[14])) * 10;
}

async function measured(task: () => Promise<unknown>): Promise<Cost> {
  const [start, before] = [performance.now(), cpuTime()];
  await task();
  return { wall: performance.now() - start, cpu: cpuTime() - before };
}

/** The best of a few rounds of some tasks in turn, so that load on the machine meets all. */
async function bestOf(tasks: readonly (() => Promise<unknown>)[]): Promise<readonly Cost[]> {
  const best = tasks.map(() => ({ wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, task] of tasks.entries()) {
      const { wall, cpu } = await measured(task);
      const least = best[at] ?? { wall, cpu };
      best[at] = { wall: Math.min(least.wall, wall), cpu: Math.min(least.cpu, cpu) };
    }
  }
  return best;
}

const costLine = (name: string, cost: Cost, base: Cost): string =>
  `  ${name.padEnd(44)} ${seconds(cost.wall)}, processor ${seconds(cost.cpu)}; ratio ${(cost.wall / base.wall).toFixed(2)}, of processor time ${(cost.cpu / base.cpu).toFixed(2)}`;

/** Runs git as it comes, output thrown away: what the scan is measured against. */
function discard(args: readonly string[], input: string): Promise<void> {
  const child = spawn('git', args, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on('close', () => resolve());
  });
}

function catFiles(gitDir: string, blobs: readonly string[], processes: number): Promise<unknown> {
  const share = Math.ceil(blobs.length / processes);
  const args = [`--git-dir=${gitDir}`, 'cat-file', '--batch', '--buffer'];
  const shares = Array.from({ length: processes }, (_, at) => blobs.slice(at * share, (at + 1) * share));
  return Promise.all(shares.map((part) => discard(args, `${part.join('\n')}\n`)));
}

/** Memory of a process and all below it, shared pages once (PSS), in MB; 0 where the system does not tell. */
function memory(root: number): number {
  try {
    const parents = new Map<string, string>();
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(name, stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0] ?? '');
    }
    const family = new Set([`${root}`]);
    for (let size = 0; size !== family.size; ) {
      size = family.size;
      for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
    }
    const pss = [...family].map(
      (one) => /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'latin1'))?.[1],
    );
    return pss.reduce((sum, size) => sum + Number(size ?? 0), 0) / 1024;
  } catch {
    return 0;
  }
}

/** The program as people run it: how long it takes, and the memory of all its processes at its peak, in MB. */
async function program(args: readonly string[]): Promise<{ readonly wall: number; readonly peak: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, [cli, ...args], { stdio: 'ignore' });
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, memory(child.pid ?? 0));
  }, 100);
  await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  return { wall: performance.now() - start, peak };
}

/** `bitwatch archive scan` from nothing, and once more with nothing new, start and state file included. */
async function benchProgram(print: (line: string) => void, gitDir: string, jobs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bitwatch-archive-'));
  try {
    const args = ['archive', 'scan', gitDir, '--jobs', `${jobs}`, '--state', join(folder, 'state.json')];
    const first = await program(args);
    const second = await program(args);
    const isSmall = first.peak <= MOST_MEMORY;
    print(
      `  bitwatch archive scan: ${seconds(first.wall)}, all its processes ${first.peak.toFixed(0)} MB (limit ${MOST_MEMORY} MB) ${isSmall ? 'ok' : 'OVER'}`,
    );
    print(
      `  bitwatch archive scan, nothing new: ${seconds(second.wall)} (limit 1 s) ${second.wall <= 1000 ? 'ok' : 'OVER'}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Measures scans of one real archive against git itself, in the same run. */
export async function benchArchive(print: (line: string) => void, env: { readonly archive: string }): Promise<void> {
  const archives = await locateArchives(env.archive, process.env);
  const gitDir = archives[0]?.path ?? env.archive;
  const repository = openRepository(gitDir, process.env);
  const tip = await tipOf(repository);
  if (tip === null) return print(`${gitDir}: no mails`);
  const blobs = (await listEvents(repository, tip, null)).flatMap((event) =>
    event.kind === 'mail' ? [event.blob] : [],
  );
  print(`${blobs.length} mails, best of ${ROUNDS}, ${availableParallelism()} cores`);
  let state: State = EMPTY_STATE;
  for (let jobs = 1; jobs <= Math.max(2, availableParallelism()); jobs *= 2) {
    const scan = async (): Promise<void> => {
      state = await updateState(archives.slice(0, 1), EMPTY_STATE, { jobs });
    };
    const read = async (): Promise<void> => {
      const scanner = blobScanner(repository, jobs);
      for (const blob of blobs) scanner.add(blob);
      await scanner.finish();
    };
    const [cat, parsed, full] = await bestOf([() => catFiles(gitDir, blobs, jobs), read, scan]);
    if (cat === undefined || parsed === undefined || full === undefined) return;
    print(`${jobs} x git cat-file against ${jobs} readers:`);
    print(costLine('git cat-file --batch --buffer', cat, cat));
    print(costLine('reading and parsing the same mails', parsed, cat));
    print(costLine('a whole scan: listing, reading, the state', full, cat));
    const ratio = full.cpu / cat.cpu;
    print(
      `  processor time of a whole scan: ${ratio.toFixed(2)} times git's (limit ${MOST_TIME}) ${ratio <= MOST_TIME ? 'ok' : 'OVER'}`,
    );
    await benchProgram(print, gitDir, jobs);
  }
  const { summary } = rowsThatMatter(state);
  print(`threads ${summary.threads}, of which ${summary.matter} name TDX`);
  const log = (): Promise<void> => discard([`--git-dir=${gitDir}`, 'log', '--format=%s', tip], '');
  const [logged, subjects] = await bestOf([log, () => scanSubjects(repository, tip, () => {})]);
  if (logged === undefined || subjects === undefined) return;
  print('subjects only:');
  print(costLine('git log --format=%s', logged, logged));
  print(costLine('scan of subjects', subjects, logged));
}
