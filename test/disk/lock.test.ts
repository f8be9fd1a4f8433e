import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withLock } from '../../pipeline/disk/lock.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { ROOT } from '../helpers/run.ts';

const LOCK = join(ROOT, 'build', 'pipeline', 'disk', 'lock.js');
const patience = { sleep: (milliseconds: number) => sleep(Math.min(milliseconds, 5)), limit: 1e9 };

/** A process that takes the lock, says so, and keeps it until it is killed. */
async function holder(file: string): Promise<ReturnType<typeof spawn>> {
  const script = `import { withLock } from ${JSON.stringify(LOCK)};
    await withLock(process.argv[1], 'x', async () => { console.log('held'); await new Promise((r) => setTimeout(r, 60000)); });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

test('a living owner keeps others out, and the message names file and process; a killed one does not', async () => {
  const file = join(temporaryFolder(), 'lock');
  const child = await holder(file);
  await expect(withLock(file, 'the outbox', async () => 1)).rejects.toThrow(
    new RegExp(`^the outbox is in use by another run: process ${child.pid} on \\S+ holds ${file}\\. `),
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
  expect(existsSync(file)).toBe(true);
  expect(await withLock(file, 'the outbox', async () => readFileSync(file, 'utf8'))).toMatch(
    new RegExp(`^process ${process.pid} on \\S+\\n$`),
  );
  expect(existsSync(file)).toBe(false);
});

test.each([
  ['not yet filled', ''],
  ['of a dead owner whose number a living process has', `${process.pid}\n`],
  ['of process 1', '1\n'],
])('a lock file %s that nobody holds keeps nobody out', async (_what, text) => {
  const file = join(temporaryFolder(), 'lock');
  writeFileSync(file, text);
  expect(await withLock(file, 'x', async () => 1)).toBe(1);
});

test('a lock that is no file is refused by its name', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'folder'));
  symlinkSync('elsewhere', join(folder, 'link'));
  for (const name of ['folder', 'link', join('gone', 'lock')])
    await expect(withLock(join(folder, name), 'x', async () => 1)).rejects.toMatchObject({
      status: 73,
      message: expect.stringContaining(join(folder, name)),
    });
  expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
});

test('runs at once never overlap, in one process and in several', async () => {
  const folder = temporaryFolder();
  const [file, counter] = [join(folder, 'lock'), join(folder, 'counter')];
  writeFileSync(counter, '0');
  const script = `import { withLock } from ${JSON.stringify(LOCK)}; import { readFileSync, writeFileSync } from 'node:fs';
    const patience = { sleep: () => new Promise((r) => setTimeout(r, 1)), limit: 1e9 };
    for (let i = 0; i < 150; i += 1) await withLock(process.argv[1], 'x', async () => {
      const before = Number(readFileSync(process.argv[2], 'utf8')); await null; writeFileSync(process.argv[2], String(before + 1)); }, patience);`;
  const runs = [1, 2, 3].map(
    () =>
      new Promise((resolve) =>
        spawn(process.execPath, ['--input-type=module', '-e', script, file, counter], { stdio: 'inherit' }).once(
          'close',
          resolve,
        ),
      ),
  );
  const own = Array.from({ length: 50 }, () =>
    withLock(
      file,
      'x',
      async () => {
        const before = Number(readFileSync(counter, 'utf8'));
        await sleep(0);
        writeFileSync(counter, String(before + 1));
      },
      patience,
    ),
  );
  expect(await Promise.all(runs)).toEqual([0, 0, 0]);
  await Promise.all(own);
  expect(readFileSync(counter, 'utf8')).toBe('500');
});

test('the library’s build is loaded from where its own search finds it', () => {
  const require = createRequire(import.meta.url);
  const host = `${process.platform}-${process.arch}`;
  const shipped = join(
    dirname(require.resolve('fs-native-extensions')),
    'prebuilds',
    host,
    'fs-native-extensions.node',
  );
  expect(require('fs-native-extensions/binding')).toBe(require(shipped));
});
