import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { append, git, mailText, makeInbox } from '../archive/inbox.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { smallSpecs } from '../helpers/specs.ts';

const mails = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => ({
    mail: mailText(`${from + at}@x`, at % 3 === 0 ? '[PATCH] x86/tdx: one' : 'Other'),
  }));

/** A list with these epochs at hand, of which the first is named. */
function setUp(epochs: readonly number[], named: readonly number[] = [0]) {
  const folder = temporaryFolder();
  const list = join(folder, 'list');
  mkdirSync(list);
  for (const [index, count] of epochs.entries())
    makeInbox(list, String(index), mails(index * 100, index * 100 + count));
  const specs = join(folder, 'specs');
  smallSpecs(specs, { releases: [], kernels: [] });
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources: []\nlists:\n  - {name: l, address: l@example.org, url: ${JSON.stringify(list)}, optIn: false, epochs: [${named.join(', ')}]}\n`,
  );
  const state = join(folder, 'state.json');
  const cache = join(folder, 'cache');
  const run = (...args: readonly string[]) => bitwatch([...args, '--specs', specs, '--cache', cache]);
  const plan = async (shards: number) => {
    const { status, stdout, stderr } = await run('plan', '--shards', String(shards), '--state', state, '--json');
    return { status, stderr, jobs: stdout === '' ? [] : SCHEMAS.plan.parse(JSON.parse(stdout)).include };
  };
  /** One job of the matrix on a machine of its own. */
  const scan = async ({ archive, tip, shard, part }: Job): Promise<string> => {
    const file = join(folder, `${part}.json`);
    // As the workflow does, in one step.
    const args = ['archive', 'scan', '--fetch', archive, '--tip', tip, '--shard', shard, '--part', file];
    expect(await run(...args, '--state', state)).toMatchObject({ status: 0, stderr: '' });
    return file;
  };
  return { folder, list, specs, state, cache, run, plan, scan };
}
type Job = { readonly archive: string; readonly tip: string; readonly shard: string; readonly part: string };

test('a plan has the shares of every epoch, also of one begun since, each with its tip', async () => {
  const { plan, list } = setUp([5, 3, 0]);
  const { status, jobs } = await plan(2);
  expect(status).toBe(0);
  const tip = (epoch: string): string => git(join(list, epoch), 'rev-parse', 'HEAD');
  expect(jobs).toEqual([
    { archive: 'l/0', tip: tip('0'), shard: '1/2', part: 'l-0-1-of-2' },
    { archive: 'l/0', tip: tip('0'), shard: '2/2', part: 'l-0-2-of-2' },
    { archive: 'l/1', tip: tip('1'), shard: '1/2', part: 'l-1-1-of-2' },
    { archive: 'l/1', tip: tip('1'), shard: '2/2', part: 'l-1-2-of-2' },
  ]);
});

test('the shares merged give the bytes of one run, though mail arrives in between', async () => {
  const { folder, list, state, run, plan, scan } = setUp([40, 7]);
  const { jobs } = await plan(3);
  const parts: string[] = [];
  for (const [index, job] of jobs.entries()) {
    if (index === 1) append(join(list, '0'), mails(50, 60));
    parts.push(await scan(job));
  }
  expect(await run('merge', ...[...parts].reverse(), '--state', state)).toMatchObject({ status: 0 });
  const whole = join(folder, 'whole.json');
  const mirrors = ['0', '1'].map((epoch) => join(folder, 'cache', 'archives', 'l', `${epoch}.git`));
  expect((await run('archive', 'scan', ...mirrors, '--state', whole)).status).toBe(0);
  expect(readFileSync(state, 'utf8')).toBe(readFileSync(whole, 'utf8'));
  // What arrived is the next run's only job, one share of it.
  const next = await plan(3);
  expect(next.jobs.map(({ archive, shard }) => [archive, shard])).toEqual([['l/0', '1/1']]);
  for (const job of next.jobs) await run('merge', await scan(job), '--state', state);
  expect(await plan(3)).toMatchObject({ status: 0, jobs: [] });
});

test('a fetch says where the mirror is', async () => {
  const { run, cache, list } = setUp([2]);
  const { stdout } = await run('archive', 'fetch', 'l/0', '--json');
  const { path } = SCHEMAS.mirror.parse(JSON.parse(stdout));
  expect(path).toBe(join(cache, 'archives', 'l', '0.git'));
  const tip = git(join(list, '0'), 'rev-parse', 'HEAD');
  expect(git(path, 'cat-file', '-t', tip)).toBe('commit');
});

test('an epoch that cannot be reached is 69 alone and 75 beside others, never "nothing new"', async () => {
  const { plan, list } = setUp([3, 3], [0, 1]);
  rmSync(join(list, '1'), { recursive: true });
  const { status, stderr, jobs } = await plan(1);
  expect([status, jobs.length]).toEqual([75, 1]);
  expect(stderr).toMatch(/^l\/1: .* could not be fetched/);
  rmSync(join(list, '0'), { recursive: true });
  expect(await plan(1)).toMatchObject({ status: 69, jobs: [] });
});

test('a tip that the archive no longer has is said, and a mirror that failed leaves nothing', async () => {
  const { folder, list, run, cache } = setUp([3]);
  const gone = await run('archive', 'fetch', 'l/0', '--tip', 'a'.repeat(40));
  expect(gone).toMatchObject({ status: 69 });
  expect(gone.stderr).toMatch(/rewritten since the run was planned/);
  rmSync(join(list, '0'), { recursive: true });
  rmSync(join(folder, 'cache'), { recursive: true });
  expect((await run('archive', 'fetch', 'l/0')).status).toBe(69);
  expect(existsSync(join(cache, 'archives', 'l', '0.git'))).toBe(false);
});

test.each([
  [['plan', '--shards', '0'], /from 1 to 256/],
  [['plan', '--shards', '1e9'], /from 1 to 256/],
  [['plan', '--shards', '256', '--offline'], /more than the 256/],
  [['archive', 'fetch', 'nowhere/0'], /expected LIST\/EPOCH/],
  [['archive', 'scan'], /needs a PATH/],
  [['archive', 'fetch', 'kvm/../x'], /expected LIST\/EPOCH/],
  [['archive', 'fetch', 'kvm/0', '--tip', '--all'], /expected a commit id/],
])('%j is wrong usage', async (args, message) => {
  const { status, stderr } = await bitwatch([...args, '--cache', temporaryFolder()]);
  expect([status, message.test(stderr)]).toEqual([64, true]);
});

test('a host that has every epoch that it is asked for is a trouble, not a wait without end', async () => {
  const { plan, list } = setUp([1]);
  for (let epoch = 1; epoch <= 40; epoch += 1) symlinkSync(join(list, '0'), join(list, String(epoch)));
  const { status, stderr, jobs } = await plan(1);
  expect(status).toBe(75);
  expect(stderr).toMatch(/^l: .* answers for more than 32 epochs beyond those of specs\/sources\.yaml; /);
  expect(jobs.map(({ archive }) => archive)).toEqual(['l/0']);
});
