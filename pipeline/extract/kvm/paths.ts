export const TDX_PATH = 'arch/x86/kvm/vmx/tdx.c';
/** What a policy is read from; older trees have some elsewhere or not at all. */
export const KVM_PATHS: readonly string[] = [
  TDX_PATH,
  'arch/x86/kvm/vmx/tdx_arch.h',
  'arch/x86/kvm/vmx/tdx.h',
  'arch/x86/kvm/vmx/common.h',
  'arch/x86/kvm/cpuid.c',
  'arch/x86/kvm/cpuid.h',
  'arch/x86/kvm/x86.c',
  'arch/x86/kvm/vmx/vmx.c',
  'arch/x86/kvm/reverse_cpuid.h',
  'arch/x86/include/asm/kvm_host.h',
  'arch/x86/include/asm/cpufeature.h',
  'arch/x86/include/asm/cpufeatures.h',
  'arch/x86/include/asm/cpuid/types.h',
  'arch/x86/include/asm/shared/tdx.h',
  'arch/x86/include/asm/tdx.h',
  'arch/x86/include/asm/tdx_global_metadata.h',
  'arch/x86/include/uapi/asm/kvm.h',
  'arch/x86/include/asm/fpu/types.h',
  'arch/x86/include/asm/fpu/xcr.h',
  'arch/x86/virt/vmx/tdx/tdx.h',
  'arch/x86/virt/vmx/tdx/tdx.c',
  'arch/x86/virt/vmx/tdx/tdx_global_metadata.c',
  'Makefile',
];
/** What the names of bits are read from. */
export const NAME_PATHS: readonly string[] = [
  'arch/x86/kvm/reverse_cpuid.h',
  'arch/x86/include/asm/kvm_host.h',
  'arch/x86/include/asm/cpufeature.h',
  'arch/x86/include/asm/cpufeatures.h',
];
/** Files whose macros and enumerators constants are made of; the big C files are searched only for themselves. */
export const HEADERS = KVM_PATHS.filter((path) => path.endsWith('.h'));
/** KVM's other files with functions that tdx.c may call. */
export const CODE: readonly string[] = ['arch/x86/kvm/cpuid.c', 'arch/x86/kvm/x86.c', 'arch/x86/kvm/vmx/vmx.c'];
