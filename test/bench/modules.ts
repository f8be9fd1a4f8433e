import { join } from 'node:path';
import { MODULE_PATHS } from '../../pipeline/extract/module/release.ts';
import { command, medianRound, ratioLine } from './measure.ts';

const script = join(import.meta.dirname, 'extract-all.js');

/** Extracting all releases of a module repository against reading the same blobs with git and starting Node. */
export async function benchModules(print: (line: string) => void, repository: string): Promise<void> {
  const commits = command('git', [`--git-dir=${repository}`, 'log', '--all', '--format=%H %s'])
    .split('\n')
    .filter((line) => /^\S+ (TDX[ _](MODULE_)?\d|TDX_1|V1)/.test(line))
    .map((line) => line.split(' ')[0] ?? '');
  const names = commits.flatMap((commit) => MODULE_PATHS.map((path) => `${commit}:${path}`)).join('\n');
  let out = '';
  const [blobs, start, all] = medianRound(
    25,
    [
      () => command('git', [`--git-dir=${repository}`, 'cat-file', '--batch'], `${names}\n`),
      () => command(process.execPath, ['-e', '0']),
      () => {
        out = command(process.execPath, [script, repository]);
      },
    ],
    ([read, node, extracted]) => extracted / (read + node),
  );
  print(ratioLine(`all releases of ${repository.split('/').at(-2)}`, all, blobs + start, 3));
  print(`  ${out.trim()}`);
}
