import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readInput } from '../../pipeline/disk/read.ts';
import { DataError, NoInputError } from '../../pipeline/model/errors.ts';
import { temporaryFolder } from '../helpers/repository.ts';

test('a file is read to its end, whatever its length and whether or not it tells it', () => {
  const file = join(temporaryFolder(), 'file');
  for (const length of [0, 1, 2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1, 600_001]) {
    const bytes = Buffer.from(Array.from({ length }, (_, at) => at % 251));
    writeFileSync(file, bytes);
    expect([length, readInput(file).equals(bytes)]).toEqual([length, true]);
  }
  // The kernel says 0 of the length of this one.
  expect(readInput('/proc/filesystems')).toEqual(readFileSync('/proc/filesystems'));
});

test('what is longer than it may be, or not there, is refused', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file');
  writeFileSync(file, 'four');
  expect(`${readInput(file, 4)}`).toBe('four');
  expect(() => readInput(file, 3)).toThrow(DataError);
  expect(() => readInput('/dev/zero', 1000)).toThrow(DataError);
  expect(() => readInput(join(folder, 'none'))).toThrow(NoInputError);
});
