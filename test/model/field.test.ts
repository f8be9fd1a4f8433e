import { expect, test } from 'vitest';
import { absentRegister } from '../../pipeline/model/class.ts';
import type { DecidedBits, Decider } from '../../pipeline/model/decider.ts';
import { fieldMeaning } from '../../pipeline/model/field.ts';

const ZERO: Decider = { by: { kind: 'constant', value: 0 }, conditions: [] };
const ONE: Decider = { by: { kind: 'constant', value: 1 }, conditions: [] };
const HOST: Decider = { by: { kind: 'host' }, conditions: [] };
const of = (...deciders: readonly DecidedBits[]) => ({
  ...absentRegister({ leaf: 7, subleaf: 1, register: 'eax' }),
  deciders,
});

test('a field holds one number where all its bits are constants, else what its deciders make of it', () => {
  const field = { high: 31, low: 28 };
  expect(fieldMeaning(undefined, field)).toEqual({ kind: 'absent' });
  expect(fieldMeaning(of(), field)).toEqual({ kind: 'unknown' });
  expect(fieldMeaning(of({ mask: 0x0fffffff, decider: ONE }), field)).toEqual({ kind: 'unknown' });
  expect(fieldMeaning(of({ mask: 0xffffffff, decider: ONE }), field)).toEqual({ kind: 'value', value: 0xf });
  const mixed = of({ mask: 0x90000001, decider: ONE }, { mask: 0x6ffffffe, decider: ZERO });
  expect([fieldMeaning(mixed, field), fieldMeaning(mixed, { high: 31, low: 0 })]).toEqual([
    { kind: 'value', value: 9 },
    { kind: 'value', value: 0x90000001 },
  ]);
  // Of what is decided, bits that stay 0 say nothing, and those of other fields nothing either.
  const decided = of(
    { mask: 0x10000000, decider: HOST },
    { mask: 0x20000000, decider: ONE },
    { mask: 0xc0000000, decider: ZERO },
    { mask: 0x0fffffff, decider: { by: { kind: 'vmm' }, conditions: [] } },
  );
  expect(fieldMeaning(decided, field)).toEqual({ kind: 'decided', by: [HOST, ONE] });
});
