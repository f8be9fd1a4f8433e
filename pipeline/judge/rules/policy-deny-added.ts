import type { Rule } from '../rule.ts';
import { listDrafts } from './policy-lists.ts';

export const policyDenyAdded: Rule = {
  id: 'policy-deny-added',
  title: 'This KVM newly denies a bit',
  level: 'info',
  mirror: 'policy-deny-removed',
  why: 'TDs can no longer get the bit on this kernel; KVM_TDX_INIT_VM fails with -EINVAL where user space sets it.',
  action: 'Remove the bit from CPU models for this kernel.',
  scope: 'policy-step',
  judge: (context) => listDrafts(context, 'deny', 'added'),
};
