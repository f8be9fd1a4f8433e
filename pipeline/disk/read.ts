import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { DataError } from '../model/errors.ts';
import { readFault } from './fault.ts';

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
    return readAll(path, fd, most);
  } catch (error) {
    throw readFault(path, error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

export const readInputText = (path: string, most?: number): string => readInput(path, most).toString('utf8');

function readAll(path: string, fd: number, most: number): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0; ; ) {
    const part = Buffer.allocUnsafe(CHUNK);
    const count = readSync(fd, part, 0, part.length, null);
    if (count === 0) return Buffer.concat(parts);
    length += count;
    if (length > most) throw tooLarge(path, most);
    parts.push(part.subarray(0, count));
  }
}

const tooLarge = (path: string, most: number): DataError =>
  new DataError({
    where: { file: path },
    expected: `at most ${Math.floor(most / MEGABYTE)} MB`,
    found: 'more',
  });
