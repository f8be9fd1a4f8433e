import { FEATURE_NAMES } from '../../model/control.ts';
import { bitsOf64 } from '../../model/mask.ts';
import type { Rule } from '../rule.ts';

export const featureRemoved: Rule = {
  id: 'feature-removed',
  title: 'A TDX_FEATURES0 bit is no longer set',
  level: 'warning',
  mirror: 'feature-added',
  why: 'Software that relies on the capability no longer finds it.',
  action: 'Check users of the feature before the release is rolled out.',
  scope: 'step',
  judge: ({ diff, from }) =>
    bitsOf64(diff.features0.removed).map((bit) => ({
      facts: { kind: 'feature', bit, name: from.module.featureNames.get(bit) ?? FEATURE_NAMES.get(bit) ?? null },
    })),
};
