import type { FindingFacts } from '../../model/finding.ts';
import { without } from '../../model/mask.ts';
import { fieldBits } from '../../model/names.ts';
import { clobberFacts } from '../clobber-facts.ts';
import { changesOf, clobbersOf, evidenceOf } from '../lookup.ts';
import type { Draft, Rule, StepContext } from '../rule.ts';

export const fixed1Added: Rule = {
  id: 'fixed1-added',
  title: 'A bit is now fixed to 1: every TD has it',
  level: 'error',
  mirror: 'fixed1-removed',
  why: 'KVM cannot hide the bit from any TD, and user space that does not know it computes a wrong CPUID. If its feature clobbers host state, every TD does so: the promise that no host-clobbering feature becomes fixed-1 is broken.',
  action:
    'Add the bit to user space’s fixed-1 table; if it clobbers host state, KVM must save and restore that state before it runs on this release.',
  scope: 'step',
  judge: (context) => changesOf('fixed1-added', context).flatMap((change) => draftsOf(context, change)),
};

/** Bits of a clobbering feature apart from the rest, so that each has its own fingerprint. */
function draftsOf(context: StepContext, change: StepContext['diff']['changes'][number]): readonly Draft[] {
  const place = { leaf: change.leaf, subleaf: change.subleaf, register: change.register };
  const evidence = [...evidenceOf(context.from, change), ...evidenceOf(context.to, change)];
  const hits = clobbersOf(context.knowledge, place, change.mask);
  const rest = hits.reduce((mask, hit) => without(mask, hit.mask), change.mask);
  // A field of several bits holds a number or a text, such as the brand string: its bits are no features.
  const values = fieldBits(context.knowledge.names, place, rest);
  const features = without(rest, values);
  const plain: FindingFacts = { kind: 'class-change', from: change.from, to: change.to, gates: [] };
  return [
    ...hits.map(
      (hit): Draft => ({
        place,
        mask: hit.mask,
        evidence,
        facts: {
          kind: 'clobber',
          from: change.from,
          to: change.to,
          clobbers: clobberFacts(hit.row, context.clobbers.to, null),
        },
      }),
    ),
    ...(features === 0 ? [] : [{ place, mask: features, evidence, facts: plain }]),
    ...(values === 0 ? [] : [{ place, mask: values, evidence, facts: plain, level: 'info' as const }]),
  ];
}
