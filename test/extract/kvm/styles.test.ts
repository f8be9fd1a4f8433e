import fc from 'fast-check';
import { expect, test } from 'vitest';
import { REGISTERS } from '../../../pipeline/model/place.ts';
import { filterIn, masksOf, NUMBERS, type Style, TABLES, USES } from '../../helpers/kernel-styles.ts';
import { masks, policyOf } from '../../helpers/kernel-tree.ts';

const keysOf = <T extends object>(of: T): readonly (keyof T)[] => Object.keys(of) as (keyof T)[];
const PLACES = [
  [1, 0],
  [1, 1],
  [7, 0],
  [7, 1],
  [7, 2],
  [0xd, 1],
  [0x14, 1],
  [0x24, 0],
  [0x80000001, 0],
  [0xc0000001, 3],
] as const;

const place = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PLACES) },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 1, max: 0xffffffff }), fc.integer({ min: 0, max: 9 })) },
);
/** Any bits, from one to all 32. */
const mask = fc.oneof(
  fc.integer({ min: 1, max: 0xffffffff }),
  fc.constantFrom(1, 0x80000000, 0xffffffff, 0x7fffffff, 0x810),
);
const style: fc.Arbitrary<Style> = fc.record({
  masks: fc.uniqueArray(
    fc
      .tuple(place, fc.constantFrom(...REGISTERS), mask)
      .map(([[leaf, index], register, own]) => ({ leaf, index, register, mask: own })),
    { minLength: 1, maxLength: 6, selector: ({ leaf, index, register }) => `${leaf} ${index} ${register}` },
  ),
  isAllowing: fc.boolean(),
  table: fc.constantFrom(...keysOf(TABLES)),
  use: fc.constantFrom(...keysOf(USES)),
  number: fc.constantFrom(...keysOf(NUMBERS)),
});

const numRuns = Number(process.env.BITWATCH_KVM_STYLES ?? 24);

test(`masks of any bits come out as they were written, in ${numRuns} styles (more with BITWATCH_KVM_STYLES)`, {
  timeout: 3_600_000,
}, () => {
  fc.assert(
    fc.property(style, (own) => {
      const written = masksOf(own);
      fc.pre(written.length > 0);
      const filter = filterIn(own);
      const policy = policyOf({ filter, init: 'hide(entry);', refusal: 'if (refuses(entry)) return -EINVAL;' });
      const expected = Object.fromEntries(
        written.map(({ leaf, index, register, mask: bits }) => [
          `${leaf.toString(16)}.${index}.${register}`,
          `0x${bits.toString(16)}`,
        ]),
      );
      const read = own.isAllowing ? policy.allow : policy.deny;
      expect([policy.generation, masks(read)]).toEqual([own.isAllowing ? 'allowlist' : 'denylist', expected]);
      expect([policy.disagreements, policy.adds, policy.notes]).toEqual([[], [], []]);
    }),
    { numRuns },
  );
});

test('each table, each use and each number is written at least once', () => {
  const one = { masks: [{ leaf: 7, index: 0, register: 'ebx', mask: 0x80000810 }], isAllowing: true } as const;
  const [table, use, number] = ['conditions', 'each register', 'hex'] as const;
  const all: readonly Style[] = [
    ...keysOf(TABLES).map((own) => ({ ...one, table: own, use, number })),
    ...keysOf(USES).map((own) => ({ ...one, table, use: own, number })),
    ...keysOf(NUMBERS).map((own) => ({ ...one, table, use, number: own })),
  ];
  for (const own of all) {
    const policy = policyOf({
      filter: filterIn(own),
      init: 'hide(entry);',
      refusal: 'if (refuses(entry)) return -EINVAL;',
    });
    expect([own.table, own.use, own.number, masks(policy.allow)]).toEqual([
      own.table,
      own.use,
      own.number,
      { '7.0.ebx': '0x80000810' },
    ]);
  }
});
