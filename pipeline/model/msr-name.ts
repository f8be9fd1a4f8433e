/** The name that the trees and the manual mean: `MSR_IA32_UMWAIT_CONTROL`, `IA32_UMWAIT_CONTROL`, `UMWAIT_CONTROL` are one. */
export const msrName = (name: string): string => ALIASES.get(plain(name)) ?? plain(name);

const plain = (name: string): string =>
  name
    .toUpperCase()
    .replace(/_MSR_ADDR$/, '')
    .replace(/^MSR_/, '')
    .replace(/^IA32_/, '');

/** The same MSR under the names of the kernel, the module and the manual. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['SYSCALL_MASK', 'FMASK'],
  ['XFD_ERROR', 'XFD_ERR'],
  ['DEBUGCTLMSR', 'DEBUGCTL'],
]);
