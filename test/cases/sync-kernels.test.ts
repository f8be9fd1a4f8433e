import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { syncKernels } from '../../pipeline/cases/sync-kernels.ts';
import { TDX_PATH } from '../../pipeline/extract/kvm/paths.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import type { Cpuid2Facts } from '../../pipeline/model/cpuid2.ts';
import { UnavailableError } from '../../pipeline/model/errors.ts';
import type { Policy } from '../../pipeline/model/policy.ts';
import { readCpuid2File } from '../../pipeline/specs/cpuid2-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { readPolicyFile } from '../../pipeline/specs/policy-file.ts';
import type { PlainSource } from '../../pipeline/specs/sources-shape.ts';
import { loseBlob } from '../archive/inbox.ts';
import { DENY, kernelFiles } from '../helpers/kernel-tree.ts';
import { buildRepository, git, type TestCommit, temporaryFolder } from '../helpers/repository.ts';
import { entry, policy } from '../judge/ground.ts';
import { contextOf } from './context.ts';
import { specsOf } from './facts.ts';

type Facts = { readonly policies: readonly Policy[]; readonly kernels: readonly Cpuid2Facts[] };

/** A repository, specifications that are empty and a cache; `sync` takes what the specifications say by then. */
function setUp(commits: readonly TestCommit[], more: Partial<PlainSource> = {}, offline = true) {
  const path = buildRepository(commits);
  const [specs, cache] = [temporaryFolder(), temporaryFolder()];
  for (const kind of ['kvm', 'cpuid2']) mkdirSync(join(specs, kind));
  const context = contextOf({ specs, cache, offline });
  const source: PlainSource = {
    ...{ name: 'k', kind: 'kernel', url: path, repository: 'example/k', licence: 'GPL' },
    ...more,
  };
  const files = (kind: string): readonly string[] => readdirSync(join(specs, kind)).sort();
  const read = (kind: string, name: string): string => readFileSync(join(specs, kind, name), 'utf8');
  return {
    path,
    specs,
    files,
    read,
    memory: join(cache, 'k.same'),
    commit: (name: string): string => git(path, 'rev-parse', `${name}^{commit}`),
    sync: ({ policies, kernels }: Facts = { policies: [], kernels: [] }) => {
      const update = { repository: openRepository(path, context.env, 'example/k') };
      return syncKernels(
        context,
        specsOf({ policies, cpuid2: { questions: [], kernels } }),
        source,
        update as Parameters<typeof syncKernels>[3],
      );
    },
    /** What the specifications say by now. */
    written: async (): Promise<Facts> => ({
      policies: await Promise.all(files('kvm').map((name) => readPolicyFile(name, read('kvm', name), NO_CACHE))),
      kernels: await Promise.all(files('cpuid2').map((name) => readCpuid2File(name, read('cpuid2', name), NO_CACHE))),
    }),
  };
}

describe('of the versions of a kernel', () => {
  /** Versions by what they deny; each has other files, but where the text is that of the one before. */
  const history: readonly (readonly [version: string, denies: number, text: string])[] = [
    ['6.15', 1, 'a'],
    ['6.16', 1, 'b'],
    ['6.16.1', 2, 'b'],
    ['6.16.2', 1, 'c'],
    ['6.16.3', 4, 'd'],
    ['6.16.10', 4, 'e'],
    ['6.17', 1, 'f'],
    ['6.17.1', 8, 'g'],
    ['6.17.2', 8, 'h'],
    ['6.17.3', 8, 'i'],
    ['6.18', 1, 'j'],
  ];
  const said = (denies: number, version: string, revision: string, repository = 'example/k'): Policy =>
    policy({
      version,
      deny: [{ ...entry(denies), line: revision.charCodeAt(0) }],
      source: { repository, revision, path: TDX_PATH, blob: null },
    });
  const asks = (version: string, revision: string): Cpuid2Facts => ({
    version,
    source: { repository: 'example/k', revision, path: TDX_PATH, blob: null },
    asks: [],
    // 6.16.2 denies what 6.16 denies, and asks of KVM_SET_CPUID2 something else.
    unlisted: version === '6.16.2' ? [{ path: 'x.c', line: 3, function: 'f', word: 'g' }] : [],
  });
  /** All versions as an earlier run wrote them. */
  function allWritten(own: (version: string, one: Policy) => Policy = (_, one) => one) {
    const made = setUp(
      // Of git's order nothing is taken: the newest is committed first.
      [...history].reverse().map(([version, , text]) => ({
        subject: version,
        files: { [TDX_PATH]: text, Makefile: version },
        tags: [`v${version}`, `v${version}-rc1`, `x${version}`],
      })),
      { tags: { since: '6.16' } },
    );
    const facts: Facts = {
      policies: history.map(([version, denies]) => own(version, said(denies, version, made.commit(`v${version}`)))),
      kernels: history.map(([version]) => asks(version, made.commit(`v${version}`))),
    };
    for (const [version] of history)
      for (const kind of ['kvm', 'cpuid2']) writeFileSync(join(made.specs, kind, `${version}.yaml`), '');
    return { ...made, facts };
  }

  test('those that say what the one before says go, but the newest of each series', async () => {
    const { sync, facts, files, memory, commit } = allWritten();
    const gone = (version: string): string =>
      `k: v${version}: removed specs/kvm/${version}.yaml: a newer one of its series says the same`;
    const { lines, written, failed, blobs } = await sync(facts);
    expect(lines).toEqual([
      'k: nothing new',
      // The files of 6.16.1 are those of 6.16, whatever somebody wrote of them.
      ...['6.16.1', '6.17', '6.17.2'].map(gone),
      'k: 3 versions not kept: nothing that is read changed in them, and newer ones of their series are there',
    ]);
    expect([written, failed, blobs]).toEqual([3, false, 0]);
    const kept = ['6.15', '6.16.10', '6.16.2', '6.16.3', '6.16', '6.17.1', '6.17.3', '6.18'].map(
      (name) => `${name}.yaml`,
    );
    expect([files('kvm'), files('cpuid2')]).toEqual([kept, kept]);
    const same = ['6.16.1', '6.16.10', '6.17', '6.17.2', '6.17.3', '6.18'].map((name) => commit(`v${name}`));
    expect(readFileSync(memory, 'utf8')).toBe(
      same
        .sort()
        .map((id) => `${id}\n`)
        .join(''),
    );
    // What an earlier run found is not counted again.
    const left = { ...facts, policies: facts.policies.filter(({ version }) => kept.includes(`${version}.yaml`)) };
    expect((await sync(left)).lines).toEqual(['k: nothing new']);
  });

  test('nothing goes that another source wrote, of another commit, or without a newer one beside it', async () => {
    const { sync, facts, files, specs } = allWritten((version, one) => {
      if (version === '6.16.1') return { ...one, source: { ...one.source, repository: 'example/other' } };
      return version === '6.17.2' ? { ...one, version: '6.17.2-own' } : one;
    });
    // Of 6.17 the newest was not written yet.
    for (const kind of ['kvm', 'cpuid2']) rmSync(join(specs, kind, '6.17.3.yaml'));
    const before = files('kvm');
    expect((await sync(facts)).written).toBe(0);
    expect(files('kvm')).toEqual(before);
  });

  test('one whose facts were written in part is read again, and what cannot be read says nothing of the next', async () => {
    const { sync, facts } = allWritten();
    const { lines } = await sync({
      ...facts,
      kernels: facts.kernels.filter(({ version }) => !['6.16', '6.17'].includes(version)),
    });
    expect(lines.filter((line) => line.includes('removed')).map((line) => line.slice(3, 9))).toEqual([
      'v6.16.',
      'v6.17.',
    ]);
  });

  test('those that say nothing that can be read are tried once for the same files, and where they are the newest', async () => {
    const step = (version: string): TestCommit => ({
      subject: version,
      files: { [TDX_PATH]: 'static int broken(\n', Makefile: version },
      tags: [`v${version}`],
    });
    const { sync } = setUp(['6.16', '6.16.1', '6.16.2'].map(step), { tags: { since: '6.16' } });
    const { lines, failed } = await sync();
    expect([lines.map((line) => line.slice(0, 20)), failed]).toEqual([
      ['k: v6.16: not read: ', 'k: v6.16.2: not read', 'k: 1 versions not ke'],
      true,
    ]);
  });

  test('none are asked for where the source names no first one', async () => {
    const { sync, files } = setUp([{ subject: '6.16', files: { [TDX_PATH]: 'a' }, tags: ['v6.16'] }]);
    expect(await sync()).toEqual({ lines: ['k: nothing new'], written: 0, failed: false, blobs: 0 });
    expect(files('kvm')).toEqual([]);
  });
});

describe('what is about to be read', () => {
  const step = (version: string, more: Partial<TestCommit> = {}): TestCommit => ({
    subject: version,
    files: { [TDX_PATH]: 'a', Makefile: `${version}\n` },
    tags: [`v${version}`],
    ...more,
  });
  test.each([
    ['of a version', [step('7.1')], '7.1\n'],
    ['of a tip', [step('7.1', { tags: [] }), step('8.0', { branch: 'next', tags: [] })], '8.0\n'],
  ])('%s is fetched at once, before any of it is read', async (_, commits, lost) => {
    const { sync, path } = setUp(commits, { url: '/nowhere', tags: { since: '7.1' }, tips: ['next'] }, false);
    loseBlob(path, lost);
    await expect(sync()).rejects.toThrow(UnavailableError);
  });

  /** Three versions of one series, each with another text, the middle one of which the clone lacks. */
  function lacking() {
    const steps = ['a', 'b', 'c'].map((text, at) =>
      step(`7.1.${at + 1}`, { files: { [TDX_PATH]: text, Makefile: '' } }),
    );
    const made = setUp(steps, { url: '/nowhere', tags: { since: '7.1' } }, false);
    loseBlob(made.path, 'b');
    return made;
  }

  test('is what has other files than the one before it, the newest or not', async () => {
    await expect(lacking().sync()).rejects.toThrow(UnavailableError);
  });

  test('is nothing that the specifications have, or that an earlier run found to say nothing new', async () => {
    const one = lacking();
    const versions = ['7.1.1', '7.1.2', '7.1.3'];
    const source = (version: string) => ({
      ...{ repository: 'example/k', path: TDX_PATH, blob: null },
      revision: one.commit(`v${version}`),
    });
    const facts: Facts = {
      policies: versions.map((version, at) => policy({ version, deny: [entry(1 << at)], source: source(version) })),
      kernels: versions.map((version) => ({ version, source: source(version), asks: [], unlisted: [] })),
    };
    expect((await one.sync(facts)).lines).toEqual(['k: nothing new']);
    const other = lacking();
    writeFileSync(other.memory, `${other.commit('v7.1.2')}\n`);
    expect((await other.sync()).lines).toHaveLength(2);
  });
});

describe('a kernel is read', () => {
  const TEXT = kernelFiles()[TDX_PATH] ?? '';
  const denying = kernelFiles({ filter: DENY.replace('(X86_FEATURE_RTM)', '(X86_FEATURE_QUINCE)') })[TDX_PATH] ?? '';
  const step = (version: string, tdx: string, more: Partial<TestCommit> = {}): TestCommit => ({
    subject: version,
    files: { ...kernelFiles(), [TDX_PATH]: tdx },
    tags: [`v${version}`],
    ...more,
  });

  test('where its files changed, and written where what it says did, or where it is the newest of its series', async () => {
    const { sync, files, read, written, commit, memory } = setUp(
      [
        step('7.1', TEXT),
        step('7.1.1', `/* Words. */\n${TEXT}`),
        step('7.1.2', 'static int broken(\n'),
        step('7.1.3', denying),
        step('7.1.4', `/* Words. */\n${denying}`, { branch: 'main' }),
        step('8.0', denying, { branch: 'next', tags: [] }),
      ],
      { tags: { since: '7.1' }, tips: ['next', 'gone'] },
    );
    const first = await sync();
    expect(first.lines).toEqual([
      'k: v7.1: wrote specs/kvm/7.1.yaml and specs/cpuid2/7.1.yaml',
      expect.stringMatching(/^k: v7\.1\.2: not read: arch\/x86\/kvm\/vmx\/tdx\.c:/),
      'k: v7.1.3: wrote specs/kvm/7.1.3.yaml and specs/cpuid2/7.1.3.yaml',
      'k: v7.1.4: wrote specs/kvm/7.1.4.yaml and specs/cpuid2/7.1.4.yaml',
      'k: next: wrote specs/kvm/k-7.2.1.yaml and specs/cpuid2/k-7.2.1.yaml',
      'k: 1 versions not kept: nothing that is read changed in them, and newer ones of their series are there',
    ]);
    expect([first.written, first.failed]).toEqual([4, true]);
    const kept = ['7.1.3.yaml', '7.1.4.yaml', '7.1.yaml', 'k-7.2.1.yaml'];
    expect([files('kvm'), files('cpuid2')]).toEqual([kept, kept]);
    // The name of the tag counts; the make file of each says 7.2.1.
    expect(read('kvm', '7.1.3.yaml')).toMatch(new RegExp(`^version: "?7\\.1\\.3"?$[^]*${commit('v7.1.3')}`, 'm'));
    expect(read('cpuid2', '7.1.3.yaml')).toMatch(new RegExp(`^version: "?7\\.1\\.3"?$[^]*${commit('v7.1.3')}`, 'm'));
    const same = [commit('v7.1.1'), commit('v7.1.4')].sort();
    expect(readFileSync(memory, 'utf8')).toBe(same.map((id) => `${id}\n`).join(''));
    const facts = await written();
    const next = await sync(facts);
    expect(next.lines).toEqual([expect.stringMatching(/^k: v7\.1\.2: not read: /)]);
    expect([next.written, files('kvm')]).toEqual([0, kept]);
    // Without what an earlier run found it is found again.
    writeFileSync(memory, 'no commits\n');
    expect((await sync(facts)).lines.at(-1)).toContain('1 versions not kept');
    expect([files('kvm'), readFileSync(memory, 'utf8')]).toEqual([kept, same.map((id) => `${id}\n`).join('')]);
  });
});
