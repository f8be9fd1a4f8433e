import { expect, test } from 'vitest';
import { readRegisterChecks } from '../../../../pipeline/extract/module/clobbers/registers.ts';
import { DataError } from '../../../../pipeline/model/errors.ts';

const HEADER =
  'typedef union control_u { struct { uint16_t low; uint16_t mid; uint32_t high; }; uint64_t raw; } control_t;';
const checksOf = (condition: string, before = '') =>
  readRegisterChecks(
    new Map([
      ['include/tdx_api_defs.h', { text: HEADER, blob: null }],
      [
        'src/tdg_vp_vmcall.c',
        {
          text: `int tdg_vp_vmcall(uint64_t v)\n{\n control_t c = { .raw = v };\n ${before}\n if (${condition})\n { r = refuse(WRONG, OPERAND_ID_RCX); goto FAIL; }\nFAIL:\n return r;\n}`,
          blob: null,
        },
      ],
    ]),
  );

test('masks of fields become masks of the register', () => {
  const [check] = checksOf('((c.low & (uint16_t)(BIT(0) | BIT(3))) != 0) || (c.high != 0)');
  expect(check).toEqual({
    interface: 'TDG.VP.VMCALL',
    register: 'RCX',
    mustBeSet: 0n,
    mustBeClear: 0xffffffff00000009n,
    conditional: [],
    path: 'src/tdg_vp_vmcall.c',
    line: 5,
  });
  expect(checksOf('(c.mid & 0x2) != 0')[0]?.mustBeClear).toBe(0x20000n);
});

test('a mask that grows under a condition keeps the condition', () => {
  const [check] = checksOf(
    '(c.low & m) != 0',
    'uint16_t m = (uint16_t)BIT(1); if (t->flag) { m |= (uint16_t)BIT(5); }',
  );
  expect(check).toMatchObject({ mustBeClear: 2n, conditional: [{ condition: 't.flag', mustBeClear: 0x20n }] });
});

test('another shape is an error, never a guess', () => {
  expect(() => checksOf('c.low > 3')).toThrow(DataError);
  expect(() => checksOf('(c.low & unknown) != 0')).toThrow(DataError);
  expect(() => checksOf('(c.none & 1) != 0')).toThrow(DataError);
  expect(() => readRegisterChecks(new Map())).toThrow(DataError);
});
