import { describe, expect, test } from 'vitest';
import { DataError } from '../../../pipeline/model/errors.ts';
import { holdsAt } from '../../../pipeline/model/policy.ts';
import { kernelFiles, MASKING, masks, policyOf } from '../../helpers/kernel-tree.ts';

const SWITCH = `
static void keep(struct kvm_cpuid_entry2 *entry)
{
	u32 eax = 0, ebx = 0, ecx = 0, edx = 0;

	switch (entry->function) {
	case 1:
		eax = 0x0fff3fff;
		edx = BIT(2) | 0x100;
		break;
	case 7:
		if (entry->index == 0)
			ebx = feature_bit(QUINCE);
		else if (entry->index == 1)
			eax = feature_bit(PLUM);
		break;
	default:
		break;
	}
	entry->eax &= eax;
	entry->ebx &= ebx;
	entry->ecx &= ecx;
	entry->edx &= edx;
}
`;

const table = (declaration: string, more = ''): string => `
#define F(name) feature_bit(name)
${declaration}
${more}
static bool known(const struct kvm_cpuid_entry2 *entry, u32 eax, u32 ebx)
{
	return !(entry->eax & ~eax) && !(entry->ebx & ~ebx) && !entry->ecx && !entry->edx;
}
static void keep(struct kvm_cpuid_entry2 *entry)
{
	u32 eax = 0, ebx = 0;

	if (entry->function == 7 && entry->index == 1)
		eax = our_tdx_cpu_caps[CPUID_7_1_EAX];
	if (entry->function == 7 && entry->index == 0)
		ebx = our_tdx_cpu_caps[CPUID_7_0_EBX];
	entry->eax &= eax;
	entry->ebx &= ebx;
	entry->ecx = 0;
	entry->edx = 0;
}
static bool refused(const struct kvm_cpuid_entry2 *entry)
{
	if (entry->function == 7 && entry->index == 1)
		return !known(entry, our_tdx_cpu_caps[CPUID_7_1_EAX], 0);
	if (entry->function == 7 && entry->index == 0)
		return !known(entry, 0, our_tdx_cpu_caps[CPUID_7_0_EBX]);
	return !known(entry, 0, 0);
}
`;

describe('an allowlist is recognised by what it does to leaves that it does not name', () => {
  test('as a switch with masks per register', () => {
    const policy = policyOf({ filter: SWITCH, init: 'keep(entry);', refusal: '', values: MASKING });
    expect([policy.generation, policy.deny, masks(policy.allow)]).toEqual([
      'allowlist',
      [],
      {
        '1.0.eax': '0xfff3fff',
        '1.0.edx': '0x104',
        '7.0.ebx': '0x80000',
        '7.1.eax': '0x40',
      },
    ]);
  });

  test.each([
    [
      'initialisers by word',
      'static u32 our_tdx_cpu_caps[NR_KVM_CPU_CAPS] = { [CPUID_7_1_EAX] = F(PLUM), [CPUID_7_0_EBX] = F(QUINCE) | F(HLE) };',
      '',
    ],
    [
      'raw masks',
      'static u32 our_tdx_cpu_caps[NR_KVM_CPU_CAPS] = { [CPUID_7_0_EBX] = 0x80010, [CPUID_7_1_EAX] = 1u << 6 };',
      '',
    ],
    [
      'calls in the style of cap-init',
      'static u32 our_tdx_cpu_caps[NR_KVM_CPU_CAPS];\n#define our_tdx_cpu_cap_init(leaf, feature_masks...) do { const u32 each[] = { feature_masks }; int at; for (at = 0; at < ARRAY_SIZE(each); at++) our_tdx_cpu_caps[leaf] |= each[at]; } while (0)',
      'static void fill(void)\n{\n\tour_tdx_cpu_cap_init(CPUID_7_1_EAX, F(PLUM));\n\tour_tdx_cpu_cap_init(CPUID_7_0_EBX, F(QUINCE), 0x10);\n}',
    ],
  ])('as a table filled by %s', (_, declaration, more) => {
    const policy = policyOf({
      filter: table(declaration, more),
      init: 'keep(entry);',
      refusal: 'if (refused(entry)) return -EINVAL;',
    });
    expect([policy.generation, masks(policy.allow)]).toEqual([
      'allowlist',
      { '7.0.ebx': '0x80010', '7.1.eax': '0x40' },
    ]);
  });

  test('what is hidden and not refused is told for every leaf, and a table of a name without a place is an error', () => {
    const own = 'static u32 our_tdx_cpu_caps[NR_KVM_CPU_CAPS] = { [CPUID_7_1_EAX] = F(PLUM) };';
    const open = table(own).replace('return !known(entry, 0, 0);', 'return false;');
    const policy = policyOf({ filter: open, init: 'keep(entry);', refusal: 'if (refused(entry)) return -EINVAL;' });
    expect([policy.generation, policy.allow, policy.disagreements?.[0]]).toMatchObject([
      'denylist',
      [],
      { kind: 'hidden-not-refused', leaf: null, mask: 0xffffffff },
    ]);
    expect(() => policyOf({ filter: table(own.replace('PLUM', 'NOBODY')), init: 'keep(entry);', refusal: '' })).toThrow(
      DataError,
    );
  });

  test('a bit that is added to the table is allowed, and nothing else changes', () => {
    const with_ = (mask: string) =>
      masks(
        policyOf({
          filter: table(`static u32 our_tdx_cpu_caps[9] = { [CPUID_7_1_EAX] = ${mask} };`),
          init: 'keep(entry);',
          refusal: '',
          values: MASKING,
        }).allow,
      );
    expect([with_('F(PLUM)'), with_('F(PLUM) | BIT(31)')]).toEqual([
      { '7.1.eax': '0x40' },
      { '7.1.eax': '0x80000040' },
    ]);
  });

  test('a set-up that takes away what is hidden denies it; one register that it forgets is told', () => {
    const own = 'static u32 our_tdx_cpu_caps[9] = { [CPUID_7_1_EAX] = F(PLUM) };';
    const parts = { filter: table(own), init: 'keep(entry);', refusal: '' };
    expect(masks(policyOf({ ...parts, values: MASKING }).allow)).toEqual({ '7.1.eax': '0x40' });
    expect(policyOf(parts).disagreements?.[0]).toMatchObject({ kind: 'hidden-not-refused', leaf: null });
    expect(() => policyOf({ ...parts, values: MASKING.replace('& own.edx', '') })).toThrow(/a mask of every leaf/);
    expect(() => policyOf({ ...parts, values: `mystery(value);\n${MASKING}` })).toThrow(
      /tdx\.c:\d+:\d+: .*cannot run the call of mystery\(\) here/,
    );
  });

  test('a table that only the set-up follows is an allowlist, and the policy says that more is reported', () => {
    const own = 'static u32 our_tdx_cpu_caps[9] = { [CPUID_7_1_EAX] = F(PLUM), [CPUID_7_0_EBX] = F(QUINCE) };';
    const parts = { filter: table(own), init: '', refusal: 'if (refused(entry)) return -EINVAL;' };
    const policy = policyOf(parts);
    // The lines that decide for what no code names: where it is reported, and where it is given up.
    const text = kernelFiles(parts)['arch/x86/kvm/vmx/tdx.c']?.split('\n') ?? [];
    const lineOf = (part: string): number => text.findIndex((line) => line.includes(part)) + 1;
    expect([policy.disagreements?.[0]?.shown.line, policy.disagreements?.[0]?.setUp.line]).toEqual([
      lineOf('entry->eax = (u32)conf->'),
      lineOf('return -EINVAL;'),
    ]);
    expect([policy.generation, masks(policy.allow)]).toEqual([
      'allowlist',
      { '7.0.ebx': '0x80000', '7.1.eax': '0x40' },
    ]);
    expect(policy.disagreements?.[0]).toMatchObject({ kind: 'shown-but-refused', leaf: null });
    expect(policy.disagreements).toContainEqual(
      expect.objectContaining({ kind: 'shown-but-refused', leaf: 7, subleaf: 1, register: 'eax', mask: 0xffffffbf }),
    );
  });

  test('a mask without a test of the sub-leaf holds for every one but those that are named', () => {
    const filter = SWITCH.replace('if (entry->index == 0)\n\t\t\tebx', 'if (entry->index != 2)\n\t\t\tebx');
    const { allow } = policyOf({ filter, init: 'keep(entry);', refusal: '', values: MASKING });
    expect(
      allow.map(({ leaf, subleaf, register, everySubleafBut }) => [leaf, subleaf, register, everySubleafBut]),
    ).toEqual([
      [1, 0, 'eax', []],
      [1, 0, 'edx', []],
      [7, 0, 'ebx', [2]],
    ]);
    const at = (leaf: number, subleaf: number | null, register: 'eax' | 'ebx') =>
      allow.filter((entry) => holdsAt(entry, { leaf, subleaf, register })).length;
    expect([
      at(7, 0, 'ebx'),
      at(7, 1, 'ebx'),
      at(7, 2, 'ebx'),
      at(7, 9, 'ebx'),
      at(1, null, 'eax'),
      at(1, 5, 'eax'),
    ]).toEqual([1, 1, 0, 1, 1, 1]);
  });
});

describe('a table of another file', () => {
  const filter = `
extern u32 our_tdx_cpu_caps[NR_CPUID_WORDS];
static u32 mask_of(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function == 7 && entry->index == 0 ? our_tdx_cpu_caps[CPUID_7_0_EBX] : 0;
}
static void keep(struct kvm_cpuid_entry2 *entry)
{
	entry->eax = entry->ecx = entry->edx = 0;
	entry->ebx &= mask_of(entry);
}
static bool refused(const struct kvm_cpuid_entry2 *entry)
{
	return entry->eax || entry->ecx || entry->edx || (entry->ebx & ~mask_of(entry));
}
`;
  const read = (declaration: string, fill: string) =>
    policyOf({
      filter,
      init: 'keep(entry);',
      refusal: 'if (refused(entry)) return -EINVAL;',
      files: {
        'arch/x86/kvm/cpuid.c': `${declaration}\nvoid our_set_caps(void)\n{\n\t${fill}\n}\nvoid kvm_set_cpu_caps(void)\n{\n\tkvm_cpu_cap_init(CPUID_1_EDX, F(PEAR));\n}\n`,
      },
    });
  test.each([
    ['that its file fills', 'u32 our_tdx_cpu_caps[NR_CPUID_WORDS];', 'our_tdx_cpu_caps[CPUID_7_0_EBX] = 0x80010;'],
    ['with a value', 'u32 our_tdx_cpu_caps[NR_CPUID_WORDS] = { [CPUID_7_0_EBX] = 0x80010 };', ''],
    [
      'by a macro that has the name of one of KVM',
      '#define F(bit) (1u << (bit))\nu32 our_tdx_cpu_caps[NR_CPUID_WORDS];',
      'our_tdx_cpu_caps[CPUID_7_0_EBX] = F(19) | F(4);',
    ],
  ])('%s is read', (_, declaration, fill) => {
    expect(masks(read(declaration, fill).allow)).toEqual({ '7.0.ebx': '0x80010' });
  });
  test.each([
    ['that the host decides', 'u32 our_tdx_cpu_caps[NR_CPUID_WORDS];', 'if (boot_cpu_has(1)) our_tdx_cpu_caps[3] = 1;'],
    ['of what the host has', 'u32 our_tdx_cpu_caps[NR_CPUID_WORDS];', 'our_tdx_cpu_caps[3] = 1 & raw_cpuid_get(3);'],
    ['of the same name that is static there', 'static u32 our_tdx_cpu_caps[NR_CPUID_WORDS] = { [3] = 1 };', ''],
  ])('%s is none', (_, declaration, fill) => {
    expect(() => read(declaration, fill)).toThrow(/`[^`]*(?:our_tdx_cpu_caps\[3\]|raw_cpuid_get\(3\))`/);
  });
});
