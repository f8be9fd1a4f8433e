import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { reviewFacts } from '../../pipeline/cases/review.ts';
import { wholeReport } from '../../pipeline/cases/whole-report.ts';
import { RULES } from '../../pipeline/judge/catalogue.ts';
import { sarif } from '../../pipeline/report/sarif.ts';
import { type View, viewOf } from '../../pipeline/report/view.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { reportOf } from './builder.ts';

/** RFC 3986: what an absolute URI and a relative reference look like; a space or a bracket is in neither. */
const PATH = /^(?!\/)(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-F]{2}|\/)+$/;
const absolute = z.string().regex(/^https:\/\/[\w.-]+\/\S*$/);
const text = z.strictObject({ text: z.string().min(1) });
const level = z.enum(['none', 'note', 'warning', 'error']);

/** SARIF 2.1.0 (OASIS, 27 March 2020) of what bitwatch writes: names and types by its sections, and nothing beside them. */
const LOG = z.strictObject({
  $schema: absolute,
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string().min(1),
          semanticVersion: z.string().regex(/^\d+\.\d+\.\d+/),
          rules: z.array(
            z.strictObject({
              id: z.string().min(1),
              shortDescription: text,
              fullDescription: text,
              help: text,
              helpUri: absolute.optional(),
              defaultConfiguration: z.strictObject({ level }),
            }),
          ),
        }),
      }),
      // 3.14.12 and 3.23: an array of unique items, each with an absolute address.
      versionControlProvenance: z
        .array(z.strictObject({ repositoryUri: absolute, revisionId: z.string().regex(/^[0-9a-f]{40}$/) }))
        .min(1)
        .optional(),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(0),
          level,
          message: text,
          locations: z
            .array(
              z.strictObject({
                physicalLocation: z.strictObject({
                  artifactLocation: z.strictObject({ uri: z.string().regex(PATH) }),
                  region: z.strictObject({ startLine: z.int().min(1) }),
                }),
              }),
            )
            .min(1),
          partialFingerprints: z.record(z.string(), z.string()),
          properties: z.strictObject({
            review: z.string(),
            repositories: z.array(z.string().regex(/^.+@.+$/s)),
            line: z.string().optional(),
          }),
          suppressions: z.array(
            z.strictObject({
              kind: z.enum(['inSource', 'external']),
              status: z.literal('accepted'),
              justification: z.string(),
            }),
          ),
        }),
      ),
      properties: z.strictObject({ leftOut: z.int().min(0) }),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
    }),
  ),
});

/** What the standard says beyond names and types. */
function checked(view: View) {
  const [run] = LOG.parse(JSON.parse(JSON.stringify(sarif(view, '1.2.3')))).runs;
  if (run === undefined) throw new Error('no run');
  const { rules } = run.tool.driver;
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
  for (const { ruleId, ruleIndex } of run.results) expect(rules[ruleIndex]?.id).toBe(ruleId);
  const provenance = (run.versionControlProvenance ?? []).map((each) => JSON.stringify(each));
  expect(new Set(provenance).size).toBe(provenance.length);
  return run;
}

const specs = await shippedSpecs();
const web = new Map(specs.sources.map(({ repository, url }) => [repository, url]));

describe('of real reviews', () => {
  const [from, to] = ['1.5.06', '2.0.08'].map((name) => specs.releases.find(({ module }) => module.release === name));
  const policy = specs.policies.at(-1) ?? null;
  if (from === undefined || to === undefined) throw new Error('not in specs/');
  const report = reviewFacts(specs, { release: to, since: from, policies: [policy] }, '2026-11-21');
  const run = checked({ ...viewOf(report), web });
  const own = (release: typeof to): string => `${release.module.source.repository}@${release.module.source.revision}`;

  test('every result of a pair names the repositories of both releases, with or without lines', () => {
    expect(run.results.length).toBeGreaterThan(10);
    expect(run.results.length).toBeLessThanOrEqual(25);
    for (const { properties } of run.results)
      expect(properties.repositories).toEqual(expect.arrayContaining([own(from), own(to)]));
    // The tables of 2.0.08 were read without lines: what rests on them alone says so, and stands at their file.
    const bare = run.results.filter(({ properties }) => properties.line !== undefined);
    expect(bare.length).toBeGreaterThan(0);
    for (const { locations, properties } of bare) {
      expect(properties.line).toMatch(/^not known/);
      expect(locations).toEqual([
        { physicalLocation: { artifactLocation: { uri: to.module.source.path }, region: { startLine: 1 } } },
      ]);
    }
  });

  test('KVM’s repository is named where it has a say: with a verdict or a line', () => {
    const kvm = `${policy?.source.repository}@${policy?.source.revision}`;
    const items = viewOf(report).sections.flatMap((section) => section.items);
    for (const [index, { properties }] of run.results.entries()) {
      const finding = items[index]?.finding;
      const hasSay =
        finding?.verdict !== null ||
        finding.evidence.some(({ repository }) => repository === policy?.source.repository);
      expect([finding?.rule, properties.repositories.includes(kvm)]).toEqual([finding?.rule, hasSay]);
    }
  });

  test('the run names each revision whose repository has a known address, and no guessed one', () => {
    expect(run.versionControlProvenance).toEqual(
      [from, to]
        .map(({ module: { source } }) => ({ repositoryUri: web.get(source.repository), revisionId: source.revision }))
        .sort((a, b) => (`${a.repositoryUri}` < `${b.repositoryUri}` ? -1 : 1)),
    );
    expect(checked(viewOf(report)).versionControlProvenance).toBeUndefined();
  });
});

test('of the whole report each review has at most 25 results, and a result without a repository says why', () => {
  const view = { ...viewOf(wholeReport(specs, '2026-11-21')), web };
  const run = checked(view);
  for (const { id } of view.sections)
    expect(run.results.filter(({ properties }) => properties.review === id).length).toBeLessThanOrEqual(25);
  for (const { properties } of run.results)
    if (properties.repositories.length === 0) expect(properties.line).toMatch(/^none: the finding is about the spec/);
});

test('a decided result is suppressed, and a rule has an address where one is known', () => {
  const view = viewOf(reportOf('x'));
  const run = checked({ ...view, rulesUrl: 'https://example.org/rules/' });
  expect(run.tool.driver.rules.map(({ helpUri }) => helpUri)).toEqual(
    RULES.map(({ id }) => `https://example.org/rules/${id}.md`),
  );
  const decided = view.sections
    .flatMap(({ items }) => items.slice(0, 25))
    .map(({ finding }) => finding.decided !== null);
  expect(run.results.map(({ suppressions }) => suppressions.length > 0)).toEqual(decided);
  expect(checked(view).tool.driver.rules.every(({ helpUri }) => helpUri === undefined)).toBe(true);
});
