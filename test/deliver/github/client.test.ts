import { expect, test } from 'vitest';
import { allPages } from '../../../pipeline/deliver/github/pages.ts';
import { type GithubServer, type Seen, startGithub, TOKEN } from '../../helpers/github-server.ts';
import { actions, clientOf, itemOf, keepIssues, TARGET } from './harness.ts';

const isPost = ({ method, path }: Seen): boolean => method === 'POST' && path !== '/graphql';
const SECONDARY = { message: 'You have exceeded a secondary rate limit. Please wait.' };

/** One POST of an issue, with the waits that it cost. */
async function post(server: GithubServer, options: { readonly patience?: number } = {}) {
  const { client, waits } = clientOf(server, options);
  const body = { ...TARGET, title: 't', body: 'b', labels: [] };
  const posted = client.request('issues', 'once', 'POST /repos/{owner}/{repo}/issues', body);
  return { posted, waits };
}

test.each([
  [403, { 'retry-after': '7' }, { message: 'x' }, 7_000],
  [429, { 'retry-after': '7' }, SECONDARY, 7_000],
  [403, { 'retry-after': 'Sat, 21 Nov 2026 10:00:30 GMT' }, {}, 30_000],
  [403, { 'retry-after': 'soon' }, {}, 60_000],
  // The forge's clock says 10:00:00, whatever this machine's says.
  [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1795255300' }, {}, 101_000],
  [403, {}, SECONDARY, 60_000],
  [429, {}, {}, 60_000],
  [422, {}, { message: 'Validation Failed', errors: [{ message: 'was submitted too quickly' }] }, 60_000],
])('%i with %j waits as the forge asks and then writes once', async (status, headers, body, wait) => {
  const server = await startGithub();
  server.failNext({ kind: 'status', status, headers, body }, isPost);
  const { posted, waits } = await post(server);
  expect((await posted).status).toBe(201);
  // A second between two writes, too.
  expect(waits).toEqual([wait, 1000]);
  expect(server.issues.length).toBe(1);
});

test('a limit that names no time is waited out ever longer, and not for ever', async () => {
  const server = await startGithub();
  server.failNext({ kind: 'status', status: 403, body: SECONDARY }, isPost, 99);
  const { posted, waits } = await post(server, { patience: 10_000_000 });
  await expect(posted).rejects.toMatchObject({ problem: 'limited', status: 69 });
  expect(waits.filter((wait) => wait > 1000)).toEqual([60_000, 120_000, 240_000, 480_000]);
});

test('a wait beyond the run’s patience is not begun: the run says so and ends', async () => {
  const server = await startGithub();
  server.failNext({ kind: 'status', status: 403, headers: { 'retry-after': '3600' } }, isPost, 99);
  const { posted, waits } = await post(server);
  await expect(posted).rejects.toThrow(/3600 s more, and this run may wait 900 s/);
  expect([waits, server.issues]).toEqual([[], []]);
});

test('patience is one for the whole run', async () => {
  const server = await startGithub();
  server.failNext({ kind: 'status', status: 403, headers: { 'retry-after': '500' } }, isPost, 2);
  const { posted } = await post(server);
  await expect(posted).rejects.toThrow(/500 s more, and this run may wait 400 s/);
});

test('a limit in the midst of a run: what is done stays done, what is left is said', async () => {
  const server = await startGithub();
  const isSecond = (seen: Seen): boolean => isPost(seen) && JSON.stringify(seen.body).includes('key-y');
  server.failNext({ kind: 'status', status: 403, headers: { 'retry-after': '3600' } }, isSecond, 99);
  const items = [itemOf('key-x'), itemOf('key-y'), itemOf('key-z')];
  expect(actions(await keepIssues(server, items))).toEqual(['key-x created', 'key-y failed', 'key-z left']);
  server.faults.length = 0;
  expect(actions(await keepIssues(server, items))).toEqual(['key-x unchanged', 'key-y created', 'key-z created']);
  expect(server.issues.length).toBe(3);
});

test.each([
  [401, {}, 'denied'],
  [403, { message: 'Resource not accessible by integration' }, 'denied'],
  [404, {}, 'missing'],
  [410, {}, 'gone'],
  [301, {}, 'gone'],
  [307, {}, 'gone'],
  [422, { message: 'Validation Failed' }, 'rejected'],
] as const)('%i is an answer: no wait, no second request', async (status, body, problem) => {
  const server = await startGithub();
  const headers = { location: `${server.url}/repos/example/watch/issues` };
  server.failNext({ kind: 'status', status, headers, body }, isPost, 99);
  const { posted, waits } = await post(server);
  await expect(posted).rejects.toMatchObject({ problem });
  expect([waits, server.seen.length]).toEqual([[], 1]);
});

test.each([
  { kind: 'status', status: 500 } as const,
  { kind: 'cut-before' } as const,
  { kind: 'cut-answer' } as const,
  { kind: 'hang-before' } as const,
])('a read is tried again after %j, with growing waits', async (fault) => {
  const server = await startGithub();
  server.failNext(fault, () => true, 3);
  const { client, waits } = clientOf(server);
  expect((await client.request('x', 'safe', 'GET /repos/{owner}/{repo}/issues', TARGET)).data).toEqual([]);
  expect(waits).toEqual([1000, 4000, 16_000]);
});

test('a forge that is not there is unavailable, after all attempts', async () => {
  const server = await startGithub();
  server.failNext({ kind: 'cut-before' }, () => true, 99);
  const { client } = clientOf(server);
  await expect(client.request('x', 'safe', 'GET /x')).rejects.toMatchObject({ problem: 'unavailable', status: 69 });
});

test('the token stands in no message, whatever the forge says', async () => {
  const server = await startGithub();
  server.failNext({ kind: 'status', status: 403, body: { message: `bad ${TOKEN}\u001b[31m\n::error::x` } }, isPost);
  const { posted } = await post(server);
  const error: unknown = await posted.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(Error);
  expect(String(error)).toMatch(/bad \*\*\*\ufffd\[31m ::error::x/);
  expect(JSON.stringify(error)).not.toContain(TOKEN);
});

test('a list leads nowhere but to the API, and in no circle', async () => {
  for (const link of ['<https://elsewhere.example/x>; rel="next"', '</repos/example/watch/issues>; rel="next"']) {
    const server = await startGithub();
    server.failNext({ kind: 'status', status: 200, headers: { link }, body: [] }, () => true, 99);
    const { client } = clientOf(server);
    await expect(
      allPages({ client, api: server.url }, 'x', 'GET /repos/{owner}/{repo}/issues', TARGET),
    ).rejects.toThrow(/in a circle or away/);
    expect(server.seen.length).toBeLessThanOrEqual(2);
  }
});
