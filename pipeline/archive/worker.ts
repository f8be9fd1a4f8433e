import { readSync } from 'node:fs';
import { MAX_MAIL } from '../extract/mail/mail.ts';
import { batchParser } from '../git/batch-answers.ts';
import { answerLine } from './scan-line.ts';

// The entry of a worker process, a filter (so it has its own standard streams): git's answers come in, a line for each goes out. It
// waits where it reads, for it has nothing else to do: a stream's events cost as much as the mails.
const PIECE = 1 << 16;
const LINES = 256;

/** The next piece of the input, cut short only where it ends; empty behind its end. */
function nextPiece(): Buffer {
  const piece = Buffer.allocUnsafeSlow(PIECE);
  let length = 0;
  for (let read = -1; read !== 0 && length < PIECE; length += read)
    read = readSync(0, piece, length, PIECE - length, null);
  return piece.subarray(0, length);
}

let lines: string[] = [];
function write(): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  lines = [];
}

const parse = batchParser((answer) => lines.push(answerLine(answer)), MAX_MAIL);
for (let piece = nextPiece(); piece.length > 0; piece = nextPiece()) {
  parse(piece);
  if (lines.length >= LINES) write();
}
write();
