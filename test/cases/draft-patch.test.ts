import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { draftPatch } from '../../pipeline/cases/draft-patch.ts';
import { TDX_PATH } from '../../pipeline/extract/kvm/paths.ts';
import type { ClassedRelease } from '../../pipeline/model/class.ts';
import { DataError, NoInputError, UsageError } from '../../pipeline/model/errors.ts';
import type { BitName } from '../../pipeline/model/field.ts';
import { namesToYaml } from '../../pipeline/specs/lists-file.ts';
import { moduleToYaml } from '../../pipeline/specs/module-file.ts';
import { type KernelParts, kernelFiles, masks, policyOf } from '../helpers/kernel-tree.ts';
import { buildRepository, temporaryFolder } from '../helpers/repository.ts';
import { emptySpecs } from '../helpers/specs.ts';
import { release } from '../judge/ground.ts';
import { contextOf } from './context.ts';

/** An allowlist by leaf: what it gives the registers that it names. */
const allowlist = (cases: string): KernelParts => ({
  filter: `
#define F(name) feature_bit(name)
static u32 allowed(const struct kvm_cpuid_entry2 *entry, int reg)
{
	switch (entry->function) {
${cases}
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
`,
  init: 'keep(entry);',
  refusal: 'if (refused(entry)) return -EINVAL;',
  features: {
    QUINCES: ['CPUID_7_1_EAX', 7],
    DECOY: ['CPUID_1_ECX', 12],
    FAR: ['CPUID_8000_0001_EDX', 12],
    LIME: ['CPUID_1_EDX', 13],
    PEACH: ['CPUID_1_EDX', 12],
  },
});

const NAMES: readonly BitName[] = [
  { leaf: 7, subleaf: 1, register: 'eax', high: 7, low: 7, name: 'QUINCES' },
  { leaf: 7, subleaf: 1, register: 'eax', high: 6, low: 6, name: 'PLUM' },
];

/** What is drafted for a release on a kernel, and what the kernel does when the draft is applied. */
async function drafted(parts: KernelParts, releases: readonly ClassedRelease[], since: string | null = null) {
  const root = temporaryFolder();
  const specs = emptySpecs(join(root, 'specs'));
  writeFileSync(join(specs, 'names.yaml'), await namesToYaml(NAMES, []));
  for (const { module } of releases)
    writeFileSync(join(specs, 'modules', `${module.release}.yaml`), await moduleToYaml(module));
  const files = kernelFiles(parts);
  const repository = buildRepository([{ subject: 'a kernel', files }]);
  const operand = `${repository}@main`;
  const patch = await draftPatch(contextOf({ specs }), '1.5.08', operand, since);
  if (!patch.startsWith('diff ')) return { operand, patch, after: null };
  const work = join(root, 'work');
  mkdirSync(join(work, dirname(TDX_PATH)), { recursive: true });
  writeFileSync(join(work, TDX_PATH), files[TDX_PATH] ?? '');
  execFileSync('git', ['apply'], { cwd: work, input: patch });
  const after = policyOf({ ...parts, files: { [TDX_PATH]: readFileSync(join(work, TDX_PATH), 'utf8') } });
  return { operand, patch, after };
}
/** Bits that a draft names, as its comments do. */
const commentsIn = (patch: string): readonly string[] =>
  [...patch.matchAll(/^\+.*\/\* (?:DRAFT, not reviewed: )?(.*) \*\//gm)].map(([, text = '']) => text);

describe('a draft for a denylist', () => {
  const wide = release('1.5.08', [
    { allow: { eax: 0xc0, ecx: 0x1 } },
    { leaf: 0x19, subleaf: null, allow: { ebx: 0x4 } },
  ]);

  test('denies what a release lets a VMM set, with its name or the word that it has none', async () => {
    const { patch, after } = await drafted({}, [wide]);
    expect(commentsIn(patch)).toEqual([
      'bits of TDX module 1.5.08 that this KVM lets through undecided',
      '7.1.EAX: PLUM [6], QUINCES [7]',
      '7.1.ECX: no name',
      '0x19.EBX: no name',
    ]);
    expect(masks(after?.deny ?? [])).toEqual({
      ...masks(policyOf().deny),
      '7.1.eax': '0xc0',
      '7.1.ecx': '0x1',
      '19.0.ebx': '0x4',
    });
  });

  test('leaves out what the release before had, and says so where nothing is left', async () => {
    const before = release('1.5.06', [{ allow: { eax: 0x40, ecx: 0x3 } }, { leaf: 0x19, subleaf: null }]);
    const { after } = await drafted({}, [before, wide], '1.5.06');
    expect(masks(after?.deny ?? [])).toMatchObject({ '7.1.eax': '0x80', '19.0.ebx': '0x4' });
    expect(masks(after?.deny ?? [])).not.toHaveProperty(['7.1.ecx']);
    const same = release('1.5.06', [
      { allow: { eax: 0xc0, ecx: 0x1 } },
      { leaf: 0x19, subleaf: null, allow: { ebx: 0x4 } },
    ]);
    const { patch, operand } = await drafted({}, [same, wide], '1.5.06');
    expect(patch).toBe(`nothing to decide: ${operand} lets no feature of 1.5.08 through that nobody stands behind\n`);
  });
});

describe('a draft for an allowlist', () => {
  const ONE = `	case 1:
		if (reg == 3)
			return F(PEAR);
		return 0;`;
  const SEVEN = `	case 7:
		if (entry->index == 1 && reg == 0)
			return F(PLUM);
		return 0;`;
  const leaf1 = { leaf: 1, subleaf: null, allow: { edx: 0x1004 } };

  test('opts each bit in by its own name, in a leaf with sub-leaves and in one without', async () => {
    const parts = allowlist(`${ONE}\n${SEVEN}`);
    expect(masks(policyOf(parts).allow)).toMatchObject({ '1.0.edx': '0x4', '7.1.eax': '0x40' });
    const { patch, after } = await drafted(parts, [release('1.5.08', [leaf1, { allow: { eax: 0xc0 } }])]);
    expect(patch).toContain(
      '+\t\t\treturn F(PEAR) | F(PEACH) /* DRAFT, not reviewed: 1.EDX: no name; TDX module 1.5.08 */;',
    );
    expect(patch).toContain(
      '+\t\t\treturn F(PLUM) | F(QUINCES) /* DRAFT, not reviewed: 7.1.EAX: QUINCES; TDX module 1.5.08 */;',
    );
    expect(masks(after?.allow ?? [])).toMatchObject({ '1.0.edx': '0x1004', '7.1.eax': '0xc0' });
    expect(Object.keys(masks(after?.allow ?? []))).toEqual(Object.keys(masks(policyOf(parts).allow)));
  });

  test('writes a mask where the tree has no name of a bit, and of a leaf without sub-leaves lets sub-leaf 0 through', async () => {
    const parts = allowlist(`	case 1:
		if (entry->index == 0 && reg == 3)
			return F(PEAR);
		return 0;
${SEVEN}`);
    const { patch, after } = await drafted(parts, [release('1.5.08', [leaf1, { allow: { eax: 0x2c0 } }])]);
    expect(patch).toContain('return F(PEAR) | F(PEACH) /*');
    expect(patch).toContain('+\t\t\treturn F(PLUM) | 0x00000280 /*');
    expect(masks(after?.allow ?? [])).toMatchObject({ '1.0.edx': '0x1004', '7.1.eax': '0x2c0' });
  });

  test('is refused where no place lets through these bits alone, with the line of the list', async () => {
    const shared = allowlist(`	case 7:
		if (reg == 0 || reg == 2)
			return F(PLUM);
		return 0;`);
    const line = policyOf(shared).allow[0]?.line;
    expect(line).toBeGreaterThan(1);
    const refused = await drafted(shared, [release('1.5.08', [{ allow: { eax: 0xc0 } }])]).catch((error) => error);
    expect(refused).toBeInstanceOf(DataError);
    expect(refused.message).toContain(
      `${TDX_PATH}:${line}: expected a mask to which 7.1.EAX can be added, found none that lets through these bits and nothing else; the code needs a new case or word`,
    );
  });

  test('opts bits in where they matter, also where nothing is let through yet, and leaves what stands before it alone', async () => {
    const parts = allowlist(`	case 1:
		if (entry->index == 1 && reg == 3)
			return F(PEAR);
		if ((entry->index == 0 || entry->index == 2) && reg == 3)
			return F(PEAR);
		if (entry->index == 0 && reg == 2)
			return 0;
		return 0;
	case 7:
		if (entry->index == 2 && reg == 0)
			return F(PLUM);
		if (entry->index == 1 && reg == 0)
			return F(PLUM);
		return 0;`);
    const both = { ...leaf1, allow: { ecx: 0x1000, edx: 0x1004 } };
    const { patch, after } = await drafted(parts, [release('1.5.08', [both, { allow: { eax: 0x41 } }])]);
    // A name stands where the code around it writes names.
    expect(patch).toContain('return 0 | 0x00001000 /*');
    expect(masks(after?.allow ?? [])).toEqual({
      '1.0.ecx': '0x1000',
      '1.0.edx': '0x1004',
      '1.1.edx': '0x4',
      '1.2.edx': '0x1004',
      '7.1.eax': '0x41',
      '7.2.eax': '0x40',
    });
  });

  test('is refused where a place gives the bits to a sub-leaf of another leaf too', async () => {
    const shared = allowlist(`	case 1:
	case 7:
		if (reg == 3 && (entry->function == 1 || entry->index == 1))
			return F(PEAR);
		return 0;`);
    const refused = await drafted(shared, [release('1.5.08', [leaf1])]).catch((error) => error);
    expect(refused.message).toContain('expected a mask to which 1.EDX can be added');
  });

  test('says where nothing is left to decide', async () => {
    const { patch, operand } = await drafted(allowlist(SEVEN), [release('1.5.08', [{ allow: { eax: 0x40 } }])]);
    expect(patch).toBe(`nothing to decide: ${operand} allows every bit of 1.5.08 that is configurable\n`);
  });
});

test('a draft is made for a revision of a repository, and for nothing else', async () => {
  const specs = emptySpecs(join(temporaryFolder(), 'specs'));
  writeFileSync(join(specs, 'modules', '1.5.08.yaml'), await moduleToYaml(release('1.5.08', [{}]).module));
  const draft = (operand: string) => draftPatch(contextOf({ specs }), '1.5.08', operand, null);
  for (const operand of ['linux', '@main', ''])
    await expect(draft(operand)).rejects.toThrow(
      new UsageError(`--suggest ${JSON.stringify(operand)}: expected GITDIR@REV`),
    );
  await expect(draft('a@main')).rejects.toThrow(NoInputError);
  const other = buildRepository([{ subject: 'no kernel', files: { Makefile: 'VERSION = 6\n' } }]);
  await expect(draft(`${other}@main`)).rejects.toThrow(/no arch\/x86\/kvm\/vmx\/tdx\.c: this revision has no TDX/);
});
