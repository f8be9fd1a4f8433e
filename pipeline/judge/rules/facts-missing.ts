import type { Rule } from '../rule.ts';

export const factsMissing: Rule = {
  id: 'facts-missing',
  title: 'A release is known and its tables could not be read',
  level: 'warning',
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'Its changes are not in this report; whatever it made configurable is not known here.',
  action: 'Get the release’s public source, or ask Intel for it, and run bitwatch sync.',
  scope: 'project',
};
