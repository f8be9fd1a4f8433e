import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { listEvents } from '../../pipeline/sources/archive/events.ts';
import { tipOf } from '../../pipeline/sources/archive/git-part.ts';
import { locateArchives } from '../../pipeline/sources/archive/locate.ts';
import { EMPTY_STATE, type State } from '../../pipeline/sources/archive/state.ts';
import { scanSubjects } from '../../pipeline/sources/archive/subjects.ts';
import { rowsThatMatter, updateState } from '../../pipeline/sources/archive.ts';

const ROUNDS = 3;

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;

async function timed(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await task();
  return performance.now() - start;
}

/** The best of a few rounds of two tasks in turn, so that load on the machine meets both. */
async function bestOf(a: () => Promise<unknown>, b: () => Promise<unknown>): Promise<readonly [number, number]> {
  let best: readonly [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round += 1)
    best = [Math.min(best[0], await timed(a)), Math.min(best[1], await timed(b))];
  return best;
}

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

/** Memory of this process and all below it, shared pages once (PSS), in MB; 0 where the system does not tell. */
function memory(): number {
  try {
    const parents = new Map<string, string>();
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(name, stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0] ?? '');
    }
    const family = new Set([`${process.pid}`]);
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

async function peakOf(task: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, memory());
  }, 150);
  await task();
  clearInterval(timer);
  return peak;
}

/** Measures scans of one real archive against git itself, in the same run. */
export async function benchArchive(print: (line: string) => void, env: { readonly archive: string }): Promise<void> {
  const archives = await locateArchives(env.archive);
  const gitDir = archives[0]?.path ?? env.archive;
  const tip = await tipOf(gitDir);
  if (tip === null) return print(`${gitDir}: no mails`);
  const blobs = (await listEvents(gitDir, tip, null)).flatMap((event) => (event.kind === 'mail' ? [event.blob] : []));
  print(`${blobs.length} mails, best of ${ROUNDS}, ${availableParallelism()} cores`);
  let state: State = EMPTY_STATE;
  for (let jobs = 1; jobs <= Math.max(2, availableParallelism()); jobs *= 2) {
    const scan = async (): Promise<void> => {
      state = await updateState(archives.slice(0, 1), EMPTY_STATE, { jobs });
    };
    const [cat, full] = await bestOf(() => catFiles(gitDir, blobs, jobs), scan);
    print(
      `${jobs} x git cat-file ${seconds(cat)}; full scan with ${jobs} x git cat-file and reader ${seconds(full)}; ratio ${(full / cat).toFixed(2)}`,
    );
    print(`  peak memory of the scan, all processes: ${(await peakOf(scan)).toFixed(0)} MB`);
  }
  print(`second scan, nothing new: ${seconds(await timed(() => updateState(archives.slice(0, 1), state)))}`);
  const { summary } = rowsThatMatter(state);
  print(`threads ${summary.threads}, of which ${summary.matter} name TDX`);
  const log = (): Promise<void> => discard([`--git-dir=${gitDir}`, 'log', '--format=%s', tip], '');
  const [logged, subjects] = await bestOf(log, () => scanSubjects(gitDir, tip, () => {}));
  print(
    `git log --format=%s ${seconds(logged)}; scan of subjects ${seconds(subjects)}; ratio ${(subjects / logged).toFixed(2)}`,
  );
}
