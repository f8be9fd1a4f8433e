import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain } from '../../pipeline/model/text.ts';
import { draftOfChange, draftOfMarkdown, draftText, titleText, wholeText } from '../../pipeline/report/posting.ts';
import { viewOf } from '../../pipeline/report/view.ts';
import { reportOf } from './builder.ts';
import { HOSTILE, hostileText } from './hostile.ts';

const shown = (text: string): string => text.replaceAll('\u200b', '').replaceAll('\u02cb', '`');

describe('titleText', () => {
  it('is the text, on one line, without what a forge makes of it', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const title = titleText(text);
        expect(title.length).toBeLessThanOrEqual(256);
        expect(title).not.toMatch(/[`\n\r\u202e\u001b]|@[\w-]|#\d|\bGH-\d|:[\w+-]+:/i);
        const whole = plain(text).replaceAll('\u02cb', '`');
        expect(whole.startsWith(shown(title).replace(/…$/, ''))).toBe(true);
      }),
      { examples: [...HOSTILE, 'x'.repeat(300), '\u{1f980}'.repeat(300)].map((text): [string] => [text]) },
    );
  });
});

describe('draftOfMarkdown', () => {
  const fenced = '# a\n\n```\n### no heading\n\n```\n\n### one\n\nx\n\n### two\n\ny\n\n## What was read\n\n- z\n';

  it('keeps every byte of a text that fits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('# a', '### b', '', '```', '~~~~', 'x', '## What was read'), { maxLength: 20 }),
        (lines) => {
          const text = lines.join('\n');
          expect(wholeText(draftOfMarkdown('t', text))).toBe(text);
          expect(draftText(draftOfMarkdown('t', text), 1e6, null)).toBe(text);
        },
      ),
    );
  });

  it('is cut before a heading, never inside a fence, and keeps what was not read', () => {
    const draft = draftOfMarkdown('t', fenced.replace('\n\ny', `\n\n${'y'.repeat(400)}`));
    const text = draftText(draft, 300, 'https://example.org/r');
    expect(text).toBe(
      '# a\n\n```\n### no heading\n\n```\n\n### one\n\nx\n\n1 of 2 findings are left out here: [see the whole report](<https://example.org/r>)\n\n## What was read\n\n- z\n',
    );
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(300);
  });

  it('cuts a text without headings between its paragraphs', () => {
    const text = draftText(
      draftOfMarkdown('t', Array.from({ length: 9 }, () => 'é'.repeat(50)).join('\n\n')),
      400,
      null,
    );
    expect(text).toMatch(/^(é{50}\n\n)+\d of 9 parts are left out here: see the whole report\n$/);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(400);
  });

  it('stays within any limit, whatever the text', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { maxLength: 40 }), fc.integer({ min: 300, max: 3000 }), (parts, limit) => {
        expect(
          Buffer.byteLength(draftText(draftOfMarkdown('t', parts.join('\n\n### ')), limit, null)),
        ).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 60 },
    );
  });
});

describe('draftOfChange', () => {
  it('shows what is gone as text, after what is new', () => {
    const text = wholeText(draftOfChange(viewOf(reportOf('x')), ['<b>@someone</b> #1']));
    expect(text.endsWith('## No longer reported (1)\n\n- &lt;b>@\u200bsomeone&lt;/b> #\u200b1\n')).toBe(true);
  });
});
