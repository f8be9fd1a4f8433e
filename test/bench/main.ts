import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { benchArchive } from './archive.ts';
import { benchClobbers } from './clobbers.ts';
import { benchKernel } from './kernel.ts';
import { benchKernels } from './kernels.ts';
import { bestOfEach, command, ratioLine } from './measure.ts';
import { benchModules } from './modules.ts';
import { benchPage } from './page.ts';
import { benchTd } from './td.ts';

/** It runs as the bundle build/bench/main.js, as the program does. */
const root = join(import.meta.dirname, '..', '..');
const cli = join(root, 'dist', 'pipeline', 'cli.js');
const print = (line: string): void => console.log(line);
const wanted = process.argv.slice(2);
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

/** Ratios, not times: each against a base that is measured in the same run. */
async function main(): Promise<void> {
  if (isWanted('report')) {
    const [start, report, npm] = bestOfEach(5, [
      () => command(process.execPath, ['-e', '0']),
      () => command(process.execPath, [cli, 'report', '--json']),
      () => command('npm', ['start', '--silent', '--prefix', root]),
    ]);
    print(ratioLine('the whole report against the start of Node', report, start, 1000 / start));
    print(`npm start after the build: ${npm.toFixed(0)} ms (limit 1000 ms) ${npm <= 1000 ? 'ok' : 'OVER'}`);
  }
  if (isWanted('td')) await benchTd(print, root, cli);
  if (isWanted('page')) await benchPage(print, cli);
  if (isWanted('kernels')) benchKernels(print);
  for (const [name, variable, bench] of [
    ['modules', 'BITWATCH_MODULE_REPO', benchModules],
    ['clobbers', 'BITWATCH_MODULE_REPO', benchClobbers],
    ['kernel', 'BITWATCH_KERNEL_REPO', benchKernel],
    ['archive', 'BITWATCH_ARCHIVE', (out: typeof print, path: string) => benchArchive(out, { archive: path })],
  ] as const) {
    if (!isWanted(name)) continue;
    const path = process.env[variable];
    if (path === undefined || !existsSync(path)) print(`${name}: skipped, ${variable} names no clone`);
    else await bench(print, path);
  }
}

await main();
