import type { FindingFacts, Level, RuleId } from '../../model/finding.ts';
import { byGates, changesOf, evidenceOf } from '../lookup.ts';
import type { Draft, StepContext } from '../rule.ts';

/** One draft for each register and class pair that the change table ties to the rule, split by what gates the bits. */
export function classDrafts(rule: RuleId, context: StepContext, gatedLevel?: Level): readonly Draft[] {
  return changesOf(rule, context).flatMap((change) =>
    byGates(context.to, change, change.mask).map(({ gates, mask }): Draft => {
      const facts: FindingFacts = { kind: 'class-change', from: change.from, to: change.to, gates };
      const level = gates.length > 0 && gatedLevel !== undefined ? { level: gatedLevel } : {};
      return {
        place: { leaf: change.leaf, subleaf: change.subleaf, register: change.register },
        mask,
        facts,
        evidence: [...evidenceOf(context.from, change), ...evidenceOf(context.to, change)],
        ...level,
      };
    }),
  );
}
