import { expect, test } from 'vitest';
import { readMarker } from '../../../pipeline/deliver/github/marker.ts';
import { type Fault, type GithubServer, OURS, type Seen, startGithub } from '../../helpers/github-server.ts';
import { actions, itemOf, keepComment, keepIssues, LABEL } from './harness.ts';

const isPost = ({ method, path }: Seen): boolean => method === 'POST' && path !== '/graphql';
const isPatch = ({ method }: Seen): boolean => method === 'PATCH';
const isList = ({ method, query }: Seen): boolean => method === 'GET' && query.has('per_page');
const open = (server: GithubServer) => server.issues.filter(({ state }) => state === 'open');

test('an issue is made once, left while nothing changes, and updated when something does', async () => {
  const server = await startGithub();
  expect(actions(await keepIssues(server, [itemOf('2.0.08'), itemOf('1.5 Beta')]))).toEqual([
    '2.0.08 created',
    '1.5 Beta created',
  ]);
  expect(server.issues).toMatchObject([
    { title: 'review of 2.0.08', labels: [LABEL] },
    { title: 'review of 1.5 Beta' },
  ]);
  const before = server.writes().length;
  expect(actions(await keepIssues(server, [itemOf('2.0.08'), itemOf('1.5 Beta')]))).toEqual([
    '2.0.08 unchanged',
    '1.5 Beta unchanged',
  ]);
  expect(server.writes().length).toBe(before);
  expect(actions(await keepIssues(server, [itemOf('2.0.08', 'news')]))).toEqual(['2.0.08 updated']);
  expect(server.issues.map(({ body }) => body.split('\n')[1])).toEqual(['news', 'text']);
  expect(server.writes().length).toBe(before + 1);
});

test('a dry run says the same and writes nothing', async () => {
  const server = await startGithub();
  await keepIssues(server, [itemOf('a'), itemOf('b')]);
  const before = server.writes().length;
  const dry = await keepIssues(server, [itemOf('a'), itemOf('b', 'news'), itemOf('c')], { isDry: true });
  expect(actions(dry)).toEqual(['a unchanged', 'b updated', 'c created']);
  expect(server.writes().length).toBe(before);
});

test('a comment is made once and updated in its place', async () => {
  const server = await startGithub();
  server.addIssue({ isPull: true });
  server.addComment({ issue: 1, author: 'somebody', body: 'hello' });
  for (const text of ['one', 'one', 'two']) await keepComment(server, text);
  expect(server.comments.map(({ body }) => body.split('\n').at(-1))).toEqual(['hello', 'two']);
  expect(server.writes().map(({ method }) => method)).toEqual(['POST', 'PATCH']);
});

test('issues are found on any page, closed ones too, and pull requests are none', async () => {
  const server = await startGithub();
  for (let number = 0; number < 7; number += 1) server.addIssue({ labels: [LABEL], body: 'other' });
  await keepIssues(server, [itemOf('x')]);
  const [made] = server.issues.slice(-1);
  if (made === undefined) throw new Error('nothing was made');
  made.state = 'closed';
  server.addIssue({ isPull: true, labels: [LABEL], body: itemOf('y').body });
  server.settings.pageSize = 2;
  expect(actions(await keepIssues(server, [itemOf('x', 'news'), itemOf('y')]))).toEqual(['x updated', 'y created']);
  expect([made.state, made.body.split('\n')[1]]).toEqual(['closed', 'news']);
});

test('an issue whose label was taken off is still found', async () => {
  const server = await startGithub();
  await keepIssues(server, [itemOf('x')]);
  for (const issue of server.issues) issue.labels = [];
  expect(actions(await keepIssues(server, [itemOf('x')]))).toEqual(['x unchanged']);
});

test('a forge that cannot filter by our login, or finds nothing by it, makes no second issue', async () => {
  for (const reply of [{ status: 422 }, { status: 200, body: [] }]) {
    const server = await startGithub();
    await keepIssues(server, [itemOf('x')]);
    server.failNext({ kind: 'status', ...reply }, ({ query }) => query.has('creator'), 99);
    expect(actions(await keepIssues(server, [itemOf('x')]))).toEqual(['x unchanged']);
    if (reply.status !== 422) continue;
    for (const issue of server.issues) issue.labels = [];
    expect(actions(await keepIssues(server, [itemOf('x')]))).toEqual(['x unchanged']);
  }
});

test('a crash between the posting and the state posts nothing twice', async () => {
  const server = await startGithub();
  const record = async (): Promise<void> => {
    throw new Error('killed');
  };
  await expect(keepIssues(server, [itemOf('x')], { record })).rejects.toThrow('killed');
  expect(actions(await keepIssues(server, [itemOf('x')]))).toEqual(['x unchanged']);
  expect(server.issues.length).toBe(1);
});

test('a marker in somebody else’s issue or comment is not believed', async () => {
  const server = await startGithub();
  server.addIssue({ author: 'somebody', labels: [LABEL], body: itemOf('x').body, isPull: true });
  server.addIssue({ author: 'somebody', labels: [LABEL], body: itemOf('x').body });
  server.addComment({ issue: 1, author: 'somebody', body: itemOf('1', 'text', 'review').body });
  expect(actions(await keepIssues(server, [itemOf('x')]))).toEqual(['x created']);
  expect(actions(await keepComment(server, 'text'))).toEqual(['1 created']);
  expect(server.writes().every(({ method }) => method === 'POST')).toBe(true);
});

const AFTER: readonly Fault['kind'][] = ['cut-after', 'cut-answer', 'fail-after', 'hang-after'];
const BEFORE: readonly Fault['kind'][] = ['cut-before', 'hang-before'];

test.each(AFTER)('a write whose answer is lost (%s) is looked for, not repeated', async (kind) => {
  const server = await startGithub();
  server.addIssue({ isPull: true });
  server.failNext({ kind } as Fault, isPost);
  expect(actions(await keepIssues(server, [itemOf('x'), itemOf('y')]))).toEqual(['x created', 'y created']);
  server.failNext({ kind } as Fault, isPost);
  expect(actions(await keepComment(server, 'text'))).toEqual(['1 created']);
  expect([server.issues.length, server.comments.length, server.writes().length]).toEqual([3, 1, 3]);
});

test.each(BEFORE)('a write that did not happen (%s) is made after a look', async (kind) => {
  const server = await startGithub();
  server.failNext({ kind } as Fault, isPost);
  expect(actions(await keepIssues(server, [itemOf('x')]))).toEqual(['x created']);
  expect(server.issues.length).toBe(1);
});

test('a lost answer and a list that lags: still one issue', async () => {
  const server = await startGithub();
  server.settings.lag = 3;
  server.failNext({ kind: 'cut-after' }, isPost);
  expect(actions(await keepIssues(server, [itemOf('x')]))).toEqual(['x created']);
  expect(server.issues.length).toBe(1);
});

test.each([500, 502, 503])('%i before a write: one issue, one comment', async (status) => {
  const server = await startGithub();
  server.addIssue({ isPull: true });
  server.failNext({ kind: 'status', status }, isPost);
  server.failNext({ kind: 'status', status }, isList);
  await keepIssues(server, [itemOf('x')]);
  server.failNext({ kind: 'status', status }, isPost);
  await keepComment(server, 'text');
  server.failNext({ kind: 'status', status }, isPatch, 2);
  expect(actions(await keepComment(server, 'news'))).toEqual(['1 updated']);
  expect([server.issues.length, server.comments.length]).toEqual([2, 1]);
});

test.each([...AFTER, ...BEFORE])('an update is repeated until it is done (%s)', async (kind) => {
  const server = await startGithub();
  await keepIssues(server, [itemOf('x')]);
  server.failNext({ kind } as Fault, isPatch, 2);
  expect(actions(await keepIssues(server, [itemOf('x', 'news')]))).toEqual(['x updated']);
  expect(server.issues.map(({ body }) => body.split('\n')[1])).toEqual(['news']);
});

test('a list that cannot be read to its end ends the run before anything is written', async () => {
  const server = await startGithub();
  server.settings.pageSize = 1;
  for (const key of ['a', 'b', 'c']) server.addIssue({ labels: [LABEL], body: itemOf(key).body });
  server.failNext({ kind: 'status', status: 500 }, ({ query }) => query.get('page') === '2', 99);
  await expect(keepIssues(server, [itemOf('c'), itemOf('d')])).rejects.toMatchObject({
    problem: 'unavailable',
    status: 69,
  });
  expect(server.writes()).toEqual([]);
});

test('what the forge does not take fails alone; the rest is posted', async () => {
  const server = await startGithub();
  const posting = await keepIssues(server, [itemOf('x', 'y'.repeat(70_000)), itemOf('z')]);
  expect(actions(posting)).toEqual(['x failed', 'z created']);
  expect(posting.outcomes[0]?.why).toMatch(/422.*too long/);
});

test.each([
  [401, {}, /token was refused/],
  [403, {}, /token may not/],
])('%i ends the run and says what is left', async (status, body, why) => {
  const server = await startGithub();
  server.failNext({ kind: 'status', status, body }, isPost, 99);
  const posting = await keepIssues(server, [itemOf('x'), itemOf('y')]);
  expect(actions(posting)).toEqual(['x failed', 'y left']);
  expect(posting.trouble?.message).toMatch(why);
  expect(server.writes().length).toBe(1);
});

test('two runs at once leave one open issue and one comment', async () => {
  const server = await startGithub();
  server.addIssue({ isPull: true });
  // Both have listed before either posts.
  let waiting: (() => void)[] = [];
  server.settings.beforeAnswer = async (seen) => {
    if (!isPost(seen)) return;
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 2) {
        for (const go of waiting) go();
        waiting = [];
      }
    });
  };
  const runs = await Promise.all([keepIssues(server, [itemOf('x')]), keepIssues(server, [itemOf('x')])]);
  expect(runs.flatMap(actions)).toContain('x withdrawn');
  expect(
    open(server)
      .filter(({ isPull }) => !isPull)
      .map(({ number }) => number),
  ).toEqual([2]);
  await Promise.all([keepComment(server, 'text'), keepComment(server, 'text')]);
  expect(server.comments.map(({ id }) => id)).toEqual([1000]);
  server.settings.beforeAnswer = async () => {};
  const before = server.writes().length;
  expect(actions(await keepIssues(server, [itemOf('x')]))).toEqual(['x unchanged']);
  expect(server.writes().length).toBe(before);
});

test('what another run makes while this one writes is not made again', async () => {
  const server = await startGithub();
  server.settings.beforeAnswer = async (seen) => {
    if (isPost(seen) && server.issues.length === 0) server.addIssue({ labels: [LABEL], body: itemOf('y').body });
  };
  expect(actions(await keepIssues(server, [itemOf('x'), itemOf('y')]))).toEqual(['x created', 'y unchanged']);
  expect(server.issues.length).toBe(2);
});

test('a state file’s hint finds what no list has; one that is wrong does no harm', async () => {
  const server = await startGithub();
  await keepIssues(server, [itemOf('x')]);
  for (const issue of server.issues) issue.hidden = 99;
  const hints = new Map([['x', { number: 1, comment: null }]]);
  expect(actions(await keepIssues(server, [itemOf('x', 'news')], { hints }))).toEqual(['x updated']);
  const wrong = new Map([
    ['y', { number: 1, comment: null }],
    ['z', { number: 77, comment: null }],
  ]);
  expect(actions(await keepIssues(server, [itemOf('y'), itemOf('z')], { hints: wrong }))).toEqual([
    'y created',
    'z created',
  ]);
});

test('an issue that somebody deleted is not made again while the state says so', async () => {
  const server = await startGithub();
  await keepIssues(server, [itemOf('x')]);
  for (const issue of server.issues) issue.isDeleted = true;
  const hints = new Map([['x', { number: 1, comment: null }]]);
  const posting = await keepIssues(server, [itemOf('x')], { hints });
  expect(actions(posting)).toEqual(['x left']);
  expect(posting.outcomes[0]?.why).toMatch(/was deleted/);
});

test('what was posted is told at once, so that a crash loses no entry', async () => {
  const server = await startGithub();
  const told: string[] = [];
  server.failNext(
    { kind: 'status', status: 401 },
    (seen) => isPost(seen) && JSON.stringify(seen.body).includes('key-y'),
    9,
  );
  const record = async ({ mark, number }: { readonly mark: { readonly key: string }; readonly number: number }) => {
    told.push(`${mark.key} ${number}`);
  };
  await keepIssues(server, [itemOf('key-x'), itemOf('key-y')], { record });
  expect(told).toEqual(['key-x 1']);
  expect(server.issues.map(({ body, author }) => [readMarker(body)?.key, author])).toEqual([['key-x', OURS]]);
});
