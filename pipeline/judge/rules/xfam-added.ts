import { XFAM_NAMES } from '../../model/control.ts';
import { bitsOf64 } from '../../model/mask.ts';
import type { Rule } from '../rule.ts';

export const xfamAdded: Rule = {
  id: 'xfam-added',
  title: 'An XFAM bit became available',
  level: 'info',
  mirror: 'xfam-removed',
  why: 'A TD may be created with the extended feature; its CPUID bits open with it.',
  action: 'Decide whether KVM saves and restores the state of the feature.',
  scope: 'step',
  judge: ({ diff }) =>
    bitsOf64(diff.xfam.fixed0.added).map((bit) => ({
      facts: { kind: 'xfam', bit, name: XFAM_NAMES.get(bit) ?? null },
    })),
};
