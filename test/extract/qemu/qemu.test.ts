import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readQemu } from '../../../pipeline/extract/qemu/facts.ts';
import { openQemu } from '../../../pipeline/extract/qemu/tree.ts';
import { DataError } from '../../../pipeline/model/errors.ts';
import { NO_CACHE } from '../../../pipeline/specs/plain.ts';
import { qemuToYaml, readQemuFile } from '../../../pipeline/specs/qemu-file.ts';
import { bitwatch, ROOT } from '../../helpers/run.ts';

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
`;
const FILES = new Map([
  ['target/i386/kvm/tdx.c', TDX],
  ['target/i386/cpu.c', CPU],
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
const SOURCE = { repository: 'owner/qemu', revision: 'f'.repeat(40), path: 'target/i386/kvm/tdx.c', blob: null };
const read = (edits: readonly (readonly [string, string, string])[] = []) => {
  const files = new Map(FILES);
  for (const [path, from, to] of edits) {
    expect(files.get(path)).toContain(from);
    files.set(path, files.get(path)?.replace(from, to) ?? '');
  }
  return readQemu(openQemu(files), '11.1.0', SOURCE);
};

test('each table is read with its place, mask and line', () => {
  const facts = read();
  expect(facts.fixed1).toEqual([
    { leaf: 1, subleaf: null, register: 'ecx', mask: 0x5, path: SOURCE.path, line: 9 },
    { leaf: 1, subleaf: null, register: 'edx', mask: 0x80000000, path: SOURCE.path, line: 9 },
    { leaf: 7, subleaf: 2, register: 'edx', mask: 0x17, path: SOURCE.path, line: 10 },
  ]);
  expect(facts.gates).toEqual([
    { gate: 'attributes:27', leaf: 7, subleaf: 1, register: 'eax', mask: 0x40, path: SOURCE.path, line: 13 },
    { gate: 'xfam:2', leaf: 7, subleaf: 0, register: 'ebx', mask: 0x20, path: SOURCE.path, line: 16 },
    { gate: 'xfam:17', leaf: 7, subleaf: 0, register: 'edx', mask: 0x1000000, path: SOURCE.path, line: 18 },
  ]);
  expect(facts.attributes).toEqual({ mask: 0x8000000010000000n, path: SOURCE.path, line: 4 });
  expect(facts.kvmFeatures).toMatchObject({ leaf: 0x40000001, register: 'eax', mask: 0x8002, line: 6 });
  expect(
    facts.words.map(({ leaf, register, names, notAutomatic }) => ({ leaf, register, names, notAutomatic })),
  ).toEqual([
    {
      leaf: 1,
      register: 'ecx',
      names: [
        { bit: 0, name: 'pni' },
        { bit: 2, name: 'x' },
        { bit: 31, name: 'hypervisor' },
      ],
      notAutomatic: 4,
    },
    { leaf: 7, register: 'ebx', names: [{ bit: 1, name: 'b' }], notAutomatic: 0 },
  ]);
});

test('what is written under specs/ reads back as the same facts', async () => {
  const facts = read();
  const text = await qemuToYaml(facts);
  expect(await readQemuFile('specs/qemu/11.1.0.yaml', text, NO_CACHE)).toEqual(facts);
  expect(text.split('\n').filter((line) => line.startsWith('  - ')).length).toBe(8);
});

test.each<[string, string, string, string]>([
  ['an entry too many', SOURCE.path, '.cpuid.nent = 2', '.cpuid.nent = 1'],
  ['a field that no entry has', SOURCE.path, '.index = 2, .flags', '.index = 2, .padding = 1, .flags'],
  ['a register that is none', SOURCE.path, '.cpuid_reg = R_EAX', '.cpuid_reg = 4'],
  ['a word that is not there', SOURCE.path, '{ FEAT_SECOND, 1U << 5 }', '{ 9, 1U << 5 }'],
  ['a name that is none', 'target/i386/cpu.c', 'NULL, "b"', 'NULL, b'],
  ['a name beyond the register', 'target/i386/cpu.c', '[31] = "hypervisor"', '[32] = "hypervisor"'],
  ['a table that is gone', SOURCE.path, 'tdx_xfam_deps[]', 'tdx_other[]'],
  ['a constant that no header has', SOURCE.path, 'CPUID_EXT_X', 'CPUID_EXT_Y'],
])('%s is an error with file and line', (_what, path, from, to) => {
  let error: unknown;
  try {
    read([[path, from, to]]);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(DataError);
  expect(String(error)).toMatch(/target\/i386\/\S+:\d+/);
});

const clone = process.env.BITWATCH_QEMU_REPO;
test.skipIf(clone === undefined)(
  'the real tables are those of specs/qemu (skipped without BITWATCH_QEMU_REPO)',
  async () => {
    for (const version of ['10.1.0', '10.2.0', '11.0.0', '11.1.0']) {
      const { stdout, status } = await bitwatch(['extract', 'qemu', clone ?? '', `v${version}`, '--offline']);
      expect(status).toBe(0);
      const committed = readFileSync(join(ROOT, 'specs', 'qemu', `${version}.yaml`), 'utf8');
      expect(stdout.replace(/repository: .*/, '')).toBe(committed.replace(/repository: .*/, ''));
    }
  },
);
