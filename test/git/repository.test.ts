import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listPathChanges } from '../../pipeline/git/path-changes.ts';
import {
  isShallow,
  listCommits,
  listPaths,
  listRefs,
  openRepository,
  readCommit,
  resolveCommit,
} from '../../pipeline/git/repository.ts';
import { NoInputError } from '../../pipeline/model/errors.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';

const env = { PATH: process.env.PATH };
const one = { subject: 'one', files: { 'a.txt': '1\n', 'b.txt': '1\n' } };
const two = { subject: 'two', files: { 'a.txt': '2\n' } };

describe('opening', () => {
  test('a bare repository, a work tree, another work tree and a shallow clone', async () => {
    const bare = buildRepository([one, two]);
    const head = git(bare, 'rev-parse', 'HEAD');
    const folder = temporaryFolder();
    git(folder, 'clone', '-q', bare, 'tree');
    git(join(folder, 'tree'), 'worktree', 'add', '-q', '--detach', '../second');
    git(folder, 'clone', '-q', '--depth=1', `file://${bare}`, 'shallow');
    for (const path of [bare, 'tree', 'second', 'shallow'].map((name) => (name === bare ? bare : join(folder, name))))
      expect(await resolveCommit(openRepository(path, env), 'HEAD'), path).toBe(head);
    expect(await isShallow(openRepository(bare, env))).toBe(false);
    const shallow = openRepository(join(folder, 'shallow'), env);
    expect(await isShallow(shallow)).toBe(true);
    expect((await listCommits(shallow)).map(({ subject }) => subject)).toEqual(['two']);
    await expect(resolveCommit(shallow, 'HEAD~1')).rejects.toThrow(NoInputError);
  });

  test('what is no repository is no input', () => {
    const folder = temporaryFolder();
    const linked = temporaryFolder();
    writeFileSync(join(linked, '.git'), 'gitdir: ../nowhere\n');
    const odd = temporaryFolder();
    writeFileSync(join(odd, '.git'), 'something else\n');
    for (const path of [folder, linked, odd, join(folder, 'missing'), join(odd, '.git')])
      expect(() => openRepository(path, env), path).toThrow(NoInputError);
  });

  test('an empty repository has no refs, commits or revisions', async () => {
    const repository = openRepository(buildRepository([]), env);
    expect(await listRefs(repository)).toEqual([]);
    expect(await listCommits(repository)).toEqual([]);
    await expect(resolveCommit(repository, 'HEAD')).rejects.toThrow(NoInputError);
  });

  test('the environment of the caller does not reach git', async () => {
    const bare = buildRepository([one]);
    const hostile = { ...env, GIT_DIR: '/nowhere', GIT_OBJECT_DIRECTORY: '/nowhere', GIT_CONFIG_GLOBAL: '/nowhere/x' };
    expect((await listCommits(openRepository(bare, hostile))).length).toBe(1);
  });
});

describe('refs', () => {
  test('annotated tags, also of tags, lead to their commits; a tag of a file leads to none', async () => {
    const bare = buildRepository([{ ...one, tags: ['light'], annotated: ['full'] }, two]);
    const commit = git(bare, 'rev-parse', 'HEAD~1');
    git(bare, 'tag', '-a', '-m', 'again', 'twice', 'full');
    git(bare, 'tag', 'file', 'HEAD:a.txt');
    const refs = await listRefs(openRepository(bare, env));
    expect(refs.map(({ name, kind }) => [name, kind])).toEqual([
      ['refs/heads/main', 'branch'],
      ['refs/tags/full', 'tag'],
      ['refs/tags/light', 'tag'],
      ['refs/tags/twice', 'tag'],
    ]);
    expect(new Set(refs.slice(1).map((ref) => ref.commit))).toEqual(new Set([commit]));
  });

  test('a commit knows the tags that lead to it, whatever their names hold and however many tags lie between', async () => {
    const bare = buildRepository([{ ...one, tags: ['light'], annotated: ['full'] }, two]);
    const commit = git(bare, 'rev-parse', 'HEAD~1');
    git(bare, 'tag', '-a', '-m', 'again', 'twice', 'full');
    git(bare, 'tag', 'file', 'HEAD:a.txt');
    for (const name of ['refs/tags/a,b', 'refs/tags/->', 'refs/tags/tag', 'refs/heads/tags', 'refs/remotes/tag'])
      git(bare, 'update-ref', name, commit);
    const repository = openRepository(bare, env);
    const tags = ['->', 'a,b', 'full', 'light', 'tag', 'twice'];
    expect((await listCommits(repository)).map((each) => each.tags)).toEqual([[], tags]);
    expect((await readCommit(repository, commit)).tags).toEqual(tags);
  });

  test('a ref that begins with a dash, or reads like a command, is a ref', async () => {
    const bare = buildRepository([one, two]);
    for (const name of ['-x', '--output=stolen', '$(touch-stolen)', ';true', 'ü'])
      git(bare, 'update-ref', `refs/heads/${name}`, 'HEAD~1');
    const repository = openRepository(bare, env);
    const old = git(bare, 'rev-parse', 'HEAD~1');
    for (const name of ['-x', '--output=stolen', '$(touch-stolen)', ';true', 'ü'])
      expect(await resolveCommit(repository, name), name).toBe(old);
    expect((await listPathChanges(repository, '-x..main', ['a.txt'])).map(({ subject }) => subject)).toEqual(['two']);
    expect((await listPathChanges(repository, '--output=stolen', ['a.txt'])).length).toBe(1);
    expect((await listRefs(repository)).length).toBe(6);
  });

  test('a revision that names no commit is no input', async () => {
    const repository = openRepository(buildRepository([one]), env);
    for (const name of ['', 'v9', '--all', '-x', 'HEAD:a.txt', 'a\nb', 'a\0b', 'HEAD..HEAD', ':/'])
      await expect(resolveCommit(repository, name), JSON.stringify(name)).rejects.toThrow(NoInputError);
  });

  test('commits of pull requests and notes are not history', async () => {
    const bare = buildRepository([one, { subject: 'TDX 9.9.99', files: {}, branch: 'pull' }]);
    git(bare, 'update-ref', 'refs/pull/7/head', 'refs/heads/pull');
    git(bare, 'update-ref', '-d', 'refs/heads/pull');
    expect((await listCommits(openRepository(bare, env))).map(({ subject }) => subject)).toEqual(['one']);
  });
});

describe('history of paths', () => {
  test('each revision that touched a path, oldest first, with the blob or its removal', async () => {
    const bare = buildRepository([
      one,
      { subject: 'other', files: { 'c.txt': '1\n' } },
      two,
      { subject: 'gone', files: { 'a.txt': null, 'b.txt': '2\n' } },
    ]);
    const changes = await listPathChanges(openRepository(bare, env), 'HEAD', ['a.txt', 'b.txt']);
    expect(changes.map(({ subject }) => subject)).toEqual(['one', 'two', 'gone']);
    expect([...(changes[1]?.paths ?? [])]).toEqual([['a.txt', git(bare, 'rev-parse', 'main~1:a.txt')]]);
    expect(changes[2]?.paths.get('a.txt')).toBeNull();
    expect(changes[2]?.paths.get('b.txt')).toBe(git(bare, 'rev-parse', 'main:b.txt'));
  });

  test('no subject passes for an entry or a commit', async () => {
    const subjects = ['\x01x', ':100644 100644 a b M', `${'a'.repeat(40)}`, '', '-- a.txt'];
    const bare = buildRepository(subjects.map((subject, index) => ({ subject, files: { 'a.txt': `${index}\n` } })));
    const changes = await listPathChanges(openRepository(bare, env), 'HEAD', ['a.txt']);
    expect(changes.map(({ subject }) => subject)).toEqual(subjects);
    expect(changes.every(({ paths }) => paths.size === 1)).toBe(true);
  });

  test('a path is a name, not a pattern; a range that is none is no input', async () => {
    const repository = openRepository(buildRepository([one, two]), env);
    expect(await listPathChanges(repository, 'HEAD', ['*.txt'])).toEqual([]);
    expect(await listPathChanges(repository, 'HEAD', [':(top)a.txt'])).toEqual([]);
    for (const range of ['', 'x..y', 'a\nb', '--all'])
      await expect(listPathChanges(repository, range, ['a.txt']), range).rejects.toThrow(NoInputError);
  });

  test('paths of a tree come as they are', async () => {
    const names = ['with blank', '-dash', 'ü', 'a"b'];
    const bare = buildRepository([{ subject: 'x', files: {} }]);
    const blob = git(bare, 'hash-object', '-w', '-t', 'blob', '/dev/null');
    const tree = names.map((name) => `100644 blob ${blob}\t${name}\0`).join('');
    writeFileSync(join(bare, 'tree'), tree);
    const id = git(bare, '-c', `alias.t=!git mktree -z < ${join(bare, 'tree')}`, 't');
    expect([...(await listPaths(openRepository(bare, env), id))].sort()).toEqual([...names].sort());
  });
});
