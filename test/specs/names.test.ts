import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { findBits, isNamed } from '../../pipeline/cases/find-bits.ts';
import type { BitName } from '../../pipeline/model/field.ts';
import { bitsOf, or } from '../../pipeline/model/mask.ts';
import { fieldBits, namedBits } from '../../pipeline/model/names.ts';
import type { Place } from '../../pipeline/model/place.ts';
import { namesToYaml, readNamesFile } from '../../pipeline/specs/lists-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import type { Specs } from '../../pipeline/specs/store.ts';
import { readArguedNames } from '../../pipeline/specs/tables.ts';
import { ROOT } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';

let specs: Specs;
beforeAll(async () => {
  specs = await shippedSpecs();
});

const nameAt = (leaf: number, subleaf: number | null, register: Place['register'], bit: number): string | null =>
  namedBits(specs.knowledge.names, { leaf, subleaf, register }, 2 ** bit)[0]?.name ?? null;

test('golden: names that ranges of sub-leaves gave away, and those that the kernel does not give', () => {
  expect([
    nameAt(4, 3, 'eax', 5),
    nameAt(0xb, 1, 'ecx', 8),
    nameAt(0x18, 8, 'edx', 14),
    nameAt(0x1f, 5, 'eax', 0),
  ]).toEqual(['cache_level', 'domain_type', 'tlb_max_addressible_ids', 'x2apic_id_shift']);
  expect([nameAt(7, 1, 'eax', 3), nameAt(7, 1, 'edx', 17)]).toEqual(['RAO_INT', 'UIRET_UIF']);
  expect([nameAt(0x23, 0, 'eax', 0), nameAt(0x23, 0, 'eax', 2)]).toEqual(['SUBLEAF_0', 'ACR_SUBLEAF']);
});

test('every bit that a VMM can choose in any release has a name', () => {
  const nameless = new Set<string>();
  for (const { registers } of specs.releases)
    for (const register of registers) {
      const mask = or(register.classes.get('config-direct') ?? 0, register.classes.get('allow-direct') ?? 0);
      for (const { bit, name } of namedBits(specs.knowledge.names, register, mask))
        if (name === null)
          nameless.add(`${register.leaf.toString(16)}.${register.subleaf}.${register.register}[${bit}]`);
    }
  expect([...nameless]).toEqual([]);
});

test('a field is told from a feature', () => {
  const at = (leaf: number, subleaf: number, register: Place['register'], mask: number): readonly number[] =>
    bitsOf(fieldBits(specs.knowledge.names, { leaf, subleaf, register }, mask));
  expect(at(0x1c, 0, 'eax', 0x1ff)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(at(7, 1, 'eax', 0x8)).toEqual([]);
});

test('names.yaml is written as it is read, byte for byte', async () => {
  const text = readFileSync(join(ROOT, 'specs', 'names.yaml'), 'utf8');
  const sources = [...text.matchAll(/repository: "(.*?)", revision: "(.*?)", path: "(.*?)", blob: "(.*?)"/g)].map(
    ([, repository = '', revision = '', path = '', blob = '']) => ({ repository, revision, path, blob }),
  );
  expect(await namesToYaml(await readNamesFile('names.yaml', text, NO_CACHE), sources)).toBe(text);
});

test('successive sub-leaves of one layout are one row; a gap parts them', async () => {
  const at = (subleaf: number): BitName => ({ leaf: 4, subleaf, register: 'eax', high: 4, low: 0, name: 'kind' });
  const names = [at(0), at(1), at(3)];
  const text = await namesToYaml(names, []);
  expect(text.match(/^ {2}- .*$/gm)).toEqual([
    '  - {leaf: "0x4", subleaf: "0x0", lastSubleaf: "0x1", register: eax, high: 4, low: 0, name: "kind"}',
    '  - {leaf: "0x4", subleaf: "0x3", register: eax, high: 4, low: 0, name: "kind"}',
  ]);
  expect(await readNamesFile('n.yaml', text, NO_CACHE)).toEqual(names);
});

test('a name of several words is an error with its line', async () => {
  const text = '| Bits | Name | Source |\n|---|---|---|\n| `7.1.EAX[3]` | two words | a manual |\n';
  await expect(readArguedNames('names.md', text, NO_CACHE)).rejects.toThrow(/^names\.md:3/);
});

test('a feature as the SDM or as the kernel writes it', async () => {
  const specs = await shippedSpecs();
  const kernel = findBits(specs, 'AMX_FP16');
  expect(kernel).toEqual([{ place: { leaf: 7, subleaf: 1, register: 'eax' }, mask: 0x00200000 }]);
  for (const name of ['AMX-FP16', 'amx-fp16', 'X86_FEATURE_AMX_FP16']) expect(findBits(specs, name)).toEqual(kernel);
  expect([isNamed(specs, 'AMX-FP16'), isNamed(specs, 'AMXFP16')]).toEqual([true, false]);
  expect(() => findBits(specs, 'AMXFP16')).toThrow(/did you mean "AMX_FP16"/);
});
