import { join } from 'node:path';
import { bestOfEach, command } from './measure.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'pipeline', 'cli.js');
const extractAll = join(import.meta.dirname, 'extract-kernels.js');
/** Milliseconds for each kernel: eight take at most 3 s. */
const EACH = 375;

/** Kernels extracted by one process, after the start of the program: `BITWATCH_KERNEL_REPOS` lists them as GITDIR@REV[:FOLDER]. */
export function benchKernels(print: (line: string) => void): void {
  const list = (process.env.BITWATCH_KERNEL_REPOS ?? '').split(/\s+/).filter((item) => item !== '');
  if (list.length === 0) {
    print('kernels: skipped, BITWATCH_KERNEL_REPOS names no clones (GITDIR@REV[:FOLDER], blanks between)');
    return;
  }
  const [start, whole] = bestOfEach(4, [
    () => command(process.execPath, [cli, '--version']),
    () => command(process.execPath, [extractAll, ...list]),
  ]);
  const all = whole - start;
  const limit = EACH * list.length;
  print(
    `${list.length} kernels by one process after start: ${all.toFixed(0)} ms (limit ${limit} ms) ${all <= limit ? 'ok' : 'OVER'}`,
  );
}
