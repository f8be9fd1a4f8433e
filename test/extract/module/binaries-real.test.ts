import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { compareMappings, readBinariesTable } from '../../../pipeline/extract/module/binaries-table.ts';
import { readMappingFile } from '../../../pipeline/extract/module/mapping-file.ts';

const repository = process.env.BITWATCH_BINARIES_REPO;
const git = (...args: readonly string[]): Buffer => execFileSync('git', ['-C', repository ?? '.', ...args]);

// Reads two text files of each revision by name, never a binary.
test.skipIf(repository === undefined)(
  'every revision of the binaries repository states the same limits twice (skipped without BITWATCH_BINARIES_REPO)',
  () => {
    const revisions = git('log', '--format=%H', '--', 'mapping_file.json').toString().trim().split('\n');
    for (const revision of revisions) {
      const mapping = readMappingFile('mapping_file.json', git('show', `${revision}:mapping_file.json`));
      const table = readBinariesTable('README.md', git('show', `${revision}:README.md`));
      expect(mapping.releases.length).toBeGreaterThan(0);
      expect([...mapping.notes, ...table.notes]).toEqual([]);
      expect(compareMappings(mapping, table)).toEqual([]);
      expect(mapping.releases.find(({ release }) => release === '1.5.06')?.features0).toBe(0x2e1f0fbfn);
    }
  },
);
