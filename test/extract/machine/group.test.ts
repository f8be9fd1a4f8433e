import fc from 'fast-check';
import { expect, test } from 'vitest';
import { binary, unary, wrap } from '../../../pipeline/extract/c/integer.ts';
import {
  type Bits,
  bitsIn,
  current,
  decided,
  Group,
  inverted,
  isNonZero,
  type Numeric,
  onBits,
  settled,
  valueFor,
} from '../../../pipeline/extract/machine/group.ts';
import { int } from '../../../pipeline/extract/machine/memory.ts';

/** A step of a program on a list of numbers: what it does with two of them, or with one and a type. */
type Step = {
  readonly op: string;
  readonly left: number;
  readonly right: number;
  readonly type: readonly [number, boolean];
};

const TYPES = [
  [8, false],
  [8, true],
  [16, false],
  [32, false],
  [32, true],
  [64, false],
  [64, true],
] as const;
const OPS = ['&', '|', '^', '<<', '>>', '==', '!=', '<', '>=', '+', '-', '*', '~', 'cast', 'truth', 'sign', '&&'];

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom(...OPS),
  left: fc.nat({ max: 40 }),
  right: fc.nat({ max: 40 }),
  type: fc.constantFrom(...TYPES),
});
const number = fc.bigInt({ min: 0n, max: 0xffffffffn });
const constant = fc.oneof(number, fc.constantFrom(0n, 1n, 4n, 16n, 31n, 0x80000000n, 0xffffffffn));

/** What follows from one step, with the operators that the machine uses for groups; an error of C gives 0 on both sides. */
function next({ op, type: [bits, signed] }: Step, left: Numeric, right: Numeric): Numeric {
  switch (op) {
    case 'cast':
      return left.kind === 'bits' ? bitsIn(left, bits, signed) : { kind: 'int', ...wrap(left.value, bits, signed) };
    case '~':
      if (left.kind === 'bits') return inverted(left);
      return { kind: 'int', ...(unary('~', left) ?? int(0n)) };
    case 'truth':
      return int(isNonZero(left) ? 1n : 0n);
    case 'sign':
      return int(decided(left, (value) => value < 0n) ? 1n : 0n);
    case '&&':
      return int(isNonZero(left) && isNonZero(right) ? 1n : 0n);
    default: {
      const grouped = left.kind === 'bits' || right.kind === 'bits' ? onBits(op, left, right) : null;
      if (grouped !== null) return grouped;
      const result = binary(op, settled(left), settled(right));
      return typeof result === 'string' ? int(0n) : { kind: 'int', ...result };
    }
  }
}

function run(inputs: readonly Numeric[], steps: readonly Step[]): readonly Numeric[] {
  const all = [...inputs];
  for (const each of steps) {
    const [left, right] = [all[each.left % all.length], all[each.right % all.length]];
    if (left !== undefined && right !== undefined) all.push(next(each, left, right));
  }
  return all;
}

/** Two registers that a group flips a bit of each, in a row. */
function registers(base: readonly [bigint, bigint], group: Group): readonly Numeric[] {
  return base.map((value, at): Numeric => {
    const offset = BigInt(32 * at);
    const live = BigInt.asUintN(32, ~value & (group.members >> offset));
    const bits: Bits = { kind: 'bits', value, bits: 32, signed: false, live, offset, group };
    return current(bits);
  });
}

test('whatever a program does, a group of bits gives what each bit alone gives, and each member once', () => {
  fc.assert(
    fc.property(
      fc.tuple(number, number),
      fc.array(constant, { minLength: 1, maxLength: 4 }),
      fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }),
      fc.array(step, { maxLength: 14 }),
      (base, constants, members, steps) => {
        const plain = constants.map((value, at): Numeric => int(value, at % 2 === 0 ? 32 : 64, false));
        const open = [members];
        let seen = 0n;
        for (let own = open.pop(); own !== undefined; own = open.pop()) {
          const group = new Group(own);
          const results = run([...registers(base, group), ...plain], steps);
          open.push(...group.left);
          expect(group.members).not.toBe(0n);
          expect(seen & group.members).toBe(0n);
          seen |= group.members;
          for (let left = group.members; left !== 0n; left &= left - 1n) {
            const member = left & -left;
            const alone = [int(base[0] | (member & 0xffffffffn), 32, false), int(base[1] | (member >> 32n), 32, false)];
            const expected = run([...alone, ...plain], steps);
            expect(results.map((each) => [valueFor(each, member), each.bits, each.signed])).toEqual(
              expected.map(({ value, bits, signed }) => [value, bits, signed]),
            );
          }
        }
        expect(seen).toBe(members);
      },
    ),
    { numRuns: 150 },
  );
});

test('bits that nothing tells apart stay in one run, and a mask parts them in two', () => {
  const all = (1n << 64n) - 1n;
  const whole = new Group(all);
  const [eax = int(0n), ebx = int(0n)] = registers([0n, 0n], whole);
  const kept = onBits('&', eax, int(0x810n));
  expect([kept?.kind, whole.left.length]).toEqual(['bits', 0]);
  expect(isNonZero(kept ?? eax)).toBe(true);
  expect([whole.members, whole.left]).toEqual([0x810n, [all & ~0x810n]]);
  // Of the members that are left, none is in the other register.
  expect(current(ebx)).toMatchObject({ kind: 'int', value: 0n });
});
