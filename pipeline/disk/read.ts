import { closeSync, constants, fstatSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataError } from '../model/errors.ts';
import { faultCode, readFault } from './fault.ts';
import { temporaryFolder } from './temporary.ts';

const MEGABYTE = 1024 * 1024;
/** What a file that people or this program write may hold; those read here are hundreds of times smaller. */
const MOST = 64 * MEGABYTE;
const CHUNK = 256 * 1024;

/**
 * The bytes of a file or of a pipe that a user named. Throws a NoInputError (66) where there is no such input, a DataError (65)
 * for more than `most` bytes, an IoError (74) where the machine fails.
 */
export function readInput(path: string, most = MOST): Buffer {
  let fd: number | null = null;
  try {
    fd = openSync(path, constants.O_RDONLY);
    const { size } = fstatSync(fd);
    if (size > most) throw tooLarge(path, most);
    return readAll({ path, fd, size }, most);
  } catch (error) {
    throw readFault(path, error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

export const readInputText = (path: string, most?: number): string => readInput(path, most).toString('utf8');

/** A file is read at once: one byte more than it should have finds its end. What tells no size comes in parts. */
function readAll(
  { path, fd, size }: { readonly path: string; readonly fd: number; readonly size: number },
  most: number,
): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0; ; ) {
    const left = size - length;
    const part = Buffer.allocUnsafe(size === 0 || left < 0 ? CHUNK : Math.min(left + 1, CHUNK));
    const count = readSync(fd, part, 0, part.length, null);
    if (count === 0) return Buffer.concat(parts);
    length += count;
    if (length > most) throw tooLarge(path, most);
    parts.push(part.subarray(0, count));
  }
}

/** Standard input to its end; a pipe that nobody has filled yet is waited for. Errors as in `readInput`. */
async function readStandardInput(most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let length = 0; ; ) {
    const part = Buffer.allocUnsafe(CHUNK);
    try {
      const count = readSync(0, part, 0, part.length, null);
      if (count === 0) return Buffer.concat(parts);
      length += count;
      if (length > most) throw tooLarge('standard input', most);
      parts.push(part.subarray(0, count));
    } catch (error) {
      if (faultCode(error) !== 'EAGAIN') throw readFault('standard input', error);
      await sleep(5);
    }
  }
}

const tooLarge = (path: string, most: number): DataError =>
  new DataError({
    where: { file: path },
    expected: `at most ${Math.floor(most / MEGABYTE)} MB`,
    found: 'more',
  });

const STANDARD_INPUT = /^(-|\/dev\/stdin|\/dev\/fd\/0|\/proc\/self\/fd\/0)$/;

/** Whether a path is a stream, which can be read once and only onwards; `-` is standard input. */
export function isStream(path: string): boolean {
  const stats = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
  return path === '-' || stats?.isFIFO() === true || stats?.isSocket() === true || stats?.isCharacterDevice() === true;
}

/** Does work on a file that holds what a stream does, for a reader that goes to and fro. The file goes with the work. */
export async function spooled<T>(path: string, work: (file: string) => Promise<T>): Promise<T> {
  const most = 256 * MEGABYTE;
  const bytes = STANDARD_INPUT.test(path) ? await readStandardInput(most) : readInput(path, most);
  const folder = temporaryFolder(tmpdir());
  try {
    const file = join(folder.path, 'stream');
    writeFileSync(file, bytes, { mode: 0o600 });
    return await work(file);
  } finally {
    folder.end();
  }
}
