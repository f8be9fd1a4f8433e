import type { Rule } from '../rule.ts';
import { restoreDrafts } from './policy-lists.ts';

export const restoreRemoved: Rule = {
  id: 'restore-removed',
  title: 'This KVM no longer restores host state after a TD ran',
  level: 'warning',
  mirror: 'restore-added',
  why: 'A feature that clobbers the state leaves the host with a wrong value on this kernel, unless the module restores it.',
  action: 'Check the features that clobber the state; deny them, or restore it again.',
  scope: 'policy-step',
  judge: (context) => restoreDrafts(context, 'removed'),
};
