import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bitFactsOf } from '../../../pipeline/cases/bit-facts.ts';
import { matrixOf } from '../../../pipeline/cases/matrix.ts';
import type { BitFacts } from '../../../pipeline/cases/page-facts.ts';
import { wholeReport } from '../../../pipeline/cases/whole-report.ts';
import { diffReleases } from '../../../pipeline/diff/release.ts';
import type { Verdict } from '../../../pipeline/model/finding.ts';
import { VERDICTS } from '../../../pipeline/model/finding.ts';
import { bitsOf, hasBit } from '../../../pipeline/model/mask.ts';
import { formatPlace } from '../../../pipeline/model/place.ts';
import { createAddress } from '../../../pipeline/report/html/client/address.ts';
import { createDifferences } from '../../../pipeline/report/html/client/differences.ts';
import { createFilter } from '../../../pipeline/report/html/client/filter.ts';
import { createModel } from '../../../pipeline/report/html/client/model.ts';
import type { Selection } from '../../../pipeline/report/html/client/types.ts';
import { pageData } from '../../../pipeline/report/html/data.ts';
import type { PageData } from '../../../pipeline/report/html/shape.ts';
import { viewOf } from '../../../pipeline/report/view.ts';
import { openCache } from '../../../pipeline/specs/cache.ts';
import { loadSpecs, type Specs } from '../../../pipeline/specs/store.ts';
import { bitFacts } from '../../helpers/bit-facts.ts';
import { bitwatch, ROOT } from '../../helpers/run.ts';
import { reportOf } from '../builder.ts';

describe('what the page says of the facts of specs/', () => {
  let specs: Specs;
  let facts: BitFacts;
  let data: PageData;
  beforeAll(async () => {
    specs = await loadSpecs(`${ROOT}/specs`, openCache(`${ROOT}/dist/specs-cache.jsonl`));
    const report = wholeReport(specs, '2026-11-21');
    facts = bitFactsOf(specs, report, '');
    data = pageData(viewOf(report, 'title', facts), facts);
  });
  const rowsByPlace = () => new Map(data.rows.map(({ place }, row) => [place, row]));

  it('is the class, and the gates, of every bit in every release', () => {
    const model = createModel(data);
    const rows = rowsByPlace();
    const wrong: string[] = [];
    for (const [release, { registers }] of facts.releases.entries()) {
      const seen = new Set<number>();
      for (const register of registers) {
        const row = rows.get(formatPlace(register)) ?? -1;
        seen.add(row);
        for (const [name, mask] of register.classes)
          for (const bit of bitsOf(mask)) {
            const said = model.className(model.classOf(row, release, bit));
            if (said.replace('-1', '1').replace('-0', '0').replace('#VE', 've') !== name)
              wrong.push(`${formatPlace(register)}[${bit}] ${name} ${said}`);
          }
        for (const bit of bitsOf(0xffffffff)) {
          const gates = [...register.gates].filter(([, mask]) => hasBit(mask, bit)).length;
          if (model.gatesOf(row, release, bit).length !== gates) wrong.push(`${formatPlace(register)}[${bit}] gates`);
        }
      }
      for (const row of rows.values())
        if (!seen.has(row) && model.className(model.classOf(row, release, 0)) !== 'absent') wrong.push(`row ${row}`);
    }
    expect(wrong).toEqual([]);
  });

  it('is the verdict of every KVM version on every bit that has one, and no other', () => {
    const model = createModel(data);
    const rows = rowsByPlace();
    const wrong: string[] = [];
    for (const [kvm, { verdicts }] of facts.policies.entries())
      for (const [release, judged] of verdicts.entries()) {
        let count = 0;
        for (const each of judged)
          for (const bit of bitsOf(each.mask)) {
            count += 1;
            const said = model.verdictOf(rows.get(formatPlace(each)) ?? -1, kvm, release, bit);
            if (VERDICTS[said] !== each.verdict) wrong.push(`${formatPlace(each)}[${bit}] ${each.verdict}`);
          }
        const all = data.rows.flatMap((_, row) =>
          bitsOf(0xffffffff).filter((bit) => model.verdictOf(row, kvm, release, bit) >= 0),
        );
        if (all.length !== count) wrong.push(`${release}: ${all.length} verdicts instead of ${count}`);
      }
    expect(wrong).toEqual([]);
  });

  it('is the diff of any two releases', () => {
    const model = createModel(data);
    const differences = createDifferences(data, model);
    const index = fc.nat({ max: facts.releases.length - 1 });
    fc.assert(
      fc.property(index, index, (from, to) => {
        const [a, b] = [facts.releases[from], facts.releases[to]];
        if (a === undefined || b === undefined) return;
        const { changes } = diffReleases(a, b);
        const expected = changes.flatMap((change) =>
          bitsOf(change.mask).map((bit) => `${formatPlace(change)}[${bit}]`),
        );
        const said = differences
          .between(from, to, 0)
          .filter((change) => change.from !== change.to)
          .flatMap(({ row, bits }) => bits.map((bit) => `${model.place(row)}[${bit}]`));
        expect([...said].sort()).toEqual([...expected].sort());
      }),
      { numRuns: 30 },
    );
  });

  it('has the numbers of the report', () => {
    for (const { release, policy, counts } of matrixOf(specs).cells) {
      const at = data.releases.findIndex(({ name }) => name === release);
      const kvm = data.policies.findIndex(({ name }) => name === policy);
      const bits = (verdict: Verdict): number => {
        const count = counts.find((each) => each.verdict === verdict);
        return (count?.features ?? 0) + (count?.fieldBits ?? 0);
      };
      expect(data.counts.exposed[kvm]?.[at]).toBe(bits('exposed'));
      expect(data.counts.denied[kvm]?.[at]).toBe(bits('denied'));
    }
    expect(data.findings).toHaveLength(
      wholeReport(specs, '2026-11-21').reviews.flatMap(({ findings }) => findings).length,
    );
  });

  it('begins with KVM’s base and the newest release, a review with its own', async () => {
    const names = ({ first, releases, policies }: PageData) => [
      releases[first.from]?.name,
      releases[first.to]?.name,
      policies[first.kvm]?.name,
    ];
    expect(names(data).slice(0, 2)).toEqual(['1.5.06', facts.releases.at(-1)?.module.release]);
    const { stdout } = await bitwatch(['review', '2.0.08', '--since', '1.5.05', '--kvm', '6.16.1', '--out', 'html=-']);
    const [, json = ''] = /id="data">(.*)<\/script>/.exec(stdout) ?? [];
    expect(names(JSON.parse(json))).toEqual(['1.5.05', '2.0.08', '6.16.1']);
  });
});

describe('the address', () => {
  const data = pageData(viewOf(reportOf('x'), 'title'), bitFacts('a&b=#% ü'));
  const { initial, read, write } = createAddress(data);
  const choice = <T>(...values: readonly T[]) => fc.constantFrom(...values);
  const selection: fc.Arbitrary<Selection> = fc.record({
    from: choice(0, 1, 2),
    to: choice(0, 1, 2),
    kvm: choice(0, 1),
    leaf: choice('', ...data.leaves),
    query: fc.string({ unit: 'grapheme' }),
    cls: choice('', 'configurable', ...data.classes.map(({ name }) => name)),
    verdict: choice('', ...data.verdicts.map(({ name }) => name)),
    host: choice('', 'clobber', 'functional', 'none'),
    changed: fc.boolean(),
    overlay: fc.boolean(),
    cell: fc.option(fc.record({ row: fc.nat({ max: data.rows.length - 1 }), bit: fc.nat({ max: 31 }) })),
  });

  it('gives back every selection that it was made from', () => {
    fc.assert(
      fc.property(selection, (chosen) => {
        expect(read(write(chosen))).toEqual(chosen);
      }),
    );
  });

  it('reads any text as a selection of known things', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const chosen = read(`#${text}`);
        expect(data.releases[chosen.from]).toBeDefined();
        expect(data.releases[chosen.to]).toBeDefined();
        expect(data.policies[chosen.kvm]).toBeDefined();
      }),
    );
    expect(read('')).toEqual(initial);
  });
});

describe('the filter', () => {
  const data = pageData(viewOf(reportOf('x'), 'title'), bitFacts('plain'));
  const model = createModel(data);
  const differences = createDifferences(data, model);
  const filter = createFilter(data, model, differences.isChanged);
  const { initial } = createAddress(data);
  const passed = (part: Partial<Selection>): readonly string[] => {
    const matches = filter.matches({ ...initial, ...part });
    return data.rows.flatMap(({ place }, row) =>
      bitsOf(0xffffffff).flatMap((bit) => (matches(row, bit) ? [`${place}[${bit}]`] : [])),
    );
  };

  it('lets everything through at first', () => {
    expect(passed({})).toHaveLength(data.rows.length * 32);
    expect(filter.isActive(initial)).toBe(false);
  });

  it.each(['7.1.EAX[1]', '0x7.1.eax[1]', 'CPUID.7.1:EAX[1]', ' alpha '])('finds a bit as %j', (query) => {
    expect(passed({ query })).toEqual(['7.1.EAX[1]']);
  });

  it('narrows by leaf, class, verdict, host state and change', () => {
    expect(passed({ leaf: '8' })).toHaveLength(128);
    expect(passed({ cls: '#VE' })).toHaveLength(128);
    expect(passed({ cls: 'configurable', leaf: '7.1' })).toHaveLength(12);
    expect(passed({ verdict: 'denied' })).toEqual(['7.1.EAX[5]']);
    expect(passed({ host: 'clobber' })).toEqual(['7.1.EAX[1]']);
    expect(passed({ host: 'functional' })).toEqual(['7.1.EAX[2]']);
    expect(passed({ changed: true, leaf: '7.1' })).toHaveLength(7);
    expect(passed({ changed: true, from: 1, to: 1 })).toEqual([]);
  });
});
