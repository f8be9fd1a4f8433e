import type { Rule } from '../rule.ts';

export const sourcesDisagree: Rule = {
  id: 'sources-disagree',
  title: 'Two sources of the same fact disagree',
  level: 'warning',
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'One of them is wrong, and which one is not decided here.',
  action: 'Report the difference to whoever publishes the wrong one.',
  scope: 'project',
};
