import type { Rule } from '../rule.ts';
import { leafDrafts } from './leaves.ts';

export const veRemoved: Rule = {
  id: 've-removed',
  title: 'A leaf no longer injects #VE',
  level: 'info',
  mirror: 've-added',
  why: 'The module answers the leaf itself; what the hypervisor emulated is no longer seen.',
  action: 'Check that the values the module gives fit those that user space emulated.',
  scope: 'step',
  judge: (context) => leafDrafts('ve-removed', context),
};
