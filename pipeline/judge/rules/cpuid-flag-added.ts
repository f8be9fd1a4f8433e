import type { Rule } from '../rule.ts';

export const cpuidFlagAdded: Rule = {
  id: 'cpuid-flag-added',
  title: 'The module tracks a new CPUID flag',
  level: 'warning',
  mirror: 'cpuid-flag-removed',
  why: 'The module notes a CPUID bit in cpuid_flags because code at TD entry, TD exit or MSR access depends on it: an early warning of host state that may be touched.',
  action: 'Read what depends on the flag before the bit is let through.',
  scope: 'step',
  judge: ({ diff }) => diff.cpuidFlags.added.map((flag) => ({ facts: { kind: 'cpuid-flag', flag } })),
};
