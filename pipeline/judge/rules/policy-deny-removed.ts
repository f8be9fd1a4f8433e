import type { Rule } from '../rule.ts';
import { listDrafts } from './policy-lists.ts';

export const policyDenyRemoved: Rule = {
  id: 'policy-deny-removed',
  title: 'This KVM no longer denies a bit',
  level: 'warning',
  mirror: 'policy-deny-added',
  why: 'TDs may newly get the bit on this kernel; if its feature clobbers host state, host MSRs are at risk again.',
  action: 'Check that KVM now restores the host state of the feature.',
  scope: 'policy-step',
  judge: (context) => listDrafts(context, 'deny', 'removed'),
};
