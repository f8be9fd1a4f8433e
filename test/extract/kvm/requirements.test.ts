import { describe, expect, test } from 'vitest';
import { DENY, policyOf } from '../../helpers/kernel-tree.ts';

const HEADER = { 'arch/x86/virt/vmx/tdx/tdx.h': '#define OUR_RBP BIT(18)\n#define OUR_TOPOLOGY BIT(20)\n' };
const METADATA = `static int limits(struct our_info *info)
{
	if (info->num_cpuid_config > ARRAY_SIZE(info->cpuid_config_leaves))
		return -EINVAL;
	if (info->num_cpuid_config > ARRAY_SIZE(info->cpuid_config_values))
		return -EINVAL;
	return 0;
}
`;
const required = (host: string, own = '') =>
  policyOf({
    filter: `${DENY}\n${own}`,
    files: {
      ...HEADER,
      'arch/x86/virt/vmx/tdx/tdx.c': host,
      'arch/x86/virt/vmx/tdx/tdx_global_metadata.c': METADATA,
    },
  });
const features = (test_: string, then = 'return -EINVAL;'): string =>
  `static int check(u64 tdx_features0)\n{\n\tif (${test_})\n\t\t${then}\n\treturn 0;\n}\n`;

describe('what KVM refuses a module for', () => {
  test.each([
    ['a bit that is not set', features('!(tdx_features0 & OUR_RBP)'), '0x40000'],
    [
      'bits that are not all set',
      features('(tdx_features0 & (OUR_RBP | OUR_TOPOLOGY)) != (OUR_RBP | OUR_TOPOLOGY)'),
      '0x140000',
    ],
    ['a jump to the cleaning up', features('!(OUR_TOPOLOGY & tdx_features0)', 'goto out;'), '0x100000'],
  ])('%s', (_, host, mask) => {
    const { requires } = required(host);
    expect(requires).toEqual([
      { kind: 'features0', mask: BigInt(mask), path: 'arch/x86/virt/vmx/tdx/tdx.c', line: 3 },
      { kind: 'config-slots', limit: 48, path: 'arch/x86/virt/vmx/tdx/tdx_global_metadata.c', line: 3 },
    ]);
  });

  test('a condition that gives nothing up requires nothing, and one that is no mask is an error with its line', () => {
    expect(required(features('!(tdx_features0 & OUR_RBP)', 'warn();')).requires).toHaveLength(1);
    expect(() => required(features('tdx_features0 < OUR_RBP'))).toThrow(/tdx\/tdx\.c:3:.*TDX_FEATURES0 are all set/);
    expect(() => required(features('!(tdx_features0 & (OUR_RBP | OUR_TOPOLOGY))'))).toThrow(/all set/);
  });

  test('fixed bits beyond what is supported', () => {
    const own = `static u64 ours(const struct conf *td_conf)
{
	u64 val = KVM_SUPPORTED_TD_ATTRS;

	if ((val & td_conf->attributes_fixed1) != td_conf->attributes_fixed1)
		return 0;
	return val & td_conf->attributes_fixed0;
}
`;
    expect(required('', own).requires?.[0]).toMatchObject({ kind: 'attributes-fixed1', mask: 0x10000000n });
  });

  test('files that are not there are told', () => {
    const without = ['tdx.c', 'tdx_global_metadata.c'].map((name) => `arch/x86/virt/vmx/tdx/${name}`);
    const { requires, notes } = policyOf({ without });
    expect(requires).toEqual([]);
    expect(notes.join()).toMatch(/virt\/vmx\/tdx\/tdx\.c is not there.*metadata\.c is not there/);
  });
});

const exit = (handler: string): string => `static int take_call(struct kvm_vcpu *vcpu)
{
	${handler}
	switch (leaf(vcpu)) {
	case TDVMCALL_OURS:
		return 1;
	}
	return 0;
}
static int take_exit(struct kvm_vcpu *vcpu)
{
	switch (reason(vcpu)) {
	case EXIT_REASON_TDCALL:
		return take_call(vcpu);
	case EXIT_REASON_OTHER:
		return other(vcpu);
	}
	return 0;
}
`;
const vmcall = (handler: string) => policyOf({ filter: `${DENY}${exit(handler)}` }).vmcall;

describe('the check of the register mask of TDG.VP.VMCALL', () => {
  test.each([
    ['a mask', 'if (to_tdx(vcpu)->vp_enter_args.rcx & ~0x13ULL) return -EINVAL;', ~0x13n],
    ['a mask that must be there', 'if ((tdx->vp_enter_args.rcx & 0x13) != 0x13) return 1;', 0x13n],
    ['of a copy', 'u64 mask = tdx->vp_enter_args.rcx; if (mask & BIT(4)) return 1;', 0x10n],
  ])('%s', (_, handler, mask) => {
    expect(vmcall(handler)).toMatchObject({ check: 'mask', mask: BigInt.asUintN(64, mask) });
  });

  test('none: the line is that of who takes the call; where nobody does, nothing is said', () => {
    const none = vmcall('u64 gpa = tdx->vp_enter_args.r12; if (gpa & 3) return 1;');
    expect([none?.check, none?.mask]).toEqual(['none', null]);
    expect(policyOf().vmcall).toBeUndefined();
    expect(() => vmcall('if (tdx->vp_enter_args.rcx) return 1;')).toThrow(/masks RCX/);
  });
});

test('the bits that KVM sets in CONFIG_FLAGS', () => {
  const own =
    'static void flags(struct td_params *p)\n{\n\tp->config_flags = BIT(2);\n\tif (p->wide)\n\t\tp->config_flags |= 1;\n}\n';
  expect(policyOf({ filter: `${DENY}${own}` }).configFlags?.map(({ mask }) => mask)).toEqual([4n, 1n]);
});
