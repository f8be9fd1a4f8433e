import type { Rule } from '../rule.ts';
import { transitionDrafts } from '../transitions.ts';

export const clobberAdded: Rule = {
  id: 'clobber-added',
  title: 'The module’s own code now leaves an MSR changed',
  level: 'error',
  mirror: 'clobber-removed',
  why: 'The MSR is written on the way into a TD and not brought back to the host’s value on the way out, and the release before did not do so.',
  action: 'KVM must save and restore the MSR, or deny what opens it.',
  scope: 'step',
  judge: ({ clobbers }) => transitionDrafts(clobbers.to, clobbers.from),
};
