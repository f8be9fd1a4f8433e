import { XFAM_NAMES } from '../../model/control.ts';
import { bitsOf64 } from '../../model/mask.ts';
import type { Rule } from '../rule.ts';

export const xfamRemoved: Rule = {
  id: 'xfam-removed',
  title: 'An XFAM bit is no longer available',
  level: 'warning',
  mirror: 'xfam-added',
  why: 'A TD that asks for the extended feature no longer starts.',
  action: 'Remove the feature from TD configurations for this release.',
  scope: 'step',
  judge: ({ diff }) =>
    bitsOf64(diff.xfam.fixed0.removed).map((bit) => ({
      facts: { kind: 'xfam', bit, name: XFAM_NAMES.get(bit) ?? null },
    })),
};
