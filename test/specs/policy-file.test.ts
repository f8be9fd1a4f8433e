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

test('XFAM is names of its bits or a mask: a name that is of no bit is refused', async () => {
  const policy = policyOf({ filter: IN_EVERY });
  const read = async (xfam: string) => {
    const text = (await policyToYaml(policy)).replace(/^xfam: .*$/m, `xfam: ${xfam}`);
    return (await readPolicyFile('p.yaml', text, NO_CACHE)).xfam;
  };
  expect(await read('["fp", "pkru"]')).toEqual(['fp', 'pkru']);
  expect(await read('"0x10000000003"')).toBe(0x100_0000_0003n);
  await expect(read('["fp", "pkrux"]')).rejects.toThrow(/xfam.*a name of an XFAM bit, such as fp or pkru/s);
});
