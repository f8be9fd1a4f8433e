import type { Rule } from '../rule.ts';
import { listDrafts } from './policy-lists.ts';

export const policyAllowRemoved: Rule = {
  id: 'policy-allow-removed',
  title: 'This KVM no longer opts in to a bit',
  level: 'info',
  mirror: 'policy-allow-added',
  why: 'TDs that use the bit no longer start on this kernel.',
  action: 'Remove the bit from CPU models for this kernel.',
  scope: 'policy-step',
  judge: (context) => listDrafts(context, 'allow', 'removed'),
};
