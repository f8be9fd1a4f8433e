import { createHash } from 'node:crypto';
import type { Finding } from '../model/finding.ts';
import { hex32 } from '../model/mask.ts';
import { compareTexts } from '../model/order.ts';
import { formatPlace } from '../model/place.ts';

/**
 * 16 hex digits over rule, release or KVM, places, masks and facts. What the release comes from or runs on, wording, level, names,
 * evidence and decisions do not enter: the same facts are the same finding, however it was asked for and worded.
 */
export function fingerprintOf({
  rule,
  subject,
  places,
  facts,
}: Pick<Finding, 'rule' | 'subject' | 'places' | 'facts'>): string {
  const parts = [rule, subject.to, places.map((place) => [formatPlace(place), hex32(place.mask)]), canonical(facts)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** What people wrote about a fact, where it stands, or where it holds: code that only moved and a table that was reworded are the same fact. */
const TOLD: ReadonlySet<string> = new Set(['line', 'decides', 'guards', 'platform']);

/** The value with the keys of every object in order, without what is only told. */
export function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([key]) => !TOLD.has(key))
    .sort(([a], [b]) => compareTexts(a, b))
    .map(([key, inner]) => [key, canonical(inner)]);
}
