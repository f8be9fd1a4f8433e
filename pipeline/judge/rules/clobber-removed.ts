import type { Rule } from '../rule.ts';
import { transitionDrafts } from '../transitions.ts';

export const clobberRemoved: Rule = {
  id: 'clobber-removed',
  title: 'The module no longer leaves an MSR changed',
  level: 'info',
  mirror: 'clobber-added',
  why: 'The MSR is restored or no longer written; KVM’s own restore may be needless on this release.',
  action: 'Nothing to do; older releases still need KVM’s care.',
  scope: 'step',
  judge: ({ clobbers }) => transitionDrafts(clobbers.from, clobbers.to),
};
