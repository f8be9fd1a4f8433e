#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './commands/run.ts';
import { NoInputError } from './model/errors.ts';

/** The program's own folder: two above `dist/pipeline/`. */
const home = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Writes all of a text, also into a pipe that takes it in parts. A reader that went away ends the run quietly. */
function write(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EAGAIN') continue;
      if (code === 'EPIPE') process.exit(0);
      // Nobody reads what cannot be written to standard error.
      if (fd === 2) return;
      throw new NoInputError(`cannot write: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: { write: (text) => write(1, text), isTerminal: process.stdout.isTTY === true },
  stderr: { write: (text) => write(2, text), isTerminal: process.stderr.isTTY === true },
  today: () => new Date().toISOString().slice(0, 10),
  now: () => Math.floor(Date.now() / 1000),
  home,
});
