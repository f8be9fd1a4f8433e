import { readSync, writeSync } from 'node:fs';
import { MAX_MAIL } from '../../extract/mail/mail.ts';
import { batchParser } from './batch.ts';
import { objectLine } from './scan-line.ts';

// The entry of a worker process (so it reads its own arguments): `git cat-file --batch` on descriptor 0, a line per mail on descriptor 1. Blocking reads cost half
// of what a stream costs, and this process has nothing else to do.
const FLUSH = 200;
let lines: string[] = [];

function flush(): void {
  if (lines.length === 0) return;
  const bytes = Buffer.from(`${lines.join('\n')}\n`, 'latin1');
  for (let at = 0; at < bytes.length; at += writeSync(1, bytes, at));
  lines = [];
}

const parser = batchParser(MAX_MAIL, (object) => {
  lines.push(objectLine(object));
  if (lines.length >= FLUSH) flush();
});

// git writes in pieces of 4 KB; a short rest after a short read saves most of the wake-ups of both sides. A single reader is not asked
// to rest: it has a core to itself, and the pipe would run dry.
const SHORT_READ = 48 << 10;
const restMilliseconds = Number(process.argv[2] ?? 0);
const clock = new Int32Array(new SharedArrayBuffer(4));

const rest = (milliseconds: number): unknown => Atomics.wait(clock, 0, 0, milliseconds);

/** Bytes read; a descriptor that does not block (whoever opened it decides) is asked again. */
function read(into: Buffer): number {
  for (;;) {
    try {
      return readSync(0, into);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN') throw cause;
      rest(1);
    }
  }
}

for (;;) {
  const count = read(parser.reserve());
  if (count === 0) break;
  parser.filled(count);
  if (count < SHORT_READ && restMilliseconds > 0) rest(restMilliseconds);
}
flush();
