import { describe, expect, test } from 'vitest';
import { TDX_PATH } from '../../../pipeline/extract/kvm/paths.ts';
import { DataError } from '../../../pipeline/model/errors.ts';
import type { Policy } from '../../../pipeline/model/policy.ts';
import { masks, policyOf } from '../../helpers/kernel-tree.ts';

type Parts = {
  readonly mask?: string;
  readonly after?: string;
  readonly store?: string;
  readonly attributes?: string;
  readonly xfam?: string;
  readonly more?: string;
};

/** tdx.c in the form that it had before 6.16: the module's leaves are kept apart, and mask what user space gives. */
const older = (parts: Parts): string => `
static void fill_values(struct our_kvm *kvm, struct kvm_cpuid2 *cpuid, struct td_params *params)
{
	int at;

	for (at = 0; at < our_info->num_cpuid_config; at++) {
		const struct our_config *conf = &our_info->cpuid_configs[at];
		u32 index = conf->sub_leaf == KVM_TDX_CPUID_NO_SUBLEAF ? 0 : conf->sub_leaf;
		const struct kvm_cpuid_entry2 *given = kvm_find_cpuid_entry2(cpuid->entries, cpuid->nent, conf->leaf, index);
		struct our_value *value = &params->cpuid_values[at];

		if (!given)
			continue;
		${
      parts.mask ??
      `value->eax = given->eax & conf->eax;
		value->ebx = given->ebx & conf->ebx;
		value->ecx = given->ecx & conf->ecx;
		value->edx = given->edx & conf->edx;`
    }
		${parts.after ?? ''}
		kvm->kept[kvm->count] = *given;
		kvm->count++;
	}
}
static int fill_xfam(struct td_params *params, u64 wanted_xss)
{
	${parts.xfam ?? 'wanted_xss &= (kvm_caps.supported_xss | OUR_CET);'}
	params->xfam = wanted_xss;
	return 0;
}
static int fill(struct td_params *params, struct our_init *init)
{
	${parts.attributes ?? 'if (init->attributes & OUR_PERFMON) {\n\t\tpr_warn("not yet");\n\t\treturn -EOPNOTSUPP;\n\t}'}
	params->attributes = init->attributes;
	return 0;
}
static int store(void)
{
	struct our_config *conf = &our_info->cpuid_configs[0];
	u64 both = read_it();

	conf->leaf = (u32)both;
	conf->sub_leaf = both >> 32;
	${parts.store ?? 'conf->eax = (u32)both;\n\tconf->ebx = both >> 32;'}
	return 0;
}
${parts.more ?? ''}
static void leave(struct kvm_vcpu *vcpu)
{
	struct our_args args = {
#define REG(name) .name = vcpu->name
		REG(alpha),
#undef REG
	};

	enter(&args);
	wrmsrl(MSR_GAMMA, host_gamma);
}
static void forget(struct kvm_vcpu *vcpu)
{
	kvm_user_return_update_cache(our_slot, 0);
}
static int ready(void)
{
	our_slot = kvm_find_user_return_msr(MSR_DELTA);
	return 0;
}
void tdx_vcpu_run(struct kvm_vcpu *vcpu)
{
	leave(vcpu);
}
`;

const read = (parts: Parts = {}): Policy =>
  policyOf({
    files: {
      [TDX_PATH]: older(parts),
      'arch/x86/kvm/vmx/tdx_arch.h': '#define OUR_PERFMON BIT_ULL(63)\n#define OUR_CET (BIT(11) | BIT(12))\n',
      'arch/x86/include/uapi/asm/kvm.h': '#define KVM_TDX_CPUID_NO_SUBLEAF ((__u32)-1)\n',
    },
  });

test('a set-up that masks by what the module reports lets every such bit through, and says what it drops', () => {
  const policy = read();
  expect([policy.generation, policy.deny, policy.allow, policy.adds]).toEqual(['mask', [], [], []]);
  expect(policy.notes.join()).toMatch(/but for 0x8000000000000000.*KVM drops what user space sets/);
});

test('one that refuses what the module does not report filters nothing', () => {
  const mask = `if ((given->eax & conf->eax) != given->eax || (given->ebx & ~conf->ebx) ||
		    (given->ecx & ~conf->ecx) || (given->edx & ~conf->edx))
			return -EINVAL;
		value->eax = given->eax;
		value->ebx = given->ebx;
		value->ecx = given->ecx;
		value->edx = given->edx;`;
  expect([read({ mask }).generation, read({ mask }).deny]).toEqual(['none', []]);
});

test.each([
  ['taken away', 'if (conf->leaf == 0x80000008)\n\t\t\tvalue->eax &= 0xff00ffff;', { '80000008.0.eax': '0xff0000' }],
  ['of one sub-leaf', 'if (conf->leaf == 7 && index == 1)\n\t\t\tvalue->eax &= ~BIT(6);', { '7.1.eax': '0x40' }],
  [
    'refused',
    'if (given->function == 7 && !given->index && (given->ebx & BIT(4)))\n\t\t\treturn -EINVAL;',
    { '7.0.ebx': '0x10' },
  ],
])('bits %s besides are denied', (_, after, expected) => {
  const guarded = after.includes('conf->leaf == 0x8') ? after.replace('0x80000008', '0x80000008 && !index') : after;
  const policy = read({ after: guarded });
  expect([policy.generation, masks(policy.deny)]).toEqual(['mask', expected]);
});

test.each<[string, Parts, RegExp]>([
  [
    'a mask where the module’s leaves are stored',
    { store: 'conf->eax = (u32)both & 0xff;' },
    /copy of what the module/,
  ],
  ['a bit cleared where they are stored', { store: 'conf->eax &= ~1;' }, /copy of what the module/],
  ['other hands', { store: 'prune(conf);' }, /prune\(\) may change/],
  ['a bit that user space did not set', { after: 'value->eax |= 1;' }, /only passes on/],
  ['no mask', { mask: 'value->eax = given->eax;' }, /masks or refuses/],
  [
    'a search for another leaf',
    { mask: 'given = kvm_find_cpuid_entry2(cpuid->entries, cpuid->nent, 7, 0);' },
    /tdx\.c:16:27/,
  ],
  [
    'a search behind the entries that there are',
    { mask: 'given = kvm_find_cpuid_entry2(cpuid->entries, 9, 7, 0);' },
    /tdx\.c:14:11: .*nothing has set `entries\[3\]/,
  ],
  ['a loop that ends early', { after: 'if (conf->leaf == 7) break;' }, /goes over all leaves/],
  ['a mask of every leaf', { after: 'value->edx &= ~BIT(3);' }, /edx\[3\], taken away from every leaf/],
  [
    'the later form beside it',
    {
      more: 'static void later(struct kvm_cpuid_entry2 *entry, u8 at)\n{\n\tentry->eax = (u32)conf->cpuid_config_values[at][0];\n}\n',
    },
    /tdx\.c:\d+: expected one way .*found later\(\), .*fill_values\(\)/,
  ],
])('%s is an error, not a policy', (_, parts, message) => {
  expect(() => read(parts)).toThrow(DataError);
  expect(() => read(parts)).toThrow(message);
});

describe('the older form of what else a policy holds', () => {
  test('attributes are all but those that are refused', () => {
    expect(read().attributes).toBe(0x7fffffffffffffffn);
    expect(read({ attributes: '' }).attributes).toBe(0xffffffffffffffffn);
  });

  test('XFAM is KVM’s own, what is joined to it, and not what is refused', () => {
    expect(read().xfam).toEqual(['fp', 'sse', 'cet_user', 'cet_kernel']);
    const xfam =
      'wanted_xss &= kvm_caps.supported_xss | OUR_CET;\n\tif (params->xfam & BIT(12)) {\n\t\tpr_warn("no");\n\t\treturn -EOPNOTSUPP;\n\t}';
    expect(read({ xfam }).xfam).toEqual(['fp', 'sse', 'cet_user']);
    const variable =
      'u64 ours = kvm_caps.supported_xcr0 | kvm_caps.supported_xss;\n\tours |= BIT(11);\n\tours &= ~BIT(1);';
    expect(read({ xfam: variable }).xfam).toEqual(['fp', 'cet_user']);
    // A bit without a name is a bit all the same.
    const unnamed = read({ xfam: 'wanted_xss &= kvm_caps.supported_xss | BIT_ULL(40);' });
    expect(unnamed.xfam).toBe(0x100_0000_0003n);
    expect(unnamed.notes).toContain('KVM supports XFAM bit 40, which has no name here');
    expect(() => read({ xfam: 'u64 ours = kvm_caps.supported_xss;\n\tours &= ~unheard_of;' })).toThrow(/unheard_of/);
  });

  test('XFAM that the caller refuses, behind the function that fills it, is not among it', () => {
    const xfam = 'wanted_xss &= kvm_caps.supported_xss | BIT(15) | OUR_CET;';
    const caller = (test: string, then: string): string =>
      `static int set_up_all(struct td_params *params, u64 xss)\n{\n\tint ret = fill_xfam(params, xss);\n\n\tif (ret)\n\t\treturn ret;\n\tif (${test}) {\n\t\tpr_warn("no LBR yet");\n\t\t${then}\n\t}\n\treturn 0;\n}`;
    const refuses = 'return -EOPNOTSUPP;';
    const all = ['fp', 'sse', 'cet_user', 'cet_kernel'];
    expect(read({ xfam }).xfam).toEqual([...all, 'lbr']);
    expect(read({ xfam, more: caller('params->xfam & BIT(15)', refuses) }).xfam).toEqual(all);
    // Near misses: it only warns, and it refuses another field's bit.
    expect(read({ xfam, more: caller('params->xfam & BIT(15)', 'ret = 0;') }).xfam).toEqual([...all, 'lbr']);
    expect(read({ xfam, more: caller('params->other & BIT(15)', refuses) }).xfam).toEqual([...all, 'lbr']);
  });

  test('an MSR that is restored by a slot of its own is among the restored, and so is one behind a macro of a body', () => {
    expect(read().restores.map(({ msr, by }) => `${msr} ${by}`)).toEqual(['MSR_DELTA forget', 'MSR_GAMMA leave']);
  });
});
