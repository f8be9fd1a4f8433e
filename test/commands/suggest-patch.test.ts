import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type KernelParts, kernelFiles, masks, policyOf } from '../helpers/kernel-tree.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';

const TDX = 'arch/x86/kvm/vmx/tdx.c';

/** An allowlist that gives the mask of each register; the second form keeps some of them in a table by CPUID word. */
const allowing = (first: string, table = ''): string => `
#define F(name) feature_bit(name)
${table}
static u32 allowed(const struct kvm_cpuid_entry2 *entry, int reg)
{
	switch (entry->function) {
	case 7:
		if (entry->index == 1 && reg == 0)
			return ${first};
		if (entry->index == 1 && reg == 3)
			return BIT(5);
		return 0;
	case 0x80000008:
		if (reg == 0)
			return 0xff00;
		return 0;
	default:
		return 0;
	}
}
static void keep(struct kvm_cpuid_entry2 *entry)
{
	entry->eax &= allowed(entry, 0);
	entry->ebx &= allowed(entry, 1);
	entry->ecx &= allowed(entry, 2);
	entry->edx &= allowed(entry, 3);
}
static bool refused(const struct kvm_cpuid_entry2 *entry)
{
	return (entry->eax & ~allowed(entry, 0)) || (entry->ebx & ~allowed(entry, 1)) ||
	       (entry->ecx & ~allowed(entry, 2)) || (entry->edx & ~allowed(entry, 3));
}
`;
const allowlist = (first: string, table?: string): KernelParts => ({
  filter: allowing(first, table),
  init: 'keep(entry);',
  refusal: 'if (refused(entry)) return -EINVAL;',
  features: { WRMSRNS: ['CPUID_7_1_EAX', 19], CMPCCXADD: ['CPUID_7_1_EAX', 7], AVX_IFMA: ['CPUID_7_1_EAX', 23] },
});

/** Drafts what a release brought and applies it with git; the parts with the patched file. */
async function drafted(parts: KernelParts, release = '1.5.06', since = '1.5.05') {
  const repository = buildRepository([{ subject: 'a kernel', files: kernelFiles(parts) }]);
  const run = await bitwatch(['review', release, '--since', since, '--suggest', `${repository}@main`]);
  if (run.status !== 0) return { run, patched: '' };
  const work = join(temporaryFolder(), 'work');
  execFileSync('git', ['clone', '-q', repository, work]);
  writeFileSync(join(work, 'draft.patch'), run.stdout);
  git(work, 'apply', '--check', 'draft.patch');
  git(work, 'apply', 'draft.patch');
  return { run, patched: execFileSync('cat', [join(work, TDX)], { encoding: 'utf8' }) };
}

/** Without what is closed: AVX_IFMA, whose XFAM feature this kernel does not support, and 0x80000008.EAX[7:0] behind a flag that it never sets. */
const NEW = { '7.1.eax': 0x00080080n, '7.1.edx': 0x00020000n };
const withNew = (before: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(before).map(([place, mask]) => {
      const added = place in NEW ? NEW[place as keyof typeof NEW] : 0n;
      return [place, `0x${(BigInt(mask) | added).toString(16)}`];
    }),
  );
const onlyFirst = (all: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(all).filter(([place]) => !/^80000008\.[1-9]/.test(place)));

describe('a draft for an allowlist opts in each bit that a release brought', () => {
  test.each([
    ['masks that a function returns', 'BIT(6)', undefined],
    ['a table by CPUID word', 'our_caps[CPUID_7_1_EAX]', 'static u32 our_caps[9] = { [CPUID_7_1_EAX] = F(PLUM) };'],
  ])('in %s', async (_, first, table) => {
    const parts = allowlist(first, table);
    const { run, patched } = await drafted(parts);
    expect(run.stderr).toBe('');
    expect(run.stdout).toContain('DRAFT, not reviewed: 7.1.EAX');
    if (table !== undefined) expect(run.stdout).toMatch(/F\(PLUM\) \| F\(CMPCCXADD\) \| F\(WRMSRNS\)/);
    const before = policyOf(parts);
    const after = policyOf({ ...parts, files: { [TDX]: patched } });
    expect(before.generation).toBe('allowlist');
    expect(onlyFirst(masks(after.allow))).toEqual(onlyFirst(withNew(masks(before.allow))));
  });
});

test('a draft for a denylist denies each bit that is let through undecided', async () => {
  const { run, patched } = await drafted({}, '2.0.08', '1.5.06');
  expect(run.stderr).toBe('');
  const before = masks(policyOf().deny);
  const after = masks(policyOf({ files: { [TDX]: patched } }).deny);
  // RAO-INT: neither the kernel's caps nor its base release stand behind it.
  expect(BigInt(after['7.1.eax'] ?? 0) & 0x8n).toBe(0x8n);
  for (const [place, mask] of Object.entries(before))
    expect(BigInt(after[place] ?? 0) & BigInt(mask)).toBe(BigInt(mask));
});
