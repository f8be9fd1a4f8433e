import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { weigh } from '../../pipeline/cases/series/weigh.ts';
import { NoInputError, UnavailableError, UsageError } from '../../pipeline/model/errors.ts';
import type { SeriesOutcome } from '../../pipeline/model/series-effect.ts';
import { loseBlob } from '../archive/inbox.ts';
import { kernelFiles } from '../helpers/kernel-tree.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import {
  BASE_FILES,
  type Edit,
  edited,
  kernelClone,
  mailOf,
  mboxFile,
  ownKernelClone,
  postingOf,
  TDX,
} from '../helpers/series.ts';
import { release } from '../judge/ground.ts';
import { contextOf } from './context.ts';
import { specsOf } from './facts.ts';

const QUINCE = { leaf: 7, subleaf: 0, register: 'ebx', mask: 0x80000 };
/** The releases of three lines; those of two offer QUINCE, which nobody denies yet. */
const SPECS = specsOf({
  releases: ['1.0.00', '1.5.06', '1.5.08', '2.0.02'].map((name) =>
    release(name, [{ leaf: 7, subleaf: 0, allow: { ebx: name === '1.0.00' ? 0 : 0x80000 } }]),
  ),
  decisions: [{ rule: 'policy-deny-added', because: 'wanted', by: 'A. Person' }],
});
type Applied = Extract<SeriesOutcome, { readonly kind: 'applied' }>;

async function effectOf(mails: readonly string[], kernel: string, more: Partial<Parameters<typeof weigh>[3]> = {}) {
  const context = contextOf({ cache: temporaryFolder(), specs: join(temporaryFolder(), 'specs') });
  const options = { archives: [], state: null, kernel, base: null, from: null, ...more };
  return (await weigh(context, SPECS, mboxFile(mails), options)).effect;
}
async function applied(...args: Parameters<typeof effectOf>): Promise<Applied> {
  const { outcome } = await effectOf(...args);
  if (outcome.kind !== 'applied') throw new Error(JSON.stringify(outcome));
  return outcome;
}
/** The kernel after an edit, for the next one to begin with. */
const after = ({ files }: Edit, before = BASE_FILES): Readonly<Record<string, string>> => ({
  ...before,
  ...(files as Readonly<Record<string, string>>),
});
const denies = (files = BASE_FILES): Edit => ({
  title: 'Deny QUINCE',
  files: edited(
    TDX,
    '__feature_bit(X86_FEATURE_HLE)',
    '__feature_bit(X86_FEATURE_HLE) | __feature_bit(X86_FEATURE_QUINCE)',
    files,
  ),
});
const DOCUMENTS: Edit = { title: 'Say so', files: { 'Documentation/list.rst': 'A list.\n' } };

test('a series is told with its base and what it does to each release', async () => {
  const { path, base } = kernelClone();
  const mails = postingOf([denies(), DOCUMENTS], {
    trailers: `base-commit: ${base}\nprerequisite-patch-id: ${'1'.repeat(40)}`,
  });
  const effect = await effectOf(mails, path);
  expect([effect.kernel, effect.touched, effect.inputs, effect.notes]).toEqual([
    path,
    ['Documentation/list.rst', TDX],
    [TDX],
    [],
  ]);
  const { outcome } = effect;
  if (outcome.kind !== 'applied') throw new Error(outcome.kind);
  expect(outcome.base).toMatchObject({
    commit: base,
    by: 'base-commit',
    prerequisites: 1,
    preimages: { matched: 1, of: 1 },
  });
  expect([outcome.before?.version, outcome.after.version, outcome.offsets, outcome.since]).toEqual([
    '7.2.1',
    '7.2.1 with the series',
    0,
    null,
  ]);
  expect(outcome.changes.deny).toMatchObject({ added: [QUINCE], removed: [] });
  expect(outcome.steps.map(({ part, kind }) => [part, kind])).toEqual([
    [1, 'changes'],
    [2, 'elsewhere'],
  ]);
  expect(outcome.steps[0]).toMatchObject({
    title: 'Deny QUINCE',
    reason: null,
    changes: { deny: { added: [QUINCE] } },
  });
  expect(outcome.steps[1]).toMatchObject({ changes: null, splits: { added: [], removed: [] }, reason: null });
  expect(outcome.between).toEqual([]);
  expect(outcome.findings.map(({ rule, decided }) => [rule, decided?.by])).toEqual([
    ['policy-deny-added', 'A. Person'],
  ]);
  expect(outcome.effects.map((each) => each.release)).toEqual(['1.0.00', '1.5.06', '1.5.08', '2.0.02']);
  // Hosts run the newest of the last two lines today.
  expect(outcome.open.map((each) => each.release)).toEqual(['1.5.08', '2.0.02']);
});

describe('a series', () => {
  const PLAIN: readonly Edit[] = [DOCUMENTS, { title: 'And why', files: { 'Documentation/why.rst': 'Why.\n' } }];

  test('is told with its mails, and with the command that weighs it again', async () => {
    const { path } = kernelClone();
    const { series, command } = await effectOf(postingOf(PLAIN), path);
    expect(series).toEqual({
      id: 'v1.0@example.org',
      title: 'A better list',
      version: 1,
      rfc: false,
      resend: false,
      trees: [],
      author: expect.objectContaining({ name: 'Jane Doe', email: 'jane@example.org' }),
      date: Date.UTC(2026, 5, 1, 12) / 1000,
      total: 2,
      cover: 'v1.0@example.org',
      patches: [
        { part: 1, title: 'Say so', id: 'v1.1@example.org', from: 'v1.0@example.org' },
        { part: 2, title: 'And why', id: 'v1.2@example.org', from: 'v1.0@example.org' },
      ],
      missing: [],
      lists: ['kvm@vger.kernel.org', 'linux-coco@lists.linux.dev'],
      archives: [expect.stringMatching(/series\.mbox$/)],
      changeId: null,
      before: null,
      newer: null,
    });
    expect(command).toMatch(new RegExp(`^bitwatch series \\S+series\\.mbox --kernel ${path}$`));
    const archive = mboxFile(postingOf(PLAIN, { version: 2, day: 4, trailers: 'For TDX.' }));
    const [cover = '', first = ''] = postingOf([DOCUMENTS]);
    const more = { archives: [archive], base: 'v7 2', from: mboxFile([cover, first]) };
    const state = join(temporaryFolder(), 'state.json');
    const other = await effectOf(postingOf(PLAIN), path, { ...more, state });
    expect(other.command.replace(/\S+series\.mbox/g, 'FILE')).toBe(
      `bitwatch series FILE --archive FILE --kernel ${path} --base 'v7 2' --from FILE`,
    );
    expect(other.series.newer).toMatchObject({ id: 'v2.0@example.org', version: 2 });
    expect((await effectOf([first.replace(/^In-Reply-To.*\n/m, '')], path)).series.cover).toBeNull();
  });

  test('comes with the answers that have a diff of their own, and the files that these change', async () => {
    const fix = mailOf({
      id: 'fix@example.org',
      subject: 'Re: [PATCH 1/2] Say so',
      parent: 'v1.1@example.org',
      day: 2,
      body: `I squash this:\n\ndiff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-a\n+b\n`,
    });
    const { fixups } = await effectOf([...postingOf(PLAIN), fix], kernelClone().path);
    expect(fixups).toEqual([
      {
        id: 'fix@example.org',
        author: expect.objectContaining({ name: 'Jane Doe' }),
        date: Date.UTC(2026, 5, 2, 12) / 1000,
        subject: 'Re: [PATCH 1/2] Say so',
        paths: ['a.c'],
      },
    ]);
  });

  test('without all its parts, or with a part without a diff, is not weighed', async () => {
    const three = postingOf([...PLAIN, denies()]);
    const reason = async (mails: readonly string[]) => {
      const { outcome, series } = await effectOf(mails, kernelClone().path);
      return [outcome.kind === 'incomplete' ? outcome.reason : outcome.kind, series.missing];
    };
    expect(await reason(postingOf(PLAIN).slice(0, 2))).toEqual(['part 2 of 2 is in no mail that was read', [2]]);
    expect(await reason(three.slice(0, 2))).toEqual(['part 2, 3 of 3 is in no mail that was read', [2, 3]]);
    const bare = (part: number): string =>
      mailOf({
        id: `v1.${part}@example.org`,
        subject: `[PATCH ${part}/3] Later`,
        body: 'Later.\n',
        parent: 'v1.0@example.org',
      });
    expect(await reason([...three.slice(0, 2), bare(2), bare(3)])).toEqual(['part 2, 3 of 3 has no diff', []]);
    expect(await reason([...three.slice(0, 3), bare(3)])).toEqual(['part 3 of 3 has no diff', []]);
    // A part that a version does not send again is that of the version before.
    const whole = [...PLAIN, { title: 'More', files: { 'Documentation/more.rst': 'More.\n' } }];
    const again = postingOf(whole, { version: 2, day: 4 });
    expect(await reason([...postingOf(whole), ...again.slice(0, 3)])).toEqual(['untouched', []]);
  });
});

describe('a state within a series', () => {
  const MAGIC: Edit = {
    title: 'Magic',
    files: edited(TDX, 'return uses_tsx(entry);', 'return __builtin_magic(entry);'),
  };

  test('that cannot be read is said, and what comes next is held against the last that could', async () => {
    const words: Edit = { title: 'Words', files: { [TDX]: `/* Words. */\n${after(MAGIC)[TDX]}` } };
    const back = denies();
    const last: Edit = { title: 'Once more', files: BASE_FILES };
    const { steps, between } = await applied(postingOf([MAGIC, words, DOCUMENTS, back, last]), kernelClone().path);
    expect(steps.map(({ part, kind }) => [part, kind])).toEqual([
      [1, 'unread'],
      [2, 'comments'],
      [3, 'elsewhere'],
      [4, 'changes'],
      [5, 'changes'],
    ]);
    expect(steps[0]?.reason).toMatch(/__builtin_magic/);
    expect(steps.slice(1).map(({ reason }) => reason)).toEqual([null, null, null, null]);
    expect(steps[3]?.changes?.deny).toMatchObject({ added: [QUINCE], removed: [] });
    expect(steps[4]?.changes?.deny).toMatchObject({ added: [], removed: [QUINCE] });
    expect(between.map(({ kind, after, until }) => [kind, after, until])).toEqual([
      ['unread', 1, 4],
      ['refused', 4, 5],
    ]);
  });

  test('that refuses what it hides again says which disagreement it settles', async () => {
    const files = kernelFiles({ refusal: '' });
    const refuses: Edit = { title: 'Refuse it', files: { [TDX]: BASE_FILES[TDX] ?? '' } };
    const { steps } = await applied(postingOf([refuses, DOCUMENTS], { files }), kernelClone(files).path);
    expect(steps[0]).toMatchObject({
      kind: 'changes',
      splits: { added: [], removed: [{ kind: 'hidden-not-refused', place: { ...QUINCE, mask: 0x810 } }] },
    });
    expect(steps[1]).toMatchObject({ kind: 'elsewhere', splits: { added: [], removed: [] } });
  });

  test('with a file more is code that is read, and one that may be executed is a file', async () => {
    const path = 'arch/x86/kvm/vmx/tdx_arch.h';
    const more: Edit = { title: 'Add a header', files: { [path]: '/* Nothing yet. */\n' } };
    const diff = `diff --git a/${TDX} b/${TDX}\nold mode 100644\nnew mode 100755\n`;
    const [cover = '', first = ''] = postingOf([more, DOCUMENTS]);
    const second = mailOf({
      id: 'v1.2@example.org',
      subject: '[PATCH 2/2] Execute it',
      body: `Because.\n---\n${diff}-- \n2.39.5\n`,
      parent: 'v1.0@example.org',
    });
    const { steps, changes } = await applied([cover, first, second], kernelClone().path);
    expect(steps.map(({ kind }) => kind)).toEqual(['same', 'comments']);
    expect(changes.deny).toEqual({ added: [], removed: [] });
  });
});

describe('a series is not weighed', () => {
  test('without a clone of the kernel', async () => {
    const context = contextOf({ cache: temporaryFolder() });
    const options = { archives: [], state: null, kernel: null, base: null, from: null };
    await expect(weigh(context, SPECS, 'x', options)).rejects.toThrow(UsageError);
  });

  test('where git does not take a diff, and what that touches is not known', async () => {
    const bad = mailOf({
      id: 'a@x',
      subject: '[PATCH] Say so',
      body: 'Because.\n---\ndiff --git a/x.rst b/x.rst\n--- a/x.rst\n+++ b/x.rst\n@@ -1,3 +1,4 @@\n a\n-- \n2.39.5\n',
    });
    expect((await effectOf([bad], kernelClone().path)).outcome).toEqual({
      kind: 'incomplete',
      reason: 'git does not take the diff of part 1, so what it touches is not known',
    });
    expect((await effectOf(postingOf([DOCUMENTS]), kernelClone().path)).outcome).toEqual({ kind: 'untouched' });
  });

  test('where a diff changes a folder as if it were a file', async () => {
    const folder = 'Documentation';
    const body = `Because.\n---\ndiff --git a/${folder} b/${folder}\n--- a/${folder}\n+++ b/${folder}\n@@ -1 +1 @@\n-a\n+b\n-- \n2.39.5\n`;
    const files = { ...BASE_FILES, 'Documentation/list.rst': 'a\n' };
    const [cover = '', first = ''] = postingOf([denies(), DOCUMENTS]);
    const second = mailOf({ id: 'v1.2@example.org', subject: '[PATCH 2/2] Odd', body, parent: 'v1.0@example.org' });
    const { outcome } = await effectOf([cover, first, second], ownKernelClone(files).path);
    expect(outcome).toMatchObject({ kind: 'rejected', rejection: { part: 2, path: folder } });
  });

  test('where the clone lacks a file that it changes, or one that decides', async () => {
    const files = { ...BASE_FILES, 'Documentation/list.rst': 'A\n' };
    const changed: Edit = { title: 'Say so', files: { 'Documentation/list.rst': 'A list.\n' } };
    const HEADER = 'arch/x86/include/asm/cpufeatures.h';
    for (const [lost, path] of [
      ['A\n', 'Documentation/list.rst'],
      [BASE_FILES[HEADER] ?? '', HEADER],
    ] as const) {
      const clone = ownKernelClone(files).path;
      loseBlob(clone, lost);
      const refused = await effectOf(postingOf([denies(files), changed], { files }), clone).catch((error) => error);
      expect(refused).toBeInstanceOf(UnavailableError);
      expect(refused.message).toContain(path);
    }
    const empty = buildRepository([]);
    await expect(effectOf(postingOf([denies()]), empty)).rejects.toThrow(
      new NoInputError(`${empty}: the clone has no commit to apply a series to`),
    );
  });

  test('where a link stands in the place of a file that decides, on the side where it does', async () => {
    const path = 'arch/x86/kvm/vmx/tdx_arch.h';
    const body = `Because.\n---\ndiff --git a/${path} b/${path}\nnew file mode 120000\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+tdx.c\n\\ No newline at end of file\n-- \n2.39.5\n`;
    const link = mailOf({ id: 'v1.1@example.org', subject: '[PATCH] A link', body });
    const side = async (mails: readonly string[], kernel: string) => (await effectOf(mails, kernel)).outcome;
    const reason = `${path}: expected a regular file, found mode 120000`;
    expect(await side([link], kernelClone().path)).toMatchObject({ kind: 'unreadable', side: 'after', reason });
    const { path: clone } = ownKernelClone();
    git(clone, 'read-tree', 'main');
    git(clone, 'update-index', '--add', '--cacheinfo', `120000,${git(clone, 'rev-parse', 'main:Makefile')},${path}`);
    git(clone, 'update-ref', 'refs/heads/main', git(clone, 'commit-tree', '-m', 'link', git(clone, 'write-tree')));
    git(clone, 'tag', '-d', 'v7.2.1');
    expect(await side(postingOf([denies()]), clone)).toMatchObject({ kind: 'unreadable', side: 'before', reason });
  });

  test('where the base or the result cannot be read, with the side that cannot', async () => {
    const broken = { ...BASE_FILES, 'arch/x86/include/asm/cpufeatures.h': '#define X86_FEATURE_HLE (\n' };
    const { outcome } = await effectOf(postingOf([denies()], { files: broken }), ownKernelClone(broken).path);
    expect(outcome).toMatchObject({ kind: 'unreadable', side: 'before', reason: expect.stringMatching(/./) });
  });
});

describe('a version before', () => {
  const v2 = () => postingOf([denies()], { version: 2, day: 4 });
  const since = async (old: readonly string[], kernel = kernelClone().path) => {
    const { since: found } = await applied(v2(), kernel, { from: mboxFile(old) });
    return found;
  };

  test('that does not apply, or cannot be read, is not compared, and why is said', async () => {
    const other = { ...BASE_FILES, ...edited(TDX, 'return uses_tsx(entry);', 'return uses_tsx (entry);') };
    const gone: Edit = { title: 'Change it', files: edited(TDX, 'uses_tsx (entry)', 'false', other) };
    expect(await since(postingOf([gone], { files: other }))).toMatchObject({
      kind: 'not-compared',
      version: 1,
      reason: expect.stringMatching(/^it does not apply: part 1: ./),
    });
    const magic: Edit = {
      title: 'Magic',
      files: edited(TDX, 'return uses_tsx(entry);', 'return __builtin_magic(entry);'),
    };
    expect(await since(postingOf([magic]))).toMatchObject({
      kind: 'not-compared',
      reason: expect.stringMatching(/^the policy cannot be read: .*__builtin_magic/),
    });
    expect(await since(postingOf([magic, DOCUMENTS]).slice(0, 2))).toEqual({
      ...{ kind: 'not-compared', id: 'v1.0@example.org', version: 1, rfc: false },
      reason: 'part 2 of 2 is in no mail that was read',
    });
  });

  test('begins where this one does, or elsewhere', async () => {
    const other = after({ title: '', files: edited(TDX, 'X86_FEATURE_RTM', 'X86_FEATURE_QUINCE') });
    const path = buildRepository([
      { subject: 'other', files: other, tags: ['v7.2'] },
      { subject: 'base', files: BASE_FILES, tags: ['v7.2.1'] },
    ]);
    const same = await since(
      postingOf([DOCUMENTS, { title: 'Words', files: { [TDX]: `/* Words. */\n${BASE_FILES[TDX]}` } }]),
      path,
    );
    expect(same).toMatchObject({
      kind: 'compared',
      version: 1,
      isSameStart: true,
      changes: { deny: { added: [QUINCE], removed: [] } },
      splits: { added: [], removed: [] },
    });
    const moved: Edit = { title: 'Words', files: { [TDX]: `/* Words. */\n${other[TDX]}` } };
    expect(await since(postingOf([moved], { files: other }), path)).toMatchObject({
      kind: 'compared',
      isSameStart: false,
      changes: { deny: { added: [{ ...QUINCE, mask: 0x800 }], removed: [] } },
    });
  });

  test('of a kernel without TDX begins as this one does', async () => {
    const { [TDX]: text = '', ...without } = kernelFiles();
    const adds = (words: string): Edit => ({ title: 'Add it', files: { [TDX]: words + text } });
    const { path } = ownKernelClone(without);
    const [old, now] = [
      postingOf([adds('')], { files: without }),
      postingOf([adds('/* Words. */\n')], { version: 2, day: 4, files: without }),
    ];
    const outcome = await applied(now, path, { from: mboxFile(old) });
    expect(outcome).toMatchObject({ before: null, findings: [], since: { kind: 'compared', isSameStart: true } });
    // Beside one that has it the start is another.
    const both = buildRepository([
      { subject: 'none', files: without, tags: ['v7.2'] },
      { subject: 'base', files: BASE_FILES, tags: ['v7.2.1'] },
    ]);
    expect(await applied(now, both, { from: mboxFile(postingOf([DOCUMENTS, denies()])) })).toMatchObject({
      before: null,
      since: { kind: 'compared', isSameStart: false },
    });
  });
});
