import type { Rule } from '../rule.ts';
import { leafDrafts } from './leaves.ts';

export const leafAdded: Rule = {
  id: 'leaf-added',
  title: 'A leaf came into the table',
  level: 'info',
  mirror: 'leaf-removed',
  why: 'The leaf no longer injects #VE, so the guest kernel’s #VE handler and the hypervisor no longer answer it. A fixed-1 bit in a leaf that nobody knows is an error: user space would not know to query it.',
  action: 'Check that user space queries the leaf when it computes the TD’s CPUID.',
  scope: 'step',
  judge: (context) => leafDrafts('leaf-added', context),
};
