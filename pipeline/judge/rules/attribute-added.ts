import { ATTRIBUTE_NAMES } from '../../model/control.ts';
import { bitsOf64 } from '../../model/mask.ts';
import type { Rule } from '../rule.ts';

export const attributeAdded: Rule = {
  id: 'attribute-added',
  title: 'A TD attribute became available',
  level: 'info',
  mirror: 'attribute-removed',
  why: 'A TD may be created with the attribute; attributes gate CPUID bits and change how the module treats the TD.',
  action: 'Decide whether KVM and user space support the attribute.',
  scope: 'step',
  judge: ({ diff }) =>
    bitsOf64(diff.attributes.fixed0.added).map((bit) => ({
      facts: { kind: 'attribute', bit, name: ATTRIBUTE_NAMES.get(bit) ?? null },
    })),
};
