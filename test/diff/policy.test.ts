import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffPolicies } from '../../pipeline/diff/policy.ts';
import { and, or } from '../../pipeline/model/mask.ts';
import type { Policy, PolicyMask } from '../../pipeline/model/policy.ts';
import { policyOf } from '../helpers/kernel-tree.ts';

const BASE = policyOf();
const NAMES = [{ leaf: 7, subleaf: 1, register: 'eax', high: 2, low: 2, name: 'TWO' }] as const;
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

describe('a step of lists', () => {
  const EAX = { leaf: 7, subleaf: 1, register: 'eax', path: 'tdx.c' } as const;
  const at = (mask: number, line: number, extra: Partial<PolicyMask> = {}): PolicyMask => ({
    ...EAX,
    mask,
    line,
    ...extra,
  });
  const wide = (mask: number, line: number, ...but: readonly number[]) =>
    at(mask, line, { subleaf: 0, everySubleafBut: but });
  const told = (from: readonly PolicyMask[], to: readonly PolicyMask[]) =>
    diffPolicies({ ...BASE, allow: from }, { ...BASE, allow: to }, NAMES).allow.added.map(
      ({ mask, line, subleaf, everySubleafBut }) => [mask, line, subleaf, everySubleafBut?.join() ?? null],
    );

  test('tells a bit that stands twice once, where it stands first', () => {
    expect(told([], [at(0x3, 1), at(0x6, 2), at(0x4, 3)])).toEqual([
      [0x3, 1, 1, null],
      [0x4, 2, 1, null],
    ]);
    expect(told([at(0x2, 9)], [at(0x3, 1), at(0x6, 2)])).toEqual([
      [0x1, 1, 1, null],
      [0x4, 2, 1, null],
    ]);
  });

  test('of a mask for every sub-leaf says nothing where a list had it for as many, and all of it where it had it for fewer', () => {
    expect(told([wide(0x4, 1)], [at(0x4, 2)])).toEqual([]);
    expect(told([wide(0x4, 1, 1)], [at(0x4, 2)])).toEqual([[0x4, 2, 1, null]]);
    expect(told([at(0x4, 1)], [wide(0x4, 2)])).toEqual([[0x4, 2, 0, '']]);
    expect(told([wide(0x4, 1, 2)], [wide(0x4, 2, 2, 3)])).toEqual([]);
    expect(told([wide(0x4, 1, 2, 3)], [wide(0x4, 2, 2)])).toEqual([[0x4, 2, 0, '2']]);
    // The wider of two entries for one bit tells it; the narrower one says nothing more.
    expect(told([], [at(0x4, 1), wide(0x4, 2)])).toEqual([[0x4, 2, 0, '']]);
    expect(told([], [wide(0x4, 1), at(0x4, 2)])).toEqual([[0x4, 1, 0, '']]);
  });

  test('is in the order of places, masks and width', () => {
    const list = [at(0x8, 1, { leaf: 9 }), wide(0x8, 2, 5), wide(0x4, 3), wide(0x8, 4, 3), at(0x2, 5)];
    expect(told([], [...list].reverse())).toEqual(told([], list));
    expect(told([], list)).toEqual([
      [0x4, 3, 0, ''],
      [0x8, 4, 0, '3'],
      [0x8, 2, 0, '5'],
      [0x2, 5, 1, null],
      [0x8, 1, 1, null],
    ]);
  });

  test('names the bits that it tells', () => {
    const { added, removed } = diffPolicies(
      { ...BASE, deny: [at(0x3, 1)] },
      { ...BASE, deny: [at(0x6, 1)] },
      NAMES,
    ).deny;
    expect([added.map(({ bits }) => bits), removed.map(({ bits }) => bits)]).toEqual([
      [[{ bit: 2, name: 'TWO' }]],
      [[{ bit: 0, name: null }]],
    ]);
  });
});

test('restores and XFAM are told by name, each once and in order; limits and attributes as they are', () => {
  const restore = (msr: string) => ({ msr, by: 'x', path: 'tdx.c', line: 1 });
  const from: Policy = {
    ...BASE,
    restores: [restore('MSR_STAR')],
    xfam: ['sse', 'fp'],
    attributes: 0x3n,
    configLimit: 80,
  };
  const to: Policy = {
    ...BASE,
    restores: [restore('MSR_TSC_AUX'), restore('MSR_IA32_STAR'), restore('MSR_LSTAR'), restore('MSR_LSTAR')],
    xfam: ['fp', 'pt', 'avx'],
    attributes: 0x6n,
    configLimit: 128,
  };
  const changes = diffPolicies(from, to, []);
  expect(changes.restores).toEqual({ added: ['LSTAR', 'TSC_AUX'], removed: [] });
  expect(changes.xfam).toEqual({ added: ['avx', 'pt'], removed: ['sse'] });
  expect([changes.attributes, changes.configLimit]).toEqual([
    { added: 0x4n, removed: 0x1n },
    { from: 80, to: 128 },
  ]);
  // By name or as a mask, the same bits are the same; one without a name is told as a mask.
  for (const xfam of [0x3n, ['fp', 'SSE']])
    expect(diffPolicies({ ...from, xfam }, { ...to, xfam: 0x100_0000_0206n }, []).xfam).toEqual({
      added: ['0x10000000000', 'avx', 'pkru'],
      removed: ['fp'],
    });
  const nothing = diffPolicies(null, { ...to, deny: [], allow: [], adds: [], known: [] }, []);
  expect(nothing).toMatchObject({
    deny: { added: [], removed: [] },
    known: { added: [], removed: [] },
    restores: { removed: [] },
    attributes: { added: 0x6n, removed: 0n },
    xfam: { added: ['avx', 'fp', 'pt'], removed: [] },
    configLimit: { from: null, to: 128 },
  });
});
