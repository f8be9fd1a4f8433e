import type { Rule } from '../rule.ts';

export const waiverExpired: Rule = {
  id: 'waiver-expired',
  title: 'A waiver has expired',
  level: 'warning',
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'Somebody promised to look again by that date; the finding counts again.',
  action: 'Look again: renew the waiver with a reason, or act on the finding.',
  scope: 'project',
};
