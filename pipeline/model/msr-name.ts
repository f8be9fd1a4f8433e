/** The name that the trees and the manual mean: `MSR_IA32_UMWAIT_CONTROL`, `IA32_UMWAIT_CONTROL`, `UMWAIT_CONTROL` are one. */
export function msrName(name: string): string {
  const known = KNOWN.get(name);
  if (known !== undefined) return known;
  const text = plain(name);
  const found = ALIASES.get(text) ?? text;
  KNOWN.set(name, found);
  return found;
}

/** The names of a run are few and asked for often. */
const KNOWN = new Map<string, string>();

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
