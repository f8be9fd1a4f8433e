import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  readCpuid2Revision,
  readCpuid2Tree,
  readPolicyRevision,
  readRevision,
} from '../../pipeline/cases/kvm-revision.ts';
import { readClobbersRevision, readFiles, readModuleRevision } from '../../pipeline/cases/module-revision.ts';
import { readQemuRevision, readQemuTree, syncQemu } from '../../pipeline/cases/qemu-revision.ts';
import { TDX_PATH } from '../../pipeline/extract/kvm/paths.ts';
import { readDecidingCode } from '../../pipeline/extract/module/deciding-code.ts';
import { type BlobReader, openBlobs } from '../../pipeline/git/blobs.ts';
import { openRepository, type Repository, resolveCommit } from '../../pipeline/git/repository.ts';
import type { DeciderRules } from '../../pipeline/model/decider-rules.ts';
import { DataError, NoInputError, UnavailableError } from '../../pipeline/model/errors.ts';
import type { PlainSource } from '../../pipeline/specs/sources-shape.ts';
import { loseBlob } from '../archive/inbox.ts';
import { baseTree } from '../extract/module/clobbers/tree.ts';
import { kernelFiles, policyOf } from '../helpers/kernel-tree.ts';
import { CHECKED_REGISTERS, moduleFiles } from '../helpers/module-source.ts';
import { FILES } from '../helpers/qemu-source.ts';
import { buildRepository, type TestCommit, temporaryFolder } from '../helpers/repository.ts';
import { contextOf } from './context.ts';
import { specsOf } from './facts.ts';

const context = contextOf();
/** Reads the newest commit of a repository with these. */
async function at<T>(
  commits: readonly TestCommit[],
  read: (repository: Repository, blobs: BlobReader, commit: string) => Promise<T>,
): Promise<{ readonly commit: string; readonly value: T | Error }> {
  const repository = openRepository(buildRepository(commits), context.env, 'example/it');
  const blobs = openBlobs(repository);
  try {
    const commit = await resolveCommit(repository, 'HEAD');
    return { commit, value: await read(repository, blobs, commit).catch((error) => error) };
  } finally {
    await blobs.close();
  }
}
const one = (files: TestCommit['files'], more: Partial<TestCommit> = {}): readonly TestCommit[] => [
  { subject: 'a state', files, ...more },
];

describe('a revision of the kernel', () => {
  const QUESTION = {
    id: 'q',
    asks: [{ path: 'cpuid.c', function: 'f', word: 'g' }],
    guards: [],
  } as unknown as Parameters<typeof readCpuid2Revision>[3][number];
  const ask = (repository: Repository, blobs: BlobReader, commit: string) =>
    readCpuid2Revision(repository, blobs, commit, [QUESTION]);

  test('says where it was read, also of what it asks of KVM_SET_CPUID2', async () => {
    const { commit, value } = await at(one(kernelFiles()), ask);
    expect(value).toMatchObject({
      version: '7.2.1',
      source: {
        repository: 'example/it',
        revision: commit,
        path: TDX_PATH,
        blob: expect.stringMatching(/^[0-9a-f]{40}$/),
      },
      asks: [],
    });
    const asking = { ...kernelFiles(), 'arch/x86/kvm/cpuid.c': 'int f(int a)\n{\n\treturn g(a);\n}\n' };
    expect((await at(one(asking), ask)).value).toMatchObject({
      asks: [{ question: 'q', at: { path: 'arch/x86/kvm/cpuid.c', line: 3 } }],
    });
    const unversioned = one({ ...kernelFiles(), Makefile: 'all:\n' });
    for (const read of [ask, readPolicyRevision])
      expect((await at<unknown>(unversioned, read)).value).toEqual(
        new DataError({
          where: { file: 'Makefile', line: 1 },
          expected: 'VERSION and PATCHLEVEL of a kernel',
          found: 'none',
        }),
      );
    const { value: policy } = await at(one(kernelFiles()), readPolicyRevision);
    expect(policy).toMatchObject({ version: '7.2.1', deny: policyOf().deny.map(({ mask }) => ({ mask })) });
  });

  test('without TDX in KVM, or without its make file, is none', async () => {
    const { [TDX_PATH]: _, ...without } = kernelFiles();
    const { Makefile: __, ...unversioned } = kernelFiles();
    for (const [files, missing] of [
      [without, TDX_PATH],
      [unversioned, 'Makefile'],
    ] as const) {
      const { commit, value } = await at(one(files), ask);
      expect(value).toEqual(
        new NoInputError(`example/it@${commit.slice(0, 12)}: no ${missing}: not the tree of a kernel with TDX in KVM`),
      );
    }
    const none = await at(one(without), readPolicyRevision);
    expect(none.value).toEqual(
      new NoInputError(
        `example/it@${none.commit.slice(0, 12)}: no ${TDX_PATH}: this revision has no TDX support in KVM`,
      ),
    );
    const bare = await at(one(unversioned), readPolicyRevision);
    expect(bare.value).toEqual(
      new NoInputError(
        `example/it@${bare.commit.slice(0, 12)}: no Makefile at the top, which says the version: not the whole tree of a kernel`,
      ),
    );
  });

  test('is told from one of the module by what it holds', async () => {
    const kernel = buildRepository(one(kernelFiles()));
    expect(await readRevision(context, specsOf(), kernel, 'main')).toMatchObject({
      kind: 'policy',
      policy: { version: '7.2.1', source: { repository: kernel } },
    });
    expect(await readCpuid2Tree(context, specsOf(), kernel, 'main')).toMatchObject({ version: '7.2.1', asks: [] });
    const module = buildRepository(one(moduleFiles('0x00000010')));
    expect(await readRevision(context, specsOf(), module, 'main')).toMatchObject({
      kind: 'release',
      release: {
        rules: undefined,
        unexamined: [],
        module: {
          release: '1.5.06',
          notes: expect.arrayContaining(['who decides was not examined: no release before it has rules']),
        },
      },
    });
    const INIT = 'src/vmm_dispatcher/api_calls/tdh_mng_init.c';
    const text = 'api_t tdh_mng_init(u64 a)\n{\n    return a;\n}\n';
    const { functions } = readDecidingCode(new Map([[INIT, { text, blob: 'o' }]]));
    const deciders = new Map([['1.5.06', { release: '1.5.06', rules: [], functions } as unknown as DeciderRules]]);
    const same = buildRepository(one({ ...moduleFiles('0x00000010'), [INIT]: text }));
    const read = await readRevision(context, specsOf({ deciders }), same, 'main');
    if (read.kind !== 'release') throw new Error(read.kind);
    expect(read.release.rules).toBe(deciders.get('1.5.06'));
    expect(read.release.module.notes[0]).toBe(TRUST);
    expect(read.release.module.notes.filter((note) => note === null || note.includes('who decides'))).toEqual([]);
  });
});

const TRUST = 'only the make file names this release, and its number is a build default';

describe('a revision of the module', () => {
  const read = async (commits: readonly TestCommit[], known: string | null = null) => {
    const { commit, value } = await at(commits, (...args) => readModuleRevision(...args, known));
    if (value instanceof Error) throw value;
    return { commit, release: value.release, notes: value.notes };
  };

  test('is named by its tag, else by its subject, else by its make file', async () => {
    const files = moduleFiles('0x00000010');
    // What tags name elsewhere, and what branches are called, names nothing here.
    const other = { subject: 'TDX 1.5.09', files: { 'x.c': '' }, tags: ['TDX_1.5.05', 'unrelated'] };
    const tagged = await read([other, ...one(files, { tags: ['TDX_1.5.07'] })]);
    expect([tagged.release, tagged.notes.some((note) => note.includes('says 1.5.06'))]).toEqual(['1.5.07', true]);
    expect(tagged.notes).not.toContain(TRUST);
    expect((await read(one(files, { subject: 'TDX 1.5.08' }))).release).toBe('1.5.08');
    const made = await read(one(files));
    expect([made.release, made.notes.at(0)]).toEqual(['1.5.06', TRUST]);
  });

  test('without a name is called by its commit, and one that is known by what it is known as', async () => {
    const { 'proj_defs.mk': _, ...files } = moduleFiles('0x00000010');
    const { commit, release, notes } = await read(one(files));
    expect([release, notes[0]]).toEqual([commit.slice(0, 12), 'no tag, commit subject or make file names a release']);
    const known = await read(one(files), '1.5.77');
    expect([known.release, known.notes.filter((note) => note.includes('names'))]).toEqual(['1.5.77', []]);
  });

  test('is read for what it leaves of the host’s state, by the files of its own C alone', async () => {
    const path = 'src/td_transitions/tdh_vp_enter.c';
    const files = {
      ...Object.fromEntries(
        [...baseTree()].map(([name, { text }]) => [name === 'src/paths/enter.c' ? path : name, text]),
      ),
      ...moduleFiles('0x00000010'),
      ...CHECKED_REGISTERS,
      'src/crypto/x.c': 'static int broken(\n',
    };
    const leaves = (known: string | null) => at(one(files), (...args) => readClobbersRevision(...args, known));
    const { commit, value } = await leaves(null);
    if (value instanceof Error) throw value;
    expect(value).toMatchObject({
      release: '1.5.06',
      source: { repository: 'example/it', revision: commit, path, blob: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
    expect([value.msrs.length > 0, (value.registerChecks ?? []).length > 0]).toEqual([true, true]);
    expect((await leaves('1.5.77')).value).toEqual({ ...value, release: '1.5.77' });
  });

  test('gives the files that it has, with what was odd in them', async () => {
    const { value } = await at(
      one({ 'a.c': Buffer.from('/* \xe9 */\n', 'latin1'), 'b.c': 'int b;\n' }),
      (_, blobs, commit) => readFiles(blobs, commit, ['b.c', 'none.c', 'a.c']),
    );
    if (value instanceof Error) throw value;
    expect([...value.files].map(([path, { text }]) => [path, text])).toEqual([
      ['b.c', 'int b;\n'],
      ['a.c', expect.stringMatching(/^\/\* . \*\/\n$/)],
    ]);
    expect(value.notes).toEqual([expect.stringMatching(/^a\.c/)]);
  });
});

describe('a revision of QEMU', () => {
  const filesOf = (version: string): Readonly<Record<string, string>> => ({
    ...Object.fromEntries(FILES),
    VERSION: `${version}\n`,
  });

  test('is named by its own file, which has to be a version and nothing else', async () => {
    const { commit, value } = await at(one(filesOf('77.1.50')), readQemuRevision);
    expect(value).toMatchObject({
      version: '77.1.50',
      source: { repository: 'example/it', revision: commit, path: 'target/i386/kvm/tdx.c' },
    });
    for (const version of ['77.1', '../77.1.0', '77.1.0-rc1', '77.1.00000', `7${'7'.repeat(50)}`]) {
      const { value: refused } = await at(one(filesOf(version)), readQemuRevision);
      expect(refused).toEqual(
        new DataError({
          where: { file: 'VERSION', line: 1 },
          expected: 'a version such as 11.1.0',
          found: JSON.stringify(version.slice(0, 40)),
        }),
      );
    }
    const none = await at(one({ VERSION: '10.0.0\n' }), readQemuRevision);
    expect(none.value).toEqual(
      new NoInputError(
        `example/it@${none.commit.slice(0, 12)}: no target/i386/kvm/tdx.c: QEMU has TDX since 10.1; is this a QEMU repository?`,
      ),
    );
    const path = buildRepository(one(filesOf('77.1.0')));
    expect((await readQemuTree(context, path, 'main')).version).toBe('77.1.0');
  });

  test('is fetched before it is read, all at once', async () => {
    const path = buildRepository([{ subject: '77.1.0', files: filesOf('77.1.0'), tags: ['v77.1.0'] }]);
    loseBlob(path, '77.1.0\n');
    const source: PlainSource = {
      name: 'q',
      kind: 'qemu',
      url: '/nowhere',
      repository: 'example/qemu',
      licence: 'GPL',
    };
    const update = { repository: openRepository(path, context.env) } as Parameters<typeof syncQemu>[3];
    const sync = (offline: boolean) =>
      syncQemu(contextOf({ offline, specs: temporaryFolder() }), specsOf(), source, update);
    await expect(sync(false)).rejects.toThrow(UnavailableError);
    expect((await sync(true)).lines).toEqual([expect.stringMatching(/^q: v77\.1\.0: not read: .*VERSION is object/)]);
  });

  test('is synced where it begins a line, from a version on, in the order of versions', async () => {
    const step = (version: string, ...tags: readonly string[]): TestCommit => ({
      subject: version,
      files: filesOf(version),
      tags,
    });
    const path = buildRepository([
      step('9.2.0', 'v9.2.0'),
      step('10.1.0', 'v10.1.0'),
      step('77.1.0', 'v77.1.0', 'v77.1.0-rc1'),
      step('77.1.1', 'v77.1.1', 'w77.1.0'),
      step('100.0.0', 'v100.0.0'),
      { subject: 'no version', files: { VERSION: null }, tags: ['v78.0.0'] },
    ]);
    const source: PlainSource = { name: 'q', kind: 'qemu', url: path, repository: 'example/qemu', licence: 'GPL' };
    const repository = openRepository(path, context.env);
    const sync = async (more: Partial<PlainSource>, known: readonly string[] = []) => {
      const specs = temporaryFolder();
      const qemu = known.map((revision) => ({ source: { revision } }));
      const update = { repository } as Parameters<typeof syncQemu>[3];
      const facts = specsOf({ qemu } as unknown as Parameters<typeof specsOf>[0]);
      const outcome = await syncQemu(contextOf({ specs }), facts, { ...source, ...more }, update);
      return { ...outcome, specs };
    };
    const { lines, written, failed, blobs, specs } = await sync({});
    expect(lines).toEqual([
      'q: v10.1.0: wrote specs/qemu/10.1.0.yaml',
      'q: v77.1.0: wrote specs/qemu/77.1.0.yaml',
      'q: v78.0.0: not read: VERSION:1: expected a version such as 11.1.0, found ""',
      'q: v100.0.0: wrote specs/qemu/100.0.0.yaml',
    ]);
    expect([written, failed, readdirSync(join(specs, 'qemu')).sort()]).toEqual([
      3,
      true,
      ['10.1.0.yaml', '100.0.0.yaml', '77.1.0.yaml'],
    ]);
    expect(blobs).toBeGreaterThan(FILES.size);
    expect(readFileSync(join(specs, 'qemu', '77.1.0.yaml'), 'utf8')).toContain('repository: "example/qemu"');
    const revision = await resolveCommit(repository, 'v77.1.0');
    expect((await sync({ tags: { since: '77.1' } }, [revision])).lines.map((line) => line.slice(0, 10))).toEqual([
      'q: v78.0.0',
      'q: v100.0.',
    ]);
    expect(await sync({ tags: { since: '101.0' } })).toMatchObject({
      lines: ['q: nothing new'],
      written: 0,
      failed: false,
    });
  });
});
