import type { Rule } from '../rule.ts';
import { classDrafts } from './classes.ts';

export const configurableRemoved: Rule = {
  id: 'configurable-removed',
  title: 'A bit is no longer directly configurable',
  level: 'warning',
  mirror: 'configurable-added',
  why: 'A TD whose CPUID sets the bit no longer starts: TDH.MNG.INIT fails with OPERAND_INVALID on CPUID_CONFIG.',
  action:
    'Do not pass the bit to KVM_TDX_INIT_VM on this release; user space must read KVM_TDX_CAPABILITIES instead of assuming it.',
  scope: 'step',
  judge: (context) => classDrafts('configurable-removed', context),
};
