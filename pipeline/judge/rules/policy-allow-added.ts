import type { Rule } from '../rule.ts';
import { listDrafts } from './policy-lists.ts';

export const policyAllowAdded: Rule = {
  id: 'policy-allow-added',
  title: 'This KVM newly opts in to a bit',
  level: 'info',
  mirror: 'policy-allow-removed',
  why: 'TDs may newly get the bit on this kernel.',
  action: 'Check that KVM restores the host state of the feature.',
  scope: 'policy-step',
  judge: (context) => listDrafts(context, 'allow', 'added'),
};
