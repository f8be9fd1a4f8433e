import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as GitPart from '../../pipeline/archive/git-part.ts';
import { scanGit } from '../../pipeline/archive/git-part.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { append, git, mailText, makeInbox } from './inbox.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bitwatch-workers-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Workers run compiled code only, so the compiler runs first. */
function compile(outDir: string): void {
  const options = ['--incremental', 'false', '--outDir', outDir, '--rootDir', '.', '--noEmit', 'false', '--noCheck'];
  const settings = ['--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--skipLibCheck'];
  const imports = ['--rewriteRelativeImportExtensions', '--allowImportingTsExtensions'];
  const entries = ['git-part.ts', 'worker.ts'].map((name) => `pipeline/archive/${name}`);
  execFileSync(join('node_modules', '.bin', 'tsc'), [
    '--ignoreConfig',
    ...options,
    ...settings,
    ...imports,
    ...entries,
  ]);
  writeFileSync(join(outDir, 'package.json'), '{"type":"module"}');
}

test('worker processes give the bytes that one process gives, and tell what git could not read', async () => {
  // The mail that is read last answers none, so that its line ends in a blank.
  const mails = Array.from({ length: 4300 }, (_, at) => ({
    mail: mailText(`${at}@x`, at % 7 === 0 ? 'TDX' : 'Other', at % 3 === 1 ? `In-Reply-To: <${at - 1}@x>\n` : ''),
  }));
  const gitDir = makeInbox(root, 'many.git', mails);
  const dist = join(root, 'dist');
  compile(dist);
  const url = pathToFileURL(join(dist, 'pipeline/archive/git-part.js')).href;
  const compiled = (await import(url)) as typeof GitPart;
  const scan = {
    repository: openRepository(gitDir, process.env),
    name: 'many',
    after: null,
    shard: { index: 1, of: 1 },
  };
  const local = await scanGit({ ...scan, jobs: 1 });
  expect(local?.events).toHaveLength(4300);
  for (const jobs of [1, 3]) expect(await compiled.scanGit({ ...scan, jobs })).toEqual(local);

  append(gitDir, [{ mail: mailText('damaged@x', 'Damaged', '', 'a text\n'.repeat(99)) }], []);
  const blob = git(gitDir, 'rev-parse', 'HEAD:m');
  const loose = join(gitDir, 'objects', blob.slice(0, 2), blob.slice(2));
  chmodSync(loose, 0o600);
  writeFileSync(loose, readFileSync(loose).subarray(0, -12));
  const damaged = compiled.scanGit({ ...scan, repository: openRepository(gitDir, process.env), jobs: 2 });
  // The compiled module has error classes of its own.
  await expect(damaged).rejects.toMatchObject({
    name: 'NoInputError',
    message: expect.stringContaining('git cat-file failed'),
  });
});
