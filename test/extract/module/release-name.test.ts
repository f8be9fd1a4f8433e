import { expect, test } from 'vitest';
import { readFeatures0 } from '../../../pipeline/extract/module/features0.ts';
import { readControlStructures, readFeatureNames } from '../../../pipeline/extract/module/headers.ts';
import { makefileVersion, nameRevision, releaseNameOf } from '../../../pipeline/extract/module/release-name.ts';

test.each([
  ['TDX_1.5.01', '1.5.01'],
  ['TDX_MODULE_1.5.05', '1.5.05'],
  ['TDX 1.5.06', '1.5.06'],
  ['TDX_1.0_V1.00', '1.0.00'],
  ['V1.0.01.01', '1.0.01'],
  ['V1.0.3', '1.0.03'],
  ['V1.5 Beta', '1.5 Beta'],
  ['Add IPP 2021.7.1', null],
  ['Fix 1.5.06', null],
  ['initial commit', null],
  ['--output=x', null],
])('%s names %s', (text, release) => {
  expect(releaseNameOf(text)).toBe(release);
});

test('a tag wins over a subject, which wins over the make file, and each that disagrees is said', () => {
  const makefile =
    '-DTDX_MODULE_MAJOR_VER=1\n-DTDX_MODULE_MINOR_VER=5\nifdef\n-DTDX_MODULE_UPDATE_VER=$(X)\nelse\n-DTDX_MODULE_UPDATE_VER=0\nendif';
  expect(makefileVersion(makefile)).toBe('1.5.00');
  expect(nameRevision(['TDX_1.5.01'], 'TDX 1.5.02', makefile)).toEqual({
    name: { release: '1.5.01', by: 'tag', from: 'TDX_1.5.01' },
    notes: [
      'the subject (TDX 1.5.02) says 1.5.02, the tag (TDX_1.5.01) says 1.5.01',
      'the makefile (proj_defs.mk) says 1.5.00, the tag (TDX_1.5.01) says 1.5.01',
    ],
  });
  expect(nameRevision([], 'work', null)).toEqual({ name: null, notes: [] });
});

const CONTROL = `
#define A_SUPPORT BIT(30)
#define TDX_ATTRIBUTES_FIXED0 (0x1 | A_SUPPORT |\\
                               BIT(63))
#define TDX_ATTRIBUTES_FIXED1 0x0
#define TDX_XFAM_FIXED0 0x0006DBE7ULL
#define TDX_XFAM_FIXED1 0x00000003ULL
typedef struct cpuid_flags_s { bool_t first_supported; /* c */ bool_t second_supported; uint8_t reserved[20]; } cpuid_flags_t;
`;

test('control structures: multi-line expressions, 64 bits, members without reserved ones', () => {
  expect(readControlStructures({ path: 'c.h', text: CONTROL })).toEqual({
    attributes: { fixed0: 0x8000000040000001n, fixed1: 0n },
    xfam: { fixed0: 0x6dbe7n, fixed1: 3n },
    cpuidFlags: ['first_supported', 'second_supported'],
  });
  expect(() => readControlStructures({ path: 'c.h', text: CONTROL.replace('A_SUPPORT |', 'B_SUPPORT |') })).toThrow(
    /c\.h:3:\d+: expected a constant, and `B_SUPPORT` is not defined/,
  );
});

test('features: names by bit number, the composed value, and bits that a run-time value decides', () => {
  const names = readFeatureNames({
    path: 'a.h',
    text: 'typedef union tdx_features_enum0_u { struct { uint64_t one : 1; uint64_t reserved_0 : 6; uint64_t eighth : 1; uint64_t rest : 56; }; uint64_t raw; } tdx_features_enum0_t;',
  });
  expect([...names]).toEqual([
    [0, 'one'],
    [7, 'eighth'],
  ]);
  const code = (body: string) => ({
    path: 'm.c',
    text: `bool f(void) { switch (x) { case 1: { tdx_features_enum0_t v; v.raw = 0; ${body} *out = v.raw; } } }`,
  });
  expect(readFeatures0(code('v.one = 1; v.eighth = g->available;'), names)).toEqual({ value: 0x81n, conditional: [7] });
  expect(readFeatures0(code('v.one = 1; v.eighth = 0;'), names)).toEqual({ value: 1n, conditional: [] });
  expect(readFeatures0({ path: 'm.c', text: 'int x(void) { return 0; }' }, names)).toBeNull();
  expect(() => readFeatures0(code('v.ninth = 1;'), names)).toThrow(/`ninth` is not among them/);
});
