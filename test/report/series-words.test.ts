import { expect, test } from 'vitest';
import type { ReleaseEffect } from '../../pipeline/model/series-effect.ts';
import { effectGroups } from '../../pipeline/report/series-words.ts';

test('releases that see the same of a series are one group, as ranges, and where nothing changes stands last', () => {
  const bit = { leaf: 7, subleaf: 1, register: 'eax', mask: 0x8, bits: [{ bit: 3, name: 'RAO_INT' }] } as const;
  const effect = (release: string, opened: readonly (typeof bit)[]): ReleaseEffect => ({
    release,
    verdicts: [],
    gates: { opened, shut: [] },
    closed: [],
    opened: [],
  });
  const effects = [effect('1.5', []), effect('2.0', []), effect('2.1', [bit]), effect('2.2', []), effect('2.3', [bit])];
  const lines = ['7.1.EAX RAO_INT[3]: its gate opens; a TD that user space gives the feature gets it'];
  expect(effectGroups(effects)).toEqual([
    { releases: '2.1, 2.3', lines },
    { releases: '1.5..2.0, 2.2', lines: [] },
  ]);
  expect(effectGroups(effects.slice(0, 2))).toEqual([{ releases: '1.5..2.0', lines: [] }]);
});
