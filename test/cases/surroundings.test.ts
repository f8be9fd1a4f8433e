import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  cacheFile,
  cloneDirectory,
  namesOf,
  pageScript,
  specsDirectory,
  specsIn,
  specsOf,
  writtenSpecs,
} from '../../pipeline/cases/context.ts';
import { fetchFrom, fetchKnown, knownLists } from '../../pipeline/cases/sources.ts';
import { withSpecsLock } from '../../pipeline/cases/specs-lock.ts';
import { each, fetchAhead } from '../../pipeline/cases/sync-steps.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import {
  CannotCreateError,
  DataError,
  IoError,
  NoInputError,
  UnavailableError,
  UsageError,
} from '../../pipeline/model/errors.ts';
import { namesToYaml } from '../../pipeline/specs/lists-file.ts';
import type { PlainSource } from '../../pipeline/specs/sources-shape.ts';
import { loseBlob } from '../archive/inbox.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { ROOT } from '../helpers/run.ts';
import { emptySpecs } from '../helpers/specs.ts';
import { contextOf } from './context.ts';

describe('where a run keeps and finds things', () => {
  test('is what the options name, else what the program and the user have', () => {
    const own = contextOf({}, { home: '/program', env: { HOME: '/user' } });
    expect([specsDirectory(own), cacheFile(own), cloneDirectory(own)]).toEqual([
      '/program/specs',
      '/program/dist/specs-cache.jsonl',
      '/user/.cache/bitwatch',
    ]);
    expect(specsDirectory(contextOf({ specs: 'mine' }))).toBe('mine');
    expect(cloneDirectory(contextOf({ cache: 'mine' }))).toBe('mine');
    const env = (XDG_CACHE_HOME: string) => contextOf({}, { env: { HOME: '/user', XDG_CACHE_HOME } });
    expect([cloneDirectory(env('/xdg')), cloneDirectory(env(''))]).toEqual(['/xdg/bitwatch', '/user/.cache/bitwatch']);
    expect(cloneDirectory(contextOf({}, { env: {} }))).toMatch(/^\/.+\/\.cache\/bitwatch$/);
  });

  test('is written to in a checkout, or where a folder is named', () => {
    const home = temporaryFolder();
    const installed = contextOf({}, { home });
    expect(() => writtenSpecs(installed, 'decide')).toThrow(UsageError);
    expect(() => writtenSpecs(installed, 'decide')).toThrow(/^decide writes specifications, and those of an installed/);
    expect(writtenSpecs(contextOf({ specs: 'mine' }, { home }), 'decide')).toBe('mine');
    mkdirSync(join(home, 'pipeline'));
    expect(writtenSpecs(installed, 'decide')).toBe(join(home, 'specs'));
  });

  test('has the page’s script and the names of bits, or says how to make what is not there', async () => {
    const home = temporaryFolder();
    const context = contextOf({}, { home });
    expect(() => pageScript(context)).toThrow(
      new NoInputError(`${join(home, 'dist', 'page.js')}: no such file; \`npm run build\` makes the page's script`),
    );
    mkdirSync(join(home, 'dist'));
    writeFileSync(join(home, 'dist', 'page.js'), 'run();');
    expect(pageScript(context)).toBe('run();');
    mkdirSync(join(home, 'specs'));
    const name = { leaf: 7, subleaf: 1, register: 'eax', high: 7, low: 7, name: 'QUINCES' } as const;
    writeFileSync(join(home, 'specs', 'names.yaml'), await namesToYaml([name], []));
    expect((await namesOf(context)).map((each) => each.name)).toContain('QUINCES');
  });

  test('has specifications that are read once while they stand, and anew after any change', async () => {
    const folder = emptySpecs(temporaryFolder());
    const read = () => specsOf(contextOf({ specs: folder }));
    let last = await read();
    expect(await read()).toBe(last);
    const levels = join(folder, 'levels.yaml');
    const before = readFileSync(levels, 'utf8');
    const changes: readonly (() => void)[] = [
      () => writeFileSync(levels, `${before}# A comment.\n`),
      () => writeFileSync(levels, before),
      () => writeFileSync(join(folder, 'decisions.yaml'), 'decisions: []\n'),
      () => rmSync(join(folder, 'decisions.yaml')),
      () => cpSync(join(ROOT, 'specs', 'qemu'), join(folder, 'qemu'), { recursive: true }),
      () => rmSync(join(folder, 'qemu', readdirSync(join(folder, 'qemu'))[0] ?? '')),
    ];
    for (const change of changes) {
      change();
      const now = await read();
      expect(now).not.toBe(last);
      expect(await read()).toBe(now);
      last = now;
    }
    const copy = join(temporaryFolder(), 'specs');
    cpSync(folder, copy, { recursive: true });
    expect((await specsOf(contextOf({ specs: copy }))).directory).toBe(copy);
    rmSync(levels);
    await expect(read()).rejects.toThrow(NoInputError);
  });

  test('has the last four specifications that were read, each as it stands', async () => {
    const root = temporaryFolder();
    const read = (name: string) => specsIn(contextOf(), join(root, name));
    for (const name of ['a', 'b', 'c', 'd', 'e']) emptySpecs(join(root, name));
    const first = await read('a');
    await read('b');
    writeFileSync(join(root, 'b', 'levels.yaml'), 'levels: []\n# A comment.\n');
    const changed = await read('b');
    for (const name of ['c', 'd']) expect((await read(name)).directory).toBe(join(root, name));
    // What b was before counts for none of the four.
    expect(await read('a')).toBe(first);
    expect(await read('b')).toBe(changed);
    await read('e');
    expect(await read('b')).toBe(changed);
    expect(await read('a')).not.toBe(first);
  });

  test('of specifications that are written is one run’s at a time', async () => {
    const home = temporaryFolder();
    const specs = join(home, 'specs');
    const work = async (): Promise<boolean> => existsSync(join(specs, '.bitwatch.lock'));
    expect(() => withSpecsLock(contextOf({ specs }), 'sync', work)).toThrow(
      new NoInputError(`${specs}: no specifications here`),
    );
    mkdirSync(specs);
    expect(await withSpecsLock(contextOf({ specs }), 'sync', work)).toBe(true);
    expect(await work()).toBe(false);
  });
});

describe('what a clone lacks', () => {
  const path = () => buildRepository([{ subject: 'one', files: { a: '' } }]);

  test('is fetched from its source, never offline', () => {
    const repository = openRepository(path(), {});
    expect(fetchFrom(contextOf({ offline: false }), repository, '/x').fetch).toBeTypeOf('function');
    expect(fetchFrom(contextOf(), repository, '/x')).toEqual({});
  });

  test('is fetched into clones of the cache alone, by their names in sources.yaml', async () => {
    const root = temporaryFolder();
    const [cache, specs] = [join(root, 'cache'), join(root, 'specs')];
    mkdirSync(specs);
    const source = (name: string): string =>
      `  - {name: ${name}, kind: module, url: /x, repository: a/b, licence: MIT}\n`;
    writeFileSync(
      join(specs, 'sources.yaml'),
      `sources:\n${source('other')}${source('ours')}lists:\n  - {name: l, address: l@example.org, url: "https://x.example/l", optIn: true}\n`,
    );
    const made = (folder: string) => {
      mkdirSync(folder, { recursive: true });
      return openRepository(buildRepository([{ subject: 'one', files: { a: '' } }], folder), {});
    };
    const [ours, unnamed, beside] = [
      made(join(cache, 'ours.git')),
      made(join(cache, 'unnamed.git')),
      made(join(root, 'cache-of-mine', 'ours.git')),
    ];
    const fetches = async (repository: typeof ours, offline = false) =>
      'fetch' in (await fetchKnown(contextOf({ offline, cache, specs }), repository));
    expect([await fetches(ours), await fetches(unnamed), await fetches(beside), await fetches(ours, true)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect((await knownLists(contextOf({ specs }))).map(({ name }) => name)).toEqual(['l']);
    // Of a clone that none is made into nothing is asked: that specs/ has no such file is no matter.
    const damaged = contextOf({ offline: false, cache, specs: temporaryFolder() });
    writeFileSync(join(damaged.options.specs ?? '', 'sources.yaml'), 'sources: 7\n');
    expect(await fetchKnown(damaged, beside)).toEqual({});
    expect(await fetchKnown({ ...damaged, options: { ...damaged.options, offline: true } }, ours)).toEqual({});
    await expect(fetchKnown(damaged, ours)).rejects.toThrow(DataError);
  });

  test('is fetched before it is read, of these paths at these commits, and never offline', async () => {
    const clone = buildRepository([
      { subject: 'one', files: { a: 'lost\n', b: 'here\n' } },
      { subject: 'two', files: { a: 'here\n' } },
    ]);
    loseBlob(clone, 'lost\n');
    const repository = openRepository(clone, {});
    const [now, before] = ['main', 'main~1'].map((name) => git(clone, 'rev-parse', name));
    const source: PlainSource = { name: 's', kind: 'module', url: '/nowhere', repository: 'a/b', licence: 'MIT' };
    const ahead = (offline: boolean, commits: readonly (string | undefined)[], paths: readonly string[]) =>
      fetchAhead(contextOf({ offline }), { repository, source }, commits.map(String), paths);
    await expect(ahead(false, [now, before], ['a', 'b'])).rejects.toThrow(UnavailableError);
    await ahead(true, [before], ['a']);
    for (const [commits, path] of [
      [[now], 'a'],
      [[before], 'b'],
      [[], 'a'],
    ] as const)
      await ahead(false, commits, [path]);
  });
});

test('of revisions one that cannot be read is said and keeps none back, and a fault of this machine ends the run', async () => {
  const source: PlainSource = { name: 's', kind: 'module', url: '/x', repository: 'a/b', licence: 'MIT' };
  const run = (error: Error | null) =>
    each(
      source,
      [1, 2, 3],
      (item) => `item ${item}`,
      async (item) => {
        if (item === 2 && error !== null) throw error;
        return `specs/${item}.yaml`;
      },
    );
  expect(await run(null)).toEqual({
    lines: [1, 2, 3].map((item) => `s: item ${item}: wrote specs/${item}.yaml`),
    written: 3,
    failed: false,
  });
  expect(await run(new NoInputError('it is not there'))).toEqual({
    lines: ['s: item 1: wrote specs/1.yaml', 's: item 2: not read: it is not there', 's: item 3: wrote specs/3.yaml'],
    written: 2,
    failed: true,
  });
  for (const fault of [new IoError('no space'), new CannotCreateError('no right'), new RangeError('a bug')])
    await expect(run(fault)).rejects.toBe(fault);
  expect(await each(source, [], String, async () => '')).toEqual({
    lines: ['s: nothing new'],
    written: 0,
    failed: false,
  });
});
