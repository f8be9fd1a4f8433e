import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readQemu } from '../../../pipeline/extract/qemu/facts.ts';
import { openQemu } from '../../../pipeline/extract/qemu/tree.ts';
import { DataError } from '../../../pipeline/model/errors.ts';
import { NO_CACHE } from '../../../pipeline/specs/plain.ts';
import { qemuToYaml, readQemuFile } from '../../../pipeline/specs/qemu-file.ts';
import { FILES } from '../../helpers/qemu-source.ts';
import { bitwatch, ROOT } from '../../helpers/run.ts';

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
  const line = (text: string, path: string) =>
    (FILES.get(path) ?? '').split('\n').findIndex((each) => each.includes(text)) + 1;
  const kvm = 'target/i386/kvm/kvm.c';
  const of = (each: object, text: string) => ({ ...each, path: kvm, line: line(text, kvm) });
  expect(facts.supports).toEqual([
    of({ leaf: 1, subleaf: null, register: 'edx', mask: 0x5, isConditional: false }, 'ret |= CPUID_EXT_SSE3'),
    of({ leaf: 1, subleaf: null, register: 'ecx', mask: 0x80000000, isConditional: false }, 'ret |= 1U << 31'),
    of({ leaf: 1, subleaf: null, register: 'ecx', mask: 0x8, isConditional: true }, 'ret |= 1U << 3;'),
    of({ leaf: 7, subleaf: 0, register: 'ebx', mask: 0x200, isConditional: false }, 'ret |= ebx'),
  ]);
  // What stands below a further test, or another one, is not set by the threads.
  expect(facts.threadBits).toEqual([
    {
      leaf: 7,
      subleaf: 0,
      register: 'ebx',
      mask: 0x4,
      path: 'target/i386/cpu.c',
      line: line('[FEAT_SECOND] |=', 'target/i386/cpu.c'),
    },
  ]);
  expect(facts.xfam).toEqual({
    mask: 0x20005n,
    path: 'target/i386/cpu.c',
    line: line('x86_ext_save_areas', 'target/i386/cpu.c'),
  });
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
  expect(text.split('\n').filter((line) => line.startsWith('  - ')).length).toBe(13);
});

test.each<[string, string, string, string]>([
  ['an entry too many', SOURCE.path, '.cpuid.nent = 2', '.cpuid.nent = 1'],
  ['a field that no entry has', SOURCE.path, '.index = 2, .flags', '.index = 2, .padding = 1, .flags'],
  ['a register that is none', SOURCE.path, '.cpuid_reg = R_EAX', '.cpuid_reg = 4'],
  ['a word that is not there', SOURCE.path, '{ FEAT_SECOND, 1U << 5 }', '{ 9, 1U << 5 }'],
  ['a name that is none', 'target/i386/cpu.c', 'NULL, "b"', 'NULL, b'],
  ['a name beyond the register', 'target/i386/cpu.c', '[31] = "hypervisor"', '[32] = "hypervisor"'],
  ['a table that is gone', SOURCE.path, 'tdx_xfam_deps[]', 'tdx_other[]'],
  ['a component without a number', 'target/i386/cpu.c', '[17] = { .size = 3 }', '{ .size = 3 }'],
  ['a function that is gone', 'target/i386/kvm/kvm.c', 'kvm_arch_get_supported_cpuid', 'kvm_arch_other'],
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
