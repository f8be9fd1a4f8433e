import { describe, expect, test } from 'vitest';
import { parseBit } from '../../pipeline/model/bit-text.ts';
import type { RegisterClasses } from '../../pipeline/model/class.ts';
import { decideAbsent, deciderOfBit, rulesOfLeaf } from '../../pipeline/model/decider.ts';
import type { DeciderRule } from '../../pipeline/model/decider-rules.ts';
import { deciderText } from '../../pipeline/model/decider-text.ts';
import { bitsOf, or } from '../../pipeline/model/mask.ts';
import { formatPlace, placeId } from '../../pipeline/model/place.ts';
import { shippedSpecs } from '../helpers/specs.ts';

const specs = await shippedSpecs();

function registerOf(release: string, text: string): { register: RegisterClasses; bit: number } {
  const selection = parseBit(text);
  const [bit] = bitsOf(selection?.mask ?? 0);
  const found = specs.releases
    .find(({ module }) => module.release === release)
    ?.registers.find((each) => selection !== null && placeId(each) === placeId(selection.place));
  if (found === undefined || bit === undefined) throw new Error(`${release} has no ${text}`);
  return { register: found, bit };
}

const decider = (release: string, text: string): string => {
  const { register, bit } = registerOf(release, text);
  return deciderText(deciderOfBit(register, register.deciders, bit));
};

test('every release whose tables are here has rules, and every bit of its tables one decider', () => {
  for (const { module, registers } of specs.releases) {
    expect([module.release, specs.deciders.has(module.release)]).toEqual([module.release, true]);
    for (const register of registers) {
      let union = 0;
      let sum = 0;
      for (const { mask } of register.deciders) {
        union = or(union, mask);
        sum += mask;
        expect(mask).not.toBe(0);
      }
      expect([module.release, formatPlace(register), union, sum]).toEqual([
        module.release,
        formatPlace(register),
        0xffffffff,
        0xffffffff,
      ]);
    }
  }
});

describe('what the code does beyond the tables decides', () => {
  test.each([
    // PKS and KL follow the code, whatever table and host say.
    ['1.5.06', '7.0.ECX[31]', 'attributes:30'],
    ['1.5.06', '7.0.ECX[23]', 'constant:0'],
    // LASS: the code writes it since 1.5.05; 1.5 Beta and 1.5.01 leave it to the table.
    ['1.5 Beta', '7.1.EAX[6]', 'vmm-and-host'],
    ['1.5.01', '7.1.EAX[6]', 'constant:0'],
    ['1.5.06', '7.1.EAX[6]', 'attributes:27'],
    // All XFAM bits of a component, not one of them.
    ['1.5.06', '7.0.EBX[16]', 'vmm-and-host; 0 unless xfam:5+6+7'],
    ['1.5.06', '0x1d.0.EAX[0]', 'host; 0 unless xfam:17+18'],
    ['1.5.06', '0xd.10.EAX[0]', 'constant:0'],
    ['1.5.06', '0x14.0.EAX[0]', 'xfam:8'],
    ['1.5.06', '7.0.EDX[19]', 'xfam:15'],
    // Leaf 0x23 needs PERFMON and another bit; from 1.5.16 its sub-leaves need their bit of sub-leaf 0.
    ['1.5.01', '0x23.1.EAX[0]', 'host'],
    ['1.5.06', '0x23.1.EAX[0]', 'host; 0 unless attributes:63; 0 unless cpuid:7.1.EAX[8]'],
    ['2.0.04', '0x23.1.EAX[0]', 'host; 0 unless attributes:63; 0 unless cpuid:7.1.EAX[8]'],
    [
      '2.0.18',
      '0x23.1.EAX[0]',
      'host; 0 unless attributes:63; 0 unless cpuid:7.1.EAX[8]; 0 unless cpuid:0x23.0.EAX[1]',
    ],
    ['1.5.01', '5.EAX[0]', 'host; 0 unless cpuid:1.ECX[3]'],
    ['1.5.06', '0x19.EAX[0]', 'constant:0'],
    ['1.5.06', '0x1a.EAX[0]', 'host; 0 unless !attributes:29'],
    ['1.5.06', '0x15.EBX[0]', 'td-params:TSC_FREQUENCY'],
    ['1.5.06', '0x15.EBX[9]', 'constant:0'],
    // Address widths.
    ['1.5.06', '80000008.EAX[8]', 'cpuid:7.0.ECX[16]'],
    ['1.5.06', '80000008.EAX[12]', 'constant:1'],
    ['1.5.05', '80000008.EAX[2]', 'constant:1'],
    ['1.5.06', '80000008.EAX[2]', 'computed:maxpa'],
    ['1.5.06', '80000008.EAX[16]', 'constant:0'],
    ['2.0.02', '80000008.EAX[16]', 'computed:maxgpa; 0 unless config-flags:4'],
    // The guest.
    ['1.5.06', '2.EAX[0]', 'constant:1; #VE unless guest:VIRT_CPUID2'],
    ['1.5.06', '0x1f.0.EDX[0]', 'computed:x2apic-id; #VE unless guest:ENUM_TOPOLOGY'],
    ['1.5.01', '0x1f.0.EDX[0]', 've'],
    ['1.5.06', '80000001.EDX[11]', 'guest:LONG_MODE'],
    ['1.0.03', '80000001.EDX[11]', 'host'],
    ['1.5.06', '0xb.2.ECX[1]', 'constant:0; #VE unless guest:ENUM_TOPOLOGY'],
    ['2.0.18', '0xb.2.ECX[1]', 'constant:1; #VE unless guest:ENUM_TOPOLOGY'],
    // MCE: 1 until the guest asks for fewer #VE, then what the VMM set and the guest wants.
    ['1.5.06', '1.EDX[7]', 'constant:1'],
    ['2.0.02', '1.EDX[7]', 'constant:1'],
    ['2.0.18', '1.EDX[7]', 'vmm; 0 unless (!guest:REDUCE_VE or paravirt:3); 1 unless guest:REDUCE_VE'],
    ['2.0.18', '1.EDX[12]', 'vmm; 0 unless (!guest:REDUCE_VE or paravirt:4); 1 unless guest:REDUCE_VE'],
    ['2.0.18', '7.0.EDX[30]', 'vmm; 0 unless (!guest:REDUCE_VE or paravirt:0); 1 unless guest:REDUCE_VE'],
  ])('%s %s', (release, bit, expected) => {
    expect(decider(release, bit)).toBe(expected);
  });
});

test('gates are what the code asks for, release by release', () => {
  const gates = (release: string, text: string) => {
    const { register, bit } = registerOf(release, text);
    return [...register.gates].filter(([, mask]) => ((mask >>> bit) & 1) === 1).map(([name]) => name);
  };
  expect(gates('1.5 Beta', '7.1.EAX[6]')).toEqual([]);
  expect(gates('1.5.06', '7.1.EAX[6]')).toEqual(['attributes:27']);
  expect(gates('1.5.06', '7.0.ECX[23]')).toEqual([]);
  expect(gates('1.5.06', '0x1c.EAX[8]')).toEqual(['xfam:15']);
  expect(gates('2.0.04', '7.1.EAX[21]')).toEqual(['xfam:17', 'xfam:18']);
  // The opposite of a gate: the bit goes where the attribute comes.
  expect(gates('1.5.06', '0x1a.EAX[0]')).toEqual([]);
});

test('leaves that are in no table and read as 0 fault until the guest sets REDUCE_VE', () => {
  const rules: readonly DeciderRule[] = specs.deciders.get('2.0.18')?.rules ?? [];
  const [only, ...others] = decideAbsent('eax', rulesOfLeaf(rules, { leaf: 0x16, subleaf: null }));
  expect(others).toEqual([]);
  expect(only === undefined ? '' : deciderText(only.decider)).toBe('constant:0; #VE unless guest:REDUCE_VE');
});
