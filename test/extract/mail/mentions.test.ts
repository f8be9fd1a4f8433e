import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mentionsOf } from '../../../pipeline/extract/mail/mentions.ts';

const EAX19 = { kind: 'cpuid', leaf: 7, subleaf: 1, register: 'eax', mask: 0x80000 };

test.each([
  'CPUID.0x7.1:EAX[19]',
  'CPUID.7.1:EAX[19]',
  'CPUID.7.1.EAX[19]',
  'CPUID.07H.01H:EAX[bit 19]',
  'CPUID.(EAX=07H,ECX=1):EAX[bit 19]',
  'CPUID.(EAX=07H, ECX=01H):EAX.WRMSRNS[bit 19]',
  'CPUID(7,1).EAX[19]',
  'CPUID(0x7, 1):EAX bit 19',
  'CPUID[7,1].EAX[19]',
  '7.1.EAX bit 19',
  '7.1.EAX[19]',
  '0x7.1.eax.19',
  'CPUID leaf 7 sub-leaf 1 EAX bit 19',
])('%s names bit 19 of 7.1.EAX', (text) => {
  expect(mentionsOf(`The TD sees ${text}, says the module.`)).toEqual([{ ...EAX19, text }]);
});

test.each([
  ['CPUID(7,1).EAX', { leaf: 7, subleaf: 1, register: 'eax', mask: null }],
  ['CPUID_7_1_EAX', { leaf: 7, subleaf: 1, register: 'eax', mask: null }],
  ['CPUID_8000_0008_EBX', { leaf: 0x80000008, subleaf: null, register: 'ebx', mask: null }],
  ['CPUID_D_1_EAX', { leaf: 0xd, subleaf: 1, register: 'eax', mask: null }],
  ['0x80000008.EAX[23:16]', { leaf: 0x80000008, subleaf: null, register: 'eax', mask: 0xff0000 }],
  ['CPUID.80000008H:EAX[7:0]', { leaf: 0x80000008, subleaf: null, register: 'eax', mask: 0xff }],
  ['7.0.EBX[4,11]', { leaf: 7, subleaf: 0, register: 'ebx', mask: 0x810 }],
  ['CPUID.1:EDX[31]', { leaf: 1, subleaf: null, register: 'edx', mask: 0x80000000 }],
  ['CPUID leaf 0x14', { leaf: 0x14, subleaf: null, register: null, mask: null }],
])('%s', (text, place) => {
  expect(mentionsOf(`a ${text} b`)).toEqual([{ kind: 'cpuid', text, ...place }]);
});

test('feature names are recognised once per spelling, in the order of the text', () => {
  expect(mentionsOf('X86_FEATURE_WRMSRNS and 7.1.EAX[19], X86_FEATURE_WRMSRNS').map(({ text }) => text)).toEqual([
    'X86_FEATURE_WRMSRNS',
    '7.1.EAX[19]',
  ]);
});

test.each([
  'CPUID.0x7.1:EAX[32]',
  'CPUID.7.1:EAX[1:40]',
  'arch/x86/kvm/cpuid.c',
  'cpuid c',
  'the CPUID. 4 of them',
  'CPUID 4 times',
  'version 1.5.06 of it',
  'cpuid_cache',
])('%s names no place', (text) => {
  expect(mentionsOf(text)).toEqual([]);
});

test('two leaves side by side are not a leaf and a sub-leaf', () => {
  expect(mentionsOf('CPUID 0x15/0x16')).toMatchObject([{ leaf: 0x15, subleaf: null }]);
});

test('any text gives mentions whose bits lie in a register', () => {
  const piece = fc.constantFrom(
    'CPUID',
    '.',
    '(',
    'EAX',
    '=',
    '7',
    '0x',
    ',',
    ')',
    ':',
    '[',
    ']',
    'bit ',
    '19',
    ' ',
    '-',
    'H',
    '\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      for (const mention of mentionsOf(pieces.join(''))) {
        if (mention.kind === 'cpuid' && mention.mask !== null) expect(mention.mask).toBeGreaterThan(0);
      }
    }),
  );
});
