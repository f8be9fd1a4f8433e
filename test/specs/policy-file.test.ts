import { expect, test } from 'vitest';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { policyToYaml, readPolicyFile } from '../../pipeline/specs/policy-file.ts';
import { policyOf } from '../helpers/kernel-tree.ts';

const IN_EVERY = `
static bool denied(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function == 0x14 && entry->index != 3 && (entry->ebx & BIT(4));
}
static void drop(struct kvm_cpuid_entry2 *entry)
{
	if (denied(entry))
		entry->ebx &= ~BIT(4);
}
`;

test('a policy with masks of every sub-leaf is written and read back', async () => {
  const policy = policyOf({ filter: IN_EVERY });
  expect(policy.deny).toMatchObject([{ leaf: 0x14, subleaf: 0, everySubleafBut: [3] }]);
  const text = await policyToYaml(policy);
  expect(text).toContain('everySubleafBut: ["0x3"]');
  expect(await readPolicyFile('p.yaml', text, NO_CACHE)).toEqual(policy);
});
