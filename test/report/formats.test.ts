import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULE_IDS } from '../../pipeline/judge/catalogue.ts';
import { FORMAT_NAMES, type Format } from '../../pipeline/report/format-names.ts';
import { FORMATS } from '../../pipeline/report/formats.ts';
import { viewOf } from '../../pipeline/report/view.ts';
import { everyKind, reportOf } from './builder.ts';
import { expectFile } from './golden.ts';

/** The page of bits has tests of its own: it holds its whole script. */
const FILE: Readonly<Record<Exclude<Format, 'html'>, string>> = {
  markdown: 'report.md',
  text: 'report.txt',
  briefing: 'briefing.txt',
  'briefing-markdown': 'briefing.md',
  json: 'findings.json',
  sarif: 'findings.sarif',
  annotations: 'annotations.txt',
  junit: 'junit.xml',
  comment: 'comment.md',
  summary: 'summary.md',
};

describe('a report with every kind of finding', () => {
  const view = viewOf(reportOf('SOME_NAME'));

  it.each(FORMAT_NAMES.filter((name) => name !== 'html'))('as %s', (format) => {
    expectFile(join('fixtures/report/every-kind', FILE[format]), FORMATS[format](view));
  });

  it('is the same whatever the order of the findings', () => {
    const report = reportOf('SOME_NAME');
    const reversed = { ...report, reviews: report.reviews.map((r) => ({ ...r, findings: [...r.findings].reverse() })) };
    for (const format of FORMAT_NAMES) expect(FORMATS[format](viewOf(reversed))).toBe(FORMATS[format](view));
  });

  it('uses rules of the catalogue', () => {
    for (const [rule] of everyKind('x')) expect(RULE_IDS).toContain(rule);
  });
});
