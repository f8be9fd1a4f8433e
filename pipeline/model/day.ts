const DAY = 86_400;
/** As dates of mails and of HTTP name them. */
export const MONTHS: readonly string[] = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

export const two = (value: number): string => `${value}`.padStart(2, '0');

/**
 * Year, month from 0 and day of a count of days since 1970-01-01, in the proleptic Gregorian calendar: by arithmetic, so that
 * no clock or locale enters.
 */
export function civil(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  // Years that begin on 1 March end with the leap day: eras of 400 years have equal lengths.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const month = (march + 2) % 12;
  const day = dayOfYear - Math.floor((153 * march + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month < 2 ? 1 : 0), month, day };
}

/** The day of epoch seconds in UTC, `2026-06-18`. */
export function formatDay(seconds: number): string {
  const { year, month, day } = civil(Math.floor(seconds / DAY));
  return `${`${year}`.padStart(4, '0')}-${two(month + 1)}-${two(day)}`;
}
