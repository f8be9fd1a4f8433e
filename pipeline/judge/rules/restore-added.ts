import type { Rule } from '../rule.ts';
import { restoreDrafts } from './policy-lists.ts';

export const restoreAdded: Rule = {
  id: 'restore-added',
  title: 'This KVM newly restores host state after a TD ran',
  level: 'info',
  mirror: 'restore-removed',
  why: 'Features that clobber the state become safe on this kernel.',
  action: 'Nothing to do; backports may want the change.',
  scope: 'policy-step',
  judge: (context) => restoreDrafts(context, 'added'),
};
