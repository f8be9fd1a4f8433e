import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { appendTo, outputsText } from '../../../pipeline/deliver/actions/files.ts';
import { lineWriter, logLine } from '../../../pipeline/deliver/actions/log.ts';
import { resultWord, stepSummary } from '../../../pipeline/deliver/actions/summary.ts';
import { EXIT, KnownError } from '../../../pipeline/model/errors.ts';
import { LIMITS } from '../../../pipeline/report/markdown.ts';
import { temporaryFolder } from '../../helpers/repository.ts';
import { isCommand, readOutputs } from '../../helpers/runner-files.ts';
import { hostileText } from '../../report/hostile.ts';

test('no line of a log is a command to the runner, whatever was printed and in whatever parts', () => {
  const commands = [
    '::set-output name=a::b',
    '  ::error::x',
    '\u00a0::stop-commands::y',
    'a ##[error]b',
    '::::',
    ':',
    ':',
  ];
  const line = fc.oneof(hostileText, fc.constantFrom(...commands), fc.constantFrom('\n', '\r', '\t'));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (parts) => {
      let log = '';
      const writer = lineWriter((text) => {
        log += text;
      });
      for (const part of parts) writer.write(part);
      writer.end();
      for (const each of log.split('\n')) {
        expect(isCommand(each)).toBe(false);
        expect(each).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
      }
    }),
  );
  expect(logLine('::error::x')).toBe(': :error::x');
  expect(logLine('a ::error::x')).toBe('a ::error::x');
});

test('a runner reads back just the outputs that were written', () => {
  const value = fc.oneof(hostileText, fc.constantFrom('a\nb', 'end_x', '<<', 'name=value\nother=1', ''));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('status', 'matrix', 'errors'), value), (outputs) => {
      // The runner reads lines: a carriage return before a line feed is part of the line's end.
      const plain = Object.fromEntries(Object.entries(outputs).map(([name, text]) => [name, text.replace(/\r/g, '')]));
      expect(readOutputs(outputsText(plain))).toEqual(plain);
    }),
  );
});

test('outputs are appended, and nothing is written where the runner names no file', () => {
  const file = join(temporaryFolder(), 'out');
  writeFileSync(file, 'a=1\n');
  appendTo(file, outputsText({ b: '2' }));
  expect(readOutputs(readFileSync(file, 'utf8'))).toEqual({ a: '1', b: '2' });
  appendTo(undefined, 'x');
  appendTo('', 'x');
  expect(() => appendTo(join(file, 'below'), 'x')).toThrow(KnownError);
});

test('a summary shows hostile lines as text in a fence that they cannot close', () => {
  fc.assert(
    fc.property(fc.array(hostileText), (lines) => {
      const summary = stepSummary('sync', EXIT.clean, { lines: `${lines.join('\n')}\n\`\`\`\`\n</pre>` });
      const rest = summary.split('\n').slice(4);
      const fence = /^(`+)text$/.exec(rest[0] ?? '')?.[1] ?? 'none';
      const closing = rest.flatMap((line, index) =>
        /^ {0,3}`+\s*$/.test(line) && line.trim().length >= fence.length ? [index] : [],
      );
      expect(closing).toEqual([rest.length - 2]);
      expect(summary).not.toMatch(/[\u001b\u202e]/);
    }),
  );
});

test('a summary never exceeds what a step may write, is cut at a line’s end and says so', () => {
  const line = `${'x'.repeat(99)}\n`;
  const summary = stepSummary('sync', EXIT.clean, { lines: line.repeat(20_000) });
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(1024 * 1024);
  const shown = summary.split('\n').filter((each) => each === 'x'.repeat(99)).length;
  expect(summary).toContain(`\n\n${20_000 - shown} lines are left out here.`);
  expect(Buffer.byteLength(summary)).toBeGreaterThan(1024 * 1024 - 400);
  const most = stepSummary('check --base base', EXIT.clean, { markdown: 'x'.repeat(LIMITS.summary) });
  expect(most.endsWith('xx\n')).toBe(true);
  expect(Buffer.byteLength(most)).toBeLessThanOrEqual(1024 * 1024);
  const markdown = stepSummary('check', EXIT.clean, { markdown: 'x'.repeat(1024 * 1024) });
  expect(markdown).toContain('too long for a summary');
});

test('incomplete, unavailable and clean are told apart in word and sentence', () => {
  expect(Object.values(EXIT).map(resultWord)).toEqual([
    'clean',
    'usage',
    'data',
    'no-input',
    'unavailable',
    'bug',
    'cannot-create',
    'io',
    'incomplete',
    'findings',
    // Whoever read left: no bug.
    'closed-pipe',
  ]);
  expect(resultWord(1)).toBe('bug');
  const said = { lines: 'x: nothing new\n' };
  expect(stepSummary('sync', 75, said)).toContain('**Incomplete: part of it could not be fetched or read.');
  expect(stepSummary('sync', 69, said)).toContain('This does not mean that nothing is new.');
  expect(stepSummary('sync', 0, said)).toContain('**Ended well.**');
});
