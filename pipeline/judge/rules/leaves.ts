import type { ClassChange } from '../../model/change.ts';
import type { RuleId } from '../../model/finding.ts';
import { compareLeaves, leafId } from '../../model/place.ts';
import { changesOf, evidenceOf, isKnownLeaf } from '../lookup.ts';
import type { Draft, StepContext } from '../rule.ts';

/** One draft for each leaf whose registers all came, went, or began or ended to fault. */
export function leafDrafts(rule: RuleId, context: StepContext): readonly Draft[] {
  const leaves = new Map<string, ClassChange[]>();
  for (const change of changesOf(rule, context))
    leaves.set(leafId(change), [...(leaves.get(leafId(change)) ?? []), change]);
  return [...leaves.values()]
    .sort(([a], [b]) => (a === undefined || b === undefined ? 0 : compareLeaves(a, b)))
    .flatMap((changes) => {
      const [first] = changes;
      if (first === undefined) return [];
      const fixed1 = changes.some((change) => change.to === 'fixed1');
      const known = isKnownLeaf(context.knowledge, first);
      const isGone = (name: string) => name === 'absent' || name === 've';
      const draft: Draft = {
        place: { leaf: first.leaf, subleaf: first.subleaf, register: 'eax' },
        facts: {
          kind: 'leaf',
          from: isGone(first.from) ? 'absent' : 'present',
          to: isGone(first.to) ? 'absent' : 'present',
          fixed1,
          known,
        },
        evidence: [...evidenceOf(context.from, first), ...evidenceOf(context.to, first)],
        ...(fixed1 && !known ? { level: 'error' as const } : {}),
      };
      return [draft];
    });
}
