import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashOf, MANIFEST, manifestText, removeOwned } from '../../pipeline/disk/owned.ts';
import { type Page, replaceFolder } from '../../pipeline/disk/replace-folder.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';

const pages = (...names: readonly string[]): readonly Page[] =>
  names.map((name) => ({ name, content: `${name} now\n` }));
const namesIn = (folder: string): readonly string[] => readdirSync(folder).sort();

test('a report takes away the pages of the one before, and nothing that somebody else put there', () => {
  const parent = temporaryFolder();
  const folder = join(parent, 'reports');
  replaceFolder(folder, pages('a.md', 'b.md'), false);
  chmodSync(folder, 0o750);
  writeFileSync(join(folder, 'README.md'), 'mine');
  writeFileSync(join(folder, 'b.md'), 'changed by hand');
  mkdirSync(join(folder, 'screenshots'));
  writeFileSync(join(folder, 'screenshots', 'one.png'), 'image');
  symlinkSync('nowhere', join(folder, 'link'));
  replaceFolder(folder, pages('a.md', 'c.md'), false);
  expect(namesIn(folder)).toEqual([MANIFEST, 'README.md', 'a.md', 'b.md', 'c.md', 'link', 'screenshots']);
  expect(readFileSync(join(folder, 'b.md'), 'utf8')).toBe('changed by hand');
  expect(readFileSync(join(folder, 'screenshots', 'one.png'), 'utf8')).toBe('image');
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
  expect((statSync(folder).mode & 0o777).toString(8)).toBe('750');
  replaceFolder(folder, pages('c.md'), false);
  expect(namesIn(folder)).toEqual([MANIFEST, 'README.md', 'b.md', 'c.md', 'link', 'screenshots']);
  expect(namesIn(parent)).toEqual(['reports']);
});

test('a page that was changed by hand is not written over', () => {
  const folder = join(temporaryFolder(), 'reports');
  replaceFolder(folder, pages('a.md', 'b.md'), false);
  writeFileSync(join(folder, 'a.md'), 'notes of mine');
  expect(() => replaceFolder(folder, pages('a.md'), false)).toThrow(/a\.md: not written by bitwatch, or changed since/);
  expect(namesIn(folder)).toEqual([MANIFEST, 'a.md', 'b.md']);
  replaceFolder(folder, pages('a.md'), true);
  expect(readFileSync(join(folder, 'a.md'), 'utf8')).toBe('a.md now\n');
});

test('a folder of somebody else is refused, before the work, and keeps all of it', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'README.md'), 'mine');
  writeFileSync(join(folder, 'index.md'), 'mine too');
  const { status, stdout, stderr } = await bitwatch(['report', '--directory', folder]);
  expect([status, stdout]).toEqual([73, '']);
  expect(stderr).toMatch(
    /^bitwatch: [^\n]*neither empty nor a folder that bitwatch wrote \(it holds "README\.md"\)[^\n]*--take-over[^\n]*\n$/,
  );
  expect([namesIn(folder), readFileSync(join(folder, 'index.md'), 'utf8')]).toEqual([
    ['README.md', 'index.md'],
    'mine too',
  ]);
  expect((await bitwatch(['report', '--directory', folder, '--take-over'])).status).toBe(0);
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe('mine');
  expect(readFileSync(join(folder, 'index.md'), 'utf8')).not.toBe('mine too');
});

test('a manifest that names what we never wrote removes nothing', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'kept'), 'kept');
  const outside = join(temporaryFolder(), 'outside');
  writeFileSync(outside, 'x');
  writeFileSync(
    join(folder, MANIFEST),
    manifestText(
      new Map([
        ['kept', ['0'.repeat(64)]],
        [`../${outside}`, [hashOf('x')]],
      ]),
    ),
  );
  replaceFolder(folder, pages('a.md'), false);
  expect([existsSync(join(folder, 'kept')), existsSync(outside)]).toEqual([true, true]);
});

test.each(['', 'gone/../file', 'file'])('%j as a folder is refused with 73', async (name) => {
  const parent = temporaryFolder();
  writeFileSync(join(parent, 'file'), '');
  const { status, stderr } = await bitwatch(['report', '--directory', name === '' ? '' : join(parent, name)]);
  expect([status, stderr.split('\n').length]).toEqual([73, 2]);
});

test('a run that was killed while folders changed places loses nothing of anybody', () => {
  const parent = temporaryFolder();
  const folder = join(parent, 'reports');
  replaceFolder(folder, pages('a.md'), false);
  // As a kill leaves it: exchanged, with a folder of somebody else still on the old side.
  const left = join(parent, '.bitwatch-00112233445566aa.new');
  mkdirSync(join(left, 'theirs'), { recursive: true });
  writeFileSync(join(left, 'theirs', 'x'), 'x');
  writeFileSync(join(left, 'old.md'), 'old');
  writeFileSync(join(left, MANIFEST), manifestText(new Map([['old.md', [hashOf('old')]]])));
  writeFileSync(join(parent, '.bitwatch-00112233445566aa.guard'), 'swap reports\n');
  replaceFolder(folder, pages('a.md', 'b.md'), false);
  expect(namesIn(parent)).toEqual(['reports']);
  expect(namesIn(folder)).toEqual([MANIFEST, 'a.md', 'b.md', 'theirs']);
  expect(readFileSync(join(folder, 'theirs', 'x'), 'utf8')).toBe('x');
});

test('a step removes only what an earlier one left', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'summary.md'), 'mine');
  expect(() => removeOwned(folder, ['findings.json', 'summary.md'])).toThrow(/summary\.md: not written by bitwatch/);
  expect(namesIn(folder)).toEqual(['summary.md']);
});
