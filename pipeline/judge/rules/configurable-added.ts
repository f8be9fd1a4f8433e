import type { Rule } from '../rule.ts';
import { classDrafts } from './classes.ts';

export const configurableAdded: Rule = {
  id: 'configurable-added',
  title: 'A bit became directly configurable',
  level: 'warning',
  mirror: 'configurable-removed',
  why: 'The VMM may now choose the bit, so KVM must decide whether a TD may have it; a KVM without a filter lets it through unreviewed.',
  action: 'Decide for KVM: opt in, deny, or leave hidden; check the feature for host state that it clobbers.',
  scope: 'step',
  judge: (context) => classDrafts('configurable-added', context),
};
