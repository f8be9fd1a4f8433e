import { expect, test } from 'vitest';
import { type Mail, readMail } from '../../../pipeline/extract/mail/mail.ts';
import { type Series, seriesOf } from '../../../pipeline/extract/mail/rerolls.ts';
import { threadsOf } from '../../../pipeline/extract/mail/threads.ts';
import { readTrailers } from '../../../pipeline/extract/mail/trailers.ts';

const DIFF = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n';
type Draft = { id: string; subject: string; day: number; parent?: string; from?: string; body?: string };

function post({ id, subject, day, parent, from = 'Jane <jane@x.org>', body = DIFF }: Draft): Mail {
  const link = parent === undefined ? '' : `In-Reply-To: <${parent}>\n`;
  const head = `Message-ID: <${id}>\nFrom: ${from}\nSubject: ${subject}\nDate: ${day} Jan 2026 12:00:00 +0000\n${link}`;
  return readMail(Buffer.from(`${head}\n${body}`));
}

const find = (drafts: readonly Draft[]): readonly Series[] => seriesOf(threadsOf(drafts.map(post)));
const one = (drafts: readonly Draft[], id: string): Series | undefined =>
  find(drafts).find((series) => series.id === id);

const V1: readonly Draft[] = [
  { id: 'v1.0', subject: '[PATCH 0/2] Deny it', day: 1, body: 'why\n\nbase-commit: 0123456789ab\n' },
  { id: 'v1.1', subject: '[PATCH 1/2] Add a list', day: 1, parent: 'v1.0' },
  { id: 'v1.2', subject: '[PATCH 2/2] Use the list', day: 1, parent: 'v1.0' },
  { id: 'r', subject: 'Re: [PATCH 2/2] Use the list', day: 2, parent: 'v1.2', from: 'Joe <joe@y.org>' },
];

test('a series is its cover and its patches; answers are none of them', () => {
  const [series, ...rest] = find(V1);
  expect(rest).toEqual([]);
  expect(series).toMatchObject({
    id: 'v1.0',
    version: 1,
    total: 2,
    title: 'Deny it',
    missing: [],
    baseCommit: '0123456789ab',
  });
  expect(series?.patches.map(({ part, mail }) => [part, mail.id])).toEqual([
    [1, 'v1.1'],
    [2, 'v1.2'],
  ]);
  expect(series?.newest).toEqual({ id: 'v1.0', version: 1, rfc: false });
});

test('a thread root without a diff by the same author is the cover', () => {
  const root: Draft = { id: 'v1.0', subject: 'About a list', day: 1, body: 'why\n' };
  expect(find([root, ...V1.slice(1, 3)])[0]?.cover?.id).toBe('v1.0');
  expect(find([{ ...root, from: 'Joe <joe@y.org>' }, ...V1.slice(1, 3)])[0]?.cover).toBeNull();
});

test('a missing patch is named', () => {
  expect(find(V1.slice(0, 2))[0]?.missing).toEqual([2]);
});

test('a re-roll in a thread of its own is linked by author and titles', () => {
  const v2: Draft[] = [
    { id: 'v2.1', subject: '[PATCH v2 1/2] Add a  LIST', day: 3 },
    { id: 'v2.2', subject: '[PATCH v2 2/2] Other', day: 3, parent: 'v2.1' },
  ];
  expect(one([...V1, ...v2], 'v2.1')?.before).toEqual({ id: 'v1.0', version: 1, reason: 'author-and-titles' });
  expect(one([...V1, ...v2], 'v1.0')?.newest).toEqual({ id: 'v2.1', version: 2, rfc: false });
  const other = v2.map((draft) => ({ ...draft, from: 'Joe <joe@y.org>' }));
  expect(one([...V1, ...other], 'v2.1')?.before).toBeNull();
});

test('a change-id links across titles and authors', () => {
  const body = `${DIFF}change-id: 20260101-list-abc\n`;
  const drafts: Draft[] = [
    { id: 'a', subject: '[PATCH] A', day: 1, body: `change-id: 20260101-list-abc\n${DIFF}` },
    { id: 'b', subject: '[PATCH v2] B', day: 2, from: 'Joe <joe@y.org>', body },
  ];
  expect(one(drafts, 'b')?.before).toMatchObject({ id: 'a', reason: 'change-id' });
});

test('a link whose line speaks of a version links; another link does not', () => {
  const v2 = (line: string): Draft => ({ id: 'v2', subject: '[PATCH v2] C', day: 4, body: `${line}\n${DIFF}` });
  const url = 'https://lore.kernel.org/r/v1.0';
  expect(one([...V1, v2(`Changes since v1: ${url}@x/`)], 'v2')?.before).toBeNull();
  const withAt = V1.map((draft) => ({
    ...draft,
    id: `${draft.id}@x`,
    ...(draft.parent ? { parent: `${draft.parent}@x` } : {}),
  }));
  expect(one([...withAt, v2(`v1: ${url}@x/`)], 'v2')?.before).toMatchObject({ id: 'v1.0@x', reason: 'lore-link' });
  expect(one([...withAt, v2(`Builds on ${url}@x/`)], 'v2')?.before).toBeNull();
});

test('a partial re-roll is completed from the version before', () => {
  const partial: Draft = { id: 'v2.2', subject: '[PATCH v2 2/2] Use the list', day: 3, parent: 'v1.2' };
  const series = one([...V1, partial], 'v2.2') ?? one([...V1, partial], 'v1.0');
  const v2 = find([...V1, partial]).find(({ version }) => version === 2);
  expect(series).toBeDefined();
  expect(v2?.complete.map(({ part, mail }) => [part, mail.id])).toEqual([
    [1, 'v1.1'],
    [2, 'v2.2'],
  ]);
});

test('an RFC comes before the version that is none', () => {
  const rfc: Draft = { id: 'rfc', subject: '[RFC PATCH v2] Add a list', day: 1 };
  const v1: Draft = { id: 'v1', subject: '[PATCH] Add a list', day: 2 };
  expect(one([rfc, v1], 'v1')?.before).toMatchObject({ id: 'rfc', version: 2 });
});

test('a version that was posted later is not the one before, but for clocks that differ by a day', () => {
  const hour = (id: string, subject: string, day: number): Draft => ({ id, subject, day });
  const v2 = hour('v2', '[PATCH v2] Add a list', 10);
  const before = (day: number) => one([hour('v1', '[PATCH] Add a list', day), v2], 'v2')?.before ?? null;
  expect([before(9)?.id, before(10)?.id, before(11)?.id]).toEqual(['v1', 'v1', 'v1']);
  expect(before(12)).toBeNull();
  expect(one([hour('v1', '[PATCH] Add a list', 12), v2], 'v2')?.newest.id).toBe('v2');
});

test('patches without numbers in one thread are series of their own', () => {
  const drafts: Draft[] = [
    { id: 'a', subject: '[PATCH] A', day: 1 },
    { id: 'b', subject: '[PATCH] B', day: 1, parent: 'a' },
  ];
  expect(find(drafts).map(({ id }) => id)).toEqual(['a', 'b']);
});

test('a forged total makes no series', () => {
  expect(find([{ id: 'a', subject: '[PATCH 1/9999] A', day: 1 }])).toEqual([]);
});

test('trailers: quoted lines say nothing, links lose their punctuation', () => {
  const text = '> base-commit: aaaaaaaaaa\nbase-commit: BBBBBBBBBB\nhttps://lore.kernel.org/all/a%40b.c/#t, x\n';
  expect(readTrailers(text)).toMatchObject({ baseCommit: 'bbbbbbbbbb', changeId: null, links: [{ id: 'a@b.c' }] });
});
