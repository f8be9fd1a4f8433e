import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffReleases } from '../../pipeline/diff/release.ts';
import {
  absentRegister,
  type CellClass,
  type ClassedRelease,
  classify,
  type RegisterClasses,
} from '../../pipeline/model/class.ts';
import type { DeciderRule } from '../../pipeline/model/decider-rules.ts';
import { or, without } from '../../pipeline/model/mask.ts';
import type { ModuleRelease, RegisterMasks } from '../../pipeline/model/module.ts';
import { configSlotsOf } from '../../pipeline/model/module.ts';
import { leafId, placeId } from '../../pipeline/model/place.ts';
import { release as made } from '../judge/ground.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const masks: fc.Arbitrary<RegisterMasks> = fc.record({ eax: u32, edx: u32 });
const lookup = fc.record({
  leaf: fc.constantFrom(1, 7, 0xd, 0x80000008),
  subleaf: fc.constantFrom(null, 0, 1),
  faulting: fc.boolean(),
  verifyMask: masks,
  verifyValue: masks,
  fixed0OrDynamic: masks,
  fixed1: masks,
  config: fc.option(masks),
  gate: fc.option(masks),
});

type Entry = typeof lookup extends fc.Arbitrary<infer T> ? T : never;

function release(
  name: string,
  entries: readonly Entry[],
  extra: { readonly attributes: bigint; readonly features: bigint | null; readonly leaves: readonly number[] },
): ClassedRelease {
  const module: ModuleRelease = {
    release: name,
    source: { repository: 'r', revision: 'c', path: 'p', blob: null, licence: 'MIT' },
    alsoRead: [],
    spreadsheetFormat: 8,
    lookup: entries.map(({ config: _, gate: __, ...entry }, slot) => ({ ...entry, slot, verifySame: {} })),
    configurable: entries.flatMap(({ leaf, subleaf, config }, slot) =>
      config === null ? [] : [{ leaf, subleaf, slot, configDirect: {}, allowDirect: config }],
    ),
    xfamMasks: entries.flatMap(({ leaf, subleaf, gate }) =>
      gate === null ? [] : [{ leaf, subleaf, bits: new Map([[2, gate]]) }],
    ),
    fixed0Leaves: extra.leaves,
    attributes: { fixed0: extra.attributes, fixed1: 0n },
    xfam: null,
    features0: extra.features,
    features0Conditional: [],
    featureNames: new Map(),
    mrseam: null,
    cpuidFlags: null,
    notes: [],
  };
  return { module, registers: classify(module) };
}

const releases = fc
  .record({
    entries: fc.uniqueArray(lookup, { selector: leafId, maxLength: 6 }),
    attributes: fc.bigInt(0n, 0xffffffffffffffffn),
    features: fc.option(fc.bigInt(0n, 0xffffffffffffffffn)),
    leaves: fc.uniqueArray(fc.nat(60), { maxLength: 4 }),
  })
  .map(({ entries, ...extra }) => ({ entries, extra }));

const classesOf = (registers: readonly RegisterClasses[]): ReadonlyMap<string, RegisterClasses> =>
  new Map(registers.map((register) => [placeId(register), register]));

test('nothing changed between a release and itself', () => {
  fc.assert(
    fc.property(releases, ({ entries, extra }) => {
      const a = release('A', entries, extra);
      const diff = diffReleases(a, a);
      expect([
        diff.changes,
        diff.gates,
        diff.leaves,
        diff.fixed0Leaves,
        diff.attributes.fixed0.added,
        diff.features0.added,
        diff.features0.removed,
      ]).toEqual([[], [], { added: [], removed: [] }, { added: [], removed: [] }, 0n, 0n, 0n]);
    }),
  );
});

test('applying the changes to A gives B', () => {
  fc.assert(
    fc.property(releases, releases, (left, right) => {
      const [a, b] = [release('A', left.entries, left.extra), release('B', right.entries, right.extra)];
      const state = new Map([...classesOf(a.registers)].map(([id, register]) => [id, new Map(register.classes)]));
      for (const change of diffReleases(a, b).changes) {
        const id = placeId(change);
        const classes = state.get(id) ?? new Map<CellClass, number>(absentRegister(change).classes);
        classes.set(change.from, without(classes.get(change.from) ?? 0, change.mask));
        classes.set(change.to, or(classes.get(change.to) ?? 0, change.mask));
        state.set(id, classes);
      }
      const wanted = classesOf(b.registers);
      for (const [id, classes] of state) {
        const left_ = [...classes].filter(([, mask]) => mask !== 0).sort();
        expect(left_).toEqual([...(wanted.get(id)?.classes ?? new Map([['absent', 0xffffffff]]))].sort());
      }
    }),
  );
});

test('the way back mirrors the way there', () => {
  fc.assert(
    fc.property(releases, releases, (left, right) => {
      const [a, b] = [release('A', left.entries, left.extra), release('B', right.entries, right.extra)];
      const [there, back] = [diffReleases(a, b), diffReleases(b, a)];
      const key = (
        change: { readonly from: string; readonly to: string; readonly mask: number } & Parameters<typeof placeId>[0],
      ) => `${placeId(change)} ${change.from} ${change.to} ${change.mask}`;
      expect(there.changes.map(key).sort()).toEqual(
        back.changes.map((change) => key({ ...change, from: change.to, to: change.from })).sort(),
      );
      expect(there.gates.map(({ added, removed, ...gate }) => ({ ...gate, added: removed, removed: added }))).toEqual(
        back.gates,
      );
      expect([there.attributes.fixed0.added, there.features0.removed, there.leaves.added]).toEqual([
        back.attributes.fixed0.removed,
        back.features0.added,
        back.leaves.removed,
      ]);
    }),
  );
});

test('the order of input does not matter, and what is not known is said, not guessed', () => {
  fc.assert(
    fc.property(releases, releases, (left, right) => {
      const b = release('B', right.entries, right.extra);
      const turned = {
        ...b,
        registers: [...b.registers].reverse(),
        module: {
          ...b.module,
          lookup: [...b.module.lookup].reverse(),
          configurable: [...b.module.configurable].reverse(),
        },
      };
      const a = release('A', left.entries, left.extra);
      expect(diffReleases(a, turned)).toEqual(diffReleases(a, b));
    }),
  );
  const none = { attributes: 1n, features: null, leaves: [] };
  expect(diffReleases(release('A', [], none), release('B', [], { ...none, features: 3n }))).toMatchObject({
    features0: { from: null, to: 3n, added: 0n },
    coverage: {
      unknown: [
        'XFAM of A is not known and was not compared',
        'XFAM of B is not known and was not compared',
        'TDX_FEATURES0 of A is not known and was not compared',
        'cpuid_flags of A is not known and was not compared',
        'cpuid_flags of B is not known and was not compared',
      ],
    },
  });
});

describe('what is told of a step', () => {
  const none = { attributes: 0n, features: null, leaves: [] };
  const NO_MASKS = { verifyMask: {}, verifyValue: {}, fixed0OrDynamic: {}, fixed1: {} };
  const leaf = (number: number, subleaf: 0 | 1 | null, extra: Partial<Entry> = {}): Entry => ({
    leaf: number as Entry['leaf'],
    subleaf,
    faulting: false,
    config: null,
    gate: null,
    ...NO_MASKS,
    ...extra,
  });
  const bare = (name: string, extra: Partial<ModuleRelease> = {}): ClassedRelease => {
    const { module } = release(name, [], none);
    return { module: { ...module, ...extra }, registers: [] };
  };

  test('a gate that comes or goes at a leaf which both have; the gates of a leaf that comes are part of its coming', () => {
    const gated = release('B', [leaf(7, 1, { gate: { eax: 0x6 } })], none);
    const other = release('A', [leaf(7, 1, { gate: { eax: 0x3 } })], none);
    expect(diffReleases(other, gated).gates).toEqual([
      { leaf: 7, subleaf: 1, register: 'eax', gate: 'xfam:2', added: 0x4, removed: 0x1 },
    ]);
    expect(diffReleases(release('A', [], none), gated).gates).toEqual([]);
    expect(diffReleases(gated, release('B', [], none)).gates).toEqual([]);
    expect(diffReleases(release('A', [leaf(7, 1)], none), gated).gates).toEqual([
      { leaf: 7, subleaf: 1, register: 'eax', gate: 'xfam:2', added: 0x6, removed: 0 },
    ]);
  });

  test('leaves in their order, by number and sub-leaf; a leaf that says no sub-leaf is sub-leaf 0', () => {
    const [a, b] = [
      release('A', [leaf(7, 1), leaf(1, null)], none),
      release('B', [leaf(0x80000008, null), leaf(0xd, 1), leaf(0xd, 0), leaf(1, 0)], none),
    ];
    expect(diffReleases(a, b).leaves).toEqual({
      added: [
        { leaf: 0xd, subleaf: 0 },
        { leaf: 0xd, subleaf: 1 },
        { leaf: 0x80000008, subleaf: null },
      ],
      removed: [{ leaf: 7, subleaf: 1 }],
    });
    // Written without a sub-leaf where either side does, so that the way back reads the same.
    const one = release('B', [leaf(1, 0, { fixed1: { eax: 0x1 } })], none);
    expect([diffReleases(a, one).changes[0]?.subleaf, diffReleases(one, a).changes.at(0)?.subleaf]).toEqual([
      null,
      null,
    ]);
  });

  test('classes of the same place, bit by bit, and nothing of bits that stay', () => {
    const [a, b] = [
      release('A', [leaf(7, 1, { fixed1: { eax: 0x3 }, fixed0OrDynamic: { eax: 0xfffffffc } })], none),
      release('B', [leaf(7, 1, { fixed1: { eax: 0x6 }, fixed0OrDynamic: { eax: 0xfffffff0 } })], none),
    ];
    const shown = diffReleases(a, b).changes.map(({ register, from, to, mask }) => [register, from, to, mask]);
    expect(shown).toEqual([
      ['eax', 'fixed1', 'native', 0x1],
      ['eax', 'fixed0', 'fixed1', 0x4],
      ['eax', 'fixed0', 'native', 0x8],
    ]);
    expect(diffReleases(a, b).coverage.cells).toBe(4 * 32);
  });

  test('a feature that moved to another bit, and a bit that another feature took', () => {
    const names = (...pairs: readonly (readonly [number, string])[]) => ({ featureNames: new Map(pairs) });
    const [a, b] = [
      bare('A', names([1, 'ONE'], [2, 'TWO'], [3, 'THREE'], [9, 'NINE'], [10, 'TEN'])),
      bare('B', names([10, 'NINE'], [9, 'TEN'], [2, 'ONE'], [3, 'THREE'], [4, 'NEW'])),
    ];
    const { moved, renamed } = diffReleases(a, b).features0;
    expect(moved).toEqual([
      { name: 'ONE', from: 1, to: 2 },
      { name: 'TEN', from: 10, to: 9 },
      { name: 'NINE', from: 9, to: 10 },
    ]);
    expect(renamed).toEqual([
      { bit: 2, from: 'TWO', to: 'ONE' },
      { bit: 9, from: 'NINE', to: 'TEN' },
      { bit: 10, from: 'TEN', to: 'NINE' },
    ]);
    expect(diffReleases(a, a).features0).toMatchObject({ moved: [], renamed: [] });
  });

  test('masks, flags and lists where both sides are known, in order', () => {
    const [a, b] = [
      bare('A', { xfam: { fixed0: 0x7n, fixed1: 0x3n }, cpuidFlags: ['b', 'a'], fixed0Leaves: [3, 9, 1] }),
      bare('B', { xfam: { fixed0: 0xen, fixed1: 0x1n }, cpuidFlags: ['d', 'b', 'c'], fixed0Leaves: [20, 3, 4] }),
    ];
    const diff = diffReleases(a, b);
    expect(diff.xfam).toEqual({
      fixed0: { from: 0x7n, to: 0xen, added: 0x8n, removed: 0x1n },
      fixed1: { from: 0x3n, to: 0x1n, added: 0n, removed: 0x2n },
    });
    expect(diff.cpuidFlags).toEqual({ added: ['c', 'd'], removed: ['a'] });
    expect(diff.fixed0Leaves).toEqual({ added: [4, 20], removed: [1, 9] });
    expect(diff.coverage.unknown).toEqual([
      'TDX_FEATURES0 of A is not known and was not compared',
      'TDX_FEATURES0 of B is not known and was not compared',
    ]);
    for (const [from, to] of [
      [a, bare('C', { xfam: null, cpuidFlags: null })],
      [bare('C', { xfam: null, cpuidFlags: null }), b],
    ] as const) {
      const half = diffReleases(from, to);
      expect([half.cpuidFlags, half.xfam.fixed0.added, half.xfam.fixed1.removed]).toEqual([
        { added: [], removed: [] },
        0n,
        0n,
      ]);
    }
  });

  test('the length of the array of configurations: one more than the last slot that is used', () => {
    const at = (slot: number) => ({ leaf: 7, subleaf: slot, slot, configDirect: {}, allowDirect: {} });
    const lengths = [[], [at(0)], [at(5), at(2)]].map((configurable) =>
      configSlotsOf(bare('A', { configurable }).module),
    );
    expect(lengths).toEqual([0, 1, 6]);
    expect(diffReleases(bare('A', { configurable: [at(3)] }), bare('B')).configSlots).toEqual({ from: 4, to: 0 });
  });

  test('who decides beyond the tables, where the code of both was read', () => {
    const part = (mask: number, value: 0 | 1) => ({
      mask,
      decider: { by: { kind: 'constant', value }, conditions: [] } as const,
    });
    const register = { leaf: 7, subleaf: 1, register: 'eax' } as const;
    const decided = (name: string, deciders: RegisterClasses['deciders']): ClassedRelease => ({
      ...bare(name),
      registers: [{ ...absentRegister(register), deciders }],
    });
    const [a, b] = [
      decided('A', [part(0xf, 0), part(0xfffffff0, 1)]),
      decided('B', [part(0x3c, 0), part(0xffffffc3, 1)]),
    ];
    expect(diffReleases(a, b).deciders).toEqual([
      { ...register, mask: 0x3, from: part(0, 0).decider, to: part(0, 1).decider },
      { ...register, mask: 0x30, from: part(0, 1).decider, to: part(0, 0).decider },
    ]);
    expect(diffReleases(a, decided('B', [])).deciders).toEqual([]);
  });

  test('who decides the lowest bit, and no pair of deciders that share none', () => {
    const by = (kind: 'host' | 'vmm') => ({ by: { kind }, conditions: [] }) as const;
    const [zero, host, vmm] = [{ by: { kind: 'constant', value: 0 }, conditions: [] } as const, by('host'), by('vmm')];
    const register = { leaf: 7, subleaf: 1, register: 'eax' } as const;
    const decided = (name: string, deciders: RegisterClasses['deciders']): ClassedRelease => ({
      ...bare(name),
      registers: [{ ...absentRegister(register), deciders }],
    });
    const a = decided('A', [
      { mask: 0x1, decider: zero },
      { mask: 0xfffffffe, decider: host },
    ]);
    const b = decided('B', [
      { mask: 0x1, decider: vmm },
      { mask: 0xfffffffe, decider: host },
    ]);
    expect(diffReleases(a, b).deciders).toEqual([{ ...register, mask: 0x1, from: zero, to: vmm }]);
  });

  test('gates in their order, and by the tables alone where the code of one side was not examined', () => {
    const rules: readonly DeciderRule[] = [
      {
        id: 'r',
        stage: 'init',
        leaf: 7,
        masks: { eax: 0x4 },
        effect: { do: 'clear', unless: [{ kind: 'attributes', bits: [30] }] },
        source: 's',
        lines: null,
      },
    ];
    const open = { fixed0: { eax: 0xfffffff0 } };
    const gates = (...bits: readonly number[]) => ({
      ...open,
      gates: new Map(bits.map((bit) => [bit, { eax: 0x1 }] as const)),
    });
    const [read, unread] = [made('A', [gates(2)], {}, rules), made('B', [gates(2)])];
    expect(read.registers[0]?.gates).toEqual(new Map([['attributes:30', 0x4]]));
    expect([diffReleases(read, unread).gates, diffReleases(unread, read).gates]).toEqual([[], []]);
    // One register that was read is enough to call the release read; a release without any says nothing of it.
    const inPart = {
      ...read,
      registers: read.registers.map((each, at) => (at === 0 ? each : { ...each, deciders: [] })),
    };
    expect(diffReleases(inPart, unread).gates).toEqual([]);
    expect(diffReleases(inPart, unread).coverage.unknown).not.toContain(untold('A'));
    const gate = { leaf: 7, subleaf: 1, register: 'eax', added: 0, removed: 0x1 } as const;
    expect(diffReleases(made('A', [gates(9, 2)]), made('B', [open])).gates).toEqual([
      { ...gate, gate: 'xfam:2' },
      { ...gate, gate: 'xfam:9' },
    ]);
    const both = diffReleases(read, made('B', [open], {}, []));
    expect(both.gates).toEqual([{ ...gate, gate: 'attributes:30', removed: 0x4 }]);
  });

  test('of which release nobody examined who decides, and that ATTRIBUTES are not known', () => {
    const known = (name: string, rules: readonly DeciderRule[] | null) => {
      const masks = { fixed0: 0n, fixed1: 0n };
      return made(name, [{}], { attributes: masks, xfam: masks, features0: 0n, cpuidFlags: [] }, rules);
    };
    const told = (a: ClassedRelease, b: ClassedRelease) => diffReleases(a, b).coverage.unknown;
    const one = known('C', null);
    expect(told(known('A', []), known('B', []))).toEqual([]);
    expect(told(known('A', []), known('B', null))).toEqual([untold('B')]);
    expect(told(known('A', null), known('B', []))).toEqual([untold('A')]);
    expect(told(known('A', []), { ...one, registers: one.registers.slice(0, 1) })).toEqual([untold('C')]);
    expect(told(known('A', []), { ...one, registers: [] })).toEqual([]);
    const without = { ...one, module: { ...one.module, attributes: null } };
    expect(told(known('A', []), { ...without, registers: [] })).toEqual([
      'attributes of C is not known and was not compared',
    ]);
  });
});

const untold = (name: string): string => `who decides the bits of ${name} was not examined: its tables alone are told`;
