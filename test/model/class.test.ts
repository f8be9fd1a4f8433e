import fc from 'fast-check';
import { expect, test } from 'vitest';
import { absentRegister, CELL_CLASSES, classify, classOfBit } from '../../pipeline/model/class.ts';
import { or } from '../../pipeline/model/mask.ts';
import type { ModuleTables } from '../../pipeline/model/module.ts';
import { REGISTERS } from '../../pipeline/model/place.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const masks = fc.record({ eax: u32, ebx: u32, ecx: u32, edx: u32 });
const leaf = { leaf: 7, subleaf: 1 };
const tables = fc
  .record({
    faulting: fc.boolean(),
    verifyMask: masks,
    verifyValue: masks,
    fixed0OrDynamic: masks,
    fixed1: masks,
    configDirect: masks,
    allowDirect: masks,
    gate: masks,
  })
  .map(
    ({ configDirect, allowDirect, gate, ...entry }): ModuleTables => ({
      spreadsheetFormat: 8,
      lookup: [{ ...leaf, slot: 0, verifySame: {}, ...entry }],
      configurable: [{ ...leaf, slot: 0, configDirect, allowDirect }],
      xfamMasks: [{ ...leaf, bits: new Map([[2, gate]]) }],
      fixed0Leaves: [],
    }),
  );

test('conservation: the class masks of a register are disjoint and together all 32 bits', () => {
  fc.assert(
    fc.property(tables, (table) => {
      for (const register of classify(table)) {
        let union = 0;
        let sum = 0;
        for (const mask of register.classes.values()) {
          union = or(union, mask);
          sum += mask;
          expect(mask).not.toBe(0);
        }
        // Disjoint masks add up to their union.
        expect([union, sum]).toEqual([0xffffffff, 0xffffffff]);
      }
    }),
  );
});

test('a register that no table holds is absent, which is a class as any other', () => {
  const { classes } = absentRegister({ ...leaf, register: 'eax' });
  expect([...classes]).toEqual([['absent', 0xffffffff]]);
  expect(CELL_CLASSES).toContain([...classes.keys()][0]);
});

test('each bit has the class of the first rule that matches it', () => {
  fc.assert(
    fc.property(tables, fc.constantFrom(...REGISTERS), fc.integer({ min: 0, max: 31 }), (table, name, bit) => {
      const register = classify(table).find((each) => each.register === name);
      const [entry] = table.lookup;
      const [config] = table.configurable;
      const has = (mask: number | undefined): boolean => (((mask ?? 0) >>> bit) & 1) === 1;
      if (register === undefined || entry === undefined || config === undefined) throw new Error('no register');
      const verified = has(entry.verifyMask[name]);
      const expected = entry.faulting
        ? 've'
        : has(config.configDirect[name])
          ? 'config-direct'
          : has(config.allowDirect[name])
            ? 'allow-direct'
            : has(entry.fixed1[name])
              ? 'fixed1'
              : has(entry.fixed0OrDynamic[name])
                ? 'fixed0'
                : has(table.xfamMasks[0]?.bits.get(2)?.[name])
                  ? 'native'
                  : verified
                    ? has(entry.verifyValue[name])
                      ? 'fixed1'
                      : 'fixed0'
                    : 'native';
      expect(classOfBit(register, bit)).toBe(expected);
      expect(CELL_CLASSES).toContain(expected);
    }),
  );
});
