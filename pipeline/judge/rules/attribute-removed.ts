import { ATTRIBUTE_NAMES } from '../../model/control.ts';
import { bitsOf64 } from '../../model/mask.ts';
import type { Rule } from '../rule.ts';

export const attributeRemoved: Rule = {
  id: 'attribute-removed',
  title: 'A TD attribute is no longer available',
  level: 'warning',
  mirror: 'attribute-added',
  why: 'A TD that asks for the attribute no longer starts.',
  action: 'Remove the attribute from TD configurations for this release.',
  scope: 'step',
  judge: ({ diff }) =>
    bitsOf64(diff.attributes.fixed0.removed).map((bit) => ({
      facts: { kind: 'attribute', bit, name: ATTRIBUTE_NAMES.get(bit) ?? null },
    })),
};
