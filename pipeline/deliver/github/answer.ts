import { MONTHS } from '../../model/day.ts';
import { plain } from '../../model/text.ts';
import type { ForgeProblem } from './forge-error.ts';

export type Headers = Readonly<Record<string, string | number | undefined>>;
export type Answer = { readonly status: number; readonly headers: Headers; readonly data: unknown };

/** What is to be done after an answer. `limited` was not carried out; `failed` may have been. */
export type Meaning =
  | { readonly kind: 'done' }
  /** Milliseconds to wait as far as the forge says. */
  | { readonly kind: 'limited'; readonly wait: number | null }
  | { readonly kind: 'failed' }
  | { readonly kind: 'refused'; readonly problem: ForgeProblem; readonly why: string };

/**
 * Reads an answer by GitHub's rules: 403 and 429 are limits where they carry retry-after, an empty quota or the words of a
 * secondary limit, and a matter of permission otherwise. 5xx and a success without a readable body are failures.
 */
export function meaningOf({ status, headers, data }: Answer): Meaning {
  if (status === 204) return { kind: 'done' };
  if (status >= 200 && status < 300)
    return typeof data === 'object' && data !== null ? { kind: 'done' } : { kind: 'failed' };
  const message = messageOf(data);
  if (status === 403 || status === 429 || status === 422) {
    const limit = limitOf(status, headers, message);
    if (limit !== null) return limit;
  }
  if (status >= 500 || status === 408) return { kind: 'failed' };
  const said = message === '' ? `${status}` : `${status}: ${message}`;
  const refused = (problem: ForgeProblem, why: string): Meaning => ({ kind: 'refused', problem, why });
  if (status === 401) return refused('denied', `the token was refused (${said})`);
  if (status === 403) return refused('denied', `the token may not do this (${said})`);
  if (status === 404) return refused('missing', `not there, or the token may not see it (${said})`);
  if (status === 410) return refused('gone', `gone (${said})`);
  if (status >= 300 && status < 400) return refused('gone', `it moved; name it by its new name (${said})`);
  return refused('rejected', `the forge does not take it (${said})`);
}

function limitOf(status: number, headers: Headers, message: string): Meaning | null {
  const isSecondary = /secondary rate limit|abuse detection|submitted too quickly/i.test(message);
  if (status === 422) return isSecondary ? { kind: 'limited', wait: null } : null;
  const after = headers['retry-after'];
  if (after !== undefined) return { kind: 'limited', wait: retryAfter(after, headers.date) };
  if (String(headers['x-ratelimit-remaining'] ?? '') === '0')
    return { kind: 'limited', wait: untilReset(headers['x-ratelimit-reset'], headers.date) };
  return status === 429 || isSecondary || /rate limit exceeded/i.test(message) ? { kind: 'limited', wait: null } : null;
}

const secondsOf = (value: string | number | undefined): number | null =>
  value !== undefined && /^\d{1,12}$/.test(String(value).trim()) ? Number(value) : null;

/** Seconds or a date (RFC 9110, 10.2.3), in milliseconds from the forge's now. */
function retryAfter(after: string | number, date: string | number | undefined): number | null {
  const named = secondsOf(after);
  if (named !== null) return named * 1000;
  const wait = Date.parse(String(after)) - Date.parse(String(date ?? ''));
  return Number.isNaN(wait) ? null : Math.max(1000, wait);
}

/** The quota's end against the forge's own clock, one second more: this machine's clock may be wrong. */
function untilReset(reset: string | number | undefined, date: string | number | undefined): number | null {
  const end = secondsOf(reset);
  const now = Date.parse(String(date ?? ''));
  return end === null || Number.isNaN(now) ? null : Math.max(1000, end * 1000 - now + 1000);
}

/** What the forge says of an error, as one short line. */
function messageOf(data: unknown): string {
  if (typeof data !== 'object' || data === null) return '';
  const { message, errors } = data as { readonly message?: unknown; readonly errors?: unknown };
  const details = Array.isArray(errors) ? errors.map((each) => JSON.stringify(each)).join(', ') : '';
  const text = plain([typeof message === 'string' ? message : '', details].filter((part) => part !== '').join(' '));
  return text.length > 300 ? `${[...text].slice(0, 300).join('')}…` : text;
}

/** The time of an answer by the forge's clock, `2026-11-21T10:06:36Z`, from its Date header (RFC 9110, 5.6.7); null without one. */
export function timeOf(headers: Headers): string | null {
  const parts = /^\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$/.exec(String(headers.date ?? ''));
  const month = MONTHS.indexOf(parts?.[2] ?? '') + 1;
  return parts === null || month === 0
    ? null
    : `${parts[3]}-${String(month).padStart(2, '0')}-${parts[1]}T${parts[4]}Z`;
}
