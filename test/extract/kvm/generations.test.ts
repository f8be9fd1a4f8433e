import { describe, expect, test } from 'vitest';
import { TDX_PATH } from '../../../pipeline/extract/kvm/paths.ts';
import { DataError } from '../../../pipeline/model/errors.ts';
import type { Policy } from '../../../pipeline/model/policy.ts';
import { kernelFiles, masks, policyOf } from '../../helpers/kernel-tree.ts';

const RESTORES = `
static struct our_uret our_uret_msrs[] = { {.msr = MSR_ALPHA,} };
static int our_slot;
static void our_setup(void)
{
	our_slot = kvm_find_user_return_msr(MSR_DELTA);
}
static void our_return(void)
{
	if (our_slot != -1)
		kvm_user_return_update_cache(our_slot, 0);
}
void tdx_vcpu_run(struct kvm_vcpu *vcpu)
{
	our_return();
}
`;

/** A set-up that cuts user space's values down to what the module reports as configurable. */
const MASK = `
static void set_up_values(struct kvm_cpuid2 *cpuid, struct our_params *params)
{
	int i;

	for (i = 0; i < info->num; i++) {
		const struct our_config *c = &info->cpuid_configs[i];
		const struct kvm_cpuid_entry2 *entry = kvm_find_cpuid_entry2(cpuid->entries, cpuid->nent, c->leaf, 0);
		struct our_value *value = &params->cpuid_values[i];

		if (!entry)
			continue;
		value->eax = entry->eax & c->eax;
		value->ebx = entry->ebx & c->ebx;
		value->ecx = c->ecx & entry->ecx;
		value->edx = entry->edx & c->edx;
	}
}
`;
const HANDS_ON = `
static int set_up(struct our_params *params, struct our_init *init)
{
	u64 xss = 0;

	if (init->attributes & BIT_ULL(63))
		return -EOPNOTSUPP;
	params->attributes = init->attributes;
	xss &= (kvm_caps.supported_xss | BIT(8) | BIT(15));
	params->xfam = xss;
	if (params->xfam & BIT(15)) {
		pr_warn("not yet");
		return -EOPNOTSUPP;
	}
	return 0;
}
`;
const ATTRIBUTES = '#define KVM_SUPPORTED_TD_ATTRS (OUR_ATTRIBUTE)\n';
const of = (...parts: readonly string[]): Policy => policyOf({ files: { [TDX_PATH]: parts.join('\n') } });

describe('mask: user space’s values are cut down to what is configurable', () => {
  test('nothing is denied, allowed or added', () => {
    const policy = of(ATTRIBUTES, MASK, RESTORES);
    expect([policy.generation, policy.deny, policy.allow, policy.adds]).toEqual(['mask', [], [], []]);
    expect(policy.notes.join()).toContain('drops what user space sets');
    expect(policy.attributes).toBe(1n << 28n);
  });

  test('attributes and XFAM are what the set-up hands on, adds and refuses', () => {
    const policy = of(MASK, HANDS_ON, RESTORES);
    expect(policy.attributes).toBe(0x7fff_ffff_ffff_ffffn);
    expect(policy.notes.join()).toContain('hands on what user space asks for, but for 0x8000000000000000');
    expect(policy.xfam).toEqual(['fp', 'sse', 'pt']);
  });

  test('an MSR that is given back through a slot is restored', () => {
    expect(of(ATTRIBUTES, MASK, RESTORES).restores.map(({ msr, by }) => `${msr} ${by}`)).toEqual([
      'MSR_ALPHA our_uret_msrs',
      'MSR_DELTA our_return',
    ]);
  });

  test.each([
    ['three registers only', MASK.replace('value->edx = entry->edx & c->edx;', '')],
    ['a register with another’s mask', MASK.replace('c->edx;', 'c->ecx;')],
    ['a value that is or-ed', MASK.replace('entry->eax & c->eax', 'entry->eax | c->eax')],
  ])('%s is no generation that is known', (_, code) => {
    expect(() => of(ATTRIBUTES, code, RESTORES)).toThrow(DataError);
  });

  test('a set-up that also refuses a bit of every leaf is no generation that is known', () => {
    const refusing = MASK.replace('continue;', 'continue;\n\t\tif (entry->ebx & 0x10)\n\t\t\treturn -EINVAL;');
    expect(() => of(ATTRIBUTES, refusing, RESTORES)).toThrow(/ebx\[4\], taken away from every leaf/);
  });

  test('without a list of attributes and without handing them on, nothing is guessed', () => {
    expect(() => of(MASK, RESTORES)).toThrow(/KVM_SUPPORTED_TDX_TD_ATTRS or KVM_SUPPORTED_TD_ATTRS/);
  });
});

/** What KVM supports, with fix-ups, and a set-up that cuts the module's bits down to it. */
const supported = (fixups: string, adds = ''): string => `
#define OUR_SIGNATURE 0x40000000
static int our_supported(struct kvm_cpuid2 **cpuid)
{
	static const u32 funcs[] = { 0, 0x80000000, OUR_SIGNATURE, };
	struct kvm_cpuid_entry2 *entry;
	int r, i;

	r = kvm_get_supported_cpuid_internal(*cpuid, funcs, ARRAY_SIZE(funcs));
	if (r)
		goto err;
${fixups}
	return 0;
err:
	kfree(*cpuid);
	return r;
}
static int our_caps_set_up(void)
{
	struct kvm_cpuid2 *all;
	int i;

	our_supported(&all);
	for (i = 0; i < conf->num_cpuid_config; i++) {
		struct our_config *dest = &caps->cpuid_configs[i];
		struct kvm_cpuid_entry2 *e;

		${adds}
		e = kvm_find_cpuid_entry2(all->entries, all->nent, dest->leaf, dest->sub_leaf);
		if (!e) {
			dest->eax = dest->ebx = dest->ecx = dest->edx = 0;
		} else {
			dest->eax &= e->eax;
			dest->ebx &= e->ebx;
			dest->ecx &= e->ecx;
			dest->edx &= e->edx;
		}
	}
	return 0;
}
`;
const FIND = (leaf: string, subleaf: string): string =>
  `\tentry = kvm_find_cpuid_entry2((*cpuid)->entries, (*cpuid)->nent, ${leaf}, ${subleaf});\n\tif (WARN_ON(!entry))\n\t\tgoto err;\n`;

describe('supported-cpuid: the module’s bits are cut down to what KVM supports', () => {
  test('allows what KVM has a capability for and what the fix-ups add', () => {
    const code = supported(
      `${FIND('0x1', '0')}\tentry->eax |= 0x0fff3fff;\n\tentry->ebx |= 0x00ff0000;\n${FIND('0xb', '0')}\tentry->eax = BIT(5) - 1;\n`,
      'if (dest->leaf == 0x80000008)\n\t\t\tdest->eax |= 0x00ff0000;',
    );
    const policy = of(ATTRIBUTES, code, RESTORES);
    expect([policy.generation, policy.deny]).toEqual(['supported-cpuid', []]);
    expect(masks(policy.allow)).toEqual({
      '1.0.eax': '0xfff3fff',
      '1.0.ebx': '0xff0000',
      '1.0.edx': '0x4',
      'b.0.eax': '0x1f',
    });
    expect(masks(policy.adds)).toEqual({ '80000008.0.eax': '0xff0000' });
    expect(policy.notes.join()).toContain('fix-ups alone');
  });

  test('a loop over sub-leaves counts for each of them', () => {
    const loop = `\tfor (int i = 1; i <= 3; i++) {\n\t\tentry = kvm_find_cpuid_entry2(*cpuid, 9, 0x1f, i);\n\t\tif (!entry) {\n\t\t\tentry = &(*cpuid)->entries[9];\n\t\t\tentry->function = 0x1f;\n\t\t\tentry->index = i;\n\t\t}\n\t\tentry->ebx = 0xffff;\n\t}\n`;
    expect(masks(of(ATTRIBUTES, supported(loop), RESTORES).allow)).toEqual({
      '1.0.edx': '0x4',
      '1f.1.ebx': '0xffff',
      '1f.2.ebx': '0xffff',
      '1f.3.ebx': '0xffff',
    });
  });

  test.each([
    ['a register that is set to what is no constant', `${FIND('0x4', '0')}\tentry->eax |= somewhere;\n`],
    ['a leaf that is not looked up by constants', '\tentry->eax |= 1;\n'],
    ['a loop without constant bounds', '\tfor (i = 0; i < r; i++) {\n\t\tentry->eax |= 1;\n\t}\n'],
    ['an operator that is none of a mask', `${FIND('0x4', '0')}\tentry->eax ^= 1;\n`],
  ])('%s is an error with its line', (_, fixups) => {
    const error = (() => {
      try {
        of(ATTRIBUTES, supported(fixups), RESTORES);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(DataError);
    expect(String(error)).toMatch(/tdx\.c:\d+/);
  });
});

test('two generations in one tree are an error that names both', () => {
  const both = `${kernelFiles()[TDX_PATH]}\n${MASK}`;
  expect(() => policyOf({ files: { [TDX_PATH]: both } })).toThrow(/set_up_values\(\).*line \d+/s);
});
