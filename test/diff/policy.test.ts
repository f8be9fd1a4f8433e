import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffPolicies } from '../../pipeline/diff/policy.ts';
import { and, or } from '../../pipeline/model/mask.ts';
import type { Policy, PolicyMask } from '../../pipeline/model/policy.ts';
import { policyOf } from '../helpers/kernel-tree.ts';

const BASE = policyOf();
const entry = fc.record({
  leaf: fc.constantFrom(1, 7),
  subleaf: fc.constantFrom(null, 0, 1),
  register: fc.constantFrom('eax' as const, 'edx' as const),
  mask: fc.integer({ min: 1, max: 0xffffffff }),
  path: fc.constant('tdx.c'),
  line: fc.integer({ min: 1, max: 9 }),
});
const policy = fc
  .record({
    deny: fc.array(entry, { maxLength: 4 }),
    restores: fc.subarray(['MSR_STAR', 'MSR_LSTAR', 'MSR_TSC_AUX']),
    attributes: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    xfam: fc.subarray(['fp', 'sse', 'avx']),
  })
  .map(
    ({ restores, ...rest }): Policy => ({
      ...BASE,
      ...rest,
      restores: restores.map((msr) => ({ msr, by: 'x', path: 'tdx.c', line: 1 })),
    }),
  );

const bitsAt = (list: readonly PolicyMask[]): Readonly<Record<string, number>> => {
  const all: Record<string, number> = {};
  for (const { leaf, subleaf, register, mask } of list) {
    const key = `${leaf} ${subleaf} ${register}`;
    all[key] = or(all[key] ?? 0, mask);
  }
  return all;
};

test('a policy against itself differs in nothing', () => {
  fc.assert(
    fc.property(policy, (one) => {
      const { deny, restores, attributes, xfam, generation } = diffPolicies(one, one, []);
      expect([deny, restores, xfam]).toEqual([
        { added: [], removed: [] },
        { added: [], removed: [] },
        { added: [], removed: [] },
      ]);
      expect([attributes, generation.from]).toEqual([{ added: 0n, removed: 0n }, generation.to]);
    }),
  );
});

test('the mirror of a step is the step back, and what comes is what was not there', () => {
  fc.assert(
    fc.property(policy, policy, (a, b) => {
      const [there, back] = [diffPolicies(a, b, []), diffPolicies(b, a, [])];
      expect(there.deny.added).toEqual(back.deny.removed);
      expect(there.restores).toEqual({ added: back.restores.removed, removed: back.restores.added });
      expect(there.xfam.added).toEqual(back.xfam.removed);
      expect(there.attributes.added).toBe(back.attributes.removed);
      const [had, have] = [bitsAt(a.deny), bitsAt(b.deny)];
      for (const [key, mask] of Object.entries(bitsAt(there.deny.added))) {
        expect(and(mask, had[key] ?? 0)).toBe(0);
        expect(and(mask, have[key] ?? 0)).toBe(mask);
      }
    }),
  );
});

test('a kernel without TDX support lists nothing', () => {
  const { generation, deny, attributes } = diffPolicies(null, BASE, []);
  expect(generation).toEqual({ from: null, to: 'denylist' });
  expect(bitsAt(deny.added)).toEqual(bitsAt(BASE.deny));
  expect(attributes.added).toBe(BASE.attributes);
});
