import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { locateArchives } from '../../pipeline/archive/locate.ts';
import { mergeScans } from '../../pipeline/archive/merge.ts';
import { readMails, rowsThatMatter, scanArchives, updateState } from '../../pipeline/archive/scan.ts';
import { EMPTY_STATE, type State } from '../../pipeline/archive/state.ts';
import { changeState, formatState, loadState } from '../../pipeline/archive/state-file.ts';
import { scanSubjects } from '../../pipeline/archive/subjects.ts';
import { MAX_MAIL } from '../../pipeline/extract/mail/mail.ts';
import { formatMboxrd } from '../../pipeline/extract/mail/mbox.ts';
import { seriesOf } from '../../pipeline/extract/mail/rerolls.ts';
import { threadsOf } from '../../pipeline/extract/mail/threads.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { DataError, NoInputError } from '../../pipeline/model/errors.ts';
import { append, git, loseBlob, mailText, makeInbox, type Step } from './inbox.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bitwatch-archive-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const scan = async (path: string, state: State = EMPTY_STATE): Promise<State> =>
  updateState(await locateArchives(path, process.env), state);
const reasons = (state: State): readonly string[] =>
  state.archives.flatMap(({ skipped }) => skipped.map(({ reason }) => reason));

const COVER = mailText('c@x', '[PATCH 0/1] Deny it');
const PATCH = mailText('p@x', '[PATCH 1/1] KVM: TDX: Deny it', 'In-Reply-To: <c@x>\n', 'diff --git a/x b/x\n');
const OTHER = mailText('o@x', 'Weather');
const LOST = mailText('l@x', 'Lost');
const ODD: readonly Step[] = [
  { mail: COVER },
  { mail: OTHER },
  { mail: LOST },
  { empty: true },
  { mail: PATCH },
  { mail: mailText('o@x', 'Weather', '', 'another text\n') },
  { mail: mailText('g@x', 'Gone') },
  { gone: mailText('g@x', 'Gone') },
  { file: 'README' },
  { mail: COVER },
  {
    mail: mailText(
      'e@x',
      'Encoded',
      'Content-Transfer-Encoding: base64\n',
      `${Buffer.from('a TDX host').toString('base64')}\n`,
    ),
  },
  { mail: Buffer.concat([Buffer.from(mailText('n@x', 'Nul')), Buffer.from([0, 0x80, 0xff])]) },
];

test('an archive with every oddity: what is skipped is named, the rest is read', async () => {
  const dir = makeInbox(root, 'odd.git', ODD);
  const lost = loseBlob(dir, LOST);
  const state = await scan(dir);
  const { rows, skipped } = state.archives[0] ?? { rows: [], skipped: [] };
  expect(rows).toHaveLength(6);
  expect(skipped.map(({ reason }) => reason)).toEqual([
    'missing-blob',
    'empty-commit',
    'deleted',
    'not-a-mail',
    'duplicate',
  ]);
  expect(skipped[0]?.detail).toBe(lost);
  const commits = git(dir, 'rev-list', '--reverse', 'HEAD').split('\n');
  expect(skipped.map(({ at }) => commits.indexOf(at))).toEqual([2, 3, 7, 8, 9]);
  expect(rowsThatMatter(state).summary).toEqual({ mails: 6, threads: 4, matter: 2, reused: 1 });
});

test('a mail larger than is read is told with its size, and is not missing', async () => {
  const long = Buffer.concat([Buffer.from(mailText('h@x', 'Huge')), Buffer.alloc(MAX_MAIL, 'x')]);
  const state = await scan(makeInbox(root, 'large.git', [{ mail: COVER }, { mail: long }]));
  expect(state.archives[0]?.rows).toHaveLength(1);
  expect(state.archives[0]?.skipped).toMatchObject([{ reason: 'too-large' }]);
  expect(state.archives[0]?.skipped[0]?.detail).toMatch(new RegExp(`^[0-9a-f]{40} of ${long.length} bytes$`));
});

test('the threads that matter are read whole, and their series found', async () => {
  const dir = makeInbox(root, 'matter.git', ODD);
  const archives = await locateArchives(dir, process.env);
  const state = await updateState(archives, EMPTY_STATE);
  const mails = await readMails(archives, rowsThatMatter(state).rows);
  expect(mails.map(({ id }) => id).sort()).toEqual(['c@x', 'e@x', 'p@x']);
  const threads = threadsOf(mails);
  expect(threads).toHaveLength(2);
  expect(seriesOf(threads).map(({ id, total }) => [id, total])).toEqual([['c@x', 1]]);
});

test('a blob that stands right behind itself, is deleted and comes again is there once', async () => {
  const dir = makeInbox(root, 'again.git', [{ mail: OTHER }, { gone: OTHER }, { mail: COVER }, { mail: OTHER }]);
  const state = await scan(dir);
  expect(state.archives[0]?.rows).toHaveLength(2);
  expect(reasons(state)).toEqual(['deleted']);
});

test('day by day, in shards and in one run: the same bytes', async () => {
  const dir = makeInbox(root, 'grow.git', ODD.slice(0, 5));
  const archives = await locateArchives(dir, process.env);
  let daily = await updateState(archives, EMPTY_STATE);
  for (let at = 5; at < ODD.length; at += 1) {
    append(dir, ODD.slice(at, at + 1));
    daily = await updateState(archives, daily);
  }
  const whole = formatState(await updateState(archives, EMPTY_STATE));
  expect(formatState(daily)).toBe(whole);
  for (const of of [1, 2, 5, 13]) {
    const parts = await Promise.all(
      Array.from({ length: of }, (_, at) => scanArchives(archives, EMPTY_STATE, { shard: { index: at + 1, of } })),
    );
    expect(formatState(mergeScans(EMPTY_STATE, parts.flat().reverse()))).toBe(whole);
  }
});

test('nothing new gives the same state; a rewritten archive is read anew', async () => {
  const dir = makeInbox(root, 'purged.git', [{ mail: COVER }, { mail: OTHER }]);
  const state = await scan(dir);
  expect(await scan(dir, state)).toBe(state);
  git(dir, 'update-ref', 'refs/heads/master', git(dir, 'commit-tree', '-m', 'x', 'HEAD^{tree}'));
  const anew = await scan(dir, state);
  expect(anew.archives[0]?.rows).toHaveLength(1);
});

test('an empty archive has no mails; a path without an archive is an error', async () => {
  expect(await scan(makeInbox(root, 'none.git', []))).toBe(EMPTY_STATE);
  await expect(scan(join(root, 'nowhere'))).rejects.toThrow(NoInputError);
  mkdirSync(join(root, 'plain'));
  await expect(scan(join(root, 'plain'))).rejects.toThrow(NoInputError);
});

test('epochs of an inbox are archives in the order of their numbers', async () => {
  const inbox = join(root, 'inbox');
  mkdirSync(join(inbox, 'git'), { recursive: true });
  for (const name of ['0.git', '2.git', '10.git']) makeInbox(join(inbox, 'git'), name, [{ mail: OTHER }]);
  const archives = await locateArchives(inbox, process.env);
  expect(archives.map(({ path }) => path.split('/').at(-1))).toEqual(['0.git', '2.git', '10.git']);
  const state = await updateState(archives, EMPTY_STATE);
  // The same mail on three lists is one mail of one thread.
  expect(threadsOf(await readMails(archives, rowsThatMatter(state).rows))).toHaveLength(0);
  expect(rowsThatMatter(state).summary).toMatchObject({ mails: 3, threads: 1 });
});

test('parts that lack, stand twice or go on from another state are refused', async () => {
  const archives = await locateArchives(makeInbox(root, 'parts.git', ODD), process.env);
  const [first] = await scanArchives(archives, EMPTY_STATE, { shard: { index: 1, of: 2 } });
  if (first === undefined) throw new Error('no part');
  expect(() => mergeScans(EMPTY_STATE, [first])).toThrow(DataError);
  expect(() => mergeScans(EMPTY_STATE, [first, first])).toThrow(DataError);
  expect(() => mergeScans(EMPTY_STATE, [{ ...first, index: 1, of: 1, after: 'f'.repeat(40) }])).toThrow(DataError);
});

test('mboxrd, mbox, maildir and a single mail hold the same mails as the archive', async () => {
  const from = mailText('f@x', 'TDX From', '', 'From here on\n>From there\n');
  const mails = [COVER, PATCH, from].map((text) => Buffer.from(text));
  const git = makeInbox(
    root,
    'kinds.git',
    mails.map((mail) => ({ mail })),
  );
  writeFileSync(join(root, 'all.mboxrd'), formatMboxrd(mails));
  const plain = mails.map((mail) => `From jane@x.org Fri Jan  2 10:00:00 2026\n${mail.toString()}\n`).join('');
  writeFileSync(join(root, 'all.mbox'), plain);
  for (const folder of ['cur', 'new', 'tmp']) mkdirSync(join(root, 'maildir', folder), { recursive: true });
  mails.forEach((mail, at) => {
    writeFileSync(join(root, 'maildir', at === 0 ? 'new' : 'cur', `${at}:2,S a`), mail);
  });
  const contents = async (path: string): Promise<readonly string[]> => {
    const archives = await locateArchives(path, process.env);
    const state = await updateState(archives, EMPTY_STATE);
    expect(await updateState(archives, state)).toBe(state);
    const read = await readMails(archives, rowsThatMatter(state).rows);
    return read.map(({ bytes }) => bytes.toString()).sort();
  };
  const expected = mails.map(String).sort();
  for (const name of ['all.mboxrd', 'all.mbox', 'maildir'])
    expect(await contents(join(root, name)), name).toEqual(expected);
  expect(await contents(git)).toEqual(expected);
  writeFileSync(join(root, 'one.eml'), PATCH);
  expect(await contents(join(root, 'one.eml'))).toEqual([PATCH]);
});

test('the state is written whole or not at all, and a damaged one is refused', async () => {
  const path = join(root, 'state', 'archive.json');
  mkdirSync(join(root, 'state'));
  expect(await loadState(path)).toEqual(EMPTY_STATE);
  const state = await scan(makeInbox(root, 'kept.git', ODD));
  await changeState(path, () => state);
  expect(await loadState(path)).toEqual(state);
  expect(readdirSync(join(root, 'state'))).toEqual(['archive.json']);
  writeFileSync(path, '{"schema":"bitwatch.archive/1","archives":[{}]}');
  await expect(loadState(path)).rejects.toThrow(DataError);
  writeFileSync(path, '{');
  await expect(loadState(path)).rejects.toThrow(DataError);
});

test('subjects alone come from the commits', async () => {
  const dir = makeInbox(root, 'subjects.git', [{ mail: COVER }, { mail: OTHER }]);
  const subjects: string[] = [];
  await scanSubjects(openRepository(dir, process.env), git(dir, 'rev-parse', 'HEAD'), ({ subject }) =>
    subjects.push(subject),
  );
  expect(subjects).toEqual(['mail', 'mail']);
});

const archive = process.env.BITWATCH_ARCHIVE ?? '';
test.skipIf(archive === '')(
  'a real archive (skipped where BITWATCH_ARCHIVE names none): shards equal one run',
  async () => {
    const archives = await locateArchives(archive, process.env);
    const whole = await updateState(archives, EMPTY_STATE);
    const parts = [];
    for (const index of [1, 2]) parts.push(...(await scanArchives(archives, EMPTY_STATE, { shard: { index, of: 2 } })));
    expect(formatState(mergeScans(EMPTY_STATE, parts))).toBe(formatState(whole));
  },
  300_000,
);
