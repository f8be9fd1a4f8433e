import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { registerOf } from '../../pipeline/judge/lookup.ts';
import type { RegisterClasses } from '../../pipeline/model/class.ts';
import { configSlotsOf } from '../../pipeline/model/module.ts';
import type { Register } from '../../pipeline/model/place.ts';
import { cpuid2ToYaml, readCpuid2File } from '../../pipeline/specs/cpuid2-file.ts';
import { readReleasesFile, releasesToYaml } from '../../pipeline/specs/lists-file.ts';
import { moduleToYaml, readModuleFile } from '../../pipeline/specs/module-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { policyToYaml, readPolicyFile } from '../../pipeline/specs/policy-file.ts';
import { qemuToYaml, readQemuFile } from '../../pipeline/specs/qemu-file.ts';
import type { Specs } from '../../pipeline/specs/store.ts';
import { ROOT } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';

let specs: Specs;
beforeAll(async () => {
  specs = await shippedSpecs();
});

function register(release: string, leaf: number, subleaf: number | null, name: Register): RegisterClasses {
  const found = specs.releases.find(({ module }) => module.release === release);
  const hit = found === undefined ? undefined : registerOf(found, { leaf, subleaf, register: name });
  if (hit === undefined) throw new Error(`${release} has no such register`);
  return hit;
}
const allow = (release: string, leaf: number, subleaf: number | null, name: Register): number =>
  register(release, leaf, subleaf, name).classes.get('allow-direct') ?? 0;

test('golden: what is configurable in 7.0 and 7.1', () => {
  expect([
    allow('1.5.01', 7, 1, 'eax'),
    allow('1.5.05', 7, 1, 'eax'),
    allow('1.5.05', 7, 1, 'edx'),
    allow('1.5.06', 7, 1, 'eax'),
    allow('1.5.06', 7, 1, 'edx'),
  ]).toEqual([0x00001d30, 0x04001d30, 0x00000430, 0x04881db0, 0x00020430]);
  for (const release of ['1.5.01', '1.5.05', '1.5.06'])
    expect([release, allow(release, 7, 0, 'ebx'), allow(release, 7, 0, 'ecx'), allow(release, 7, 0, 'edx')]).toEqual([
      release,
      0xdc2b9b18,
      0x02417f65,
      0x0005411c,
    ]);
  expect(register('1.5.06', 0x80000008, null, 'eax').classes.get('config-direct')).toBe(0xff);
  expect(register('1.5.06', 7, 1, 'eax').gates.get('xfam:2')).toBe(0x00800010);
});

test('golden: CPUID_CONFIG entries per release', () => {
  const slots = Object.fromEntries(specs.releases.map(({ module }) => [module.release, configSlotsOf(module)]));
  expect(slots).toMatchObject({ '1.0.00': 6, '1.0.03': 7, '1.5 Beta': 12, '1.5.01': 12, '1.5.05': 18, '1.5.06': 18 });
  expect(slots).toMatchObject({ '1.5.08': 18, '1.5.09': 28, '1.5.13': 28, '1.5.16': 28, '1.5.28': 28 });
});

test('golden: what 1.5.08 to 1.5.16 made configurable, each where it came', () => {
  // The near miss is the release before, which does not have the bit yet.
  const come: readonly [string, string, number, number | null, Register, number][] = [
    ['1.5.08', '1.5.09', 1, null, 'edx', 0x00005080],
    ['1.5.08', '1.5.09', 7, 0, 'edx', 0x40000000],
    ['1.5.13', '1.5.16', 7, 1, 'edx', 0x00004000],
  ];
  for (const [before, since, leaf, subleaf, name, mask] of come)
    expect([since, (allow(since, leaf, subleaf, name) & ~allow(before, leaf, subleaf, name)) >>> 0]).toEqual([
      since,
      mask,
    ]);
  expect([allow('1.5.08', 1, null, 'ecx'), allow('1.5.08', 7, 1, 'edx')]).toEqual([0x31044d88, 0x00020430]);
  expect(register('1.5.08', 4, 0, 'edx').classes.get('config-direct')).toBe(0xfffffffb);
  expect(register('1.5.09', 4, 0, 'edx').classes.get('config-direct')).toBe(0x7);
  expect(register('1.5.08', 6, null, 'eax').classes.get('ve')).toBe(0xffffffff);
  expect(register('1.5.09', 6, null, 'eax').classes.get('fixed1')).toBe(0x4);
});

test('golden: features, attributes and bitmap leaves of 1.5.08 to 1.5.16', () => {
  const facts = specs.releases
    .filter(({ module }) => ['1.5.08', '1.5.09', '1.5.13', '1.5.16'].includes(module.release))
    .map(({ module }) => [
      module.release,
      module.features0,
      module.features0Conditional,
      module.attributes?.fixed0,
      module.xfam?.fixed0,
      module.fixed0Leaves.length,
      module.cpuidFlags?.length,
    ]);
  expect(facts).toEqual([
    ['1.5.08', 0x22e1f0fbfn, [8], 0x8000000078010001n, 0x6dbe7n, 0, 12],
    ['1.5.09', 0x26f1f0fbfn, [8], 0x8000000078010001n, 0x6dbe7n, 18, 28],
    ['1.5.13', 0x226f1f0fbfn, [8], 0x8000000078010001n, 0x6dbe7n, 18, 28],
    ['1.5.16', 0x226f3f0fbfn, [8, 11], 0x8000000078010001n, 0x6dbe7n, 18, 28],
  ]);
});

test('every register of every release is conserved', () => {
  for (const { module, registers } of specs.releases)
    for (const each of registers)
      expect([module.release, each.leaf, [...each.classes.values()].reduce((sum, mask) => sum + mask, 0)]).toEqual([
        module.release,
        each.leaf,
        0xffffffff,
      ]);
});

test('releases without tables are known by name, and no release is only in the tables', () => {
  const known = new Set(specs.known.map(({ release }) => release));
  expect(specs.releases.filter(({ module }) => !known.has(module.release))).toEqual([]);
  expect(specs.known.map(({ release }) => release)).toEqual(
    expect.arrayContaining(['1.5.08', '1.5.09', '1.5.13', '1.5.16', '1.5.20', '1.5.24', '1.5.25', '2.0.14']),
  );
});

test('the policy of 6.16.1: HLE, RTM and WAITPKG denied, nothing else', () => {
  const policy = specs.policies.find(({ version }) => version === '6.16.1');
  expect(policy?.deny.map(({ leaf, subleaf, register: name, mask }) => [leaf, subleaf, name, mask])).toEqual([
    [7, 0, 'ebx', 0x810],
    [7, 0, 'ecx', 0x20],
  ]);
  expect([policy?.generation, policy?.attributes, policy?.configLimit]).toEqual(['denylist', 0x10000000n, 128]);
});

const ways: Readonly<Record<string, (file: string, text: string) => Promise<string>>> = {
  modules: async (file, text) => moduleToYaml(await readModuleFile(file, text, NO_CACHE)),
  kvm: async (file, text) => policyToYaml(await readPolicyFile(file, text, NO_CACHE)),
  qemu: async (file, text) => qemuToYaml(await readQemuFile(file, text, NO_CACHE)),
  cpuid2: async (file, text) => cpuid2ToYaml(await readCpuid2File(file, text, NO_CACHE)),
};

test.each(Object.entries(ways))('the files of %s are written as they are read, byte for byte', async (folder, way) => {
  const names = readdirSync(join(ROOT, 'specs', folder));
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) {
    const text = readFileSync(join(ROOT, 'specs', folder, name), 'utf8');
    expect(await way(name, text)).toBe(text);
  }
});

test('the list of releases is written as it is read, byte for byte', async () => {
  const text = readFileSync(join(ROOT, 'specs', 'releases.yaml'), 'utf8');
  expect(await releasesToYaml(await readReleasesFile('releases.yaml', text, NO_CACHE))).toBe(text);
});

test.each([
  ['release: 1.5\n', /m\.yaml:1:\d+.*expected/],
  ['release: "x"\n  bad: [\n', /m\.yaml:\d+:\d+: expected YAML/],
  ['', /m\.yaml/],
])('a damaged file is one error with its place: %j', async (text, message) => {
  await expect(readModuleFile('m.yaml', text, NO_CACHE)).rejects.toThrow(message);
});
