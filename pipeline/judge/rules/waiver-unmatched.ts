import type { Rule } from '../rule.ts';

export const waiverUnmatched: Rule = {
  id: 'waiver-unmatched',
  title: 'A waiver matches no finding',
  level: 'warning',
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'What was waived is gone, or the selector is mistyped and hides nothing.',
  action: 'Prune the waiver (bitwatch waive --prune) or correct it.',
  scope: 'project',
};
