import { civil, MONTHS, two } from '../../model/day.ts';

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];

/** Epoch seconds as a Date field (RFC 5322, 3.3), always in UTC: `Sat, 21 Nov 2026 10:00:00 +0000`. */
export function dateText(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const { year, month, day } = civil(days);
  const time = `${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  return `${DAYS[((days % 7) + 7) % 7] ?? ''}, ${two(day)} ${MONTHS[month] ?? ''} ${year} ${time} +0000`;
}
