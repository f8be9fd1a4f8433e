import { type Finding, LEVELS, RULE_IDS } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { namedBits } from '../model/names.ts';
import { compareNumbers, compareTexts } from '../model/order.ts';
import { comparePlaces, sameLeaf } from '../model/place.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Draft, Rule } from './rule.ts';

/** Makes findings of drafts: names, level overrides, fingerprint. */
export function finish(
  rule: Rule,
  drafts: readonly Draft[],
  subject: Finding['subject'],
  knowledge: Knowledge,
): readonly Finding[] {
  return drafts.map((draft) => {
    const place = draft.place ?? null;
    const mask = draft.mask ?? 0;
    const base = { rule: rule.id, subject, place, mask, facts: draft.facts };
    return {
      ...base,
      fingerprint: fingerprintOf(base),
      level: levelOf(rule, draft, knowledge),
      bits: place === null ? [] : namedBits(knowledge.names, place, mask),
      verdict: draft.verdict ?? null,
      evidence: draft.evidence ?? [],
      waived: null,
    };
  });
}

/** An override of a leaf wins over one of the rule, which wins over the draft's and the rule's own level. */
function levelOf(rule: Rule, draft: Draft, knowledge: Knowledge): Finding['level'] {
  const { place } = draft;
  const own = knowledge.levels.filter((override) => override.rule === rule.id);
  const ofLeaf = own.find(
    (override) => override.leaf !== null && place !== undefined && sameLeaf(override.leaf, place),
  );
  return ofLeaf?.level ?? own.find((override) => override.leaf === null)?.level ?? draft.level ?? rule.level;
}

/** Total order: the worst first, then rule, place, mask, subject, fingerprint. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    compareNumbers(LEVELS.indexOf(b.level), LEVELS.indexOf(a.level)) ||
    compareNumbers(RULE_IDS.indexOf(a.rule), RULE_IDS.indexOf(b.rule)) ||
    comparePlace(a, b) ||
    compareNumbers(a.mask, b.mask) ||
    compareTexts(a.subject.to, b.subject.to) ||
    compareTexts(a.fingerprint, b.fingerprint)
  );
}

function comparePlace(a: Finding, b: Finding): number {
  if (a.place === null || b.place === null) return compareNumbers(a.place === null ? 0 : 1, b.place === null ? 0 : 1);
  return comparePlaces(a.place, b.place);
}
