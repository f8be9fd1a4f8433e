/** A list of `specs/sources.yaml`, and whether its people asked for replies. */
export type KnownList = { readonly name: string; readonly address: string; readonly optIn: boolean };

/** Hosts that carry nothing but lists, and local parts that are lists or aliases of many on other hosts. */
const LIST_HOST =
  /^(?:vger\.kernel\.org|kvack\.org|googlegroups\.com|nongnu\.org|gnu\.org|sourceware\.org|groups\.io)$|(?:^|\.)(?:lists?|listman|mailman|listserv|groups)\d*\./;
const LIST_NAME =
  /^(?:linux|kvm|qemu|xen|virtualization|iommu|netdev|bpf|stable|x86|rust-for|platform-driver|kernel-team|tboot|chromeos)(?:-|$)|-(?:devel|dev|users|discuss|list|announce|ml)$|^(?:kvmarm|kvm-riscv)$/;

/** Whether mail to an address reaches many: a known list, a host of lists, or a local part such as `linux-mm` or `x86`. */
export function isList(email: string, lists: readonly KnownList[]): boolean {
  const address = email.toLowerCase();
  const [local = '', host = ''] = address.split('@');
  return lists.some((list) => list.address.toLowerCase() === address) || LIST_HOST.test(host) || LIST_NAME.test(local);
}
