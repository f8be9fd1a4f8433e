import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { patchFiles } from '../../pipeline/extract/mail/patch.ts';
import { type ApplyResult, applyPatches, touchedPaths } from '../../pipeline/git/apply-series.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { withScratch } from '../../pipeline/git/scratch.ts';
import { buildRepository, git, gitEnv, temporaryFolder } from '../helpers/repository.ts';

const BASE = { 'a/file.c': 'one\ntwo\nthree\n', 'a/other.c': 'one\n', Makefile: 'all:\n' };
const path = 'a/file.c';
const CHANGE = `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n`;
const create = (name: string, mode = '100644', text = 'x'): string =>
  `diff --git a/${name} b/${name}\nnew file mode ${mode}\n--- /dev/null\n+++ b/${name}\n@@ -0,0 +1 @@\n+${text}\n`;

/** Every file below a folder with its content. */
const listing = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const file = join(folder, name);
      return `${name} ${statSync(file).isFile() ? readFileSync(file).toString('latin1') : ''}`;
    });

async function applying(diffs: readonly string[], gitDir = buildRepository([{ subject: 'base', files: BASE }])) {
  const before = listing(gitDir);
  const patches = diffs.map((text, at) => {
    const diff = Buffer.from(text, 'latin1');
    return { part: at + 1, id: `${at + 1}@x`, title: `t${at + 1}`, diff, files: patchFiles(diff) };
  });
  const repository = openRepository(gitDir, gitEnv);
  let scratchPath = '';
  const result = await withScratch(repository, async (scratch) => {
    scratchPath = scratch.gitDir;
    const touched = await touchedPaths(scratch, patches);
    const applied = await applyPatches(scratch, git(gitDir, 'rev-parse', 'main'), patches);
    const names =
      applied.kind === 'applied'
        ? git(
            scratch.gitDir,
            `--git-dir=${scratch.gitDir}`,
            'ls-tree',
            '-r',
            '--format=%(objectmode) %(path)',
            applied.trees.at(-1) ?? '',
          ).split('\n')
        : [];
    return { applied, touched: touched.paths, names };
  });
  // Neither the clone is written nor anything left behind.
  expect(listing(gitDir)).toEqual(before);
  expect(() => statSync(scratchPath)).toThrow();
  return result;
}

const rejectionOf = (applied: ApplyResult) => (applied.kind === 'rejected' ? applied.rejection : null);

test('patches apply one after the other, and the tree is what git makes of them', async () => {
  const second = CHANGE.replace('-two', '-zwei').replace('+zwei', '+deux');
  const { applied, touched, names } = await applying([CHANGE, second, create('b/new.c')]);
  expect(applied).toMatchObject({ kind: 'applied', offsets: 0 });
  expect(touched).toEqual(['a/file.c', 'b/new.c']);
  expect(names).toEqual(['100644 Makefile', '100644 a/file.c', '100644 a/other.c', '100644 b/new.c']);
});

test('the hunk that fails is named, also the second of a file in a later patch', async () => {
  const long = Array.from({ length: 40 }, (_, at) => `line ${at}\n`).join('');
  const gitDir = buildRepository([{ subject: 'base', files: { [path]: long } }]);
  const hunk = (at: number, text: string): string =>
    `@@ -${at + 1},3 +${at + 1},3 @@ here\n line ${at}\n-${text}\n+changed\n line ${at + 2}\n`;
  const head = CHANGE.split('@@')[0] ?? '';
  const { applied } = await applying([create('x'), `${head}${hunk(3, 'line 4')}${hunk(30, 'no such line')}`], gitDir);
  expect(rejectionOf(applied)).toEqual({
    part: 2,
    id: '2@x',
    title: 't2',
    path,
    hunk: { number: 2, header: '@@ -31,3 +31,3 @@ here' },
    reason: 'the lines that the hunk expects are not at the base',
  });
});

test('hunks that git finds elsewhere are counted', async () => {
  const long = Array.from({ length: 40 }, (_, at) => `line ${at}\n`).join('');
  const gitDir = buildRepository([{ subject: 'base', files: { [path]: `new\n${long}` } }]);
  const head = CHANGE.split('@@')[0] ?? '';
  const hunk = '@@ -20,7 +20,7 @@\n line 19\n line 20\n line 21\n-line 22\n+changed\n line 23\n line 24\n line 25\n';
  expect((await applying([head + hunk], gitDir)).applied).toMatchObject({ kind: 'applied', offsets: 1 });
});

test.each<[string, readonly string[], string | null, string]>([
  ['a path above the tree', [create('../evil')], '../evil', 'the path is not one that a tree may hold'],
  [
    'a path inside .git',
    [create('.git/hooks/post-checkout')],
    '.git/hooks/post-checkout',
    'the path is not one that a tree may hold',
  ],
  ['.git in another case', [create('a/.GIT/config')], 'a/.GIT/config', 'the path is not one that a tree may hold'],
  [
    'an absolute path',
    [create('/tmp/bitwatch-evil')],
    '/tmp/bitwatch-evil',
    'the path is not one that a tree may hold',
  ],
  [
    'a file behind a symbolic link',
    [create('link', '120000', '/tmp'), create('link/evil')],
    'link/evil',
    'the path leads through a symbolic link',
  ],
  ['a file that is there', [create(path)], path, 'the diff creates a file that the base has'],
  ['a file that is not there', [CHANGE.replaceAll(path, 'a/gone.c')], 'a/gone.c', 'the base has no such file'],
  [
    'a binary diff',
    [
      `diff --git a/x.bin b/x.bin\nnew file mode 100644\nindex 000..111\nGIT binary patch\nliteral 4000000000\nzcmZQz\n\n`,
    ],
    'x.bin',
    'binary diffs are not applied',
  ],
  ['a truncated hunk', [CHANGE.split('\n').slice(0, -3).join('\n')], null, 'git does not take the diff'],
  ['no diff at all', ['diff --git a/x b/x\n'], null, 'git does not take the diff'],
  ['numbers without sense', [CHANGE.replace('-1,3 +1,3', '-999999999,3 +999999999,3')], null, ''],
])('%s is refused and harms nothing', async (_, diffs, where, reason) => {
  const evil = '/tmp/bitwatch-evil';
  onTestFinished(() => expect(() => statSync(evil)).toThrow());
  const { applied } = await applying(diffs);
  if (reason === '') return;
  const rejection = rejectionOf(applied);
  expect(rejection?.path).toBe(where);
  expect(rejection?.reason).toContain(reason);
});

test('renames, modes, links and removals reach the index and nothing else', async () => {
  const rename =
    'diff --git a/a/other.c b/b/moved.c\nsimilarity index 100%\nrename from a/other.c\nrename to b/moved.c\n';
  const mode = `diff --git a/${path} b/${path}\nold mode 100644\nnew mode 100755\n`;
  const remove =
    'diff --git a/Makefile b/Makefile\ndeleted file mode 100644\n--- a/Makefile\n+++ /dev/null\n@@ -1 +0,0 @@\n-all:\n';
  const { names, touched } = await applying([rename, mode, remove, create('to-etc', '120000', '/etc/passwd')]);
  expect(names).toEqual(['100755 a/file.c', '100644 b/moved.c', '120000 to-etc']);
  expect(touched).toEqual(['Makefile', 'a/file.c', 'a/other.c', 'b/moved.c', 'to-etc']);
});

test('hooks, filters and settings of the clone are not in force', async () => {
  const gitDir = buildRepository([
    { subject: 'base', files: { ...BASE, '.gitattributes': '*.c filter=evil text eol=crlf\n' } },
  ]);
  const marker = join(temporaryFolder(), 'ran');
  git(gitDir, 'config', 'filter.evil.clean', `touch ${marker}`);
  git(gitDir, 'config', 'filter.evil.smudge', `touch ${marker}`);
  git(gitDir, 'config', 'apply.whitespace', 'error');
  git(gitDir, 'config', 'core.fsmonitor', `touch ${marker}`);
  const { applied } = await applying([CHANGE.replace('+zwei', '+zwei   ')], gitDir);
  expect(applied.kind).toBe('applied');
  expect(() => readFileSync(marker)).toThrow();
});

test('a work tree and a linked work tree serve as clones too', async () => {
  const bare = buildRepository([{ subject: 'base', files: BASE }]);
  const work = temporaryFolder();
  git(work, 'clone', '-q', bare, 'one');
  git(join(work, 'one'), 'worktree', 'add', '-q', join(work, 'two'));
  const repository = openRepository(join(work, 'two'), gitEnv);
  const diff = Buffer.from(CHANGE);
  const patch = { part: 1, id: '', title: '', diff, files: patchFiles(diff) };
  const head = git(bare, 'rev-parse', 'main');
  const result = await withScratch(repository, (scratch) => applyPatches(scratch, head, [patch]));
  expect(result.kind).toBe('applied');
  expect(git(join(work, 'two'), 'status', '--porcelain')).toBe('');
});
