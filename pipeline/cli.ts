#!/usr/bin/env node
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failed, run } from './commands/run.ts';
import { writeFault } from './disk/fault.ts';
import { removeTemporaries } from './disk/temporary.ts';
import { writeAll } from './disk/write.ts';
import { EXIT } from './model/errors.ts';

/** The program’s own folder: two above `dist/pipeline/`, where the bundle lies. */
const home = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Writes all of a text, also into a pipe that takes it in parts. Nobody reads what cannot be written to standard error. */
function write(fd: 1 | 2, text: string): void {
  try {
    writeAll(fd, text);
  } catch (error) {
    if (fd === 1) throw writeFault('standard output', error);
  }
}

/** A run that is ended takes its temporary files with it, and then ends as the signal says. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    removeTemporaries();
    process.kill(process.pid, signal);
  });

/** What no command caught: never 1, which would read as a verdict. */
process.on('uncaughtException', (error) => {
  removeTemporaries();
  process.exit(failed(error, (text) => write(2, text)));
});
// The status of a run that ends before it has one.
process.exitCode = EXIT.bug;

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: { write: (text) => write(1, text), isTerminal: process.stdout.isTTY === true },
  stderr: { write: (text) => write(2, text), isTerminal: process.stderr.isTTY === true },
  today: () => new Date().toISOString().slice(0, 10),
  now: () => Math.floor(Date.now() / 1000),
  home,
});
