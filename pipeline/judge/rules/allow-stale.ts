import type { Rule } from '../rule.ts';
import { staleDrafts } from './stale.ts';

export const allowStale: Rule = {
  id: 'allow-stale',
  title: 'KVM’s allow list names a bit that no release offers',
  level: 'info',
  mirror: null,
  noMirror: 'An entry that comes into use needs no finding.',
  why: 'The entry has no effect on any release that could be read; it may be a mistake in the place or mask, or foresight.',
  action: 'Check the place and the bit of the entry.',
  scope: 'policy',
  judge: (context) => staleDrafts(context, 'allow'),
};
