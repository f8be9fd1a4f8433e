import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffReleases } from '../../pipeline/diff/release.ts';
import {
  absentRegister,
  type CellClass,
  type ClassedRelease,
  classify,
  type RegisterClasses,
} from '../../pipeline/model/class.ts';
import { or, without } from '../../pipeline/model/mask.ts';
import type { ModuleRelease, RegisterMasks } from '../../pipeline/model/module.ts';
import { leafId, placeId } from '../../pipeline/model/place.ts';

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

function release(
  name: string,
  entries: readonly (typeof lookup extends fc.Arbitrary<infer T> ? T : never)[],
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
