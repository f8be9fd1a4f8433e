import type { Rule } from '../rule.ts';

export const registerMaskMismatch: Rule = {
  id: 'register-mask-mismatch',
  title: 'Documented, enforced and validated register masks disagree',
  level: 'warning',
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'Software written to the documentation is refused by the module or by KVM (April 2026: TDG.VP.VMCALL’s RCX).',
  action: 'Write to the strictest of the three; report the difference to whoever is wrong.',
  scope: 'project',
};
