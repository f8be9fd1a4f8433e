import { configSlots } from '../../diff/release.ts';
import type { Rule } from '../rule.ts';

export const configSlotsNearLimit: Rule = {
  id: 'config-slots-near-limit',
  title: 'The release’s CPUID_CONFIG entries come close to KVM’s array',
  level: 'warning',
  mirror: null,
  noMirror: 'Fewer entries need no action.',
  why: 'KVM refuses a module with more CPUID_CONFIG entries than its array holds; TDX then does not start at all.',
  action: 'Raise the array size in KVM before the next release needs it.',
  scope: 'release',
  judge: ({ release, policy }) => {
    const used = configSlots(release.module);
    if (policy.configLimit === null || used * 4 < policy.configLimit * 3) return [];
    return [{ facts: { kind: 'config-slots', used, limit: policy.configLimit } }];
  },
};
