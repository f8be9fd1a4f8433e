import { type Finding, type FindingFacts, type FoundPlace, LEVELS, type Level } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { and, or, without } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { onceFor } from '../model/once.ts';
import { compareNumbers, compareTexts } from '../model/order.ts';
import { comparePlaces, placeId, sameLeaf } from '../model/place.ts';
import type { Evidence } from '../model/source.ts';
import { urgencyOf } from './catalogue.ts';
import { canonical, fingerprintOf } from './fingerprint.ts';
import type { Draft, PlaceMask, Rule } from './rule.ts';

export type Drafted = { readonly rule: Rule; readonly drafts: readonly Draft[] };
type Ground = { readonly subject: Finding['subject']; readonly knowledge: Knowledge };
type Story = { readonly rule: Rule; draft: Draft; places: Map<string, PlaceMask>; also: Finding['also'] };

/**
 * Makes findings of drafts, rules in order of urgency: a bit belongs to the first rule that drafts it, and the later ones become lines of
 * that finding. Drafts of a rule that tell one story are one finding with all its places. In total order.
 */
export function assemble(drafted: readonly Drafted[], ground: Ground): readonly Finding[] {
  const owners = new Map<string, { mask: number; readonly story: Story }[]>();
  const stories: Story[] = [];
  for (const { rule, drafts } of drafted) {
    const own = new Map<string, Story>();
    for (const draft of drafts) {
      const key = storyKey(draft);
      const rest = (draft.places ?? []).flatMap((place) => claim(place, rule, draft, owners));
      // All its bits are told by more urgent rules.
      if ((draft.places ?? []).length > 0 && rest.length === 0) continue;
      const story = own.get(key) ?? { rule, draft, places: new Map(), also: [] };
      if (own.has(key)) story.draft = merged(story.draft, draft);
      else {
        own.set(key, story);
        stories.push(story);
      }
      for (const place of rest) {
        const before = story.places.get(placeId(place));
        story.places.set(placeId(place), { ...place, mask: or(place.mask, before?.mask ?? 0) });
        const list = owners.get(placeId(place)) ?? [];
        owners.set(placeId(place), [...list, { mask: place.mask, story }]);
      }
    }
  }
  return stories.map((story) => findingOf(story, ground)).sort(compareFindings);
}

/** What of a place is not told yet; who told the rest gets a line. */
function claim(
  place: PlaceMask,
  rule: Rule,
  draft: Draft,
  owners: ReadonlyMap<string, readonly { readonly mask: number; readonly story: Story }[]>,
): readonly PlaceMask[] {
  let mask = place.mask;
  for (const { mask: owned, story } of owners.get(placeId(place)) ?? []) {
    if (and(mask, owned) === 0) continue;
    mask = without(mask, owned);
    if (rule.isPlain !== true && story.rule.id !== rule.id && !story.also.some((line) => line.rule === rule.id))
      story.also = [...story.also, { rule: rule.id, facts: draft.facts }];
  }
  return mask === 0 ? [] : [{ ...place, mask }];
}

/** Drafts tell one story where they say so and where all facts that are no lists are the same; a verdict is one of the facts. */
const storyKey = onceFor(({ story, facts, level }: Draft): string =>
  JSON.stringify([
    story ?? null,
    level ?? null,
    canonical(Object.fromEntries(Object.entries(facts).filter(([, value]) => !Array.isArray(value)))),
  ]),
);

/** One draft of two of the same story: lists are joined, each item once. */
function merged(a: Draft, b: Draft): Draft {
  const other = new Map<string, unknown>(Object.entries(b.facts));
  const facts = Object.fromEntries(
    Object.entries(a.facts).map(([key, value]) => [
      key,
      Array.isArray(value) ? union(value, other.get(key) as readonly unknown[]) : value,
    ]),
  ) as FindingFacts;
  return { ...a, facts, evidence: union(a.evidence ?? [], b.evidence ?? []) as readonly Evidence[] };
}

const union = (a: readonly unknown[], b: readonly unknown[]): readonly unknown[] => [
  ...new Map([...a, ...b].map((item) => [JSON.stringify(item), item])).values(),
];

function findingOf({ rule, draft, places, also }: Story, { subject, knowledge }: Ground): Finding {
  const found = [...places.values()]
    .sort(comparePlaces)
    .map((place): FoundPlace => ({ ...place, bits: namedBits(knowledge.names, place, place.mask) }));
  const base = { rule: rule.id, subject, places: found, facts: draft.facts };
  return {
    ...base,
    fingerprint: fingerprintOf(base),
    level: levelOf(rule, draft, found, knowledge),
    for: draft.for ?? rule.for,
    verdict: draft.verdict ?? null,
    also,
    evidence: union([], draft.evidence ?? []) as readonly Evidence[],
    decided: null,
  };
}

/** An override of a leaf that the finding touches wins over one of the rule, which wins over the draft's and the rule's own level. */
function levelOf(rule: Rule, draft: Draft, places: readonly FoundPlace[], { levels }: Knowledge): Level {
  const own = levels.filter((override) => override.rule === rule.id);
  const ofLeaf = own.find(({ leaf }) => leaf !== null && places.some((place) => sameLeaf(leaf, place)));
  return ofLeaf?.level ?? own.find(({ leaf }) => leaf === null)?.level ?? draft.level ?? rule.level;
}

/** Total order: the worst first, then the most urgent rule, then place, mask and the rest. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    compareNumbers(LEVELS.indexOf(b.level), LEVELS.indexOf(a.level)) ||
    compareNumbers(urgencyOf(a.rule), urgencyOf(b.rule)) ||
    compareFirstPlaces(a, b) ||
    compareTexts(a.subject.to, b.subject.to) ||
    compareTexts(a.fingerprint, b.fingerprint)
  );
}

function compareFirstPlaces({ places: [a] }: Finding, { places: [b] }: Finding): number {
  if (a === undefined || b === undefined) return compareNumbers(a === undefined ? 0 : 1, b === undefined ? 0 : 1);
  return comparePlaces(a, b) || compareNumbers(a.mask, b.mask);
}
