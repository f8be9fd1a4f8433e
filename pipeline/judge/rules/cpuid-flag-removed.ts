import type { Rule } from '../rule.ts';

export const cpuidFlagRemoved: Rule = {
  id: 'cpuid-flag-removed',
  title: 'The module no longer tracks a CPUID flag',
  level: 'info',
  mirror: 'cpuid-flag-added',
  why: 'Code that depended on the bit is gone or runs always.',
  action: 'Check what became of the code behind the flag.',
  scope: 'step',
  judge: ({ diff }) => diff.cpuidFlags.removed.map((flag) => ({ facts: { kind: 'cpuid-flag', flag } })),
};
