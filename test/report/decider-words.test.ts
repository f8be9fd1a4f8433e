import { expect, test } from 'vitest';
import { parseBit } from '../../pipeline/model/bit-text.ts';
import { deciderOfBit } from '../../pipeline/model/decider.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import { placeId } from '../../pipeline/model/place.ts';
import { deciderWords } from '../../pipeline/report/decider-words.ts';
import { shippedSpecs } from '../helpers/specs.ts';

const specs = await shippedSpecs();

test.each([
  ['1.5.06', '7.0.ECX[31]', 'follows ATTRIBUTES.PKS'],
  ['1.5.06', '7.0.ECX[23]', 'always 0'],
  ['1.5.06', '7.0.EDX[26]', 'always 1'],
  ['1.5.06', '7.0.EBX[16]', 'the VMM may clear what the host has; 0 without XFAM[5] and XFAM[6] and XFAM[7]'],
  ['1.5.06', '7.0.EDX[19]', 'follows XFAM[15]'],
  ['1.5.06', '0xa.EBX[0]', 'the host’s value; 0 without ATTRIBUTES.PERFMON'],
  ['1.5.06', '0x1a.EAX[0]', 'the host’s value; 0 with ATTRIBUTES.MIGRATABLE'],
  ['1.5.06', '5.EAX[0]', 'the host’s value; 0 without the TD’s own 1.ECX[3]'],
  ['1.5.06', '2.EAX[0]', 'always 1; #VE without the guest’s TD_CTLS.VIRT_CPUID2'],
  ['1.5.06', '7.0.EBX[4]', 'the VMM may clear what the host has; 0 with the guest’s IA32_TSX_CTRL.TSX_CPUID_CLEAR'],
  ['1.5.06', '0x1e.EAX[0]', 'the host’s value'],
  ['1.5.06', '6.EAX[2]', 'none: the leaf injects #VE'],
  ['1.5.06', '0x15.EBX[0]', 'follows TD_PARAMS.TSC_FREQUENCY'],
  [
    '2.0.18',
    '1.EDX[7]',
    'the VMM chooses; 1 until the guest’s TD_CTLS.REDUCE_VE, then 0 without the guest’s FEATURE_PARAVIRT_CTRL.MCA',
  ],
  [
    '2.0.18',
    '1.ECX[7]',
    'the VMM may clear what the host has; under the guest’s TD_CTLS.REDUCE_VE 0 without the guest’s FEATURE_PARAVIRT_CTRL.EST',
  ],
  ['2.0.18', '0xb.2.ECX[1]', 'always 1; #VE without the guest’s TD_CTLS.ENUM_TOPOLOGY'],
])('%s %s: %s', (release, text, expected) => {
  const selection = parseBit(text);
  const [bit = 0] = bitsOf(selection?.mask ?? 0);
  const register = specs.releases
    .find(({ module }) => module.release === release)
    ?.registers.find((each) => selection !== null && placeId(each) === placeId(selection.place));
  expect(register === undefined ? null : deciderWords(deciderOfBit(register, register.deciders, bit))).toBe(expected);
});
