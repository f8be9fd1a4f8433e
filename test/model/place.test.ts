import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareGates, type GateId, gateId, gateOf } from '../../pipeline/model/gate.ts';
import {
  compareLeaves,
  comparePlaces,
  leafId,
  type Place,
  placeId,
  REGISTERS,
  sameLeaf,
  samePlace,
  subleafOf,
} from '../../pipeline/model/place.ts';
import { holdsAt } from '../../pipeline/model/policy.ts';

const place = fc.record({
  leaf: fc.constantFrom(1, 7, 0xd, 0x80000008),
  subleaf: fc.constantFrom(null, 0, 1, 2),
  register: fc.constantFrom(...REGISTERS),
});
const mask = (at: Place) => ({ ...at, mask: 1, path: 'tdx.c', line: 1 });

test('no sub-leaf is sub-leaf 0, to every comparison alike', () => {
  fc.assert(
    fc.property(place, place, (a, b) => {
      const isSame = a.leaf === b.leaf && (a.subleaf ?? 0) === (b.subleaf ?? 0);
      const isSamePlace = isSame && a.register === b.register;
      expect(sameLeaf(a, b)).toBe(isSame);
      expect(samePlace(a, b)).toBe(isSamePlace);
      expect(leafId(a) === leafId(b)).toBe(isSame);
      expect(placeId(a) === placeId(b)).toBe(isSamePlace);
      expect(compareLeaves(a, b) === 0).toBe(isSame);
      expect(comparePlaces(a, b) === 0).toBe(isSamePlace);
      expect(Math.sign(comparePlaces(a, b))).toBe(-Math.sign(comparePlaces(b, a)) + 0);
      expect(holdsAt(mask(a), b)).toBe(isSamePlace);
    }),
  );
  expect(subleafOf({ leaf: 7, subleaf: null })).toBe(0);
  expect(comparePlaces({ leaf: 7, subleaf: 1, register: 'eax' }, { leaf: 7, subleaf: null, register: 'edx' })).toBe(1);
});

test('a mask for every sub-leaf holds at all but those named, in its leaf and register only', () => {
  const every = { ...mask({ leaf: 7, subleaf: 0, register: 'eax' }), everySubleafBut: [2] };
  const at = (leaf: number, subleaf: number | null, register: Place['register']) =>
    holdsAt(every, { leaf, subleaf, register });
  expect([at(7, null, 'eax'), at(7, 0, 'eax'), at(7, 1, 'eax'), at(7, 3, 'eax')]).toEqual([true, true, true, true]);
  expect([at(7, 2, 'eax'), at(8, 1, 'eax'), at(7, 1, 'ebx')]).toEqual([false, false, false]);
});

test('a gate and its id name each other, attributes before XFAM by number', () => {
  const sorted: readonly GateId[] = ['attributes:5', 'attributes:63', 'xfam:2', 'xfam:18'];
  expect([...sorted].reverse().sort(compareGates)).toEqual(sorted);
  expect(sorted.map((id) => gateId(gateOf(id)))).toEqual(sorted);
  expect(gateOf('xfam:18')).toEqual({ kind: 'xfam', bit: 18 });
});
