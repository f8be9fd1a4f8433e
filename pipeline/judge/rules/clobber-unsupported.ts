import type { Rule } from '../rule.ts';

export const clobberUnsupported: Rule = {
  id: 'clobber-unsupported',
  title: 'specs/clobbers.md names an MSR that no extracted evidence supports',
  level: 'info',
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'The row may rest on a source other than the code, on a release that was not read, or on a mistake.',
  action: 'Check the row’s source.',
  scope: 'project',
};
