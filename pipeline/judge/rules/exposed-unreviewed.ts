import type { Rule } from '../rule.ts';
import { verdictDrafts } from './verdicts.ts';

export const exposedUnreviewed: Rule = {
  id: 'exposed-unreviewed',
  title: 'Configurable, newer than KVM’s base release, and this KVM lets it through',
  level: 'warning',
  mirror: null,
  noMirror: 'A bit that was denied is reported as policy-deny-added.',
  why: 'KVM reports the bit as configurable and passes it on, though nobody decided so: the code was written when the module did not offer it.',
  action: 'Review the feature for TDs: deny it, or record that it is harmless.',
  scope: 'release',
  judge: (context) => verdictDrafts(context, 'exposed'),
};
