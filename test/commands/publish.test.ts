import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readMarker } from '../../pipeline/deliver/github/marker.ts';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { testTiming } from '../deliver/github/harness.ts';
import type { Kept } from '../helpers/copy-specs.ts';
import { type GithubServer, OURS, startGithub, TOKEN } from '../helpers/github-server.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, type RunResult } from '../helpers/run.ts';
import { smallSpecs } from '../helpers/specs.ts';

const KEPT: Kept = { releases: ['1.5.06', '2.0.12', '2.0.16', '2.0.18'], kernels: ['6.16.1', '7.1.5'] };

type Setup = { readonly specs: string; readonly server: GithubServer; readonly run: Run; readonly timing: Timing };
type Timing = ReturnType<typeof testTiming>;
type Run = (args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<RunResult>;

/** The project's specifications without the releases that a test does not need, and a forge that may be written to. */
async function setUp(optIn = true): Promise<Setup> {
  const specs = smallSpecs(join(temporaryFolder(), 'specs'), KEPT);
  rmSync(join(specs, 'posted.yaml'), { force: true });
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources: []\nrepositories:\n  - {repository: example/watch, optIn: ${optIn}}\n`,
  );
  const server = await startGithub();
  const timing = testTiming(server);
  const run: Run = (args, env = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: server.url }) =>
    bitwatch(['publish', ...args, '--specs', specs], { env, timing });
  return { specs, server, run, timing };
}
const RELEASES = ['releases', '--repository', 'example/watch', '--since', '2.0.12'];

test('a dry run says what it would do and writes nothing, also no state', async () => {
  const { specs, server, run } = await setUp();
  const { status, stdout } = await run(RELEASES);
  expect(status).toBe(0);
  expect(stdout).toContain('2.0.16: would be created\n2.0.18: would be created\n');
  expect(stdout).toContain('nothing was written: --send writes');
  expect([server.writes(), existsSync(join(specs, 'posted.yaml'))]).toEqual([[], false]);
});

test('without a token or offline it says as far as the state knows, and asks nobody', async () => {
  const { server, run } = await setUp();
  const { status, stdout } = await run(RELEASES, { GITHUB_API_URL: server.url });
  expect([status, server.seen]).toEqual([0, []]);
  expect(stdout).toMatch(/would be created[\s\S]*not looked at example\/watch \(no GITHUB_TOKEN\)/);
  await run([...RELEASES, '--send']);
  const before = server.seen.length;
  expect((await run([...RELEASES, '--offline'])).stdout).toMatch(
    /2\.0\.16: unchanged.*\n2\.0\.18: unchanged[\s\S]*--offline/,
  );
  expect(server.seen.length).toBe(before);
});

test('issues are made once: the second run is silent, with the state and without it', async () => {
  const { specs, server, run } = await setUp();
  const first = await run([...RELEASES, '--send']);
  expect([first.status, first.stderr]).toEqual([0, '']);
  expect(server.issues.map(({ title }) => title)).toEqual([
    'bitwatch: review of TDX module 2.0.16',
    'bitwatch: review of TDX module 2.0.18',
  ]);
  const state = readFileSync(join(specs, 'posted.yaml'), 'utf8');
  expect(state).toContain('repository: "example/watch"');
  const before = server.writes().length;
  for (const isLost of [false, true]) {
    if (isLost) rmSync(join(specs, 'posted.yaml'));
    const again = await run([...RELEASES, '--send']);
    expect([again.status, again.stdout.split('\n').at(-2)]).toEqual([0, 'nothing new']);
    expect(server.writes().length).toBe(before);
  }
  expect(readFileSync(join(specs, 'posted.yaml'), 'utf8').match(/key: /g)?.length).toBe(2);
});

test('the issue is the review that every other format prints', async () => {
  const { specs, server, run } = await setUp();
  // Under one KVM version: with all of them it is cut to what a comment takes.
  await run([...RELEASES, '--kvm', '6.16.1', '--send']);
  const out = join(temporaryFolder(), 'review.md');
  await bitwatch(['review', '2.0.18', '--kvm', '6.16.1', '--specs', specs, '--out', `markdown=${out}`]);
  const printed = readFileSync(out, 'utf8');
  const items = (text: string): readonly string[] =>
    text.split(/^(?=### |## What was read)/m).filter((part) => part.startsWith('### '));
  expect(items(server.issues[1]?.body ?? '')).toEqual(items(printed));
});

test('what a killed run made and no list shows yet is looked for before it is posted again, and told', async () => {
  const { specs, server, run } = await setUp();
  await run([...RELEASES, '--send']);
  const journal = join(specs, '.posted.yaml.begun.tmp');
  expect(existsSync(journal)).toBe(false);
  // As a kill between the answer and the record leaves it, while lists lag.
  rmSync(join(specs, 'posted.yaml'));
  const begun = (key: string): string => `${JSON.stringify({ repository: 'example/watch', kind: 'release', key })}\n`;
  writeFileSync(journal, begun('2.0.16'));
  const [first, second] = server.issues;
  if (first === undefined || second === undefined) throw new Error('two issues');
  first.hidden = 3;
  const before = server.writes().length;
  const again = await run([...RELEASES, '--send']);
  expect([again.status, server.writes().length]).toEqual([0, before]);
  expect(again.stdout).toMatch(/^2\.0\.16: unchanged, \S+, made by a run that was ended before it took it down$/m);
  expect(existsSync(journal)).toBe(false);
  // One that was never made is posted after the look, and a person is told where to look.
  writeFileSync(journal, begun('2.0.18'));
  rmSync(join(specs, 'posted.yaml'));
  second.body = 'gone';
  const made = await run([...RELEASES, '--send']);
  expect(made.stdout).toMatch(
    /^2\.0\.18: created, \S+, a run was ended while it posted this, and 40 s later no list had it/m,
  );
  expect([server.issues.length, existsSync(journal)]).toEqual([3, false]);
});

test('a posting of another workflow under the same login is neither changed nor closed nor deleted', async () => {
  const { server, run } = await setUp();
  await run([...RELEASES, '--send']);
  const own = server.issues[0]?.body ?? '';
  const quoted = `Weekly digest\n\n${own}`;
  const foreign = own.replace(/check=\w{32}/, `check=${'0'.repeat(32)}`);
  for (const body of [quoted, foreign]) server.addIssue({ body, author: OURS, labels: ['bitwatch'] });
  const before = server.writes().length;
  expect((await run([...RELEASES, '--send'])).stdout).toMatch(/nothing new\n$/);
  expect(server.writes().length).toBe(before);
  expect(server.issues.slice(2).map(({ body, state }) => [body, state])).toEqual([
    [quoted, 'open'],
    [foreign, 'open'],
  ]);
});

test('a finding that changes updates its release’s issue alone; a new release adds one', async () => {
  const { specs, server, run } = await setUp();
  const module = join(specs, 'modules', '2.0.18.yaml');
  const text = readFileSync(module, 'utf8');
  rmSync(module);
  await run([...RELEASES, '--send']);
  writeFileSync(module, text);
  expect((await run([...RELEASES, '--send'])).stdout).toMatch(/2\.0\.16: unchanged.*\n2\.0\.18: created/);
  const fingerprint = /fingerprint `([0-9a-f]{16})`/.exec(server.issues[1]?.body ?? '')?.[1] ?? '';
  const decide = ['decide', fingerprint, '--because', 'r', '--by', 'A', '--until', '2027-01-01', '--specs', specs];
  expect(await bitwatch(decide)).toMatchObject({ status: 0, stderr: '' });
  const { stdout } = await run([...RELEASES, '--send']);
  expect(stdout).toContain('2.0.18: updated');
  expect(server.issues.length).toBe(2);
});

test.each([
  ['nobody opted in', false, {}, /has not opted in/],
  ['no token', true, { GITHUB_TOKEN: '' }, /needs a token/],
  ['an API without https', true, { GITHUB_API_URL: 'http://api.example.org' }, /expected an https URL/],
])('--send is refused where %s', async (_name, optIn, env, why) => {
  const { server, run } = await setUp(optIn);
  const { status, stderr } = await run([...RELEASES, '--send'], {
    GITHUB_TOKEN: TOKEN,
    GITHUB_API_URL: server.url,
    ...env,
  });
  expect([status, server.seen]).toEqual([64, []]);
  expect(stderr).toMatch(why);
});

test('in a workflow its own repository is the default, and opted in by being there', async () => {
  const { specs, server, run } = await setUp();
  writeFileSync(join(specs, 'sources.yaml'), 'sources: []\n');
  const env = {
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'example/watch',
    GITHUB_TOKEN: TOKEN,
    GITHUB_API_URL: server.url,
  };
  expect((await run(['releases', '--since', '2.0.16', '--send'], env)).stdout).toContain('2.0.18: created');
  expect((await run(['releases', '--repository', 'example/other', '--send'], env)).status).toBe(64);
});

test.each([
  [401, 69],
  [403, 69],
  [500, 69],
])('%i from the first request on is %i, and never "nothing new"', async (status, expected) => {
  const { server, run } = await setUp();
  server.failNext({ kind: 'status', status }, () => true, 99);
  const result = await run([...RELEASES, '--send']);
  expect([result.status, result.stdout]).toEqual([expected, '']);
  expect(result.stderr).not.toContain(TOKEN);
});

test('a run that gets half-way is 75, says what is left, and the next one goes on', async () => {
  const { server, run } = await setUp();
  const isSecond = ({ method, body }: { readonly method: string; readonly body: unknown }): boolean =>
    method === 'POST' && JSON.stringify(body).includes('module 2.0.18');
  server.failNext({ kind: 'status', status: 403, headers: { 'retry-after': '5000' } }, isSecond, 99);
  const { status, stdout, stderr } = await run([...RELEASES, '--send']);
  expect(status).toBe(75);
  expect(stdout).toMatch(/2\.0\.16: created.*\n2\.0\.18: failed/);
  expect(stderr).toMatch(/may wait 900 s.*1 of 2 are left/);
  server.faults.length = 0;
  expect((await run([...RELEASES, '--send'])).stdout).toMatch(/2\.0\.16: unchanged.*\n2\.0\.18: created/);
  expect(server.issues.length).toBe(2);
});

test('two runs at once on one machine make one issue each and lose no entry', async () => {
  const { specs, server, run, timing } = await setUp();
  // The one that waits for the other's lock must let it work.
  timing.sleep = (milliseconds) => sleep(milliseconds / 100);
  const results = await Promise.all([run([...RELEASES, '--send']), run([...RELEASES, '--send'])]);
  expect(results.map(({ status }) => status)).toEqual([0, 0]);
  expect(server.issues.map(({ body }) => readMarker(body)?.key)).toEqual(['2.0.16', '2.0.18']);
  expect(readFileSync(join(specs, 'posted.yaml'), 'utf8').match(/key: /g)?.length).toBe(2);
});

test('the JSON says the same, and drafts are written as they would be posted', async () => {
  const { server, run } = await setUp();
  const drafts = join(temporaryFolder(), 'drafts');
  const { stdout } = await run([...RELEASES, '--json', '--drafts', drafts]);
  expect(SCHEMAS.publish.parse(JSON.parse(stdout))).toMatchObject({
    schema: 'bitwatch.publish/1',
    repository: 'example/watch',
    sent: false,
    outcomes: [{ key: '2.0.16', action: 'created', number: null }, { key: '2.0.18' }],
    trouble: null,
  });
  await run([...RELEASES, '--send']);
  expect(readdirSync(drafts)).toEqual(['release-2.0.16.md', 'release-2.0.18.md']);
  expect(readFileSync(join(drafts, 'release-2.0.18.md'), 'utf8')).toBe(
    `Title: ${server.issues[1]?.title}\n\n${server.issues[1]?.body}`,
  );
});

test('a pull request gets one comment, of a file, changed when the file is', async () => {
  const { server, run } = await setUp();
  server.addIssue({ isPull: true });
  const body = join(temporaryFolder(), 'body.md');
  const review = ['review', '--repository', 'example/watch', '--pull', '1', '--body', body, '--send'];
  writeFileSync(body, '\n');
  expect((await run(review)).stdout).toBe('1: unchanged, nothing to say\nnothing new\n');
  writeFileSync(body, '# one\n');
  expect((await run(review)).stdout).toMatch(/^1: created/);
  expect((await run(review)).stdout).toMatch(/^1: unchanged.*\nnothing new\n$/);
  writeFileSync(body, '# two\n');
  expect((await run(review)).stdout).toMatch(/^1: updated/);
  expect((await run([...review, '--findings', '0 1 0'])).stdout).toMatch(/^1: unchanged/);
  // The body of a check without findings still has a head: its counts say that there is nothing to tell.
  expect((await run([...review, '--findings', '0 0 0'])).stdout).toMatch(/^1: updated/);
  writeFileSync(body, '');
  expect((await run(review)).stdout).toMatch(/^1: unchanged/);
  expect(server.comments.map(({ body: text }) => text.split('\n')[1])).toEqual([
    'bitwatch: this pull request changes no finding any more.',
  ]);
  expect((await run(review)).stdout).toMatch(/nothing new/);
});

test('a pull request’s comment says which findings its specifications bring and take', async () => {
  const { specs, server, run } = await setUp();
  server.addIssue({ isPull: true });
  const base = join(temporaryFolder(), 'base');
  cpSync(specs, base, { recursive: true });
  const review = ['review', '--repository', 'example/watch', '--pull', '1', '--base', base, '--send'];
  expect((await run(review)).stdout).toMatch(/nothing to say/);
  rmSync(join(base, 'modules', '2.0.18.yaml'));
  expect((await run(review)).stdout).toMatch(/created/);
  const text = server.comments[0]?.body ?? '';
  expect(text).toMatch(/TDX module 2\.0\.18 on KVM [\d.]+, coming from 2\.0\.16/);
  expect(text).not.toContain('TDX module 2.0.16 on');
  cpSync(join(specs, 'modules', '2.0.18.yaml'), join(base, 'modules', '2.0.18.yaml'));
  rmSync(join(specs, 'modules', '2.0.18.yaml'));
  await run(review);
  expect(
    server.comments.map(({ body }) => /## No longer reported \(\d+\)\n[^#]*- TDX module 2\.0\.18 on KVM /.test(body)),
  ).toEqual([true]);
});

test('--since reviews every newer release in one comment', async () => {
  const { server, run } = await setUp();
  server.addIssue({ isPull: true });
  await run(['review', '--repository', 'example/watch', '--pull', '1', '--since', '2.0.12', '--send']);
  for (const [to, from] of [
    ['2.0.16', '2.0.12'],
    ['2.0.18', '2.0.16'],
  ])
    expect(server.comments[0]?.body).toMatch(new RegExp(`TDX module ${to} on KVM [\\d.]+, coming from ${from}`));
});

test('a review belongs under a pull request, and takes one text', async () => {
  const { server, run } = await setUp();
  server.addIssue({});
  const of = (...more: readonly string[]) => run(['review', '--repository', 'example/watch', ...more]);
  expect((await of('--pull', '1', '--since', '2.0.12')).stderr).toMatch(/expected a pull request, found an issue/);
  expect((await of('--pull', '1')).status).toBe(64);
  expect((await of('--pull', 'x', '--since', '2.0.12')).status).toBe(64);
  expect((await of('--pull', '1', '--body', '/nowhere/x.md')).status).toBe(66);
  expect(server.writes()).toEqual([]);
});

test('a hostile release name is a text in title, body, marker, state and output', async () => {
  const { specs, server, run } = await setUp();
  const name = '2.0.99 --> @someone #12 GH-3 `x` :tada: <img src=x>';
  const module = readFileSync(join(specs, 'modules', '2.0.18.yaml'), 'utf8');
  writeFileSync(
    join(specs, 'modules', '2.0.99.yaml'),
    module.replace(/^release: .*$/m, `release: ${JSON.stringify(name)}`),
  );
  const args = ['releases', '--repository', 'example/watch', '--since', '2.0.18', '--send'];
  const { status, stdout } = await run(args);
  expect([status, server.issues.length]).toEqual([0, 1]);
  const [issue] = server.issues;
  expect(issue?.title).not.toMatch(/@someone|#12|GH-3|`|:tada:/);
  expect(readMarker(issue?.body ?? '')?.key).toBe(name);
  const [marker = '', ...text] = (issue?.body ?? '').split('\n');
  expect(marker.indexOf('-->')).toBe(marker.length - 3);
  const outside = text.join('\n').replace(/`[^`\n]+`/g, '');
  expect(outside).not.toMatch(/@someone|#12|GH-3|<img|:tada:/);
  expect(stdout.split('\n')[0]).toContain(name);
  expect((await run(args)).stdout).toMatch(/nothing new/);
});

test('a state that is damaged ends the run before it asks or writes', async () => {
  const { specs, server, run } = await setUp();
  mkdirSync(join(specs, 'x'));
  writeFileSync(join(specs, 'x', 'state.yaml'), 'posted: 3\n');
  const { status, stderr } = await run([...RELEASES, '--send', '--state', join(specs, 'x', 'state.yaml')]);
  expect([status, server.seen]).toEqual([65, []]);
  expect(stderr).toMatch(/state\.yaml:1/);
});

test('states of several machines are joined by merge, in any order', async () => {
  const [a, b] = [await setUp(), await setUp()];
  b.server.addIssue({ isPull: true });
  const states = [a, b].map(({ specs }) => join(specs, 'posted.yaml'));
  await a.run([...RELEASES, '--send']);
  await b.run(['review', '--repository', 'example/watch', '--pull', '1', '--since', '2.0.16', '--send']);
  const [left, right] = ['left.yaml', 'right.yaml'].map((name) => join(a.specs, name));
  if (left === undefined || right === undefined) throw new Error('two files are needed');
  const merged = await bitwatch(['merge', ...states, '--state', left]);
  expect([merged.status, merged.stdout]).toEqual([0, `3 postings in ${left}\n`]);
  await bitwatch(['merge', ...[...states].reverse(), '--state', right]);
  expect(readFileSync(left, 'utf8')).toBe(readFileSync(right, 'utf8'));
  const again = await bitwatch(['merge', left, right, '--state', left, '--json']);
  expect(SCHEMAS.postings.parse(JSON.parse(again.stdout))).toMatchObject({ path: left, postings: 3 });
  writeFileSync(right, '{}');
  expect((await bitwatch(['merge', left, right, '--state', left])).status).toBe(64);
});
