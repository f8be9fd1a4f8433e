import { MONTHS } from '../../model/day.ts';

/** In any case of letters. */
const LOWER = MONTHS.map((name) => name.toLowerCase());

const ZONES: Readonly<Record<string, number>> = {
  est: -5,
  edt: -4,
  cst: -6,
  cdt: -5,
  mst: -7,
  mdt: -6,
  pst: -8,
  pdt: -7,
};
const DATE =
  /(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?,?[\s-]+(\d{2,4})[\s,]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([+-]\d{4}|[a-z]{1,5})?/i;

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined) return 0;
  const signed = /^([+-])(\d\d)(\d\d)$/.exec(zone);
  if (signed === null) return (ZONES[zone.toLowerCase()] ?? 0) * 60;
  const minutes = Number(signed[2]) * 60 + Number(signed[3]);
  return signed[1] === '-' ? -minutes : minutes;
}

function fullYear(text: string): number {
  const year = Number(text);
  if (text.length > 3) return year;
  return year < 50 ? year + 2000 : year + 1900;
}

/** The epoch seconds of a Date field (RFC 5322 and its obsolete forms), `null` where it is none. */
export function readDate(raw: string | undefined): number | null {
  const match = raw === undefined ? null : DATE.exec(raw);
  if (match === null) return null;
  const [, day = '', monthName = '', year = '', hour = '', minute = '', second = '0', zone] = match;
  const month = LOWER.indexOf(monthName.toLowerCase());
  if (month < 0 || Number(day) > 31 || Number(hour) > 24 || Number(minute) > 59) return null;
  const local = Date.UTC(fullYear(year), month, Number(day), Number(hour), Number(minute), Number(second));
  return Math.floor(local / 1000) - zoneMinutes(zone) * 60;
}
