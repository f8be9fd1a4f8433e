import type { Rule } from '../rule.ts';
import { verdictDrafts } from './verdicts.ts';

export const needsOptin: Rule = {
  id: 'needs-optin',
  title: 'Configurable, and this KVM’s allowlist does not allow it',
  level: 'warning',
  mirror: null,
  noMirror: 'A bit that was opted in is reported as policy-allow-added.',
  why: 'The bit stays hidden until KVM opts in: guests do not get the feature on this kernel.',
  action: 'Opt in if KVM can support the feature for TDs; else leave it hidden.',
  scope: 'release',
  judge: (context) => verdictDrafts(context, 'needs-optin'),
};
