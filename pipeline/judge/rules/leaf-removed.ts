import type { Rule } from '../rule.ts';
import { leafDrafts } from './leaves.ts';

export const leafRemoved: Rule = {
  id: 'leaf-removed',
  title: 'A leaf left the table',
  level: 'info',
  mirror: 'leaf-added',
  why: 'The leaf injects #VE again; guests without a handler for it break.',
  action: 'Check guests that read the leaf.',
  scope: 'step',
  judge: (context) => leafDrafts('leaf-removed', context),
};
