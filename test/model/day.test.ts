import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDay } from '../../pipeline/model/day.ts';

test('days at the ends of February and of centuries are those of the calendar', () => {
  const days = Array.from(
    { length: 805 * 7 },
    (_, at) => Date.UTC(1600 + Math.floor(at / 7), 2, 1) + ((at % 7) - 3) * 86_400_000,
  );
  expect(days.map((ms) => formatDay(ms / 1000))).toEqual(days.map((ms) => new Date(ms).toISOString().slice(0, 10)));
});

test('days are those of the calendar', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
      expect(formatDay(seconds)).toBe(new Date(seconds * 1000).toISOString().slice(0, 10));
    }),
  );
});
