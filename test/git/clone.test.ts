import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withLock } from '../../pipeline/disk/lock.ts';
import { openBlobs } from '../../pipeline/git/blobs.ts';
import { fetchInto } from '../../pipeline/git/client.ts';
import { updateClone } from '../../pipeline/git/clone.ts';
import { makeRepository } from '../../pipeline/git/own.ts';
import { prefetchBlobs } from '../../pipeline/git/prefetch.ts';
import { KnownError, NoInputError, UnavailableError } from '../../pipeline/model/errors.ts';
import { addCommits, buildRepository, git, temporaryFolder } from '../helpers/repository.ts';

const env = { PATH: process.env.PATH, HOME: '/nonexistent' };
const FIRST = { subject: 'TDX 1.5.01', files: { 'a.txt': '1\n', 'b.txt': '1\n', 'lib/x.bin': 'binary\n' } };
const SECOND = { subject: 'TDX 1.5.05', files: { 'a.txt': '2\n' }, tags: ['TDX_1.5.05'] };

/** A source and an empty cache, and how to bring the one into the other. */
function setUp(commits = [FIRST, SECOND]) {
  const source = buildRepository(commits);
  const cache = join(temporaryFolder(), 'cache');
  const sync = (more: { url?: string; name?: string; offline?: boolean } = {}) =>
    updateClone(
      { name: more.name ?? 'src', url: more.url ?? source, repository: 'example/src' },
      cache,
      env,
      more.offline ?? false,
    );
  return { source, cache, sync };
}
const missingIn = (gitDir: string): number =>
  git(gitDir, 'rev-list', '--objects', '--all', '--missing=print')
    .split('\n')
    .filter((line) => line.startsWith('?')).length;

describe('bringing a clone up to date', () => {
  test('the first time it is made, bare and without blobs', async () => {
    const { source, cache, sync } = setUp();
    const update = await sync();
    expect(update.isNew).toBe(true);
    expect(update.added.map(({ name }) => name)).toEqual(['refs/heads/main', 'refs/tags/TDX_1.5.05']);
    expect(update.repository).toMatchObject({ path: join(cache, 'src.git'), name: 'example/src' });
    expect(git(update.repository.path, 'rev-parse', '--is-bare-repository')).toBe('true');
    expect(missingIn(update.repository.path)).toBe(3);
    expect(git(update.repository.path, 'rev-parse', 'HEAD')).toBe(git(source, 'rev-parse', 'HEAD'));
    expect(readdirSync(cache).sort()).toEqual(['src.git']);
  });

  test('again with nothing new, nothing changes and no blob comes', async () => {
    const { sync } = setUp();
    const { repository } = await sync();
    expect(await sync()).toMatchObject({ isNew: false, added: [], moved: [], removed: [], isShallow: false });
    expect(missingIn(repository.path)).toBe(3);
  });

  test('new commits, rewritten tags and removed branches are told', async () => {
    const { source, sync } = setUp();
    git(source, 'branch', 'old', 'main~1');
    git(source, 'tag', '-a', '-m', 'x', 'full', 'main');
    await sync();
    const before = git(source, 'rev-parse', 'main');
    addCommits(source, [{ subject: 'Fix', files: { 'c.txt': '1\n' } }], 2);
    git(source, 'tag', '-f', 'TDX_1.5.05', 'main~2');
    git(source, 'tag', '-f', '-a', '-m', 'y', 'full', 'main');
    git(source, 'branch', '-D', 'old');
    const update = await sync();
    expect(update.added).toEqual([]);
    expect(update.moved.map(({ ref, before: was }) => [ref.name, ref.kind, was])).toEqual([
      ['refs/heads/main', 'branch', before],
      ['refs/tags/TDX_1.5.05', 'tag', before],
      ['refs/tags/full', 'tag', before],
    ]);
    expect(update.removed.map(({ name }) => name)).toEqual(['refs/heads/old']);
  });

  test('a history that was rewritten is taken as it is now', async () => {
    const { source, sync } = setUp();
    await sync();
    git(source, 'update-ref', 'refs/heads/main', 'main~1');
    const update = await sync();
    expect(update.moved.map(({ ref }) => ref.commit)).toEqual([git(source, 'rev-parse', 'main')]);
  });

  test('a file URL, a relative path and a path with odd characters are all URLs', async () => {
    const { source, sync } = setUp();
    await sync({ name: 'file', url: `file://${source}` });
    await sync({ name: 'relative', url: relative(process.cwd(), source) });
    const odd = join(temporaryFolder(), '100% of #1 ü');
    git(source, 'clone', '-q', '--bare', source, odd);
    expect((await sync({ name: 'odd', url: odd })).isNew).toBe(true);
  });

  test('a source that moved is fetched from its new place', async () => {
    const { source, sync } = setUp();
    await sync();
    const moved = join(temporaryFolder(), 'moved.git');
    git(source, 'clone', '-q', '--mirror', source, moved);
    rmSync(source, { recursive: true });
    addCommits(moved, [{ subject: 'Fix', files: {} }], 2);
    expect((await sync({ url: moved })).moved.length).toBe(1);
  });

  test('a shallow source is fetched, and said to be shallow', async () => {
    const { source, sync } = setUp();
    const shallow = join(temporaryFolder(), 'shallow.git');
    git(source, 'clone', '-q', '--bare', '--depth=1', `file://${source}`, shallow);
    expect((await sync({ url: shallow })).isShallow).toBe(true);
    git(shallow, 'fetch', '-q', '--unshallow', `file://${source}`, 'main');
    expect(await sync({ url: shallow })).toMatchObject({ isNew: false, moved: [] });
  });
});

describe('what cannot be fetched', () => {
  test('a source that is not there is unavailable and leaves nothing', async () => {
    const { cache, sync } = setUp();
    await expect(sync({ url: join(cache, 'nowhere') })).rejects.toThrow(UnavailableError);
    expect(readdirSync(cache)).toEqual([]);
  });

  test('a source that went away is unavailable, never "nothing new"', async () => {
    const { source, sync } = setUp();
    await sync();
    rmSync(source, { recursive: true });
    await expect(sync()).rejects.toThrow(/could not be fetched/);
    expect((await sync({ offline: true })).repository.name).toBe('example/src');
  });

  test('offline without a clone is unavailable', async () => {
    const { cache, sync } = setUp();
    await expect(sync({ offline: true })).rejects.toThrow(UnavailableError);
    expect(existsSync(cache)).toBe(false);
  });

  test('an empty source is no input, each time', async () => {
    const { sync } = setUp([]);
    await expect(sync()).rejects.toThrow(NoInputError);
    await expect(sync()).rejects.toThrow(NoInputError);
  });

  test.each([
    'ext::sh -c touch% stolen',
    'ssh://example.org/x',
    'git@example.org:x',
    '--upload-pack=touch stolen',
    '-u',
    'http://example.invalid/x',
    'git://example.invalid/x',
  ])('%s runs nothing and fetches nothing', async (url) => {
    const { cache, sync } = setUp();
    await expect(sync({ url })).rejects.toThrow(KnownError);
    expect(readdirSync(cache)).toEqual([]);
  });

  test.each(['../out', '.git', '-x', 'a/b', ''])('the name %j makes no file', async (name) => {
    const { cache, sync } = setUp();
    await expect(sync({ name })).rejects.toThrow(KnownError);
    expect(existsSync(cache)).toBe(false);
  });

  test('hooks and configuration of the source and of the user run nothing', async () => {
    const { source, cache, sync } = setUp();
    const stolen = join(temporaryFolder(), 'stolen');
    git(source, 'config', 'uploadpack.packObjectsHook', `touch ${stolen}; false`);
    git(source, 'config', 'core.fsmonitor', `touch ${stolen}`);
    const { repository } = await sync();
    const hook = join(repository.path, 'hooks', 'reference-transaction');
    mkdirSync(join(repository.path, 'hooks'), { recursive: true });
    writeFileSync(hook, `#!/bin/sh\ntouch ${stolen}\n`);
    chmodSync(hook, 0o755);
    addCommits(source, [{ subject: 'Fix', files: {} }], 2);
    expect((await sync()).moved.length).toBe(1);
    expect(existsSync(stolen)).toBe(false);
    expect(existsSync(cache)).toBe(true);
  });
});

test('a source that holds the line and says nothing is left after a time', async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/a/b`;
  const gitDir = join(temporaryFolder(), 'own');
  mkdirSync(gitDir);
  makeRepository(gitDir, { format: 'sha1' });
  const transfer = { gitDir, url, remote: { url, isShallow: false }, env, what: ['main'], seconds: 0.5 };
  const error = await fetchInto(transfer).then(
    () => null,
    (reason: unknown) => reason,
  );
  server.close();
  expect(error).toBeInstanceOf(UnavailableError);
  expect(String(error)).toContain(`${url} could not be fetched: it took more than 0.5 seconds`);
});

describe('fetching blobs ahead', () => {
  test('brings those of the paths at the commits at once, and no module binary', async () => {
    const { source, sync } = setUp();
    const { repository } = await sync();
    const commits = [git(source, 'rev-parse', 'main~1'), git(source, 'rev-parse', 'main')];
    expect(await prefetchBlobs(repository, source, commits, ['a.txt', 'lib', 'missing.txt', '*.txt'])).toBe(2);
    expect(missingIn(repository.path)).toBe(1);
    expect(await prefetchBlobs(repository, source, commits, ['a.txt'])).toBe(0);
    const blobs = openBlobs(repository);
    const read = await Promise.all(commits.map((commit) => blobs.read(`${commit}:a.txt`)));
    expect(read.map((blob) => blob?.bytes.toString())).toEqual(['1\n', '2\n']);
    await blobs.close();
  });

  test('a source that went away is unavailable', async () => {
    const { source, sync } = setUp();
    const { repository } = await sync();
    const commit = git(source, 'rev-parse', 'main');
    rmSync(source, { recursive: true });
    await expect(prefetchBlobs(repository, source, [commit], ['a.txt'])).rejects.toThrow(UnavailableError);
  });
});

describe('two runs', () => {
  test('do not fetch the same source at once', async () => {
    const { sync } = setUp();
    const results = await Promise.allSettled([sync(), sync()]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const failed = results.find((result) => result.status === 'rejected');
    expect(failed?.reason).toBeInstanceOf(UnavailableError);
  });

  test('a lock and a clone that a killed run left are no obstacle', async () => {
    const { cache, sync } = setUp();
    mkdirSync(join(cache, '.src.clone-abc'), { recursive: true });
    for (const content of ['999999999\n', '']) {
      writeFileSync(join(cache, '.src.lock'), content);
      await sync();
      expect(readdirSync(cache).sort()).toEqual(['src.git']);
      rmSync(join(cache, 'src.git'), { recursive: true });
    }
  });

  test('a lock goes when the work fails', async () => {
    const file = join(temporaryFolder(), 'lock');
    await expect(withLock(file, 'x', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(existsSync(file)).toBe(false);
  });
});
