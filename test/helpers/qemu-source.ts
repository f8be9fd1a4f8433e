/** The tables of a QEMU in the shapes of its source, with names and values of our own. */
const TDX = `
#define TDX_TD_ATTRIBUTES_SEPT_VE_DISABLE BIT_ULL(28)
#define TDX_TD_ATTRIBUTES_PERFMON BIT_ULL(63)
#define TDX_SUPPORTED_TD_ATTRS (TDX_TD_ATTRIBUTES_SEPT_VE_DISABLE | \\
                                TDX_TD_ATTRIBUTES_PERFMON)
#define TDX_SUPPORTED_KVM_FEATURES ((1U << KVM_FEATURE_A) | (1U << 15))
KvmCpuidInfo tdx_fixed1_bits = {
    .cpuid.nent = 2,
    .entries[0] = { .function = 0x1, .index = 0, .ecx = CPUID_EXT_SSE3 | CPUID_EXT_X, .edx = 1U << 31 },
    .entries[1] = { .function = 0x7, .index = 2, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .edx = 0x17 },
};
static TdxAttrsMap tdx_attrs_maps[] = {
    {.attr_index = 27, .cpuid_leaf = 7, .cpuid_subleaf = 1, .cpuid_reg = R_EAX, .feat_mask = 1U << 6,},
};
TdxXFAMDep tdx_xfam_deps[] = {
    { XSTATE_YMM_BIT, { FEAT_SECOND, 1U << 5 } },
    /* the mask is of the third word: EDX */
    { 17, { FEAT_THIRD, 1U << 24 } },
};
`;
const CPU = `
FeatureWordInfo feature_word_info[FEATURE_WORDS] = {
    [FEAT_FIRST] = {
        .type = CPUID_FEATURE_WORD,
        .feat_names = { "pni" /* sse3 */, NULL, "x", [31] = "hypervisor" },
        .cpuid = { .eax = 1, .reg = R_ECX, },
        .no_autoenable_flags = 1U << 2,
    },
    [FEAT_SECOND] = {
        .feat_names = { NULL, "b" },
        .cpuid = { .eax = 7, .needs_ecx = true, .ecx = 0, .reg = R_EBX },
    },
    [FEAT_THIRD] = { .cpuid = { .eax = 7, .needs_ecx = true, .ecx = 0, .reg = R_EDX } },
    [FEAT_MSR] = { .type = MSR_FEATURE_WORD, .feat_names = { "m" }, .msr = { .index = 0x10a } },
};
ExtSaveArea x86_ext_save_areas[XSAVE_STATE_AREA_COUNT] = {
    [0] = { .size = 1 },
    [XSTATE_YMM_BIT] = { .size = 2 },
    [17] = { .size = 3 },
};
void x86_cpu_expand_features(X86CPU *cpu, Error **errp)
{
    CPUX86State *env = &cpu->env;
    if (x86_threads_per_pkg(&env->topo_info) > 1) {
        env->features[FEAT_SECOND] |= CPUID_EXT_X;
        if (!IS_INTEL_CPU(env)) {
            env->features[FEAT_FIRST] |= CPUID_EXT_SSE3;
        }
    }
    if (cpu->other > 1) {
        env->features[FEAT_FIRST] |= CPUID_EXT_X;
    }
}
`;
const KVM = `
uint32_t kvm_arch_get_supported_cpuid(KVMState *s, uint32_t function, uint32_t index, int reg)
{
    uint32_t ret = 0;
    if (entry) {
        ret = reg_of(entry, reg);
    }
    if (function == 1 && reg == R_EDX) {
        ret |= CPUID_EXT_SSE3 | CPUID_EXT_X;
    } else if (function == 1 && reg == R_ECX) {
        ret |= 1U << 31;
        if (is_told) {
            ret |= 1U << 3;
        }
        if (is_not) {
            ret &= ~CPUID_EXT_X;
        }
    } else if (function == 7 && index == 0 && reg == R_EBX) {
        uint32_t ebx;
        host_cpuid(7, 0, &unused, &ebx, &unused, &unused);
        ret |= ebx & (1U << 9);
    } else if (function == 0xd && index == 0 && (reg == R_EAX || reg == R_EDX)) {
        ret = bitmask;
    }
    return ret;
}
`;
export const FILES = new Map([
  ['target/i386/kvm/tdx.c', TDX],
  ['target/i386/cpu.c', CPU],
  ['target/i386/kvm/kvm.c', KVM],
  [
    'target/i386/cpu.h',
    `enum { R_EAX = 0, R_ECX = 1, R_EDX = 2, R_EBX = 3 };
typedef enum FeatureWord { FEAT_FIRST, FEAT_SECOND, FEAT_THIRD, FEAT_MSR, FEATURE_WORDS } FeatureWord;
#define XSTATE_YMM_BIT 2
#define CPUID_EXT_SSE3 (1U << 0)
#define CPUID_EXT_X (1U << 2)
`,
  ],
  ['include/standard-headers/asm-x86/kvm_para.h', '#define KVM_FEATURE_A 1\n'],
  ['include/qemu/bitops.h', '#define BIT_ULL(nr) (1ULL << (nr))\n'],
]);
