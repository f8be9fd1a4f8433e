import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDay } from '../../pipeline/model/day.ts';

test('days are those of the calendar', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
      expect(formatDay(seconds)).toBe(new Date(seconds * 1000).toISOString().slice(0, 10));
    }),
  );
});
