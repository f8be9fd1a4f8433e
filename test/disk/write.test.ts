import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkOutputs } from '../../pipeline/disk/target.ts';
import { openTemporary } from '../../pipeline/disk/temporary.ts';
import { writeFileAtomically, writeFiles } from '../../pipeline/disk/write.ts';
import { CannotCreateError, IoError, type KnownError } from '../../pipeline/model/errors.ts';
import { canMakeDevices, device } from '../helpers/machine.ts';
import { temporaryFolder } from '../helpers/repository.ts';

const caught = (work: () => void): KnownError => {
  try {
    work();
  } catch (error) {
    return error as KnownError;
  }
  throw new Error('nothing was thrown');
};

test('a file is replaced with its mode, through a link, and nothing else is left in the folder', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'real'), 'old');
  chmodSync(join(folder, 'real'), 0o640);
  symlinkSync('real', join(folder, 'link'));
  writeFileAtomically(join(folder, 'link'), 'new');
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('new');
  expect((statSync(join(folder, 'real')).mode & 0o7777).toString(8)).toBe('640');
  expect(readdirSync(folder).sort()).toEqual(['link', 'real']);
});

test('a folder, a link to nothing, a loop, an empty and a long name are refused before anything is written', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'folder'));
  symlinkSync('gone', join(folder, 'dangling'));
  symlinkSync('loop', join(folder, 'loop'));
  writeFileSync(join(folder, 'file'), '');
  const before = readdirSync(folder).sort();
  for (const name of ['folder', 'dangling', 'loop', 'x'.repeat(300), 'new/', join('file', 'below')]) {
    const error = caught(() =>
      writeFiles([
        { path: join(folder, 'first'), content: 'x' },
        { path: `${folder}/${name}`, content: 'x' },
      ]),
    );
    expect([name.slice(0, 9), error.constructor, error.status]).toEqual([name.slice(0, 9), CannotCreateError, 73]);
    expect(error.message).toContain(`${folder}/`);
    expect(error.message).not.toContain('\n');
  }
  expect(caught(() => writeFileAtomically('', 'x')).status).toBe(73);
  expect(caught(() => writeFileAtomically('a\0b', 'x')).status).toBe(73);
  expect(readdirSync(folder).sort()).toEqual(before);
});

test.skipIf(!canMakeDevices)(
  'a device is written through and stays one; what it refuses is an input/output error',
  () => {
    const folder = temporaryFolder();
    const [nothing, full] = [device(folder, 'null'), device(folder, 'full')];
    writeFileAtomically(nothing, 'x');
    symlinkSync('null', join(folder, 'link'));
    writeFileAtomically(join(folder, 'link'), 'x');
    writeFileSync(join(folder, 'file'), 'old');
    const error = caught(() =>
      writeFiles([
        { path: join(folder, 'file'), content: 'new' },
        { path: full, content: 'x' },
      ]),
    );
    expect([error.constructor, error.status]).toEqual([IoError, 74]);
    expect(error.message).toBe(`${full}: cannot be written: no space left on device (ENOSPC)`);
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('old');
    for (const path of [nothing, full]) expect(lstatSync(path).isCharacterDevice()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['file', 'full', 'link', 'null']);
  },
);

test.skipIf(!canMakeDevices)('a block device is no place for an output', () => {
  const folder = temporaryFolder();
  execFileSync('mknod', [join(folder, 'disk'), 'b', '259', '1048575']);
  expect(caught(() => checkOutputs([join(folder, 'disk')])).message).toContain('a block device');
});

test('a pipe is written through', async () => {
  const folder = temporaryFolder();
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // It reads into a file: a reader that waits for this process would wait for ever.
  const reader = spawn('sh', ['-c', 'cat "$1" > "$2"', 'sh', pipe, join(folder, 'got')]);
  const ended = new Promise((resolve) => reader.once('close', resolve));
  const content = 'line\n'.repeat(100_000);
  writeFileAtomically(pipe, content);
  await ended;
  expect(readFileSync(join(folder, 'got'), 'utf8') === content).toBe(true);
  expect(lstatSync(pipe).isFIFO()).toBe(true);
});

test('two outputs that are one file are refused', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a'), '');
  symlinkSync('a', join(folder, 'b'));
  expect(caught(() => checkOutputs([join(folder, 'a'), join(folder, 'b')])).status).toBe(64);
});

test('what killed runs left is removed, what a living one writes is not, and nothing else', () => {
  const folder = temporaryFolder();
  const left = join(folder, '.bitwatch-0123456789abcdef.tmp');
  writeFileSync(left, 'half');
  writeFileSync(join(folder, '.bitwatch-0123456789abcdef.tmp.mine'), '');
  writeFileSync(join(folder, '.bitwatch.tmp'), '');
  utimesSync(left, 0, 0);
  const own = openTemporary(folder, 0o600);
  expect(existsSync(left)).toBe(false);
  expect(statSync(own.path).mode & 0o777).toBe(0o600);
  // Another process finds it locked.
  writeFileSync(left, 'half');
  const other = `import { writeFileAtomically } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'build', 'pipeline', 'disk', 'write.js'))}; writeFileAtomically(process.argv[1], 'x');`;
  execFileSync(process.execPath, ['--input-type=module', '-e', other, join(folder, 'new')]);
  expect(readdirSync(folder).sort()).toEqual(
    [own.path.slice(folder.length + 1), '.bitwatch-0123456789abcdef.tmp.mine', '.bitwatch.tmp', 'new'].sort(),
  );
});
