import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readReleaseTable } from '../../../pipeline/extract/module/release-table.ts';
import { KnownError } from '../../../pipeline/model/errors.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const fixture = (name: string): Uint8Array => readFileSync(`fixtures/release-table/${name}/README.md`);
const digits = 'ab'.repeat(48);
const table = (...rows: readonly string[]): Uint8Array => bytes(`| Version | MRSEAM |\n|-|-|\n${rows.join('\n')}\n`);

describe('the release table of the module source', () => {
  test('gives version, page, MRSEAM and the mark of a release without source', () => {
    const { releases, notes } = readReleaseTable('README.md', fixture('plain'));
    expect(
      releases.map(({ release, url, sourcePending, line }) => [release, url?.slice(-6) ?? null, sourcePending, line]),
    ).toEqual([
      ['1.5.91', '1.5.91', false, 12],
      ['1.5.92', '1.5.92', false, 13],
      ['1.5.93', null, true, 14],
      ['2.0.91', '2.0.91', false, 15],
    ]);
    for (const { mrseam } of releases) expect(mrseam).toMatch(/^0x[0-9a-f]{96}$/);
    expect(notes).toEqual([]);
  });

  test('reads another order of columns, code spans, escaped stars and words around the version', () => {
    const { releases, notes } = readReleaseTable('README.md', fixture('other-layout'));
    expect(releases).toMatchObject([
      { release: '1.5.91', url: 'https://forge.example/module/releases/tag/TDX_MODULE_1.5.91', sourcePending: false },
      { release: '1.5.92', url: null, sourcePending: true },
      { release: '1.5.93', url: null, mrseam: null, sourcePending: false },
    ]);
    expect(notes).toEqual([
      'README.md:9: 1.5.93 has no MRSEAM.',
      'README.md:9: 1.5.93 has neither a link nor the * of a release without source.',
    ]);
  });

  test.each([
    ['a short MRSEAM', [`| 1.5.01* | 0x${digits.slice(1)} |`], 'README.md:3:11: expected an MRSEAM of 96 hex digits'],
    ['an MRSEAM with another letter', [`| 1.5.01* | ${digits.slice(1)}g |`], 'expected an MRSEAM of 96 hex digits'],
    ['no version', [`| first | ${digits} |`], 'README.md:3:1: expected one version such as 1.5.06, found "first"'],
    ['two versions', [`| 1.5.01 and 1.5.02 | ${digits} |`], 'expected one version'],
    ['a version with a stranger', [`| 1.5.01-rc1 | ${digits} |`], 'expected one version'],
    [
      'a release twice',
      [`| 1.5.01* | ${digits} |`, `| 1.5.01* | ${digits} |`],
      'README.md:4: expected 1.5.01 once, found it also on line 3',
    ],
    ['a row without MRSEAM', ['| 1.5.01 |'], 'README.md:3: expected a version and an MRSEAM, found a row of 1 cells'],
  ])('refuses %s', (_title, rows, message) => {
    expect(() => readReleaseTable('README.md', table(...rows))).toThrow(message);
  });

  test('refuses a table of hashes without versions', () => {
    expect(() => readReleaseTable('a', bytes('| MRSEAM |\n|-|\n'))).toThrow(
      'a:1: expected a column of versions beside MRSEAM',
    );
  });

  test('says what is strange: a shared MRSEAM, a link to another release, a cut-off row, no table', () => {
    const rows = [
      `| [1.5.01](https://f.example/1.5.02) | ${digits} |`,
      `| 1.5.02* | ${digits} |`,
      '',
      '| 1.5.03* | x |',
    ];
    expect(readReleaseTable('a', table(...rows)).notes).toEqual([
      'a:6: a row outside of a table was not read.',
      'a:3: 1.5.01 links to 1.5.02.',
      'a:4: 1.5.02 has the MRSEAM of 1.5.01.',
    ]);
    expect(readReleaseTable('a', bytes('# old\n'))).toEqual({ releases: [], notes: ['a has no table of releases.'] });
  });

  test('reads bytes that are not UTF-8 and says so', () => {
    const text = Buffer.concat([Buffer.from([0x43, 0xae, 0x0a, 0x0a]), table(`| 1.5.01* | ${digits} |`)]);
    expect(readReleaseTable('a', text)).toMatchObject({
      releases: [{ release: '1.5.01' }],
      notes: ['a is not valid UTF-8 and was read as ISO 8859-1.'],
    });
  });

  test('gives facts or a known error for mutated bytes', () => {
    const whole = fixture('plain');
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(8), fc.uint8Array({ maxLength: 8 }), (at, cut, insert) => {
        const mutated = Buffer.concat([whole.subarray(0, at), insert, whole.subarray(at + cut)]);
        try {
          for (const { release, mrseam } of readReleaseTable('a', mutated).releases) {
            expect(release).toMatch(/^\d+\.\d+\.\d+$/);
            if (mrseam !== null) expect(mrseam).toMatch(/^0x[0-9a-f]{96}$/);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(KnownError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
