import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { openTree } from '../../../pipeline/extract/kvm/open-tree.ts';
import { KVM_PATHS } from '../../../pipeline/extract/kvm/paths.ts';
import { kernelVersion, readPolicy } from '../../../pipeline/extract/kvm/policy.ts';
import { kernelFiles, masks, policyOf } from '../../helpers/kernel-tree.ts';

test('a whole policy', () => {
  const policy = policyOf();
  expect(policy).toMatchObject({ attributes: 0x10000000n, xfam: ['fp', 'sse'], configLimit: 48, adds: [], notes: [] });
  expect(policy.restores.map(({ msr, by }) => `${msr} ${by}`)).toEqual([
    'MSR_ALPHA our_uret_msrs',
    'MSR_BETA our_uret_msrs',
    'MSR_GAMMA put_back',
  ]);
});

test('bits that KVM itself reports', () => {
  expect(
    masks(policyOf({ init: 'if (entry->function == 0x80000008) entry->eax |= 0xff0000; drop(entry);' }).adds),
  ).toEqual({
    '80000008.0.eax': '0xff0000',
  });
});

test('a write of a value that is not the host’s restores nothing', () => {
  const restores =
    'void tdx_vcpu_run(struct kvm_vcpu *vcpu)\n{\n\twrmsrl(MSR_DELTA, vcpu->guest_value);\n\twrmsrl(MSR_ECHO, vcpu->host_value);\n}\n';
  expect(policyOf({ restores }).restores.map(({ msr }) => msr)).toEqual(['MSR_ECHO']);
});

test('capabilities: trailing commas, names that begin with a digit, aliases, and macros that set nothing', () => {
  const capabilities =
    '\tkvm_cpu_cap_init(CPUID_8000_0001_EDX,\n\t\tF(3DNOW),\n\t\tALIASED_1_EDX_F(PEAR),\n\t\tVENDOR_F(HLE),\n\t\tRUNTIME_F(RTM),\n\t);';
  expect(masks(policyOf({ capabilities }).known)).toEqual({ '80000001.0.edx': '0x80000004' });
});

test.each([
  ['VERSION = 6\nPATCHLEVEL = 16\nSUBLEVEL = 1\nEXTRAVERSION =\n', '6.16.1'],
  ['VERSION = 6\nPATCHLEVEL = 17\nSUBLEVEL = 0\nEXTRAVERSION = -rc3\n', '6.17-rc3'],
])('the version of a make file', (text, version) => {
  expect(kernelVersion('Makefile', text)).toBe(version);
});

const either = (name: string, one: string, other: string): string =>
  `#ifdef CONFIG_ANY\n#define ${name} ${one}\n#else\n#define ${name} ${other}\n#endif\n`;
const XCR0 = '(XFEATURE_MASK_FP | XFEATURE_MASK_SSE)';

test.each([
  ['arch/x86/include/asm/shared/tdx.h', either('OUR_ATTRIBUTE', 'BIT_ULL(28)', 'BIT_ULL(30)'), /tdx\.h:2: .* line 4/],
  ['arch/x86/kvm/x86.c', either('KVM_SUPPORTED_XCR0', XCR0, 'XFEATURE_MASK_FP'), /x86\.c:2: .* line 4/],
])('a macro of %s with two meanings is an error that names both lines', (path, text, message) => {
  expect(() => policyOf({ files: { [path]: text } })).toThrow(message);
});

test('a feature with two places is an error', () => {
  const path = 'arch/x86/include/asm/cpufeatures.h';
  const text = `${kernelFiles()[path]}${either('X86_FEATURE_FIG', '(3*32+7)', '(3*32+8)')}`;
  expect(() => policyOf({ files: { [path]: text } })).toThrow(/X86_FEATURE_FIG that means the same/);
});

test('two definitions of one value, and one for kernels of 32 bits, are no error', () => {
  const path = 'arch/x86/include/asm/shared/tdx.h';
  const same = either('OUR_ATTRIBUTE', 'BIT_ULL(28)', '0x10000000');
  const wide = either('OUR_ATTRIBUTE', 'BIT_ULL(28)', '0').replace('CONFIG_ANY', 'CONFIG_X86_64');
  for (const text of [same, wide]) expect(policyOf({ files: { [path]: text } }).attributes).toBe(0x10000000n);
});

test.each([
  ['behind a return', '\tif (ours)\n\t\treturn;\n\tkvm_cpu_cap_clear(X86_FEATURE_PEAR);'],
  ['as part of a condition', '\tours && kvm_cpu_cap_clear(X86_FEATURE_PEAR);'],
])('a capability that is cleared %s stays known', (_, clear) => {
  const capabilities = `\tkvm_cpu_cap_init(CPUID_1_EDX, F(PEAR));\n${clear}`;
  expect(masks(policyOf({ capabilities }).known)).toEqual({ '1.0.edx': '0x4' });
});

const repository = process.env.BITWATCH_KERNEL_REPO;
test.skipIf(repository === undefined)('the policy of 6.16.1 (skipped without BITWATCH_KERNEL_REPO)', () => {
  const revision = '210b82c35000b63a0fa95d42feccddea97681b97';
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository ?? '.', ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const present = new Set(git('ls-tree', '--name-only', revision, '--', ...KVM_PATHS).split('\n'));
  const files = KVM_PATHS.filter((path) => present.has(path)).map(
    (path) => [path, { text: git('show', `${revision}:${path}`), blob: path }] as const,
  );
  const policy = readPolicy(openTree('linux', revision, new Map(files)), '6.16.1');
  expect([policy.generation, policy.attributes]).toEqual(['denylist', 0x10000000n]);
  expect(masks(policy.deny)).toEqual({ '7.0.ebx': '0x810', '7.0.ecx': '0x20' });
  expect(masks(policy.adds)).toEqual({ '80000008.0.eax': '0xff0000' });
  expect(policy.restores.map(({ msr }) => msr.replace(/^MSR_(IA32_)?/, '')).sort()).toEqual(
    ['STAR', 'LSTAR', 'SYSCALL_MASK', 'TSC_AUX', 'KERNEL_GS_BASE', 'DEBUGCTLMSR', 'XSS', 'PKRU', 'XCR0'].sort(),
  );
});

test('capabilities that are set later are known; only one that is cleared always is not', () => {
  const known = (capabilities: string) =>
    masks(policyOf({ capabilities: `\tkvm_cpu_cap_init(CPUID_7_0_EBX, F(HLE), F(RTM));\n${capabilities}` }).known);
  expect(known('\tif (host_has_it)\n\t\tkvm_cpu_cap_set(X86_FEATURE_QUINCE);')).toEqual({ '7.0.ebx': '0x80810' });
  expect(known('\tkvm_cpu_cap_check_and_set(X86_FEATURE_WAITPKG);')).toEqual({ '7.0.ebx': '0x810', '7.0.ecx': '0x20' });
  expect(known('\tif (!host_has_it)\n\t\tkvm_cpu_cap_clear(X86_FEATURE_HLE);')).toEqual({ '7.0.ebx': '0x810' });
  expect(known('\tkvm_cpu_cap_clear(X86_FEATURE_HLE);')).toEqual({ '7.0.ebx': '0x800' });
  expect(() => known('\tkvm_cpu_cap_set(X86_FEATURE_MEDLAR);')).toThrow(/cpuid\.c:4:\d+: .*MEDLAR/);
});

test.each(['kvm_initialize_cpu_caps', 'kvm_finalize_cpu_caps'])('capabilities of the later %s()', (name) => {
  const files = {
    'arch/x86/kvm/cpuid.c': `void ${name}(void)\n{\n\tkvm_cpu_cap_init(CPUID_1_EDX,\n\t\tF(PEAR),\n\t);\n}\n`,
  };
  expect(masks(policyOf({ files }).known)).toEqual({ '1.0.edx': '0x4' });
});

test('host state that later kernels set on the way out: by slot, with wrmsrq, and on the way to the guest', () => {
  const restores = `
static struct our_uret our_uret_msrs[] = { {.msr = MSR_ALPHA,}, };
void tdx_prepare_switch_to_guest(struct kvm_vcpu *vcpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(our_uret_msrs); i++)
		kvm_set_user_return_msr(our_uret_msrs[i].slot, our_uret_msrs[i].defval, -1ull);
	kvm_set_user_return_msr(our_slot, 0, -1ull);
}
static void tdx_prepare_switch_to_host(struct kvm_vcpu *vcpu)
{
	wrmsrq(MSR_BETA, vt->msr_host_beta);
}
static int ready(void)
{
	our_slot = kvm_find_user_return_msr(MSR_DELTA);
	return 0;
}
`;
  expect(policyOf({ restores }).restores.map(({ msr }) => msr)).toEqual(['MSR_ALPHA', 'MSR_BETA', 'MSR_DELTA']);
});

test('a mask of XFAM that only some builds have is said to be', () => {
  const xss = '#define KVM_SUPPORTED_XCR0 1\n#ifdef CONFIG_OURS\n#define KVM_SUPPORTED_XSS 0x100\n#endif\n';
  const policy = policyOf({ files: { 'arch/x86/kvm/x86.c': xss } });
  expect(policy.xfam).toEqual(['fp', 'pt']);
  expect(policy.notes.join()).toMatch(/KVM_SUPPORTED_XSS is taken to be there, .*defined\(CONFIG_OURS\)/);
});
