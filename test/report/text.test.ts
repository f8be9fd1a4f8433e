import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain } from '../../pipeline/report/plain.ts';
import { COLUMNS, text, wrap } from '../../pipeline/report/text.ts';
import { viewOf } from '../../pipeline/report/view.ts';
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
