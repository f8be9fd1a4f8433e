import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../pipeline/disk/folder.ts';
import { temporaryFolder } from '../helpers/repository.ts';

test('makes a folder with those above it, and leaves one that is there', () => {
  const folder = join(temporaryFolder(), 'a', 'b', 'c');
  makeFolder(folder);
  makeFolder(folder);
  expect(statSync(folder).isDirectory()).toBe(true);
});

test('a file in the way is an error', () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(join(file, 'a'))).toThrow();
});

test.skipIf(!existsSync('/proc/self'))('a file system that takes no folders is an error, and no endless wait', () => {
  expect(() => makeFolder('/proc/bitwatch/a')).toThrow();
});
