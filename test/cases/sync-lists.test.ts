import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { syncListing } from '../../pipeline/cases/sync-listing.ts';
import { syncMapping } from '../../pipeline/cases/sync-mapping.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { type KnownRelease, readReleasesFile, unknownRelease } from '../../pipeline/specs/lists-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import type { PlainSource } from '../../pipeline/specs/sources-shape.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { contextOf } from './context.ts';
import { specsOf } from './facts.ts';

const source: PlainSource = {
  name: 'ours',
  kind: 'binaries',
  url: '/nowhere',
  repository: 'example/ours',
  licence: 'MIT',
};

/** Syncs a repository of one commit with these files, in the manner of `sync`. */
function setUp(sync: typeof syncMapping | typeof syncListing, files: Readonly<Record<string, string>>) {
  const path = buildRepository([{ subject: 'one', files }]);
  const commit = git(path, 'rev-parse', 'HEAD');
  const specs = temporaryFolder();
  const context = contextOf({ specs });
  return {
    commit: commit.slice(0, 12),
    files: () => readdirSync(specs),
    run: (known: readonly KnownRelease[]) =>
      sync(context, specsOf({ known }), source, openRepository(path, context.env)),
    /** What was written, read as the program reads it. */
    written: () => {
      const file = join(specs, 'releases.yaml');
      return readReleasesFile(file, readFileSync(file, 'utf8'), NO_CACHE);
    },
  };
}
const known = (release: string, more: Partial<KnownRelease> = {}): KnownRelease => ({
  ...unknownRelease(release),
  ...more,
});

describe('mapping_file.json', () => {
  const mapping = (more: Readonly<Record<string, unknown>> = {}): string =>
    JSON.stringify({
      tdx_module_releases: [
        {
          version: '2.0.08',
          min_module_version_for_td_preserving: '2.0.02',
          min_seamldr_versions: ['2.0.00', '2.0.01'],
          tdx_feature0: '0x61F0FBF',
          ...more,
        },
        {
          version: '1.5.06',
          min_module_version_for_td_preserving: '1.5.05',
          min_seamldr_versions: ['1.5.00'],
          tdx_feature0: '0x1f',
        },
      ],
    });

  test('gives each release its features, limits and mark, and keeps what else is known', async () => {
    const { run, written, commit } = setUp(syncMapping, { 'mapping_file.json': mapping() });
    const before = [
      known('1.5.09', { seen: ['elsewhere'] }),
      known('1.5.06', {
        mrseam: 'a'.repeat(96),
        link: 'https://example.org/x',
        features0: 1n,
        seamldr: ['1.0.00'],
        seen: [
          'a README.md',
          'example/ours@aaaaaaaaaaaa mapping_file.json',
          'example/ours@aaaaaaaaaaaa README.md',
          'example/other@aaaaaaaaaaaa mapping_file.json',
        ],
      }),
    ];
    expect(await run(before)).toEqual({
      lines: ['ours: 2 releases: wrote specs/releases.yaml'],
      written: 1,
      blobs: 1,
      failed: false,
    });
    const mark = `example/ours@${commit} mapping_file.json`;
    expect(await written()).toEqual([
      {
        ...unknownRelease('1.5.06'),
        mrseam: 'a'.repeat(96),
        link: 'https://example.org/x',
        features0: 0x1fn,
        updatesFrom: '1.5.05',
        seamldr: ['1.5.00'],
        seen: [
          mark,
          'a README.md',
          'example/ours@aaaaaaaaaaaa README.md',
          'example/other@aaaaaaaaaaaa mapping_file.json',
        ],
      },
      known('1.5.09', { seen: ['elsewhere'] }),
      known('2.0.08', {
        features0: 0x61f0fbfn,
        updatesFrom: '2.0.02',
        seamldr: ['2.0.00', '2.0.01'],
        seen: [mark],
      }),
    ]);
  });

  test('is read once for each commit', async () => {
    const { run, files, commit } = setUp(syncMapping, { 'mapping_file.json': mapping() });
    const seen = ['elsewhere', `example/ours@${commit} mapping_file.json`];
    expect(await run([known('1.5.04'), known('1.5.06', { seen })])).toEqual({
      lines: ['ours: nothing new'],
      written: 0,
      blobs: 0,
      failed: false,
    });
    expect(files()).toEqual([]);
    expect((await run([known('1.5.06', { seen: [`example/ours@${commit} README.md`] })])).written).toBe(1);
  });

  test('that is not there fails, and what of it is not known is said', async () => {
    const none = setUp(syncMapping, { 'README.md': 'x\n' });
    expect(await none.run([])).toEqual({
      lines: [`ours: ${none.commit} has no mapping_file.json`],
      written: 0,
      blobs: 0,
      failed: true,
    });
    expect(none.files()).toEqual([]);
    const { run } = setUp(syncMapping, { 'mapping_file.json': mapping({ more: 1 }) });
    expect((await run([])).lines).toEqual([
      'ours: 2 releases: wrote specs/releases.yaml',
      'ours: mapping_file.json: tdx_module_releases[0].more is not known and was not read.',
    ]);
  });
});

describe('the table of releases in README.md', () => {
  const HASH = 'AB'.repeat(48);
  const table = `# Releases

| Version | MRSEAM |
| --- | --- |
| [2.0.08](https://example.org/2.0.08) | 0x${HASH} |
| 1.5.16* | |
| 1.5.06 | |
`;

  test('gives each release its link, MRSEAM and whether its source is out, and keeps what else is known', async () => {
    const { run, written, commit } = setUp(syncListing, { 'README.md': table });
    const before = [
      known('1.5.06', {
        mrseam: 'c'.repeat(96),
        link: 'https://example.org/old',
        features0: 3n,
        seen: [
          'a mapping_file.json',
          'example/ours@aaaaaaaaaaaa README.md',
          'example/ours@aaaaaaaaaaaa mapping_file.json',
          'example/other@aaaaaaaaaaaa README.md',
        ],
      }),
      known('1.5.01', { seen: ['example/ours@bbbbbbbbbbbb README.md'] }),
    ];
    expect(await run(before)).toEqual({
      lines: [
        'ours: README lists 3 releases: wrote specs/releases.yaml',
        'ours: README.md:6: 1.5.16 has no MRSEAM.',
        'ours: README.md:7: 1.5.06 has no MRSEAM.',
        'ours: README.md:7: 1.5.06 has neither a link nor the * of a release without source.',
      ],
      written: 1,
    });
    const mark = `example/ours@${commit} README.md`;
    expect(await written()).toEqual([
      known('1.5.01', { seen: ['example/ours@bbbbbbbbbbbb README.md'] }),
      known('1.5.06', {
        mrseam: 'c'.repeat(96),
        link: 'https://example.org/old',
        features0: 3n,
        sourceReleased: true,
        seen: [
          'a mapping_file.json',
          'example/ours@aaaaaaaaaaaa mapping_file.json',
          'example/other@aaaaaaaaaaaa README.md',
          mark,
        ],
      }),
      known('1.5.16', { sourceReleased: false, seen: [mark] }),
      known('2.0.08', {
        mrseam: HASH.toLowerCase(),
        link: 'https://example.org/2.0.08',
        sourceReleased: true,
        seen: [mark],
      }),
    ]);
  });

  test('is read once for each commit, and a README without one is none', async () => {
    const { run, files, commit } = setUp(syncListing, { 'README.md': table });
    const mark = `example/ours@${commit} README.md`;
    expect(await run([known('1.5.01'), known('1.5.06', { seen: ['elsewhere', mark] })])).toEqual({
      lines: [],
      written: 0,
    });
    expect(files()).toEqual([]);
    for (const other of [{ 'README.md': 'no tables\n' }, { 'x.c': '' }]) {
      const none = setUp(syncListing, other);
      expect(await none.run([known('1.5.06')])).toEqual({ lines: [], written: 0 });
      expect(none.files()).toEqual([]);
    }
  });
});
