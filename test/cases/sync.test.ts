import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { syncSource } from '../../pipeline/cases/sync.ts';
import { readDecidingCode } from '../../pipeline/extract/module/deciding-code.ts';
import type { CodeChange, DeciderRules } from '../../pipeline/model/decider-rules.ts';
import { CannotCreateError } from '../../pipeline/model/errors.ts';
import { readModuleFile } from '../../pipeline/specs/module-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import type { PlainSource } from '../../pipeline/specs/sources-shape.ts';
import type { Specs } from '../../pipeline/specs/store.ts';
import { loseBlob } from '../archive/inbox.ts';
import { baseTree } from '../extract/module/clobbers/tree.ts';
import { CHECKED_REGISTERS, moduleFiles } from '../helpers/module-source.ts';
import { addCommits, buildRepository, git, type TestCommit, temporaryFolder } from '../helpers/repository.ts';
import { clobbers, release } from '../judge/ground.ts';
import { contextOf } from './context.ts';
import { moduleWith, specsOf } from './facts.ts';

/** A source whose clone is in the cache already, with these commits. */
function setUp(commits: readonly TestCommit[], more: Partial<PlainSource> = {}) {
  const [cache, specs] = [temporaryFolder(), temporaryFolder()];
  const clone = join(cache, 's.git');
  mkdirSync(clone);
  buildRepository(commits, clone);
  const source: PlainSource = {
    ...{ name: 's', kind: 'module', url: '/nowhere', repository: 'example/s', licence: 'MIT' },
    ...more,
  };
  const said: string[] = [];
  const context = contextOf({ specs, cache }, { progress: (text) => said.push(text) });
  return {
    cache,
    specs,
    said,
    sync: (facts: Partial<Specs> = {}) => syncSource(context, specsOf(facts), source),
    commit: (name: string): string => git(clone, 'rev-parse', name),
    file: (path: string): string | null =>
      existsSync(join(specs, path)) ? readFileSync(join(specs, path), 'utf8') : null,
  };
}
const TABLES = moduleFiles('0x00000010');
const whole = (): Record<string, string> => ({
  ...Object.fromEntries([...baseTree()].map(([path, { text }]) => [path, text])),
  ...TABLES,
  ...CHECKED_REGISTERS,
});
/** A release as the specifications have it, read at a commit. */
const known = (name: string, revision: string, extra: Parameters<typeof moduleWith>[1] = {}) =>
  moduleWith(release(name, [{}]), {
    source: { repository: 'example/s', revision, path: 't.c', blob: null, licence: 'MIT' },
    ...extra,
  });
const NO_CODE = ' (the code that decides was not compared: this tree does not hold it)';
const NOT_SHOWN = /^s: 1\.5\.77: wrote specs\/modules\/1\.5\.77\.yaml \(no clobbers: [^()]*\)$/;

describe('the releases of a module', () => {
  test('are written with what their trees show, and what is known already is nothing new', async () => {
    const { sync, file, commit, said } = setUp([
      { subject: 'TDX 1.5.77', files: TABLES },
      { subject: 'TDX 1.5.78', files: { 'proj_defs.mk': null } },
      { subject: 'Fix', files: { 'x.c': '' } },
    ]);
    const { lines, written, failed, blobs } = await sync();
    expect(lines).toEqual([
      expect.stringMatching(NOT_SHOWN),
      expect.stringContaining('s: 1.5.78: wrote specs/modules/'),
    ]);
    expect([written, failed, said]).toEqual([2, false, ['s: fetching /nowhere']]);
    expect(blobs).toBeGreaterThanOrEqual(5);
    const first = await readModuleFile('m', file('modules/1.5.77.yaml') ?? '', NO_CACHE);
    expect(first.source).toMatchObject({ repository: 'example/s', revision: commit('main~2') });
    // The make file of the first says another release; that its tree shows no host state stays with it.
    expect(first.notes[0]).toContain('says 1.5.06');
    expect(first.notes.at(-1)).toMatch(/^no clobbers: the module source: .*\?$/);
    const second = await readModuleFile('m', file('modules/1.5.78.yaml') ?? '', NO_CACHE);
    expect(second.notes.filter((note) => note.includes('says 1.5.06'))).toEqual([]);
    expect([file('clobbers/1.5.77.yaml'), file('deciders/1.5.77.yaml')]).toEqual([null, null]);
    const releases = [
      known('1.5.77', commit('main~2'), { notes: ['a', 'no clobbers: x'] }),
      known('1.5.78', commit('main~1'), { notes: ['no clobbers: x'] }),
    ];
    expect(await sync({ releases })).toEqual({ lines: ['s: nothing new'], written: 0, failed: false, blobs: 0 });
  });

  test('that another commit names now are told, where they are of this source', async () => {
    const { sync, commit } = setUp([{ subject: 'TDX 1.5.77', files: TABLES }]);
    const told = (repository: string) => {
      const source = { repository, revision: 'd'.repeat(40), path: 't.c', blob: null, licence: 'MIT' };
      return sync({ releases: [known('1.5.77', '', { source }), known('1.5.78', 'd'.repeat(40))] });
    };
    expect((await told('example/s')).lines).toEqual([
      's: nothing new',
      `s: 1.5.77 is now named by ${commit('main').slice(0, 12)}; specs/modules has it from dddddddddddd`,
    ]);
    expect((await told('example/other')).lines).toEqual(['s: nothing new']);
  });

  test('get the host state that an earlier run did not come to', async () => {
    const { sync, commit, file } = setUp([
      { subject: 'TDX 1.5.76', files: TABLES },
      { subject: 'TDX 1.5.77', files: whole() },
    ]);
    const [older, newer] = [commit('main~1'), commit('main')];
    const all = (extra: Parameters<typeof moduleWith>[1] = {}, at = newer) => [
      known('1.5.76', older),
      known('1.5.77', at, extra),
    ];
    // Of 1.5.76 the tree does not show it: nothing is written, and nothing said.
    expect(await sync({ releases: all() })).toMatchObject({
      lines: ['s: 1.5.77: wrote specs/clobbers/1.5.77.yaml, which was missing'],
      written: 1,
      failed: false,
    });
    expect(file('clobbers/1.5.77.yaml')).toContain(newer);
    expect(file('clobbers/1.5.76.yaml')).toBeNull();
    const nothing = async (facts: Partial<Specs>) => expect((await sync(facts)).lines[0]).toBe('s: nothing new');
    await nothing({ releases: all(), clobbers: [{ ...clobbers('none'), release: '1.5.77' }] });
    await nothing({ releases: all({ notes: ['a', 'no clobbers: its tree lacks it'] }) });
    await nothing({ releases: all({}, 'd'.repeat(40)) });
    // What is new is told beside what was missing.
    expect((await sync({ releases: all().slice(1) })).lines).toEqual([
      expect.stringContaining('s: 1.5.76: wrote specs/modules/1.5.76.yaml (no clobbers: '),
      's: 1.5.77: wrote specs/clobbers/1.5.77.yaml, which was missing',
    ]);
  });

  test('are written with their host state, and not at all where that cannot be written', async () => {
    const { sync, file, specs } = setUp([{ subject: 'TDX 1.5.77', files: whole() }]);
    writeFileSync(join(specs, 'clobbers'), '');
    await expect(sync()).rejects.toThrow(CannotCreateError);
    expect(file('modules/1.5.77.yaml')).toBeNull();
    rmSync(join(specs, 'clobbers'));
    expect((await sync()).lines).toEqual(['s: 1.5.77: wrote specs/modules/1.5.77.yaml and specs/clobbers/1.5.77.yaml']);
    const { notes } = await readModuleFile('m', file('modules/1.5.77.yaml') ?? '', NO_CACHE);
    expect(notes.filter((note) => note.includes('clobbers'))).toEqual([]);
  });

  test('have the rules of the one before where the code that decides is the same', async () => {
    const INIT = 'src/vmm_dispatcher/api_calls/tdh_mng_init.c';
    const code = (value: string) => `api_t tdh_mng_init(u64 a)\n{\n    return a + ${value};\n}\n`;
    const base = (functions: DeciderRules['functions']) =>
      new Map([
        [
          '1.5.06',
          { release: '1.5.06', functions, unexamined: [] as readonly CodeChange[] } as unknown as DeciderRules,
        ],
      ]);
    const { sync, file } = setUp([{ subject: 'TDX 1.5.77', files: { ...TABLES, [INIT]: code('1') } }]);
    expect((await sync()).lines[0]).toMatch(NOT_SHOWN);
    expect((await sync({ deciders: base([]) })).lines[0]).toMatch(
      /\) \(the code that decides was not compared: that of 1\.5\.06 was read file by file\)$/,
    );
    expect(file('deciders/1.5.77.yaml')).toBeNull();
    const told = async (value: string) => {
      const { functions } = readDecidingCode(new Map([[INIT, { text: code(value), blob: 'o' }]]));
      return (await sync({ deciders: base(functions) })).lines[0]?.replace(/ \(no clobbers: [^()]*\)/, '');
    };
    const wrote = 's: 1.5.77: wrote specs/modules/1.5.77.yaml and specs/deciders/1.5.77.yaml';
    expect(await told('1')).toBe(wrote);
    expect(file('deciders/1.5.77.yaml')).toContain('the functions that decide are those of 1.5.06, token by token');
    expect(await told('2')).toBe(`${wrote} (the code that decides changed, not examined: tdh_mng_init (${INIT}:1))`);
    const bare = setUp([{ subject: 'TDX 1.5.77', files: TABLES }]);
    expect((await bare.sync({ deciders: base([]) })).lines[0]?.endsWith(NO_CODE)).toBe(true);
  });
});

describe('a source', () => {
  test('that is not at hand, or whose clone is damaged, fails by itself', async () => {
    const { sync, cache } = setUp([{ subject: 'TDX 1.5.77', files: TABLES }]);
    rmSync(join(cache, 's.git'), { recursive: true });
    expect(await sync()).toEqual({
      lines: [`s: /nowhere is not in the cache at ${cache}, and --offline fetches nothing`],
      written: 0,
      blobs: 0,
      failed: true,
    });
  });

  test('whose history is shallow says so', async () => {
    const { sync, cache, commit } = setUp([{ subject: 'Fix', files: TABLES }]);
    writeFileSync(join(cache, 's.git', 'shallow'), `${commit('main')}\n`);
    expect((await sync()).lines).toEqual([
      's: the history is shallow: releases before its first commit are not seen',
      's: nothing new',
    ]);
  });

  test('that is fetched says which of its tags were rewritten, and fails by itself where what is read next is not to be had', async () => {
    const [cache, specs] = [temporaryFolder(), temporaryFolder()];
    const url = buildRepository([{ subject: 'TDX 1.5.77', files: TABLES, tags: ['TDX_1.5.77'] }]);
    for (const name of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant']) git(url, 'config', name, 'true');
    const sync = (facts: Partial<Specs> = {}) =>
      syncSource(contextOf({ specs, cache, offline: false }), specsOf(facts), {
        ...{ name: 's', kind: 'module', url, repository: 'example/s', licence: 'MIT' },
      });
    const made = TABLES['proj_defs.mk'] ?? '';
    const kept = join(temporaryFolder(), 'kept');
    cpSync(url, kept, { recursive: true });
    loseBlob(url, made);
    const { lines, ...lost } = await sync();
    expect(lost).toEqual({ written: 0, blobs: 0, failed: true });
    expect(lines).toEqual([expect.stringMatching(/^s: (?!1\.5\.77)/)]);
    rmSync(url, { recursive: true });
    cpSync(kept, url, { recursive: true });
    expect((await sync()).lines).toEqual([expect.stringMatching(NOT_SHOWN)]);
    const before = git(url, 'rev-parse', 'main');
    addCommits(url, [{ subject: 'Fix', files: { 'x.c': '' } }], 1);
    git(url, 'tag', '-f', 'TDX_1.5.77', 'main');
    const now = git(url, 'rev-parse', 'main');
    expect((await sync({ releases: [known('1.5.77', now, { notes: ['no clobbers: x'] })] })).lines).toEqual([
      `s: the tag TDX_1.5.77 was rewritten: ${before.slice(0, 12)} is now ${now.slice(0, 12)}`,
      's: nothing new',
    ]);
  });

  test('of binaries gives what its mapping file says', async () => {
    const { sync, file } = setUp([{ subject: 'one', files: { 'mapping_file.json': '{"tdx_module_releases": []}' } }], {
      kind: 'binaries',
    });
    expect(await sync()).toMatchObject({
      lines: ['s: 0 releases: wrote specs/releases.yaml'],
      written: 1,
      failed: false,
    });
    expect(file('releases.yaml')).toContain('releases:');
  });

  test('of the module brings its table of releases too', async () => {
    const table = `| Version | MRSEAM |\n|-|-|\n| 1.5.77 | ${'ab'.repeat(48)} |\n`;
    const { sync, file } = setUp([{ subject: 'TDX 1.5.77', files: { ...TABLES, 'README.md': table } }]);
    const { lines, written } = await sync();
    expect([lines[1], written]).toEqual(['s: README lists 1 releases: wrote specs/releases.yaml', 2]);
    expect(file('releases.yaml')).toContain('ab'.repeat(48));
  });
});
