import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { ROOT } from '../helpers/run.ts';
import { runComposite } from './composite.ts';
import { compileProgram, logOf, makeWorld, smallSpecs } from './world.ts';

vi.setConfig({ testTimeout: 240_000 });
let [folder, dist] = ['', ''];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bitwatch-review-'));
  dist = compileProgram(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A pull request that brings a release, from this repository or from a fork. */
async function setUp() {
  const world = await makeWorld(dist, { source: buildRepository([]), list: null });
  const { author, origin, server, run } = world;
  const base = git(origin, 'rev-parse', 'main');
  const propose = (file: string | null): void => {
    if (file !== null) cpSync(join(ROOT, 'specs', file), join(author, 'specs', file));
    git(author, 'add', 'specs');
    git(author, 'commit', '-q', '--allow-empty', '-m', 'Propose');
    git(author, 'push', '-q', 'origin', 'HEAD:main');
  };
  server.addIssue({ number: 7, isPull: true, author: 'someone' });
  const review = (repository = 'example/watch') =>
    run('review.yml', {
      event: { pull_request: { number: 7, base: { sha: base }, head: { repo: { full_name: repository } } } },
    });
  return { ...world, propose, review };
}

test('what specifications bring is one comment, which a second run leaves', async () => {
  const { propose, review, server } = await setUp();
  propose('modules/2.0.08.yaml');
  const first = await review();
  // The release brings errors: the check fails, and the comment says why all the same.
  expect([first.jobs.review?.result, first.jobs.comment?.result], logOf(first)).toEqual(['failure', 'success']);
  expect(first.jobs.review?.outputs.status).toBe('100');
  expect(first.jobs.review?.summary).toContain('TDX module 2.0.08 against 1.5.06');
  expect(logOf(first)).toMatch(/::(error|warning) title=/);
  expect(server.comments.map(({ issue }) => issue)).toEqual([7]);
  expect(server.comments[0]?.body).toContain('TDX module 2.0.08 against 1.5.06');
  const writes = server.writes().length;
  await review();
  expect([server.comments.length, server.writes().length]).toEqual([1, writes]);
});

test('a fork gets summary and annotations, and nothing of it meets a token that writes', async () => {
  const { propose, review, server } = await setUp();
  propose('modules/2.0.08.yaml');
  const { jobs } = await review('mallory/watch');
  expect([jobs.review?.outputs.status, jobs.comment?.result]).toEqual(['100', 'skipped']);
  expect([jobs.review?.summary.includes('TDX module 2.0.08'), server.seen]).toEqual([true, []]);
});

test('specifications that bring no finding make no comment, and damaged ones are no verdict', async () => {
  const { propose, review, server, author } = await setUp();
  propose(null);
  const quiet = await review();
  expect([quiet.jobs.review?.result, quiet.jobs.comment?.result], logOf(quiet)).toEqual(['success', 'success']);
  expect(server.comments).toEqual([]);
  writeFileSync(join(author, 'specs', 'modules', '2.0.08.yaml'), 'release: [\n');
  propose(null);
  const damaged = await review();
  expect([damaged.jobs.review?.result, damaged.jobs.comment?.result], logOf(damaged)).toEqual(['failure', 'skipped']);
  expect(damaged.jobs.review?.summary).toContain('this run is no verdict');
});

test('the action runs from its inputs, and what they hold no shell reads', async () => {
  const workspace = temporaryFolder();
  const action = join(workspace, 'action');
  smallSpecs(join(action, 'specs'), { source: buildRepository([]), list: null });
  cpSync(dist, join(action, 'dist'), { recursive: true });
  writeFileSync(join(action, 'package.json'), readFileSync(join(ROOT, 'package.json')));
  git(action, 'init', '-q');
  symlinkSync(join(ROOT, 'node_modules'), join(action, 'node_modules'));
  const use = (inputs: Readonly<Record<string, string>>) =>
    runComposite(readFileSync(join(ROOT, 'action.yml'), 'utf8'), inputs, action, {
      forge: { origin: '', caches: '', artifacts: '' },
      folder: workspace,
      tools: workspace,
      workspace,
      github: { repository: 'example/user', ref_name: 'main', run_id: '1', api_url: '', event: {} },
    });
  const checked = await use({ 'fail-on': 'warning', directory: 'out put' });
  expect([checked.status, checked.outputs.status, checked.outputs.result]).toEqual([100, '100', 'findings']);
  expect([checked.outputs.directory, Number(checked.outputs.warnings) > 0]).toEqual(['out put', true]);
  const odd = '$(touch owned)`touch owned`"; touch owned #';
  const refused = await use({ command: 'review', release: odd, directory: odd.replaceAll('/', '') });
  expect(refused.outputs.result).toBe('usage');
  expect(existsSync(join(workspace, 'owned'))).toBe(false);
  expect((await use({ command: 'reveiw' })).log).toContain('did you mean "review"?');
});
