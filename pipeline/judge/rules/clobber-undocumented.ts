import type { Rule } from '../rule.ts';

export const clobberUndocumented: Rule = {
  id: 'clobber-undocumented',
  title: 'The module’s code leaves an MSR changed and specs/clobbers.md does not say so',
  level: 'warning',
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'The argued list is what verdicts rest on; evidence without a row is a clobber that nobody judged.',
  action: 'Add a row to specs/clobbers.md with its source, or argue why it is none.',
  scope: 'project',
};
