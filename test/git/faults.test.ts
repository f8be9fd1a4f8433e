import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBlobs } from '../../pipeline/git/blobs.ts';
import { updateClone } from '../../pipeline/git/clone.ts';
import { openRepository, resolveCommit } from '../../pipeline/git/repository.ts';
import { machineFault, readGit, runGit } from '../../pipeline/git/run.ts';
import { withTemporaries } from '../../pipeline/git/temporary.ts';
import { EXIT, KnownError, UnavailableError } from '../../pipeline/model/errors.ts';
import { addCommits, buildRepository, git, temporaryFolder } from '../helpers/repository.ts';

const env = { PATH: process.env.PATH };
const ONE = { subject: 'one', files: { 'a.txt': '1\n' } };

/** A folder for PATH with a git that does this instead. */
function gitThat(script: string): NodeJS.ProcessEnv {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'git'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'git'), 0o755);
  return { PATH: `${folder}:${process.env.PATH}` };
}

function setUp() {
  const source = buildRepository([ONE]);
  const cache = join(temporaryFolder(), 'cache');
  const clone = join(cache, 'src.git');
  const sync = (own: NodeJS.ProcessEnv = env) =>
    updateClone({ name: 'src', url: source, repository: 'example/src' }, cache, own, false);
  return { source, cache, clone, sync };
}

describe('what a git that was killed leaves in a clone', () => {
  test('locks, half-written packs and temporary files of it end no later sync, and go', async () => {
    const { source, clone, sync } = setUp();
    await sync();
    const left = [
      'config.lock',
      'HEAD.lock',
      'packed-refs.lock',
      'shallow.lock',
      'refs/heads/main.lock',
      'objects/pack/tmp_pack_abc',
      'objects/pack/.tmp-1-pack-x.pack',
    ];
    for (const name of left) writeFileSync(join(clone, name), '');
    mkdirSync(join(clone, 'objects', 'incoming-abc'));
    addCommits(source, [{ subject: 'two', files: {} }], 1);
    expect((await sync()).moved).toHaveLength(1);
    for (const name of [...left, 'objects/incoming-abc']) expect(existsSync(join(clone, name)), name).toBe(false);
  });

  test('a git that is still at work there is waited for, and named', async () => {
    const { clone, sync } = setUp();
    await sync();
    writeFileSync(join(clone, 'packed-refs.lock'), '');
    const child = spawn('sleep', ['30'], { cwd: clone });
    onTestFinished(() => void child.kill());
    await expect(sync()).rejects.toThrow(`git (process ${child.pid}) is still at work`);
    expect(existsSync(join(clone, 'packed-refs.lock'))).toBe(true);
  });

  test('a clone that leads elsewhere is refused before git works in it', async () => {
    const { clone, sync } = setUp();
    await sync();
    const outside = temporaryFolder();
    rmSync(join(clone, 'refs', 'heads'), { recursive: true });
    symlinkSync(outside, join(clone, 'refs', 'heads'));
    await expect(sync()).rejects.toThrow(/refs\/heads is no folder/);
    rmSync(join(clone, 'refs', 'heads'));
    mkdirSync(join(clone, 'refs', 'heads'));
    writeFileSync(join(clone, 'objects', 'info', 'alternates'), `${outside}\n`);
    await expect(sync()).rejects.toThrow(/it borrows objects/);
    expect(readdirSync(outside)).toEqual([]);
  });

  test('a source that is its own clone brings nothing and forks nothing', async () => {
    const { cache, clone, sync } = setUp();
    await sync();
    const own = { name: 'src', url: clone, repository: 'example/src' };
    expect(await updateClone(own, cache, env, false)).toMatchObject({ isNew: false, added: [], moved: [] });
  });
});

describe('a git that fails', () => {
  const where = (own: NodeJS.ProcessEnv) => ({ gitDir: '/nowhere', path: 'the clone', env: own });

  test.each([
    ['kill -9 $$', EXIT.unavailable, 'the clone: git log did not end: it was ended by SIGKILL'],
    ['yes', EXIT.unavailable, 'the clone: git log did not end: it said more than 1000 bytes'],
    ['exec sleep 60', EXIT.unavailable, 'the clone: git log did not end: it took more than 1 s'],
    ['echo fatal: no such thing >&2; exit 128', EXIT.noInput, 'the clone: git log failed: no such thing'],
    ['echo "error: file write error: No space left on device" >&2; exit 1', EXIT.io, 'No space left on device'],
    ['echo "fatal: write error: Input/output error" >&2; exit 1', EXIT.io, 'Input/output error'],
    ['echo "fatal: cannot mkdir x: Read-only file system" >&2; exit 1', EXIT.cannotCreate, 'Read-only file system'],
    ['echo "fatal: could not create x: Permission denied" >&2; exit 1', EXIT.cannotCreate, 'Permission denied'],
  ])('%j ends with one line and status %i', async (script, status, words) => {
    const error: unknown = await readGit(where(gitThat(script)), ['log'], { maxBytes: 1000, seconds: 1 }).catch(
      (e) => e,
    );
    expect(error).toBeInstanceOf(KnownError);
    expect([(error as KnownError).status, (error as KnownError).message]).toEqual([
      status,
      expect.stringContaining(words),
    ]);
    expect((error as KnownError).message).not.toContain('\n');
  });

  test('what git says of a repository of ours is said of the one that it stands for', async () => {
    const repository = openRepository(buildRepository([ONE]), gitThat('echo "fatal: bad $1" >&2; exit 128'), 'linux');
    await expect(readGit(repository, ['log'])).rejects.toThrow(`failed: bad --git-dir=${repository.path}`);
  });

  test('a reader whose git is killed is unavailable, and answers no question with silence', async () => {
    const blobs = openBlobs(where(gitThat('read line; kill -9 $$')));
    await expect(Promise.all([blobs.read('HEAD:a'), blobs.read('HEAD:b')])).rejects.toThrow(
      'the clone: git cat-file was ended by SIGKILL',
    );
    await expect(blobs.read('HEAD:c')).rejects.toThrow(UnavailableError);
  });

  test('a transfer into a full disk is an input or output error that names the place', async () => {
    const { clone, sync } = setUp();
    await sync();
    const full = gitThat(
      'case "$*" in *fetch*) echo "fatal: write error: No space left on device" >&2; exit 128;; esac\nexec /usr/bin/env -i PATH=/usr/bin:/bin git "$@"',
    );
    const error: unknown = await sync(full).catch((e) => e);
    expect(error).toMatchObject({ status: EXIT.io, message: expect.stringContaining(clone) });
  });

  test('many questions at once are asked of a few processes at a time', async () => {
    const folder = temporaryFolder();
    const own = gitThat(`echo + >> ${folder}/log; sleep 0.2; echo - >> ${folder}/log`);
    await Promise.all(Array.from({ length: 40 }, () => runGit(['log'], { env: own })));
    const log = execFileSync('cat', [join(folder, 'log')], { encoding: 'utf8' })
      .trim()
      .split('\n');
    let most = 0;
    log.reduce((now, sign) => {
      most = Math.max(most, now);
      return sign === '+' ? now + 1 : now - 1;
    }, 0);
    expect(log).toHaveLength(80);
    expect(most).toBeLessThanOrEqual(8);
  });
});

describe('temporary repositories', () => {
  test('go with their run, also where it fails', async () => {
    let folder = '';
    const source = buildRepository([ONE]);
    const run = withTemporaries(async () => {
      const repository = openRepository(source, env);
      folder = join(repository.gitDir, '..');
      await resolveCommit(repository, 'HEAD');
      expect(statSync(repository.gitDir).mode & 0o77).toBe(0);
      throw new Error('broken');
    });
    await expect(run).rejects.toThrow('broken');
    expect(existsSync(folder)).toBe(false);
  });
});

describe('a repository of somebody', () => {
  test('refs that are no refs, pipes and links in their place neither hang nor lead anywhere', async () => {
    const bare = buildRepository([ONE]);
    const head = git(bare, 'rev-parse', 'HEAD');
    execFileSync('mkfifo', [join(bare, 'refs', 'heads', 'pipe')]);
    symlinkSync('/etc/passwd', join(bare, 'refs', 'heads', 'link'));
    symlinkSync('/dev/zero', join(bare, 'refs', 'heads', 'endless'));
    symlinkSync('refs/heads/main', join(bare, 'refs', 'heads', 'old'));
    writeFileSync(join(bare, 'refs', 'heads', 'x.lock'), `${head}\n`);
    writeFileSync(
      join(bare, 'packed-refs'),
      `${head} refs/heads/../../../../tmp/out\n${head} refs/heads/good\nnot a line\n`,
    );
    mkdirSync(join(bare, 'refs', 'replace'), { recursive: true });
    writeFileSync(join(bare, 'refs', 'replace', head), `${head}\n`);
    const repository = openRepository(bare, env);
    for (const name of ['main', 'old', 'good']) expect(await resolveCommit(repository, name), name).toBe(head);
    const names = (await readGit(repository, ['for-each-ref', '--format=%(refname)'])).toString('utf8').trim();
    expect(names.split('\n')).toEqual(['refs/heads/good', 'refs/heads/main', 'refs/heads/old']);
  });

  test('a .git file that points to a repository which does not name it back is refused', () => {
    const folder = temporaryFolder();
    const other = buildRepository([ONE]);
    writeFileSync(join(folder, '.git'), `gitdir: ${other}\n`);
    expect(() => openRepository(folder, env)).toThrow(/points to .*, which does not name this folder back/);
  });

  test('a submodule, an alternate of an alternate and a path with odd characters are read', async () => {
    const folder = temporaryFolder();
    const inner = buildRepository([ONE]);
    const head = git(inner, 'rev-parse', 'HEAD');
    git(folder, 'init', '-q', 'top');
    const top = join(folder, 'top');
    git(top, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'sub');
    expect(await resolveCommit(openRepository(join(top, 'sub'), env), 'HEAD')).toBe(head);
    const odd = join(folder, 'a "b"\n\tü#');
    git(folder, 'clone', '-q', '--bare', '--shared', inner, odd);
    git(folder, 'clone', '-q', '--bare', '--shared', inner, 'first');
    git(folder, 'clone', '-q', '--bare', '--shared', 'first', 'second');
    for (const path of [odd, join(folder, 'second')]) {
      const blobs = openBlobs(openRepository(path, env));
      expect((await blobs.read(`${head}:a.txt`))?.bytes.toString()).toBe('1\n');
      await blobs.close();
    }
  });

  test('replaced objects and grafts change nothing of what is read', async () => {
    const bare = buildRepository([ONE, { subject: 'two', files: { 'a.txt': '2\n' } }]);
    const [old, now] = [git(bare, 'rev-parse', 'HEAD~1:a.txt'), git(bare, 'rev-parse', 'HEAD:a.txt')];
    git(bare, 'replace', now, old);
    writeFileSync(join(bare, 'info', 'grafts'), `${git(bare, 'rev-parse', 'HEAD')}\n`);
    const repository = openRepository(bare, env);
    const blobs = openBlobs(repository);
    expect((await blobs.read('HEAD:a.txt'))?.bytes.toString()).toBe('2\n');
    await blobs.close();
    expect(await resolveCommit(repository, 'HEAD~1')).toMatch(/^[0-9a-f]{40}$/);
  });

  test('a SHA-256 repository is read and synced', async () => {
    const source = temporaryFolder();
    git(source, 'init', '-q', '--bare', '-b', 'main', '--object-format=sha256', '.');
    addCommits(source, [ONE], 0);
    const cache = join(temporaryFolder(), 'cache');
    const { repository } = await updateClone({ name: 'src', url: source, repository: 'x/y' }, cache, env, false);
    expect(await resolveCommit(repository, 'HEAD')).toBe(git(source, 'rev-parse', 'HEAD'));
  });
});

test('where git says no fault of the machine there is none', () => {
  for (const text of ['fatal: bad object', 'fatal: repository not found', 'error: remote said: forbidden'])
    expect(machineFault(text, 'x')).toBeNull();
});
