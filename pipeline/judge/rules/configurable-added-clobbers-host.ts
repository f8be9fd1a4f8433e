import { clobberFacts } from '../clobber-facts.ts';
import { changesOf, clobbersOf, evidenceOf } from '../lookup.ts';
import type { Rule } from '../rule.ts';

export const configurableAddedClobbersHost: Rule = {
  id: 'configurable-added-clobbers-host',
  title: 'A bit became directly configurable and its feature clobbers host state',
  level: 'error',
  mirror: null,
  noMirror: 'configurable-removed reports the way back; a clobber that can no longer happen needs no second finding.',
  why: 'After a TD used the feature, an MSR of the host keeps the TD’s or an initial value unless KVM saves and restores it. A KVM that lets unknown bits through corrupts host MSRs.',
  action: 'KVM must deny the bit, or restore the MSR after TDH.VP.ENTER, before it runs on this release.',
  scope: 'step',
  judge: (context) =>
    changesOf('configurable-added', context).flatMap((change) => {
      const place = { leaf: change.leaf, subleaf: change.subleaf, register: change.register };
      return clobbersOf(context.knowledge, place, change.mask).map(({ row, mask }) => ({
        place,
        mask,
        facts: {
          kind: 'clobber' as const,
          from: change.from,
          to: change.to,
          clobbers: clobberFacts(row, context.clobbers.to, null),
        },
        evidence: evidenceOf(context.to, change),
      }));
    }),
};
