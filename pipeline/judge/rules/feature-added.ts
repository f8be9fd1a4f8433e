import { FEATURE_NAMES } from '../../model/control.ts';
import { bitsOf64 } from '../../model/mask.ts';
import type { Rule } from '../rule.ts';

export const featureAdded: Rule = {
  id: 'feature-added',
  title: 'A TDX_FEATURES0 bit was set',
  level: 'info',
  mirror: 'feature-removed',
  why: 'The module announces a capability; KVM and user space adjust by it.',
  action: 'Read what the feature changes for CPUID; a VMM that does not use it is not affected.',
  scope: 'step',
  judge: ({ diff, to }) =>
    bitsOf64(diff.features0.added).map((bit) => ({
      facts: { kind: 'feature', bit, name: to.module.featureNames.get(bit) ?? FEATURE_NAMES.get(bit) ?? null },
    })),
};
