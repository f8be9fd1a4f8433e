import { describe, expect, test } from 'vitest';
import { nameRevision, releaseNameOf } from '../../pipeline/extract/module/release-name.ts';
import { openBlobs } from '../../pipeline/git/blobs.ts';
import { listReleases, makefileNotes } from '../../pipeline/git/releases.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { buildRepository, git, type TestCommit } from '../helpers/repository.ts';

const env = { PATH: process.env.PATH };
/** A make file in the shape of the real ones: the update number comes from outside or from a default. */
const makefile = (update: number): string =>
  [
    'ifdef SOME_UPDATE',
    '  OPTIONS += -DTDX_MODULE_UPDATE_VER=$(SOME_UPDATE)',
    'else',
    `  OPTIONS += -DTDX_MODULE_UPDATE_VER=${update}`,
    'endif',
    'OPTIONS += -DTDX_MODULE_MAJOR_VER=1',
    'OPTIONS += -DTDX_MODULE_MINOR_VER=5',
    '',
  ].join('\n');

describe('names', () => {
  test.each([
    ['TDX_1.5.01', '1.5.01'],
    ['TDX_MODULE_1.5.05', '1.5.05'],
    ['TDX 1.5.06', '1.5.06'],
    ['TDX_1.0_V1.00', '1.0.00'],
    ['V1.0.01.01', '1.0.01'],
    ['V1.0.3', '1.0.03'],
    ['V1.5 Beta', '1.5 Beta'],
    ['TDX_MODULE_2.0.18', '2.0.18'],
  ])('%s is %s', (text, release) => expect(releaseNameOf(text)).toBe(release));

  test.each([
    'Add IPP 2021.7.1',
    'Fix for 1.5.05',
    'TDX 1.5.05: fix',
    'Revert "TDX 1.5.05"',
    'TDX 1.5',
    'v6',
    '',
    'TDX_1.5.0x1',
    '--TDX_1.5.01',
  ])('%s is none', (text) => expect(releaseNameOf(text)).toBeNull());

  test('a tag is trusted before a subject, a subject before the make file; who disagrees is told', () => {
    expect(nameRevision(['TDX_1.5.06'], 'TDX 1.5.05', makefile(4))).toEqual({
      name: { release: '1.5.06', by: 'tag', from: 'TDX_1.5.06' },
      notes: [
        'the subject (TDX 1.5.05) says 1.5.05, the tag (TDX_1.5.06) says 1.5.06',
        'the makefile (proj_defs.mk) says 1.5.04, the tag (TDX_1.5.06) says 1.5.06',
      ],
    });
    expect(nameRevision([], 'Fix', makefile(4)).name?.by).toBe('makefile');
    expect(nameRevision(['other'], 'Fix', null)).toEqual({ name: null, notes: [] });
  });
});

const release = (subject: string, tree: string, more: Partial<TestCommit> = {}): TestCommit => ({
  subject,
  files: { 'src.c': tree },
  ...more,
});
const releasesOf = async (commits: readonly TestCommit[]) => {
  const folder = buildRepository(commits);
  return { folder, found: await listReleases(openRepository(folder, env)) };
};

describe('the releases of a repository', () => {
  test('every release once, in the order of versions whatever the order of commits', async () => {
    const { found } = await releasesOf([
      release('TDX 1.5.05', '1'),
      release('V1.5 Beta', '2'),
      release('Add library 2021.7.1', '3'),
      release('TDX_1.0_V1.00', '4'),
      release('TDX 1.5.01', '5'),
      release('Fix the build', '6', { tags: ['TDX_MODULE_2.0.02'] }),
      release('V1.0.3', '7', { annotated: ['unrelated'] }),
    ]);
    expect(found.map((each) => [each.release, each.name.by])).toEqual([
      ['1.0.00', 'subject'],
      ['1.0.03', 'subject'],
      ['1.5 Beta', 'subject'],
      ['1.5.01', 'subject'],
      ['1.5.05', 'subject'],
      ['2.0.02', 'tag'],
    ]);
    expect(found.flatMap(({ notes }) => notes)).toEqual([]);
  });

  test('a release that two commits claim is the tagged one, and the other is told', async () => {
    const { folder, found } = await releasesOf([
      release('TDX 1.5.01', '1', { annotated: ['TDX_1.5.01'] }),
      release('TDX 1.5.01', '2', { branch: 'other' }),
    ]);
    expect(found.map(({ commit }) => commit)).toEqual([git(folder, 'rev-parse', 'main')]);
    expect(found[0]?.notes).toEqual([expect.stringMatching(/^the subject of \w{12} names 1\.5\.01 too/)]);
  });

  test('without a tag the newest is taken, and the other is told', async () => {
    const { folder, found } = await releasesOf([release('TDX 1.5.01', '1'), release('TDX 1.5.01', '2')]);
    expect(found.map(({ commit }) => commit)).toEqual([git(folder, 'rev-parse', 'HEAD')]);
    expect(found[0]?.notes.length).toBe(1);
  });

  test('an empty repository has none; listing reads no blob', async () => {
    expect((await releasesOf([])).found).toEqual([]);
  });

  test('the make file of a release is told where it says otherwise', async () => {
    const { folder, found } = await releasesOf([
      { subject: 'TDX 1.5.01', files: { 'proj_defs.mk': makefile(0) } },
      { subject: 'TDX 1.5.05', files: { 'proj_defs.mk': makefile(5) } },
      { subject: 'TDX 1.5.06', files: { 'proj_defs.mk': null } },
    ]);
    const blobs = openBlobs(openRepository(folder, env));
    try {
      const notes = await Promise.all(found.map((each) => makefileNotes(blobs, each)));
      expect(notes.map((each) => each.length)).toEqual([1, 0, 0]);
      expect(notes[0]?.[0]).toContain('1.5.00');
    } finally {
      await blobs.close();
    }
  });
});

const REAL = process.env.BITWATCH_MODULE_REPO;
test.skipIf(REAL === undefined)(
  'a real clone has its releases (skipped: BITWATCH_MODULE_REPO names none)',
  async () => {
    const found = await listReleases(openRepository(REAL ?? '', env));
    expect(found.length).toBeGreaterThan(0);
    expect(found.map((each) => each.release)).toContain('1.5.01');
  },
);
