import { deciderText } from '../model/decider-text.ts';
import type { FieldMeaning } from '../model/field.ts';
import { hex, hex32 } from '../model/mask.ts';
import { placeJson } from './machine.ts';
import type { Item, Section, View } from './view.ts';

/** `bitwatch.findings/2`: one finding a change, with all its places. */
export function findingsJson(view: View) {
  return {
    schema: 'bitwatch.findings/2',
    counts: view.counts,
    reviews: view.sections.map(reviewJson),
    findings: view.sections.flatMap(({ id, items }) => items.map((item) => findingJson(item, id))),
    coverage: view.coverage,
  };
}

const reviewJson = ({ id, kind, title, counts, command, notes }: Section) => ({
  id,
  kind,
  title,
  counts,
  command,
  notes,
});

/** Numbers of 64 bits do not fit into JSON's own. */
const plainValue = (value: unknown): unknown => {
  if (typeof value === 'bigint') return hex(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
};

/** A number, or what its deciders make of it, as everywhere in machine formats. */
const meaningJson = (meaning: FieldMeaning) => ({
  kind: meaning.kind,
  value: meaning.kind === 'value' ? meaning.value : null,
  by: meaning.kind === 'decided' ? meaning.by.map(deciderText) : [],
});

export function findingJson({ finding, headline, because, todo }: Item, review: string) {
  return {
    fingerprint: finding.fingerprint,
    rule: finding.rule,
    level: finding.level,
    for: finding.for,
    review,
    from: finding.subject.from,
    to: finding.subject.to,
    policy: finding.subject.policy,
    places: finding.places.map((place) => ({ ...placeJson(place), mask: hex32(place.mask), bits: place.bits })),
    verdict: finding.verdict,
    fields: (finding.fields ?? []).map((field) => ({
      ...placeJson(field),
      name: field.name,
      high: field.high,
      low: field.low,
      from: meaningJson(field.from),
      to: meaningJson(field.to),
    })),
    headline,
    because,
    todo,
    facts: plainValue(finding.facts),
    also: finding.also.map(({ rule }) => rule),
    evidence: finding.evidence,
    decided: finding.decided,
  };
}
