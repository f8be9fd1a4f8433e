import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coverageOf } from '../../pipeline/cases/coverage.ts';
import { releaseSteps } from '../../pipeline/cases/release-steps.ts';
import { groundOf, releaseReview } from '../../pipeline/cases/reviews.ts';
import { placeId } from '../../pipeline/model/place.ts';
import { plain } from '../../pipeline/model/text.ts';
import { briefingOf } from '../../pipeline/report/briefing.ts';
import { briefingText } from '../../pipeline/report/briefing-text.ts';
import { FORMATS } from '../../pipeline/report/formats.ts';
import { viewOf } from '../../pipeline/report/view.ts';
import { COLUMNS } from '../../pipeline/report/wrap.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { reportOf } from './builder.ts';
import { expectFile } from './golden.ts';
import { HOSTILE, hostileText } from './hostile.ts';

const specs = await shippedSpecs();
const ground = groundOf(specs);
const briefing = (pair: Parameters<typeof releaseReview>[1]): string => {
  const review = releaseReview(specs, pair, ground);
  return briefingText(briefingOf(review, coverageOf(specs, [review])));
};
const find = (name: string) => specs.releases.find(({ module }) => module.release === name);

const isScreen = (text: string): void => {
  const lines = text.trimEnd().split('\n');
  expect([text, lines.length <= 40]).toEqual([text, true]);
  for (const line of lines) expect([line, line.length <= COLUMNS]).toEqual([line, true]);
};

describe('a briefing', () => {
  test('is one screen for all neighbours under every kernel, and from far away', () => {
    for (const { from, to } of releaseSteps(specs))
      for (const policy of [null, ...specs.policies]) isScreen(briefing({ from, to, policy }));
    const [oldest, newest] = [specs.releases[0], specs.releases.at(-1)];
    if (oldest === undefined || newest === undefined) throw new Error('no releases');
    isScreen(briefing({ from: oldest, to: newest, policy: specs.policies[0] ?? null }));
  });

  test.each(['6.16.1', '7.1.5'])('of 2.0.08 from 1.5.06 on %s says what to decide', (kernel) => {
    const [from, to] = [find('1.5.06'), find('2.0.08')];
    const policy = specs.policies.find(({ version }) => version === kernel);
    if (from === undefined || to === undefined || policy === undefined) throw new Error('facts are gone');
    expectFile(join('fixtures/report/briefing', `2.0.08-on-${kernel}.txt`), briefing({ from, to, policy }));
  });

  test('of the oldest release compares with nothing, and joins what KVM misses', () => {
    const oldest = find('1.0.00');
    if (oldest === undefined) throw new Error('facts are gone');
    const text = briefing({ from: oldest, to: oldest, policy: specs.policies.at(-1) ?? null }).replace(/\s+/g, ' ');
    expect(text).toMatch(/, the oldest release that was read: there is nothing to compare it with runs/);
    expect(text).toMatch(
      /KVM needs topology_enum and no_rbp_mod of TDX_FEATURES0 \(vmx\/tdx\.c:\d+, tdx\/tdx\.c:\d+\)/,
    );
    expect(text).not.toMatch(/coming from|since 1\.0\.00|--from/);
    const other = find('2.0.08');
    if (other === undefined) throw new Error('facts are gone');
    const itself = briefing({ from: other, to: other, policy: null });
    expect(itself).toMatch(/^TDX module 2\.0\.08, compared with itself$/m);
    expect(itself).toMatch(/--from 2\.0\.08/);
  });

  test('names what was not read on the way, on the line that the release comes from too', () => {
    const unread = (since: string, name: string): string => {
      const [from, to] = [find(since), find(name)];
      if (from === undefined || to === undefined) throw new Error('facts are gone');
      return /not read: (.*?) lies? between/.exec(briefing({ from, to, policy: null }).replace(/\s+/g, ' '))?.[1] ?? '';
    };
    expect(unread('1.5.06', '2.0.16')).toBe('1.5.20, 1.5.24, 1.5.25, 2.0.05, 2.0.14');
    // 2.0.08 follows 1.5.16: the later ones of that line do not lie before it.
    expect(unread('1.5.06', '2.0.08')).toBe('2.0.05');
    expect(unread('2.0.12', '2.0.16')).toBe('2.0.14');
    expect(unread('2.0.16', '2.0.18')).toBe('');
  });

  test('tells each kind once, a bit once, and bits or their registers', () => {
    const [from, to] = [find('1.5.06'), find('2.0.08')];
    if (from === undefined || to === undefined) throw new Error('facts are gone');
    const review = releaseReview(specs, { from, to, policy: specs.policies.at(-1) ?? null }, ground);
    const [text = ''] = briefingOf(review, coverageOf(specs, [review])).parts.at(-1)?.sentences ?? [];
    const labels = text.split('; ').map((part) => part.slice(0, part.indexOf(': ')));
    expect(new Set(labels).size).toBe(labels.length);
    expect(text).toContain('configurable now, passed: 4.{0,1,2}.EDX[2];');
    expect(text).toContain('leaf enumerated: 0x18; leaf enumerated under REDUCE_VE: 0x80000002;');
    const otherwise = review.findings.filter(({ facts, level }) => facts.kind === 'decider' && level === 'info');
    const bits = new Set(
      otherwise.flatMap(({ places }) =>
        places.flatMap((place) => place.bits.map(({ bit }) => `${placeId(place)} ${bit}`)),
      ),
    );
    expect(text).toContain(`(${bits.size} bits)`);
  });

  test('says why KVM refuses a release, and decides nothing then', () => {
    const [from, to] = [find('1.5 Beta'), find('1.5.01')];
    if (from === undefined || to === undefined) throw new Error('facts are gone');
    const text = briefing({ from, to, policy: specs.policies.at(-1) ?? null });
    expect(text).toMatch(/^ {2}runs {8}no: KVM needs topology_enum/m);
    expect(text).toMatch(/^ {2}decide 0$/m);
  });

  test('holds nothing that acts, whatever its sources say', () => {
    fc.assert(
      fc.property(hostileText, (raw) => {
        const view = viewOf(reportOf(raw));
        for (const line of FORMATS.briefing(view).split('\n')) {
          expect(plain(line)).toBe(line);
          expect(line.length).toBeLessThanOrEqual(COLUMNS);
        }
      }),
      { numRuns: 30, examples: HOSTILE.map((each): [string] => [each]) },
    );
  });
});
