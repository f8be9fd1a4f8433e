import { join } from 'node:path';
import { benchHistory } from './history.ts';
import { bestOfEach, command } from './measure.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'pipeline', 'cli.js');

/** One revision of a kernel, and a history, after the start of the program. */
export async function benchKernel(print: (line: string) => void, repository: string): Promise<void> {
  const revision = process.env.BITWATCH_KERNEL_REVISION ?? '210b82c35000b63a0fa95d42feccddea97681b97';
  const [start, one] = bestOfEach(5, [
    () => command(process.execPath, [cli, '--version']),
    () => command(process.execPath, [cli, 'extract', 'kvm', repository, revision]),
  ]);
  print(
    `one kernel revision after start: ${(one - start).toFixed(0)} ms (limit 500 ms) ${one - start <= 500 ? 'ok' : 'OVER'}`,
  );
  benchHistory(print, repository, revision);
}
