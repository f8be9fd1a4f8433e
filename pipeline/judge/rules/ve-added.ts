import type { Rule } from '../rule.ts';
import { leafDrafts } from './leaves.ts';

export const veAdded: Rule = {
  id: 've-added',
  title: 'A leaf injects #VE now',
  level: 'info',
  mirror: 've-removed',
  why: 'The guest’s #VE handler asks the hypervisor, which user space must now answer.',
  action: 'Check that the hypervisor emulates the leaf.',
  scope: 'step',
  judge: (context) => leafDrafts('ve-added', context),
};
