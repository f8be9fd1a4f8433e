import { expect, test } from 'vitest';
import { DENY, masks, policyOf } from '../../helpers/kernel-tree.ts';

const onHost = (condition: string): string =>
  DENY.replace('return entry->function', `return ${condition} && entry->function`);

test('a denial that only some hosts have is none, and the policy says what the host decides', () => {
  const policy = policyOf({ filter: onHost('!boot_cpu_has(X86_FEATURE_HLE)') });
  expect([policy.deny, policy.disagreements]).toEqual([[], []]);
  expect(policy.notes.join()).toMatch(/ebx 0x810 of leaf 0x7, sub-leaf 0, through on some hosts only: boot_cpu_has/);
});

test('one that both kinds of host have is one', () => {
  const filter = onHost('(boot_cpu_has(X86_FEATURE_HLE) || !boot_cpu_has(X86_FEATURE_HLE))');
  const policy = policyOf({ filter });
  expect([masks(policy.deny), policy.notes]).toEqual([{ '7.0.ebx': '0x810' }, []]);
});

test('a constant that no file defines is not the host’s to decide', () => {
  expect(() => policyOf({ filter: onHost('OUR_SWITCH') })).toThrow(/tdx\.c:\d+:\d+: .*OUR_SWITCH.* is not defined/);
});
