import { expect, test } from 'vitest';
import type { ClassedRelease } from '../../pipeline/model/class.ts';
import type { Decider, Decision } from '../../pipeline/model/decider.ts';
import type { Computation, Condition } from '../../pipeline/model/decider-rules.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import { formatPlace, leafId, type Place, placeId, REGISTERS } from '../../pipeline/model/place.ts';
import { hostKey, type Registers, type TdCase } from '../../pipeline/td/case.ts';
import { type Program, programOf } from '../../pipeline/td/program.ts';
import { computeTd } from '../../pipeline/td/td.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { fullCase, KEPT } from '../helpers/td.ts';

const specs = await shippedSpecs();

/** What an input is called on both sides: by who decides a bit, and by what a run changes. */
type Tag = string;

const COMPUTED_FROM: Readonly<Record<Computation, readonly Tag[]>> = {
  fms: ['vmm:1.', 'host:1.'],
  'xsave-max': ['xfam', 'host:13.'],
  'xsave-user': ['guest:XCR0', 'host:13.'],
  'xsave-all': ['guest:XCR0', 'host:13.'],
  'tsc-frequency': ['tsc'],
  maxpa: ['config-flags', 'vmm:2147483656.', 'host:2147483656.'],
  maxgpa: ['config-flags', 'host:2147483656.'],
  'initial-apic-id': ['guest:vcpu', 'guest:ENUM_TOPOLOGY', 'guest:REDUCE_VE'],
  'x2apic-id': ['guest:vcpu'],
  topology: ['vmm:31.', 'host:31.'],
  'topology-core': ['vmm:31.', 'host:31.'],
  'native-cache': ['vmm:4.', 'host:4.', 'guest:REDUCE_VE'],
};

function tagsOf(release: ClassedRelease, place: Place, { by, conditions }: Decider): readonly Tag[] {
  const at = leafId(place);
  const asked = (condition: Condition): readonly Tag[] => {
    switch (condition.kind) {
      case 'xfam':
      case 'attributes':
        return condition.bits.map((bit) => `${condition.kind}:${bit}`);
      case 'config-flags':
        return ['config-flags'];
      case 'guest':
        // Asking for fewer #VE turns these two on as well.
        return condition.control === 'ENUM_TOPOLOGY' || condition.control === 'VIRT_CPUID2'
          ? [`guest:${condition.control}`, 'guest:REDUCE_VE']
          : [`guest:${condition.control}`];
      case 'paravirt':
        return ['paravirt'];
      case 'xfd':
        return ['xfam', 'host:13.'];
      case 'not':
        return asked(condition.of);
      case 'any':
        return condition.of.flatMap(asked);
      case 'cpuid':
        return cpuidTags(release, condition.place, condition.bit);
    }
  };
  const own = (decision: Decision): readonly Tag[] => {
    switch (decision.kind) {
      case 'constant':
      case 've':
        return [];
      case 'host':
        return [`host:${at}`];
      case 'vmm':
        return [`vmm:${at}`];
      case 'vmm-and-host':
        return [`vmm:${at}`, `host:${at}`];
      case 'td-params':
        return ['tsc'];
      case 'computed':
        return COMPUTED_FROM[decision.what];
      default:
        return asked(decision);
    }
  };
  return [...own(by), ...conditions.flatMap(({ when }) => asked(when))];
}

function cpuidTags(release: ClassedRelease, place: Place, bit: number): readonly Tag[] {
  const register = release.registers.find((each) => placeId(each) === placeId(place));
  return (register?.deciders ?? []).flatMap(({ mask, decider }) =>
    ((mask >>> bit) & 1) === 1 ? tagsOf(release, place, decider) : [],
  );
}

/** `host:13.` stands for every sub-leaf of leaf 0xD, `xfam` for every bit of XFAM. */
const covers = (tags: ReadonlySet<Tag>, change: Tag): boolean =>
  tags.has(change) ||
  (change.endsWith('.') && [...tags].some((tag) => tag.startsWith(change))) ||
  tags.has(change.replace(/\..*$/, '.')) ||
  tags.has(change.replace(/:.*$/, ''));

/** A change may be of two inputs at once, where one alone would make no TD: their tags stand side by side. */
type Change = { readonly tag: Tag; readonly question: TdCase };

/** Values of a host that the module tests, each another one that passes. */
function* testedChanges(base: TdCase): Generator<Change> {
  const { host, params } = base;
  const withLeaf = (leaf: number, subleaf: number, change: (old: Registers) => Registers): TdCase['host'] => {
    const key = hostKey(leaf, subleaf);
    const old = host.leaves.get(key);
    return old === undefined ? host : { ...host, leaves: new Map(host.leaves).set(key, change(old)) };
  };
  yield { tag: 'host:1.', question: { ...base, host: { ...host, sockets: [0x0fff3fff ^ 0x806f8] } } };
  yield { tag: 'host:10.', question: { ...base, host: withLeaf(0xa, 0, ([a, b, c, d]) => [a ^ 0xff, b, c, d]) } };
  yield { tag: 'host:10.', question: { ...base, host: withLeaf(0xa, 0, ([a, b, c, d]) => [a, b, c, d ^ 7]) } };
  yield { tag: 'host:13.1', question: { ...base, host: withLeaf(0xd, 1, ([a, b, c, d]) => [a ^ 0x10, b, c, d]) } };
  yield {
    tag: 'host:2147483648.',
    question: { ...base, host: withLeaf(0x80000000, 0, ([, b, c, d]) => [0xfffffff7, b, c, d]) },
  };
  for (const width of [46, 49, 51])
    for (const [configFlags, eptpControls] of [
      [params.configFlags, 0x1en],
      [16n, 0x1en],
      [17n, 0x26n],
    ] as const)
      yield {
        tag: 'host:2147483656.|config-flags',
        question: {
          ...base,
          params: { ...params, configFlags, eptpControls },
          host: withLeaf(0x80000008, 0, ([a, b, c, d]) => [((a & ~0xff) | width) >>> 0, b, c, d]),
        },
      };
  const narrow = withLeaf(7, 0, ([a, b, c, d]) => [a, b, (c & ~0x10000) >>> 0, d]);
  const both = new Map(narrow.leaves).set(hostKey(0x80000008, 0), [
    0x3034,
    ...(host.leaves.get(hostKey(0x80000008, 0))?.slice(1) ?? []),
  ] as unknown as Registers);
  yield { tag: 'host:7.0|host:2147483656.', question: { ...base, host: { ...narrow, leaves: both } } };
  yield {
    tag: 'host:2147483656.',
    question: { ...base, host: withLeaf(0x80000008, 0, ([a, b, c, d]) => [(a ^ 0xff00) >>> 0, b, c, d]) },
  };
  for (const size of [1, 0x155, 0x2aa, 0x55555555, 0xaaaaa800, 0x3ffffc00]) {
    const leaves = new Map(host.leaves);
    for (let n = 2; n <= 18; n += 1) {
      const old = leaves.get(hostKey(0xd, n));
      if (old !== undefined) leaves.set(hostKey(0xd, n), [n === 2 ? size : 0, 576, old[2], old[3]]);
    }
    yield { tag: 'host:13.', question: { ...base, host: { ...host, leaves } } };
  }
}

/** Bits that an input decides and that no host on which the module starts can move. */
const BOUND: ReadonlyMap<string, number> = new Map([
  // Whether a component is a user or a supervisor one must be as the module knows it.
  ...Array.from({ length: 17 }, (_, n) => [`0xd.${n + 2 < 10 ? n + 2 : `0x${(n + 2).toString(16)}`}.ECX`, 1] as const),
  // At most 7 fixed counters; at least 0x80000008; 32 physical address bits or more.
  ['0xa.EDX', 0x18],
  ['0x80000000.EAX', 0x80000000],
  ['0x80000008.EAX', 0x00200020],
]);

function* changesOf(release: ClassedRelease, base: TdCase): Generator<Change> {
  const { params, guest, host } = base;
  for (const [key, values] of host.leaves) {
    const kept = KEPT[key] ?? [0, 0, 0, 0];
    const row = release.module.lookup.find((each) => hostKey(each.leaf, each.subleaf ?? 0) === key);
    if (row === undefined || row.leaf === 0x1f) continue;
    const component = row.leaf === 0xd && (row.subleaf ?? 0) > 1 ? 0xffffffff : 0;
    const flipped = REGISTERS.map((register, index) => {
      const free = ~((row.verifyMask[register] ?? 0) | (kept[index] ?? 0) | (register === 'ecx' ? component & 1 : 0));
      return ((values[index] ?? 0) ^ free) >>> 0;
    });
    const [eax = 0, ebx = 0, ecx = 0, edx = 0] = flipped;
    const leaves = new Map(host.leaves).set(key, [eax, ebx, ecx, edx]);
    yield { tag: `host:${leafId(row)}`, question: { ...base, host: { ...host, leaves } } };
  }
  yield* testedChanges(base);
  for (const entry of release.module.configurable) {
    const cpuidConfig = params.cpuidConfig.filter(
      ({ leaf, subleaf }) => leaf !== entry.leaf || subleaf !== (entry.subleaf ?? 0),
    );
    const tag = `vmm:${leafId(entry)}`;
    yield { tag, question: { ...base, params: { ...params, cpuidConfig } } };
  }
  const levels: readonly Registers[] = [
    [1, 4, 0x100, 0],
    [0x15, 0xffff, 0x201, 0],
    [0x16, 0x5555, 0x402, 0],
  ];
  const topology = levels.map((values, subleaf) => ({ leaf: 0x1f, subleaf, values }));
  yield {
    tag: 'vmm:31.0',
    question: { ...base, params: { ...params, cpuidConfig: [...params.cpuidConfig, ...topology] } },
  };
  const withoutSmt = [[0x1f, 0xffff, 0x200, 0] as const, [0xa, 0xaaaa, 0x501, 0] as const].map((values, subleaf) => ({
    leaf: 0x1f,
    subleaf,
    values,
  }));
  yield {
    tag: 'vmm:31.1',
    question: { ...base, params: { ...params, cpuidConfig: [...params.cpuidConfig, ...withoutSmt] } },
  };
  for (const group of [[2, 5, 6, 7], [5, 6, 7], [8], [9], [11, 12], [14], [15], [17, 18]]) {
    const xfam = group.reduce((mask, bit) => mask & ~(1n << BigInt(bit)), params.xfam);
    yield { tag: group.map((bit) => `xfam:${bit}`).join('|'), question: { ...base, params: { ...params, xfam } } };
  }
  for (const bit of [0, 16, 27, 28, 29, 30, 63]) {
    const attributes = params.attributes ^ (1n << BigInt(bit));
    yield { tag: `attributes:${bit}`, question: { ...base, params: { ...params, attributes } } };
  }
  for (const configFlags of [1n, 2n, 4n, 8n, 9n, 16n, 17n])
    yield { tag: 'config-flags', question: { ...base, params: { ...params, configFlags, eptpControls: 0x26n } } };
  for (const tscFrequency of [27, 228, 400])
    yield { tag: 'tsc', question: { ...base, params: { ...params, tscFrequency } } };
  const control = (name: 'ENUM_TOPOLOGY' | 'VIRT_CPUID2' | 'REDUCE_VE', value: boolean): Change => ({
    tag: `guest:${name}`,
    question: { ...base, guest: { ...guest, tdControls: new Map(guest.tdControls).set(name, value) } },
  });
  yield control('ENUM_TOPOLOGY', false);
  yield control('VIRT_CPUID2', false);
  yield control('REDUCE_VE', !(guest.tdControls.get('REDUCE_VE') ?? false));
  const paravirt = guest.featureParavirtCtrl === 0n ? 0xfffn : 0n;
  yield { tag: 'paravirt', question: { ...base, guest: { ...guest, featureParavirtCtrl: paravirt } } };
  yield { tag: 'guest:CR4.OSXSAVE', question: { ...base, guest: { ...guest, osxsave: !guest.osxsave } } };
  yield { tag: 'guest:CR4.PKE', question: { ...base, guest: { ...guest, pke: !guest.pke } } };
  yield { tag: 'guest:LONG_MODE', question: { ...base, guest: { ...guest, mode64: !guest.mode64 } } };
  yield { tag: 'guest:TSX_CPUID_CLEAR', question: { ...base, guest: { ...guest, tsxCtrl: 2 } } };
  yield {
    tag: 'guest:vcpu',
    question: { ...base, guest: { ...guest, vcpuIndex: 0xfc, x2apicId: ~guest.x2apicId >>> 0 } },
  };
  yield { tag: 'guest:XCR0', question: { ...base, guest: { ...guest, xcr0: 0xe7n, xss: 0x1800n } } };
}

/** The values of all registers, `null` where the leaf faults; nothing where there is no TD. */
function valuesOf(program: Program, question: TdCase): readonly (Uint32Array | null)[] | null {
  const result = computeTd(program, question);
  return result.td === null ? null : result.results.map(({ answer }) => (answer === 've' ? null : answer));
}

/** Nearly all are: the leaves that a change does not touch. */
function isSame(a: Uint32Array | null, b: Uint32Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}

const bases = (base: TdCase): readonly TdCase[] => [
  base,
  {
    ...base,
    params: { ...base.params, attributes: (1n << 63n) | (1n << 30n) },
    guest: { ...base.guest, xcr0: 0x602e7n & base.params.xfam },
  },
  {
    ...base,
    params: { ...base.params, attributes: 1n << 63n },
    guest: {
      ...base.guest,
      tdControls: new Map(base.guest.tdControls).set('REDUCE_VE', true),
      featureParavirtCtrl: 0xfffn,
    },
  },
];

test.each(specs.releases.map((release) => [release.module.release, release] as const))(
  '%s: an input that does not decide a bit never changes it, and every bit that is decided has an input that does',
  (name, release) => {
    const rules = specs.deciders.get(name);
    if (rules === undefined) throw new Error(`no rules of ${name}`);
    const program = programOf(release.module, rules);
    const registers = program.rows.map((row) =>
      REGISTERS.map((register) =>
        release.registers.find(
          (each) => each.leaf === row.leaf && each.subleaf === row.subleaf && each.register === register,
        ),
      ),
    );
    const tags = registers.map((four) =>
      four.map((register) =>
        (register?.deciders ?? []).map(({ mask, decider }) => ({
          mask,
          tags: new Set(register === undefined ? [] : tagsOf(release, register, decider)),
        })),
      ),
    );
    const moved = registers.map(() => [0, 0, 0, 0]);
    const wrong: string[] = [];
    let made = 0;
    for (const base of bases(fullCase(release))) {
      const before = valuesOf(program, base);
      const { refusal, platform } = computeTd(program, base);
      expect([name, refusal, platform]).toEqual([name, null, null]);
      for (const { tag, question } of changesOf(release, base)) {
        const after = valuesOf(program, question);
        if (after === null) continue;
        made += 1;
        for (const [row, values] of after.entries()) {
          const old = before?.[row] ?? null;
          if (isSame(old, values)) continue;
          for (const [index, four] of (tags[row] ?? []).entries()) {
            const faults = (old === null) !== (values === null);
            const differs = faults ? 0xffffffff : ((old?.[index] ?? 0) ^ (values?.[index] ?? 0)) >>> 0;
            if (differs === 0) continue;
            const own = moved[row];
            if (own !== undefined) own[index] = ((own[index] ?? 0) | differs) >>> 0;
            for (const part of four) {
              const hit = (part.mask & differs) >>> 0;
              const named = tag.split('|').some((one) => covers(part.tags, one));
              const register = registers[row]?.[index];
              if (hit !== 0 && !named && register !== undefined)
                wrong.push(`${tag} moves ${formatPlace(register)} ${hit.toString(16)}`);
            }
          }
        }
      }
    }
    expect([...new Set(wrong)]).toEqual([]);
    expect(made).toBeGreaterThan(200);
    const unmoved = registers.flatMap((four, row) =>
      four.flatMap((register, index) =>
        (tags[row]?.[index] ?? []).flatMap(({ mask, tags: from }) => {
          const bound = register === undefined ? 0 : (BOUND.get(formatPlace(register)) ?? 0);
          const still = (mask & ~((moved[row]?.[index] ?? 0) | bound)) >>> 0;
          return from.size === 0 || still === 0 || register === undefined
            ? []
            : [
                `${formatPlace(register)} ${still.toString(16)} (${bitsOf(still).length} bits) by ${[...from].join(', ')}`,
              ];
        }),
      ),
    );
    expect(unmoved).toEqual([]);
  },
);
