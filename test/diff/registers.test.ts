import { expect, test } from 'vitest';
import { compareRegisters } from '../../pipeline/diff/registers.ts';
import type { RegisterCheck, RegisterRow } from '../../pipeline/model/register-mask.ts';

const CALL = { interface: 'TDG.VP.VMCALL', register: 'RCX' } as const;
const row = (column: RegisterRow['column'], set: bigint | null, clear: bigint | null, extra = {}): RegisterRow => ({
  ...CALL,
  column,
  mustBeSet: set,
  mustBeClear: clear,
  line: 1,
  ...extra,
});
const check = (set: bigint, clear: bigint, extra = {}): RegisterCheck => ({
  ...CALL,
  mustBeSet: set,
  mustBeClear: clear,
  conditional: [],
  path: 'p.c',
  line: 2,
  ...extra,
});
const mask = (mustBeSet: bigint, mustBeClear: bigint) => ({ mustBeSet, mustBeClear });

test('what is documented, enforced and validated stands side by side; a check that was read takes the place of an argued one', () => {
  const rows = [row('documented', 1n, 2n), row('enforced', 1n, 2n), row('validated', 1n, 2n)];
  const same = { ...CALL, documented: mask(1n, 2n), enforced: mask(1n, 2n), validated: mask(1n, 2n), differs: false };
  expect(compareRegisters(rows, [])).toEqual([same]);
  expect(compareRegisters(rows, [check(1n, 2n)])).toEqual([same]);
  expect(compareRegisters(rows, [check(1n, 6n)])).toEqual([{ ...same, enforced: mask(1n, 6n), differs: true }]);
  expect(compareRegisters(rows, [check(1n, 6n, { register: 'RDX' })])).toEqual([
    same,
    { ...CALL, register: 'RDX', documented: null, enforced: mask(1n, 6n), validated: null, differs: false },
  ]);
  expect(compareRegisters(rows, [check(1n, 6n, { interface: 'TDG.MR.REPORT' })])[0]).toEqual(same);
});

test('columns differ by what must be set or by what must be clear, whichever column it is', () => {
  const differs = (...rows: readonly RegisterRow[]) => compareRegisters(rows, [])[0]?.differs;
  expect(differs(row('documented', 1n, 2n), row('enforced', 3n, 2n))).toBe(true);
  expect(differs(row('documented', 1n, 2n), row('enforced', 1n, 3n))).toBe(true);
  expect(differs(row('enforced', 1n, 2n), row('validated', 1n, 3n))).toBe(true);
  expect(differs(row('documented', 1n, 2n), row('enforced', 1n, 2n), row('validated', 0n, 2n))).toBe(true);
  expect(differs(row('documented', 1n, 2n))).toBe(false);
});

test('a party that checks nothing does not disagree, and columns of another register do not count', () => {
  const shown = (...rows: readonly RegisterRow[]) =>
    compareRegisters(rows, []).map(({ register, documented, enforced, validated, differs }) => [
      register,
      documented,
      enforced,
      validated,
      differs,
    ]);
  for (const nothing of [row('validated', null, null), row('validated', null, 2n), row('validated', 9n, null)])
    expect(shown(row('documented', 1n, 2n), nothing)).toEqual([['RCX', mask(1n, 2n), null, null, false]]);
  expect(shown(row('documented', 1n, 2n), row('enforced', 3n, 4n, { register: 'RDX' }))).toEqual([
    ['RCX', mask(1n, 2n), null, null, false],
    ['RDX', null, mask(3n, 4n), null, false],
  ]);
  expect(shown(row('documented', 1n, 2n), row('enforced', 3n, 4n, { interface: 'X' }))).toHaveLength(2);
  expect(shown(row('under KVM', 1n, 2n))).toEqual([['RCX', null, null, null, false]]);
});
