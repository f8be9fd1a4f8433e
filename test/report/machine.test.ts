import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { RULES } from '../../pipeline/judge/catalogue.ts';
import { annotations } from '../../pipeline/report/annotations.ts';
import { findingsJson } from '../../pipeline/report/findings-json.ts';
import { junit } from '../../pipeline/report/junit.ts';
import { jsonText } from '../../pipeline/report/machine.ts';
import { sarif } from '../../pipeline/report/sarif.ts';
import { viewOf } from '../../pipeline/report/view.ts';
import { reportOf } from './builder.ts';
import { HOSTILE, hostileText } from './hostile.ts';

const examples = HOSTILE.map((text): [string] => [text]);
const withHostile = (check: (text: string) => void): void =>
  fc.assert(
    fc.property(hostileText, (text) => void check(text)),
    { numRuns: 80, examples },
  );

describe('annotations', () => {
  it('are one command a line, whatever the sources say', () => {
    const commands = (text: string): readonly string[] =>
      annotations(viewOf(reportOf(text)))
        .split('\n')
        .map((line) => /^::(error|warning|notice) title=[^:,\n]*::/.exec(line)?.[1] ?? line);
    const expected = commands('x');
    withHostile((text) => expect(commands(text)).toEqual(expected));
  });
});

describe('junit', () => {
  it('has the same elements and only characters of XML 1.0', () => {
    const tags = (xml: string): readonly string[] => xml.match(/<[/?]?[a-z]+/g) ?? [];
    const expected = tags(junit(viewOf(reportOf('x'))));
    withHostile((text) => {
      const xml = junit(viewOf(reportOf(text)));
      expect(tags(xml)).toEqual(expected);
      expect(xml).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
      expect(xml.replace(/<[^>]*>/g, '')).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot|apos|#\d+);)/);
    });
  });
});

describe('sarif', () => {
  it('has a result a finding that names a rule, a place and a fingerprint', () => {
    withHostile((text) => {
      const view = viewOf(reportOf(text));
      const [run] = sarif(view, '1.2.3').runs;
      const items = view.sections.flatMap((section) => section.items.slice(0, 25));
      expect(run?.properties.leftOut).toBe(view.sections.flatMap((section) => section.items).length - items.length);
      expect(run?.tool.driver.rules.map(({ id }) => id)).toEqual(RULES.map(({ id }) => id));
      expect(run?.results.length).toBe(items.length);
      for (const [index, result] of (run?.results ?? []).entries()) {
        const finding = items[index]?.finding;
        expect(RULES[result.ruleIndex]?.id).toBe(result.ruleId);
        expect(['none', 'note', 'warning', 'error']).toContain(result.level);
        expect(result.partialFingerprints).toEqual({ 'bitwatch/v1': finding?.fingerprint });
        expect(result.suppressions.length).toBe(finding?.decided === null ? 0 : 1);
        expect(result.message.text).not.toContain('](');
        for (const { physicalLocation } of result.locations) {
          expect(physicalLocation.artifactLocation.uri).toMatch(/^[\w.~!*'()%/-]+$/);
          expect(physicalLocation.region.startLine).toBeGreaterThan(0);
        }
      }
    });
  });
});

test('a rule in SARIF has an address where one is known', () => {
  const view = viewOf(reportOf('x'));
  const uris = (rulesUrl: string | null) =>
    sarif({ ...view, rulesUrl }, '1.2.3').runs[0]?.tool.driver.rules.map((rule) => rule.helpUri);
  expect(new Set(uris(null))).toEqual(new Set([undefined]));
  expect(uris('https://example.org/rules/')?.[0]).toBe(`https://example.org/rules/${RULES[0]?.id}.md`);
});

describe('jsonText', () => {
  it('gives back the same values and shows no character that acts', () => {
    withHostile((text) => {
      const value = findingsJson(viewOf(reportOf(text)));
      expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
      expect(jsonText(value)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    });
  });
});
