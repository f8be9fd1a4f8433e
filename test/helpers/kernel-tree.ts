import { openTree } from '../../pipeline/extract/kvm/open-tree.ts';
import { TDX_PATH } from '../../pipeline/extract/kvm/paths.ts';
import { readPolicy } from '../../pipeline/extract/kvm/policy.ts';
import type { KernelTree } from '../../pipeline/extract/kvm/tree.ts';
import type { Policy } from '../../pipeline/model/policy.ts';

/** Parts of a small kernel tree in the shapes of the field; each has a default of the tests' own. */
export type KernelParts = {
  /** Macros and functions before the function that fills an entry. */
  readonly filter?: string;
  /** What that function does after it copied the module's values. */
  readonly init?: string;
  /** The statement of the set-up loop that refuses an entry. */
  readonly refusal?: string;
  /** What the loop gives the TD of an entry. */
  readonly values?: string;
  readonly capabilities?: string;
  readonly restores?: string;
  /** Features beyond the default ones: name to word and bit. */
  readonly features?: Readonly<Record<string, readonly [word: string, bit: number]>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Paths that the tree does not have. */
  readonly without?: readonly string[];
};

export const DENY = `
#define DENIED_TSX (__feature_bit(X86_FEATURE_HLE) | __feature_bit(X86_FEATURE_RTM))
static bool uses_tsx(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function == 7 && entry->index == 0 && (entry->ebx & DENIED_TSX);
}
static void drop_tsx(struct kvm_cpuid_entry2 *entry)
{
	entry->ebx &= ~DENIED_TSX;
}
static bool denied(const struct kvm_cpuid_entry2 *entry)
{
	return uses_tsx(entry);
}
static void drop(struct kvm_cpuid_entry2 *entry)
{
	if (uses_tsx(entry))
		drop_tsx(entry);
}
`;

const PASS = ['eax', 'ebx', 'ecx', 'edx'].map((name) => `value->${name} = entry->${name};`).join('\n\t\t');
/** A set-up that takes away what the function which fills an entry does. */
export const MASKING = PASS.replace(/entry->(e.x)/g, '$& & own.$1');

const RESTORES = `
static struct our_uret our_uret_msrs[] = {
	{.msr = MSR_ALPHA, .defval = 3 },
	{.msr = MSR_BETA,},
};
static void put_back(struct kvm_vcpu *vcpu)
{
	if (kvm_host.xss != vcpu->guest_xss)
		wrmsrl(MSR_GAMMA, kvm_host.xss);
}
void tdx_vcpu_run(struct kvm_vcpu *vcpu)
{
	put_back(vcpu);
}
`;

/** The words that the default tree has, in the order of their numbers. */
export const WORDS: Readonly<Record<string, readonly [leaf: string, subleaf: number, register: string]>> = {
  CPUID_1_EDX: ['1', 0, 'CPUID_EDX'],
  CPUID_1_ECX: ['1', 0, 'CPUID_ECX'],
  CPUID_8000_0001_EDX: ['0x80000001', 0, 'CPUID_EDX'],
  CPUID_7_0_EBX: ['7', 0, 'CPUID_EBX'],
  CPUID_7_ECX: ['7', 0, 'CPUID_ECX'],
  CPUID_7_1_EAX: ['7', 1, 'CPUID_EAX'],
};
const FEATURES = {
  PEAR: ['CPUID_1_EDX', 2],
  '3DNOW': ['CPUID_8000_0001_EDX', 31],
  HLE: ['CPUID_7_0_EBX', 4],
  RTM: ['CPUID_7_0_EBX', 11],
  QUINCE: ['CPUID_7_0_EBX', 19],
  WAITPKG: ['CPUID_7_ECX', 5],
  PLUM: ['CPUID_7_1_EAX', 6],
} as const;

export function kernelFiles(parts: KernelParts = {}): Readonly<Record<string, string>> {
  const names = Object.keys(WORDS);
  const features = Object.entries({ ...FEATURES, ...parts.features }).map(
    ([name, [word, bit]]) => `#define X86_FEATURE_${name} (${names.indexOf(word)}*32+${bit})`,
  );
  const words = Object.entries(WORDS).map(
    ([name, [fn, index, register]]) => `\t[${name}] = {${fn}, ${index}, ${register}},`,
  );
  return {
    [TDX_PATH]: `#include "tdx.h"
#define KVM_SUPPORTED_TD_ATTRS (OUR_ATTRIBUTE)
${parts.filter ?? DENY}
static void fill_entry(struct kvm_cpuid_entry2 *entry, unsigned char idx)
{
	const struct tdx_sys_info_td_conf *conf = &tdx_sysinfo->td_conf;

	entry->function = (u32)conf->cpuid_config_leaves[idx];
	entry->index = conf->cpuid_config_leaves[idx] >> 32;
	entry->eax = (u32)conf->cpuid_config_values[idx][0];
	entry->ebx = conf->cpuid_config_values[idx][0] >> 32;
	entry->ecx = (u32)conf->cpuid_config_values[idx][1];
	entry->edx = conf->cpuid_config_values[idx][1] >> 32;
	${parts.init ?? 'drop(entry);'}
}
static int set_up(struct kvm_cpuid2 *cpuid, struct td_params *params)
{
	struct kvm_cpuid_entry2 *entry;
	int i;

	for (i = 0; i < conf->num_cpuid_config; i++) {
		struct kvm_cpuid_entry2 own;
		struct our_value *value = &params->cpuid_values[i];

		fill_entry(&own, i);
		entry = kvm_find_cpuid_entry2(cpuid->entries, cpuid->nent, own.function, own.index);
		if (!entry)
			continue;
		${parts.refusal ?? 'if (denied(entry)) return -EINVAL;'}
		${parts.values ?? PASS}
	}
	return 0;
}
${parts.restores ?? RESTORES}
`,
    'arch/x86/kvm/cpuid.c': `void kvm_set_cpu_caps(void)\n{\n${parts.capabilities ?? '\tkvm_cpu_cap_init(CPUID_1_EDX,\n\t\tF(PEAR),\n\t);'}\n}\n`,
    'arch/x86/kvm/x86.c': '#define KVM_SUPPORTED_XCR0 (XFEATURE_MASK_FP | XFEATURE_MASK_SSE)\n',
    'arch/x86/kvm/vmx/vmx.c': 'static void vmx_set_cpu_caps(void)\n{\n\tkvm_caps.supported_xss = 0;\n}\n',
    'arch/x86/kvm/reverse_cpuid.h': `static const struct cpuid_reg reverse_cpuid[] = {\n${words.join('\n')}\n};\n`,
    'arch/x86/include/asm/cpufeature.h': `enum cpuid_leafs {\n${names.map((name) => `\t${name},`).join('\n')}\n\tNR_CPUID_WORDS,\n};\n`,
    'arch/x86/include/asm/cpufeatures.h': `${features.join('\n')}\n`,
    'arch/x86/include/asm/kvm_host.h': 'enum kvm_only_cpuid_leafs {\n\tNR_OURS = NR_CPUID_WORDS,\n};\n',
    'arch/x86/include/asm/shared/tdx.h': '#define OUR_ATTRIBUTE BIT_ULL(28)\n',
    'arch/x86/include/asm/tdx_global_metadata.h': 'struct tdx_sys_info_td_conf {\n\tu64 cpuid_config_leaves[48];\n};\n',
    'arch/x86/include/asm/fpu/types.h':
      'enum xfeature {\n\tXFEATURE_FP,\n\tXFEATURE_SSE,\n};\n#define XFEATURE_MASK_FP (1 << XFEATURE_FP)\n#define XFEATURE_MASK_SSE (1 << XFEATURE_SSE)\n',
    'arch/x86/include/asm/cpuid/types.h':
      'enum cpuid_regs_idx {\n\tCPUID_EAX = 0,\n\tCPUID_EBX,\n\tCPUID_ECX,\n\tCPUID_EDX,\n};\n',
    'arch/x86/virt/vmx/tdx/tdx.c': '',
    'arch/x86/virt/vmx/tdx/tdx_global_metadata.c': '',
    Makefile: 'VERSION = 7\nPATCHLEVEL = 2\nSUBLEVEL = 1\nEXTRAVERSION =\n',
    ...parts.files,
  };
}

function kernelTree(parts: KernelParts = {}): KernelTree {
  const files = Object.entries(kernelFiles(parts))
    .filter(([path]) => !parts.without?.includes(path))
    .map(([path, text]) => [path, { text, blob: path }] as const);
  return openTree('example/linux', 'a'.repeat(40), new Map(files));
}

export const policyOf = (parts: KernelParts = {}): Policy => readPolicy(kernelTree(parts), '7.2.1');

/** Masks by place, joined: `7.0.ebx: 0x810`. */
export const masks = (list: Policy['deny']): Readonly<Record<string, string>> => {
  const all = new Map<string, bigint>();
  for (const { leaf, subleaf, register, mask } of list) {
    const key = `${leaf.toString(16)}.${subleaf ?? '-'}.${register}`;
    all.set(key, (all.get(key) ?? 0n) | BigInt(mask));
  }
  return Object.fromEntries([...all].map(([key, mask]) => [key, `0x${mask.toString(16)}`]));
};
