import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { releaseSteps } from '../../pipeline/cases/release-steps.ts';
import { releaseReview } from '../../pipeline/cases/reviews.ts';
import { diffReleases } from '../../pipeline/diff/release.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import { viewOf } from '../../pipeline/report/view.ts';
import { readLineage } from '../../pipeline/specs/lineage-table.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import type { Specs } from '../../pipeline/specs/store.ts';
import { ROOT } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';

let specs: Specs;
beforeAll(async () => {
  specs = await shippedSpecs();
});

test('golden: each release is compared with the one whose code it has', () => {
  const steps = releaseSteps(specs).map(({ from, to }) => `${from.module.release} ${to.module.release}`);
  expect(steps).toEqual([
    '1.0.00 1.0.01',
    '1.0.01 1.0.03',
    '1.0.03 1.5 Beta',
    '1.5 Beta 1.5.01',
    '1.5.01 1.5.05',
    '1.5.05 1.5.06',
    '1.5.06 1.5.08',
    '1.5.08 1.5.09',
    '1.5.09 1.5.13',
    '1.5.13 1.5.16',
    '1.5.16 1.5.28',
    '1.5.28 1.5.34',
    '1.5.08 2.0.02',
    '1.5.09 2.0.04',
    '1.5.16 2.0.08',
    '2.0.08 2.0.12',
    '1.5.28 2.0.16',
    '2.0.16 2.0.18',
  ]);
});

test('the figures of the argued rows are those of the tables', () => {
  const release = (name: string): Specs['releases'][number] => {
    const found = specs.releases.find(({ module }) => module.release === name);
    if (found === undefined) throw new Error(`${name} was not read`);
    return found;
  };
  const differ = (from: string, to: string): number =>
    diffReleases(release(from), release(to)).changes.reduce((sum, { mask }) => sum + bitsOf(mask).length, 0);
  let figures = 0;
  for (const row of specs.lineage) {
    const own = /(\d+|no) bits? (?:of the tables )?differs?/.exec(row.why)?.[1];
    const other = /from (\S+) (\d+) do/.exec(row.why);
    if (own !== undefined) {
      figures += 1;
      expect([row.release, differ(row.follows, row.release)]).toEqual([row.release, own === 'no' ? 0 : Number(own)]);
    }
    if (other !== null) {
      figures += 1;
      expect([row.release, differ(other[1] ?? '', row.release)]).toEqual([row.release, Number(other[2])]);
    }
  }
  expect(figures).toBeGreaterThan(10);
});

test('a review says what the release is compared with, why, what lies between and what else there is', () => {
  const said = (name: string, since: string): string => {
    const release = (wanted: string) => specs.releases.find(({ module }) => module.release === wanted);
    const [from, to] = [release(since), release(name)];
    if (from === undefined || to === undefined) throw new Error(`${name} or ${since} was not read`);
    const review = releaseReview(specs, { from, to, policy: null });
    const coverage = { releases: [], policies: [], unread: [], cells: 0, skipped: [] };
    return viewOf({ reviews: [review], coverage })
      .sections.flatMap(({ notes }) => notes)
      .join('\n');
  };
  expect(said('2.0.04', '1.5.09')).toContain('2.0.04 is compared with 1.5.09: it has REDUCE_VE and event filters');
  expect(said('2.0.04', '1.5.09')).toContain('`bitwatch review 2.0.04 --from 2.0.02`');
  expect(said('1.5.28', '1.5.16')).toContain('between them, known by name only: 1.5.20, 1.5.24, 1.5.25');
  expect(said('2.0.04', '2.0.02')).not.toContain('is compared with');
});

const HEAD = '| Release | Follows | Why | Source |\n|---|---|---|---|\n';

test.each([
  [`${HEAD}| 2 | 1 | a | b |\n| 2 | 1 | a | b |\n`, 'one row for each release'],
  [`${HEAD}| 2 | 1 | a | b |\n| 1 | 2 | a | b |\n`, 'a circle: 2 follows 1 follows 2'],
  [`${HEAD}| 2 | 2 | a | b |\n`, 'a circle: 2 follows 2'],
  [`${HEAD}| 2 | 1 |  | b |\n`, 'every row names a release'],
])('a table that cannot be is one error with its line: %j', async (text, message) => {
  await expect(readLineage('lineage.md', text, NO_CACHE)).rejects.toThrow(/^lineage\.md:\d+/);
  await expect(readLineage('lineage.md', text, NO_CACHE)).rejects.toThrow(message);
});

test('the table of the repository is read whole', () => {
  const lines = readFileSync(join(ROOT, 'specs', 'lineage.md'), 'utf8').match(/^\| \d/gm);
  expect(specs.lineage.length).toBe(lines?.length);
});
