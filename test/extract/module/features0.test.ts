import { describe, expect, test } from 'vitest';
import { readFeatures0 } from '../../../pipeline/extract/module/features0.ts';
import { DataError } from '../../../pipeline/model/errors.ts';

const NAMES = new Map([
  [0, 'pear'],
  [3, 'plum'],
  [40, 'quince'],
]);
const read = (body: string, before = '') =>
  readFeatures0(
    {
      path: 'sys.c',
      text: `${before}\nbool answer(uint64_t* out)\n{\n  tdx_features_enum0_t f;\n  f.raw = 0;\n${body}\n  *out = f.raw;\n  return true;\n}\n`,
    },
    NAMES,
  );
const PEAR = { value: 1n, conditional: [] };
const NONE = { value: 0n, conditional: [] };
const OPEN = { value: 1n, conditional: [0] };

describe('TDX_FEATURES0 as the code composes it', () => {
  test.each([
    ['f.pear = 1;', PEAR],
    ['f.pear = 0x1;', PEAR],
    ['f.pear = 1u;', PEAR],
    ['f.pear = true;', PEAR],
    ['f.pear = BIT(0);', PEAR],
    ['f.pear = (1);', PEAR],
    ['f.pear = ON;', PEAR],
    ['f.pear = 0;', NONE],
    ['f.pear = 0x0;', NONE],
    ['f.pear = 0u;', NONE],
    ['f.pear = 00;', NONE],
    ['f.pear = 0x0ULL;', NONE],
    ['f.pear = false;', NONE],
    ['f.pear = 2;', NONE],
    ['f.pear = !1;', NONE],
    ['f.pear = 1; f.pear = 0;', NONE],
    ['f.pear = 0; f.pear = 1;', PEAR],
    ['f.pear |= 1;', PEAR],
    ['f.pear = 1; f.pear |= 0;', PEAR],
    ['f.pear = 1; f.pear &= 0;', NONE],
    ['f.pear = here->has_it;', OPEN],
    ['f.pear = 1; f.pear &= here->has_it;', OPEN],
    ['f.pear = 0; f.pear &= here->has_it;', NONE],
    ['if (x) f.pear = 0;', NONE],
    ['f.pear = 1; if (x) f.pear = 0;', OPEN],
    ['f.pear = 1; if (x) { f.pear = 1; }', PEAR],
    ['if (x) { f.pear = 1; }', OPEN],
    ['for (;x;) f.pear = 1;', OPEN],
    ['switch (x) { case 1: f.pear = 1; break; }', OPEN],
    ['#if WITH_PEAR\nf.pear = 1;\n#endif', OPEN],
    ['#if 0\nf.pear = 1;\n#endif\nf.plum = 0;', NONE],
    ['{ f.pear = 1; }', PEAR],
    ['f.pear = here->has_it; f.pear = 1;', PEAR],
    ['f.raw = 9;', { value: 9n, conditional: [] }],
    ['f.quince = 1; f.plum = other(f.quince);', { value: 0x100_0000_0008n, conditional: [3] }],
  ])('%s', (body, expected) => {
    expect(read(body, '#define ON 1')).toEqual(expected);
  });

  test('an initialiser counts as what it is', () => {
    const declared = (init: string) =>
      readFeatures0(
        { path: 'sys.c', text: `void a(void)\n{\n  tdx_features_enum0_t f = ${init};\n  f.plum = 1;\n}\n` },
        NAMES,
      );
    expect(declared('{ 0 }')).toEqual({ value: 8n, conditional: [] });
    expect(declared('{ .raw = 0x1 }')).toEqual({ value: 9n, conditional: [] });
    expect(declared('{ .pear = 1, .quince = here->it }')).toEqual({ value: 0x100_0000_0009n, conditional: [40] });
    expect(() => declared('other')).toThrow(/sys\.c:3:\d+: expected a braced initialiser/);
    expect(() => declared('{ .melon = 1 }')).toThrow(/`melon` is not among them/);
  });

  test('only what stands under the condition of the declaration itself is sure', () => {
    const text = `void a(void)\n{\n  switch (x) {\n  case 1:\n    if (y)\n    {\n      tdx_features_enum0_t f;\n      f.pear = 1;\n      if (z) f.plum = 1;\n    }\n  }\n}\n`;
    expect(readFeatures0({ path: 'sys.c', text }, NAMES)).toEqual({ value: 9n, conditional: [3] });
  });

  test.each([
    ['fill(&f);', 5],
    ['f = other;', 5],
    ['f.pear++;', 5],
    ['f.pear ^= 1;', 5],
    ['x = (f.pear = 1);', 5],
    ['while (f.pear = 1) { }', 5],
    ['if (x) f.raw = 1;', 5],
    ['f.raw = other;', 5],
    ['f.raw |= 1;', 5],
    ['f.pear = SOMEWHERE_ELSE;', 5],
    ['f.melon = 1;', 5],
  ])('%s is refused with its line', (body, line) => {
    expect(() => read(body)).toThrow(DataError);
    expect(() => read(body)).toThrow(`sys.c:${line + 1}:`);
  });

  test('a macro with the name of a feature is refused', () => {
    expect(() => read('f.pear = 1;', '#define pear plum')).toThrow(
      /sys\.c:1:1: expected no macro with the name of a field/,
    );
  });
});
