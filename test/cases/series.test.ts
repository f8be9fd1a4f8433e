import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Context } from '../../pipeline/cases/context.ts';
import { type FoundSeries, findSeries, isNewest, listsOf, parentOf } from '../../pipeline/cases/series/mails.ts';
import { INPUTS, isChange } from '../../pipeline/cases/series/steps.ts';
import { statusOf } from '../../pipeline/cases/series/weigh.ts';
import { readMail } from '../../pipeline/extract/mail/mail.ts';
import { DataError, NoInputError, UsageError } from '../../pipeline/model/errors.ts';
import type { Finding, Level } from '../../pipeline/model/finding.ts';
import type {
  Between,
  FindingChange,
  PolicyChanges,
  PolicyMaskChange,
  SeriesEffect,
  SeriesOutcome,
} from '../../pipeline/model/series-effect.ts';
import { loseBlob, makeInbox } from '../archive/inbox.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { CHANGES, entry, NONE } from '../judge/ground.ts';

test('a policy is read from the files of TDX and CPUID, and the top make file decides nothing', () => {
  expect(INPUTS.has('arch/x86/kvm/vmx/tdx.c')).toBe(true);
  expect(INPUTS.has('Makefile')).toBe(false);
  expect(INPUTS.size).toBeGreaterThan(1);
});

describe('two policies differ', () => {
  const mask: PolicyMaskChange = { ...entry(0x2), bits: [{ bit: 1, name: null }] };
  const differing: readonly Partial<PolicyChanges>[] = [
    { generation: { from: 'denylist', to: 'allowlist' } },
    { generation: { from: null, to: 'denylist' } },
    ...(['deny', 'allow', 'adds', 'known'] as const).flatMap((list) => [
      { [list]: { ...NONE, added: [mask] } },
      { [list]: { ...NONE, removed: [mask] } },
    ]),
    ...(['restores', 'xfam'] as const).flatMap((list) => [
      { [list]: { ...NONE, added: ['avx'] } },
      { [list]: { ...NONE, removed: ['avx'] } },
    ]),
    { attributes: { added: 1n, removed: 0n } },
    { attributes: { added: 0n, removed: 1n } },
    { configLimit: { from: 80, to: 81 } },
    { configLimit: { from: null, to: 80 } },
  ];
  test('in each of these', () => {
    for (const extra of differing) expect(isChange({ ...CHANGES, ...extra }), Object.keys(extra).join()).toBe(true);
  });
  test('in nothing', () => {
    expect(isChange(CHANGES)).toBe(false);
    expect(isChange({ ...CHANGES, configLimit: { from: null, to: null } })).toBe(false);
  });
});

describe('the mail that a reply answers', () => {
  const patch = (name: string, ...paths: readonly string[]) => {
    const diffs = paths.map(
      (path) => `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-a\n+b\n`,
    );
    return { mail: readMail(Buffer.from(`Subject: ${name}\n\ntext\n---\n\n${diffs.join('')}`)) };
  };
  const [tdx, other, both] = [patch('tdx', 'x/tdx.c'), patch('other', 'y.c'), patch('both', 'y.c', 'x/tdx.c')];
  const cover = readMail(Buffer.from('Subject: cover\n\ntext\n'));
  type Patches = readonly { readonly mail: ReturnType<typeof readMail> }[];
  const answered = (patches: Patches, from: readonly string[] = ['one'], withCover = true) =>
    parentOf(
      { id: 'one', patches, complete: from.map((each) => ({ from: each })), cover: withCover ? cover : null } as never,
      ['x/tdx.c'],
    )?.subject ?? null;

  test('is the one patch that touches the policy, else the cover, else the first patch', () => {
    expect([answered([other, tdx]), answered([both, other]), answered([other])]).toEqual(['tdx', 'both', 'cover']);
    expect([answered([tdx, both]), answered([tdx, both], ['one'], false)]).toEqual(['cover', 'tdx']);
    expect(answered([], ['one'], false)).toBe(null);
  });

  test('is no patch where one of the series stands in an earlier posting', () => {
    expect([answered([tdx], ['one', 'two']), answered([tdx], ['two'])]).toEqual(['cover', 'cover']);
  });
});

describe('the status of a series', () => {
  const effect = (outcome: object): SeriesEffect => ({ outcome: outcome as SeriesOutcome }) as SeriesEffect;
  type Found = {
    readonly findings: readonly Partial<Finding>[];
    readonly between: readonly Partial<Between>[];
    readonly opened: readonly Partial<FindingChange>[];
    readonly closed: readonly Partial<FindingChange>[];
  };
  const applied = ({ findings = [], between = [], opened = [], closed = [] }: Partial<Found>): SeriesEffect =>
    effect({ kind: 'applied', findings, between, effects: [{ opened, closed }] });
  const statuses = (of: SeriesEffect): readonly number[] =>
    (['info', 'warning', 'error'] as const).map((failOn: Level) => statusOf(of, failOn));

  test('says what could not be weighed and what is bad data', () => {
    expect(statusOf(effect({ kind: 'untouched' }), 'info')).toBe(0);
    expect(statusOf(effect({ kind: 'incomplete' }), 'info')).toBe(75);
    expect(statusOf(effect({ kind: 'unreadable' }), 'info')).toBe(65);
    const rejected = (by: string) => statusOf(effect({ kind: 'rejected', base: { by } }), 'info');
    // Only where no base was found could another one still take it.
    expect(rejected('closest')).toBe(75);
    expect(['given', 'base-commit', 'preimages', 'applies'].map(rejected)).toEqual([65, 65, 65, 65]);
  });

  test('is a finding where it brings something of the level that is named', () => {
    expect(statuses(applied({}))).toEqual([0, 0, 0]);
    expect(statuses(applied({ findings: [{ level: 'warning', decided: null }] }))).toEqual([100, 100, 0]);
    expect(statuses(applied({ opened: [{ level: 'error' }] }))).toEqual([100, 100, 100]);
    expect(statuses(applied({ opened: [{ level: 'info' }] }))).toEqual([100, 0, 0]);
    expect(statuses(applied({ between: [{ kind: 'open' }] }))).toEqual([100, 100, 100]);
    expect(statuses(applied({ between: [{ kind: 'refused' }] }))).toEqual([100, 100, 0]);
    // What it settles, what people decided on, and what nobody asked to fail on.
    expect(statuses(applied({ closed: [{ level: 'error' }] }))).toEqual([0, 0, 0]);
    const decided = { verdict: 'accepted', reason: 'r', until: null } as unknown as Finding['decided'];
    expect(statuses(applied({ findings: [{ level: 'error', decided }] }))).toEqual([0, 0, 0]);
    expect(statusOf(applied({ opened: [{ level: 'error' }] }))).toBe(0);
  });
});

const folder = mkdtempSync(join(tmpdir(), 'bitwatch-mails-'));
afterAll(() => rmSync(folder, { recursive: true }));
const context: Context = {
  env: { HOME: folder },
  today: () => '2026-11-21',
  home: folder,
  progress: () => undefined,
  options: { offline: true, specs: null, cache: folder },
};

type Draft = {
  readonly id: string;
  readonly subject: string;
  readonly diff?: string;
  readonly parent?: string;
  readonly day?: number;
  readonly head?: readonly string[];
  readonly body?: string;
};
const DIFF = (path: string): string =>
  [
    `diff --git a/${path} b/${path}`,
    'index 1111111..2222222 100644',
    `--- a/${path}`,
    `+++ b/${path}`,
    '@@ -1 +1 @@',
    '-a',
    '+b',
    '',
  ].join('\n');
const mailOf = ({ id, subject, diff, parent, day = 1, head = [], body = 'TDX: why.' }: Draft): string =>
  [
    ...(id === '' ? [] : [`Message-ID: <${id}>`]),
    'From: Jane Doe <jane@example.org>',
    ...(head.length === 0 ? ['To: kvm@vger.kernel.org'] : head),
    `Subject: ${subject}`,
    `Date: ${day} Jun 2026 12:00:00 +0000`,
    ...(parent === undefined ? [] : [`In-Reply-To: <${parent}>`]),
    '',
    body,
    ...(diff === undefined ? [] : ['---', DIFF(diff)]),
    '',
  ].join('\n');
let files = 0;
function mbox(mails: readonly Draft[]): string {
  files += 1;
  const path = join(folder, `${files}.mbox`);
  writeFileSync(path, mails.map((mail) => `From a@b Thu Jan  1 00:00:00 1970\n${mailOf(mail)}\n\n`).join(''));
  return path;
}
/** A cover and two patches; the second version leaves out what `parts` does not name. */
const posting = (version: number, parts: readonly number[] = [1, 2]): readonly Draft[] => {
  const [prefix, day] = [version === 1 ? 'PATCH' : `PATCH v${version}`, version];
  const cover = `v${version}.0@x.org`;
  return [
    { id: cover, subject: `[${prefix} 0/2] tdx: a list`, day },
    ...parts.map((part) => ({
      id: `v${version}.${part}@x.org`,
      subject: `[${prefix} ${part}/2] tdx: part ${part}`,
      diff: `p${part}.c`,
      parent: cover,
      day,
    })),
  ];
};
const inFile = (mails: readonly Draft[], archives: readonly string[] = []): Promise<FoundSeries> =>
  findSeries(context, mbox(mails), archives, join(folder, `state-${files}.json`));
const inArchive = (operand: string, ...all: readonly (readonly Draft[])[]): Promise<FoundSeries> => {
  const paths = all.map(mbox);
  return findSeries(context, operand, paths, join(folder, `state-${files}.json`));
};

describe('a series that is asked for', () => {
  test('is found in its file, the newest version with the one before', async () => {
    const { series, previous, fixups, archives, notes } = await inFile([...posting(1), ...posting(2)]);
    expect([series.id, series.version, previous?.id, fixups, notes]).toEqual(['v2.0@x.org', 2, 'v1.0@x.org', [], []]);
    expect(archives).toEqual([join(folder, `${files}.mbox`)]);
    expect([isNewest(series), previous !== null && isNewest(previous)]).toEqual([true, false]);
    const only = await inFile(posting(1));
    expect([only.series.id, only.previous]).toEqual(['v1.0@x.org', null]);
    // Without archives no state of them is read or kept.
    expect(existsSync(join(folder, `state-${files}.json`))).toBe(false);
    writeFileSync(join(folder, `state-${files + 1}.json`), 'damaged');
    expect((await inFile(posting(1))).series.id).toBe('v1.0@x.org');
    // A newer posting is another one by any of the three.
    for (const newest of [{ id: 'other' }, { version: 2 }, { rfc: true }])
      expect(isNewest({ ...only.series, newest: { ...only.series.newest, ...newest } })).toBe(false);
  });

  test('is found by any of its mails, as an id or a link, in the archives that hold it', async () => {
    for (const operand of [
      'v1.2@x.org',
      '<v1.0@x.org>',
      ' v1.1@x.org ',
      'https://lore.kernel.org/all/v1.2@x.org/',
      'https://lore.kernel.org/kvm/v1.1%40x.org/T/#u',
      'http://lore.kernel.org/v1.1@x.org',
    ]) {
      const { series, archives, notes } = await inArchive(operand, [], posting(1));
      const holder = join(folder, `${files}.mbox`);
      expect([series.id, archives, notes], operand).toEqual(['v1.0@x.org', [holder], []]);
    }
  });

  test('is named by an answer in its thread too, and by nothing else', async () => {
    const answer: Draft = { id: 'answer@x.org', subject: 'Re: [PATCH 1/2] tdx: part 1', parent: 'v1.1@x.org' };
    expect((await inArchive('answer@x.org', [...posting(1), answer])).series.id).toBe('v1.0@x.org');
    const alone: Draft = { id: 'talk@x.org', subject: 'tdx: a question' };
    await expect(inArchive('talk@x.org', [...posting(1), alone])).rejects.toThrow(
      new NoInputError('<talk@x.org> is in no patch series: its thread has no patch mail'),
    );
    await expect(inArchive('gone@x.org', posting(1))).rejects.toThrow(/^no mail <gone@x\.org> in .*\.mbox$/);
    await expect(inArchive('gone@x.org')).rejects.toThrow(UsageError);
    for (const text of ['no-file', 'a b@x.org', 'a@b@c', '@x.org', 'https://lore.kernel.org/all/nothing/'])
      await expect(inArchive(text, posting(1)), text).rejects.toThrow(`${text}: no such file, and no Message-ID`);
  });

  test('brings the answers with a diff of their own, which no posting has', async () => {
    const fix = (id: string, diff?: string): Draft => ({
      id,
      subject: 'Re: [PATCH 2/2] tdx: part 2',
      parent: 'v1.2@x.org',
      ...(diff === undefined ? {} : { diff }),
    });
    const { fixups } = await inFile([...posting(1), fix('fix@x.org', 'p9.c'), fix('word@x.org')]);
    expect(fixups.map(({ id }) => id)).toEqual(['fix@x.org']);
    const elsewhere: Draft = { id: 'else@x.org', subject: 'Re: tdx: a question', parent: 'q@x.org', diff: 'p9.c' };
    expect((await inFile([...posting(1), elsewhere])).fixups).toEqual([]);
  });

  test('takes parts that a version leaves out from the one before, and says so', async () => {
    const { series, notes } = await inFile([...posting(1), ...posting(2, [2])]);
    expect(series.complete.map(({ part, from }) => [part, from])).toEqual([
      [1, 'v1.0@x.org'],
      [2, 'v2.0@x.org'],
    ]);
    expect(notes).toEqual(['Part 1 was not sent again with this version and was taken from <v1.0@x.org>.']);
  });

  test('is asked for again where a file holds several works or none', async () => {
    const other: Draft = { id: 'other@x.org', subject: '[PATCH] tdx: another work', diff: 'q.c' };
    await expect(inFile([...posting(1), other])).rejects.toThrow(
      /holds 2 series; name one by its Message-ID and the file with --archive: <other@x\.org> \(v1 tdx: another work\), <v1\.0@x\.org> \(v1 tdx: a list\)$/,
    );
    const works = (count: number): readonly Draft[] =>
      [1, 2, 3, 4, 5, 6].slice(0, count).map((at) => ({ ...other, id: `${at}@x.org`, subject: `[PATCH] tdx: w${at}` }));
    await expect(inFile(works(5))).rejects.toThrow(
      /holds 5 series.*<4@x\.org> \(v1 tdx: w4\), <5@x\.org> \(v1 tdx: w5\)$/,
    );
    await expect(inFile(works(6))).rejects.toThrow(/holds 6 series.*<5@x\.org> \(v1 tdx: w5\), …$/);
    const talk: Draft = { id: 'talk@x.org', subject: 'tdx: a question' };
    const none = inFile([talk]);
    await expect(none).rejects.toThrow(DataError);
    await expect(none).rejects.toThrow('one mail and no patch');
    await expect(inFile([talk, { ...talk, id: 'more@x.org' }])).rejects.toThrow('2 mails and no patch');
  });

  test('is asked for again where its thread holds several, and where a file is an archive of git', async () => {
    const [first, ...rest] = posting(2);
    const second = first === undefined ? [] : [{ ...first, parent: 'v1.0@x.org' }, ...rest];
    const answer: Draft = { id: 'answer@x.org', subject: 'Re: [PATCH 0/2] tdx: a list', parent: 'v1.0@x.org' };
    const several = inArchive('answer@x.org', [...posting(1), ...second, answer]);
    await expect(several).rejects.toThrow(UsageError);
    await expect(several).rejects.toThrow(
      'the thread of <answer@x.org> holds 2 series; name one by its Message-ID: <v1.0@x.org> (v1 tdx: a list), <v2.0@x.org> (v2 tdx: a list)',
    );
    const bare = join(folder, 'bare.git');
    mkdirSync(join(bare, 'objects'), { recursive: true });
    writeFileSync(join(bare, 'HEAD'), 'ref: refs/heads/main');
    await expect(findSeries(context, bare, [], null)).rejects.toThrow(
      `${bare} is an archive: name the series by its Message-ID, and this with --archive`,
    );
  });

  test('is the latest of those that used its Message-ID, and says so', async () => {
    const again: Draft = { id: 'v1.2@x.org', subject: '[PATCH] tdx: used again', diff: 'q.c', day: 9 };
    // Its head is the cover of the first, and that is older.
    const more: Draft = { ...again, subject: '[PATCH 1/1] tdx: and again', day: 8 };
    const { series, notes } = await inArchive('v1.2@x.org', posting(1), [again], [more]);
    expect([series.title, notes]).toEqual([
      'tdx: used again',
      ['3 series have a mail with this Message-ID; this is the latest of them.'],
    ]);
    expect((await inArchive('v1.2@x.org', posting(1), [again])).notes).toEqual([
      '2 series have a mail with this Message-ID; this is the latest of them.',
    ]);
  });

  test('is found without a cover, by each of its patches, and where no state is named, in the cache', async () => {
    const patches = posting(1).slice(1);
    expect((await inArchive('v1.2@x.org', patches)).series).toMatchObject({ id: 'v1.1@x.org', cover: null });
    expect((await inArchive('v1.1@x.org', patches)).fixups).toEqual([]);
    expect(existsSync(join(folder, 'archives.json'))).toBe(false);
    expect((await findSeries(context, 'v1.1@x.org', [mbox(patches)], null)).series.id).toBe('v1.1@x.org');
    expect(existsSync(join(folder, 'archives.json'))).toBe(true);
  });

  test('is one thread where its mails have no Message-IDs', async () => {
    const { series } = await inFile(posting(1).map(({ parent: _, ...mail }) => ({ ...mail, id: '' })));
    expect([series.id, series.patches.map(({ part }) => part), series.missing]).toEqual(['', [1, 2], []]);
    // What has an id stays where it belongs.
    const [cover, ...patches] = posting(1).map(({ parent: _, ...mail }) => ({ ...mail, id: '' }));
    const elsewhere: Draft = { id: 'else@x.org', subject: 'Re: tdx: a question', parent: 'q@x.org', diff: 'p9.c' };
    const { fixups } = await inFile([...(cover === undefined ? [] : [cover]), ...patches, elsewhere]);
    expect(fixups).toEqual([]);
  });

  test('finds versions of its work in the archives beside the file', async () => {
    const archive = mbox([...posting(1), { id: 'other@x.org', subject: '[PATCH] tdx: another work', diff: 'q.c' }]);
    const { series, previous, archives } = await inFile(posting(2), [archive]);
    expect([series.id, previous?.id]).toEqual(['v2.0@x.org', 'v1.0@x.org']);
    expect(archives).toEqual([join(folder, `${files}.mbox`)]);
    // Of the file it is the newest, also where an archive has a newer one, and what the file lacks of it is taken from there.
    expect((await inFile([...posting(1), ...posting(2)], [mbox(posting(3))])).series.id).toBe('v2.0@x.org');
    const part = await inFile(posting(1).slice(2), [mbox(posting(1).slice(0, 2))]);
    expect([part.series.id, part.series.patches.map((each) => each.part)]).toEqual(['v1.0@x.org', [1, 2]]);
  });

  test('is found with all its thread, also where no mail of it names TDX', async () => {
    const quiet = posting(1).map((each) => ({ ...each, subject: each.subject.replace('tdx: ', ''), body: 'Why.' }));
    const fix: Draft = { id: 'fix@x.org', subject: 'Re: a list', parent: 'v1.0@x.org', diff: 'p9.c', body: 'So.' };
    expect((await inArchive('v1.2@x.org', quiet)).series.id).toBe('v1.0@x.org');
    const { fixups } = await inFile(quiet, [mbox([...quiet, fix])]);
    expect(fixups.map(({ id }) => id)).toEqual(['fix@x.org']);
  });

  test('went to the lists among its To and Cc, each once, in order', async () => {
    const head = ['To: Joe <joe@example.org>, kvm@vger.kernel.org', 'Cc: linux-coco@lists.linux.dev'];
    const [cover, ...patches] = posting(1);
    const mails = [...(cover === undefined ? [] : [{ ...cover, head }]), ...patches];
    const { series } = await inFile(mails);
    expect(listsOf(series)).toEqual(['kvm@vger.kernel.org', 'linux-coco@lists.linux.dev']);
    const turned = [...(cover === undefined ? [] : [{ ...cover, head: ['To: x86@kernel.org'] }]), ...patches];
    expect(listsOf((await inFile(turned)).series)).toEqual(['kvm@vger.kernel.org', 'x86@kernel.org']);
    const bare = await inFile([
      { id: 'one@x.org', subject: '[PATCH] tdx: one', diff: 'q.c', head: ['To: x86@kernel.org, a@b.org'] },
    ]);
    expect(listsOf(bare.series)).toEqual(['x86@kernel.org']);
  });

  test('comes from a stream too, by the name that it was given', async () => {
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    spawn('timeout', ['20', 'sh', '-c', 'cat "$0" > "$1"', mbox(posting(1)), pipe], { stdio: 'ignore' });
    const { series, archives } = await findSeries(context, pipe, [], null);
    expect([series.id, archives]).toEqual(['v1.0@x.org', [pipe]]);
  });

  test('says how many mails of the archives that were named could not be read', async () => {
    const lost = mailOf({ id: 'lost@x.org', subject: 'tdx: a question' });
    const root = temporaryFolder();
    const inboxes = ['read', 'other'].map((name) =>
      makeInbox(
        root,
        `${name}.git`,
        [...posting(1).map(mailOf), lost].map((mail) => ({ mail })),
      ),
    );
    const [inbox = '', other = ''] = inboxes;
    for (const each of inboxes) loseBlob(each, lost);
    const state = join(root, 'lost.json');
    const found = (archives: readonly string[]) => findSeries(context, 'v1.1@x.org', archives, state);
    const note = (count: number) =>
      `${count} mail${count === 1 ? '' : 's'} of the archives could not be read; a part or a newer version may be among them.`;
    expect((await found([inbox, other])).notes).toEqual([note(2)]);
    // What the state says of archives that were not named now counts for nothing.
    expect((await found([inbox])).notes).toEqual([note(1)]);
    // What is too large to be read may be a part too; what is there twice, or was deleted, is not missed.
    const kept = JSON.parse(readFileSync(state, 'utf8')) as { archives: { skipped: object[] }[] };
    for (const { skipped } of kept.archives)
      for (const reason of ['too-large', 'duplicate', 'deleted']) skipped.push({ at: 'a', reason, detail: 'd' });
    writeFileSync(state, JSON.stringify(kept));
    expect((await found([inbox])).notes).toEqual([note(2)]);
    await expect(findSeries(context, 'gone@x.org', [inbox], state)).rejects.toThrow(
      `no mail <gone@x.org> in ${inbox}; 2 mails of them could not be read (see bitwatch archive scan)`,
    );
  });
});
