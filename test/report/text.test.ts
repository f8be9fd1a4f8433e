import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain } from '../../pipeline/model/text.ts';
import { text } from '../../pipeline/report/text.ts';
import { viewOf } from '../../pipeline/report/view.ts';
import { COLUMNS, wrap } from '../../pipeline/report/wrap.ts';
import { reportOf } from './builder.ts';
import { HOSTILE, hostileText } from './hostile.ts';

describe('text', () => {
  it('has at most 72 columns and no character that acts, for any input', () => {
    fc.assert(
      fc.property(hostileText, (raw) => {
        const lines = text(viewOf(reportOf(raw))).split('\n');
        for (const line of lines) {
          expect(line.length).toBeLessThanOrEqual(COLUMNS);
          expect(plain(line)).toBe(line);
        }
      }),
      { numRuns: 100, examples: HOSTILE.map((each): [string] => [each]) },
    );
  });
});

describe('wrap', () => {
  it('loses nothing but blanks', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 0, max: 120 }), (raw, width) => {
        const lines = wrap(plain(raw), 'l'.repeat(width));
        expect(lines.join('').replaceAll(' ', '')).toBe('l'.repeat(width) + plain(raw).replaceAll(' ', ''));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(COLUMNS);
      }),
    );
  });
});

describe('plain', () => {
  it('marks each character that acts on what is shown, and no other', () => {
    const acting = [
      [0x00, 0x1f],
      [0x7f, 0x9f],
      [0xad, 0xad],
      [0x61c, 0x61c],
      [0x180e, 0x180e],
      [0x200b, 0x200f],
      [0x2028, 0x202e],
      [0x2060, 0x206f],
      [0xfeff, 0xfeff],
      [0xfff9, 0xfffb],
    ] as const;
    const blanks = new Set([0x09, 0x0a, 0x0d, 0x2028, 0x2029]);
    for (let code = 0; code <= 0xffff; code += 1) {
      const isLone = code >= 0xd800 && code <= 0xdfff;
      const isActing = acting.some(([low, high]) => code >= low && code <= high);
      const shown = plain(`a${String.fromCharCode(code)}b`);
      const expected = blanks.has(code) ? ' ' : isActing || isLone ? '\ufffd' : String.fromCharCode(code);
      if (shown !== `a${expected}b`) expect([code.toString(16), shown]).toEqual([code.toString(16), `a${expected}b`]);
    }
  });

  it('is one line without control, bidirectional and lone surrogate characters, and is stable', () => {
    fc.assert(
      fc.property(hostileText, (raw) => {
        const once = plain(raw);
        expect(once).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/);
        expect(() => encodeURIComponent(once)).not.toThrow();
        expect(plain(once)).toBe(once);
      }),
    );
  });
});

it('no line of wrapped text is an order to the runner of a workflow', () => {
  for (const order of ['::error::x', '::stop-commands::y', '##[error]z', '::::'])
    for (let length = 0; length < 90; length += 1) {
      const text = wrap(`${'a'.repeat(length)} ${order}${'b'.repeat(80)}${order} ${order}`, '  ');
      expect(text.filter((line) => /^\s*::|##\[/.test(line))).toEqual([]);
    }
  expect(wrap('::error::x', '')).toEqual([': :error::x']);
});
