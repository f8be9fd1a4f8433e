import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareMappings, readBinariesTable } from '../../../pipeline/extract/module/binaries-table.ts';
import { readMappingFile } from '../../../pipeline/extract/module/mapping-file.ts';
import { KnownError } from '../../../pipeline/model/errors.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const fixture = (name: string): Uint8Array => readFileSync(`fixtures/mapping/${name}`);
const mapping = (name: string) => readMappingFile('m.json', fixture(`${name}/mapping_file.json`));
const table = (name: string) => readBinariesTable('README.md', fixture(`${name}/README.md`));
const whole = fixture('agree/mapping_file.json').toString();

describe('mapping_file.json', () => {
  test('gives 64-bit features and the limits of an update', () => {
    expect(mapping('agree')).toEqual({
      notes: [],
      releases: [
        { release: '1.5.91', minModule: '1.5.91', seamldr: ['1.5.90'], features0: 0x1fn, at: 'tdx_module_releases[0]' },
        {
          release: '1.5.92',
          minModule: '1.5.91',
          seamldr: ['1.5.90', '2.0.90'],
          features0: 0x30_0000_001fn,
          at: 'tdx_module_releases[1]',
        },
        {
          release: '2.0.91',
          minModule: '2.0.91',
          seamldr: ['2.0.90'],
          features0: (1n << 64n) - 1n,
          at: 'tdx_module_releases[2]',
        },
      ],
    });
  });

  test.each([
    [
      'features that are no string',
      '"0x1F"',
      '31',
      'm.json: tdx_module_releases[0].tdx_feature0: expected a hex string, found 31',
    ],
    [
      'features beyond 64 bits',
      '"0x1F"',
      '"0x10000000000000000"',
      'tdx_module_releases[0].tdx_feature0: expected a 64-bit hex string',
    ],
    [
      'a version that is a number',
      '"version": "1.5.92"',
      '"version": 1.5',
      'tdx_module_releases[1].version: expected a version in quotes, found 1.5',
    ],
    [
      'a bad loader version',
      '"2.0.90"\n',
      '"2.0"\n',
      'min_seamldr_versions[1]: expected a version such as 1.5.06, found "2.0"',
    ],
    [
      'a missing member',
      '"tdx_feature0": "0x1F"',
      '"tdx_features0": "0x1F"',
      'tdx_module_releases[0].tdx_feature0: expected a hex string, found nothing',
    ],
    [
      'a release twice',
      '"version": "1.5.92"',
      '"version": "1.5.91"',
      'tdx_module_releases[1].version: expected 1.5.91 once',
    ],
    [
      'no releases',
      'tdx_module_releases',
      'releases',
      'tdx_module_releases: expected an array of releases, found nothing',
    ],
    [
      'a key twice',
      '"Info": "synthetic"',
      '"Copyright": "again"',
      'm.json:4:5: expected the key "Copyright" once in its object',
    ],
    ['a comma too many', '"1.0"\n', '"1.0",\n', 'm.json:6:3: expected a key in double quotes, found "},'],
  ])('refuses %s', (_title, from, to, message) => {
    expect(whole).toContain(from);
    expect(() => readMappingFile('m.json', bytes(whole.replace(from, to)))).toThrow(message);
  });

  test('notes members that it does not know', () => {
    const text = whole
      .replace('"version": "1.5.91"', '"note": 1, "version": "1.5.91"')
      .replace('"Header"', '"More": [], "Header"');
    expect(readMappingFile('m.json', bytes(text)).notes).toEqual([
      'm.json: More is not known and was not read.',
      'm.json: tdx_module_releases[0].note is not known and was not read.',
    ]);
  });

  test('gives facts or a known error for mutated text', () => {
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(20), fc.string({ maxLength: 6 }), (at, cut, insert) => {
        try {
          for (const { features0 } of readMappingFile('m', bytes(whole.slice(0, at) + insert + whole.slice(at + cut)))
            .releases) {
            expect(features0 >> 64n).toBe(0n);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(KnownError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the README table of the binaries', () => {
  test('agrees with mapping_file.json, whatever the order of loaders', () => {
    expect(compareMappings(mapping('agree'), table('agree'))).toEqual([]);
  });

  test('each difference is told, by release in version order', () => {
    expect(compareMappings(mapping('differ'), table('differ'))).toEqual([
      { release: '1.5.91', kind: 'min-module', mapping: '1.5.91', table: '1.5.90' },
      { release: '1.5.92', kind: 'seamldr', mapping: ['1.5.90', '2.0.90'], table: ['1.5.90'] },
      { release: '2.0.99', kind: 'only-in-table' },
      { release: '2.0.100', kind: 'only-in-mapping' },
    ]);
  });

  test('refuses a bad version and a release twice, notes a README without the table', () => {
    const text = fixture('agree/README.md').toString();
    expect(() => readBinariesTable('a', bytes(text.replace('2.0.90, ', '2.0, ')))).toThrow(
      'expected a version such as 1.5.06, found "2.0"',
    );
    expect(() => readBinariesTable('a', bytes(text.replace('| 1.5.92 ', '| 1.5.91 ')))).toThrow(
      'a:8: expected 1.5.91 once',
    );
    expect(readBinariesTable('a', bytes('# none\n')).notes).toEqual(['a has no table of releases.']);
  });
});
