// SPDX-License-Identifier: MIT
/*
 * Prints what KVM reports through KVM_TDX_CAPABILITIES as JSON, for `bitwatch host --capabilities FILE`:
 *
 *     cc -O2 -o tdx-capabilities tdx-capabilities.c
 *     ./tdx-capabilities > capabilities.json
 *
 * It needs kernel headers of 6.16 or newer and the right to open /dev/kvm (the group kvm; not root). It creates a TD without
 * memory or vCPUs, asks, and ends. It changes nothing on the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef KVM_X86_TDX_VM
#error "the kernel headers are older than 6.16: they have no KVM_X86_TDX_VM"
#endif

#define MOST_ENTRIES 4096u

static int fail(const char *what)
{
	fprintf(stderr, "tdx-capabilities: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return fail("/dev/kvm cannot be opened");
	int vm = ioctl(kvm, KVM_CREATE_VM, (unsigned long)KVM_X86_TDX_VM);
	if (vm < 0)
		return fail("KVM makes no TD here (is kvm_intel.tdx=1 set?)");

	/* KVM says E2BIG where the array is too short. */
	for (unsigned int entries = 128; entries <= MOST_ENTRIES; entries *= 2) {
		struct kvm_tdx_capabilities *caps =
			calloc(1, sizeof(*caps) + entries * sizeof(struct kvm_cpuid_entry2));
		if (caps == NULL)
			return fail("no memory");
		caps->cpuid.nent = entries;
		struct kvm_tdx_cmd cmd = { .id = KVM_TDX_CAPABILITIES, .data = (__u64)(unsigned long)caps };
		if (ioctl(vm, KVM_MEMORY_ENCRYPT_OP, &cmd) < 0) {
			int error = errno;
			free(caps);
			if (error == E2BIG)
				continue;
			errno = error;
			return fail("KVM_TDX_CAPABILITIES");
		}
		printf("{\"attributes\": \"0x%llx\", \"xfam\": \"0x%llx\", \"cpuid\": [",
		       (unsigned long long)caps->supported_attrs, (unsigned long long)caps->supported_xfam);
		for (unsigned int i = 0; i < caps->cpuid.nent; i++) {
			const struct kvm_cpuid_entry2 *e = &caps->cpuid.entries[i];
			printf("%s\n  {\"leaf\": \"0x%x\", \"subleaf\": \"0x%x\", \"eax\": \"0x%08x\", \"ebx\": \"0x%08x\", "
			       "\"ecx\": \"0x%08x\", \"edx\": \"0x%08x\"}",
			       i == 0 ? "" : ",", e->function, e->index, e->eax, e->ebx, e->ecx, e->edx);
		}
		printf("\n]}\n");
		free(caps);
		return 0;
	}
	errno = E2BIG;
	return fail("KVM_TDX_CAPABILITIES");
}
