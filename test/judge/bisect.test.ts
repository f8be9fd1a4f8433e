import { describe, expect, test } from 'vitest';
import { betweenOf, isBreak, type MidState, splitsGained } from '../../pipeline/judge/bisect.ts';
import type { FoundPlace, Verdict } from '../../pipeline/model/finding.ts';
import { hex } from '../../pipeline/model/mask.ts';
import { formatPlace, type Register } from '../../pipeline/model/place.ts';
import type { Disagreement, Policy } from '../../pipeline/model/policy.ts';
import type { Between } from '../../pipeline/model/series-effect.ts';
import { entry, ground, KNOWLEDGE, PLACE, policy, release } from './ground.ts';

const AT = { path: 'tdx.c', line: 5 } as const;
const split = (mask: number, extra: Partial<Disagreement> = {}): Disagreement => ({
  kind: 'hidden-not-refused',
  ...PLACE,
  mask,
  shown: AT,
  setUp: AT,
  ...extra,
});
const SHOWN = { kind: 'shown-but-refused' } as const;
const UNNAMED = { leaf: null, subleaf: null, register: null } as const;
const splitting = (...disagreements: readonly Disagreement[]): Policy => policy({ disagreements });

const GROUND = ground({
  releases: [
    release('2.0.04', [
      { allow: { eax: 0x7 }, direct: { ebx: 0x80000001 }, fixed0: {} },
      { leaf: 1, subleaf: null, allow: { ecx: 0x30 }, fixed0: {} },
    ]),
  ],
});
const denying = (mask: number, extra: Partial<Policy> = {}): Policy => policy({ deny: [entry(mask)], ...extra });
/** Other masks of the release, so that only what a test names differs. */
const OTHERS = [
  { ...PLACE, register: 'ebx', mask: 0x80000001, ...AT },
  { leaf: 1, subleaf: null, register: 'ecx', mask: 0x30, ...AT },
] as const;

const placeText = (place: FoundPlace): string =>
  `${formatPlace(place)} ${hex(place.mask)} ${place.bits.map(({ bit, name }) => `${bit}=${name}`).join(' ')}`;
const told = (all: readonly Between[]): readonly (readonly unknown[])[] =>
  all.map(({ after, until, kind, isUnnamed, places }) => [
    `${after}-${until}`,
    kind,
    ...(isUnnamed ? ['unnamed'] : []),
    ...places.map(placeText),
  ]);
/** The states behind the patches 1, 2, … up to the last patch, which makes `after`. */
const between = (
  before: Policy | null,
  states: readonly (Policy | null)[],
  after: Policy,
  on = GROUND,
): readonly (readonly unknown[])[] => {
  const mids = states.map((each, at): MidState => ({ part: at + 1, policy: each }));
  return told(betweenOf(before, mids, { part: states.length + 1, policy: after }, on));
};

test('user space breaks where what KVM took is refused', () => {
  const all: readonly Verdict[] = ['denied', 'closed', 'allowed', 'needs-optin', 'passed', 'exposed'];
  const breaks = all.flatMap((from) => all.filter((to) => isBreak(from, to)).map((to) => `${from} ${to}`));
  expect(breaks).toEqual(
    ['closed', 'allowed', 'passed', 'exposed'].flatMap((from) => [`${from} denied`, `${from} needs-optin`]),
  );
  expect(all.filter((to) => isBreak(null, to))).toEqual([]);
});

describe('the splits that a policy gains', () => {
  const gained = (have: Policy, had: Policy | null): readonly string[] =>
    splitsGained(have, had, GROUND).map(({ kind, place }) => `${kind} ${place === null ? 'all' : placeText(place)}`);

  test('are those that come to hold for more sub-leaves, and none that hold for fewer', () => {
    const wide = (everySubleafBut: readonly number[]) => splitting(split(0x6, { everySubleafBut }));
    const all = ['hidden-not-refused 7.1.EAX 0x6 1=CLOB 2=PLAIN'];
    expect([gained(wide([]), splitting(split(0x6))), gained(wide([1]), wide([1, 2]))]).toEqual([all, all]);
    expect([gained(splitting(split(0x6)), wide([])), gained(wide([1, 2]), wide([1]))]).toEqual([[], []]);
    // Whatever stands beside them.
    const ebx = split(0x80000000, { register: 'ebx' });
    expect(gained(splitting(ebx, split(0x6, { everySubleafBut: [] })), splitting(ebx, split(0x6)))).toEqual(all);
  });

  test('are the bits of a register that the other does not split the same way', () => {
    const have = splitting(split(0x6), split(0x80000000, { register: 'ebx' }));
    const whole = ['hidden-not-refused 7.1.EAX 0x6 1=CLOB 2=PLAIN', 'hidden-not-refused 7.1.EBX 0x80000000 31=null'];
    expect(gained(have, null)).toEqual(whole);
    expect(gained(have, policy())).toEqual(whole);
    expect(gained(have, splitting(split(0x2)))).toEqual(['hidden-not-refused 7.1.EAX 0x4 2=PLAIN', whole[1]]);
    // Two entries of one register count together.
    expect(gained(have, splitting(split(0x2), split(0x4)))).toEqual([whole[1]]);
    expect(gained(splitting(split(0x3)), splitting(split(0x2)))).toEqual(['hidden-not-refused 7.1.EAX 0x1 0=null']);
    expect(gained(have, have)).toEqual([]);
    expect(gained(policy(), have)).toEqual([]);
  });

  test('keep kinds, leaves, sub-leaves and registers apart', () => {
    const have = splitting(split(0x2));
    const whole = ['hidden-not-refused 7.1.EAX 0x2 1=CLOB'];
    for (const other of [SHOWN, { leaf: 8 }, { subleaf: 2 }, { register: 'ecx' } as const, UNNAMED])
      expect(gained(have, splitting(split(0x2, other)))).toEqual(whole);
    // No sub-leaf is sub-leaf 0.
    const none = splitting(split(0x2, { leaf: 1, subleaf: null }));
    expect(gained(none, splitting(split(0x2, { leaf: 1, subleaf: 0 })))).toEqual([]);
    expect(gained(none, null)).toEqual(['hidden-not-refused 1.EAX 0x2 1=null']);
  });

  test('name no place for what the code does not name, whatever the mask', () => {
    const all = splitting(split(0xffffffff, UNNAMED), split(0, { ...UNNAMED, ...SHOWN }));
    expect(gained(all, null)).toEqual(['hidden-not-refused all', 'shown-but-refused all']);
    expect(gained(all, splitting(split(0x1, UNNAMED)))).toEqual(['shown-but-refused all']);
    expect(gained(all, splitting(split(0xffffffff)))).toEqual(['hidden-not-refused all', 'shown-but-refused all']);
    // Half a place is none.
    const half = splitting(split(0x2, { register: null }), split(0x2, { ...SHOWN, leaf: null }));
    expect(gained(half, null)).toEqual(['hidden-not-refused all', 'shown-but-refused all']);
    expect(gained(half, splitting(split(0, UNNAMED), split(0, { ...UNNAMED, ...SHOWN })))).toEqual([]);
  });
});

describe('what only the states within a series have', () => {
  test('a bit that is hidden by one patch and refused by a later one', () => {
    expect(between(policy(), [policy(), splitting(split(0x2)), policy()], policy())).toEqual([
      ['2-3', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
    expect(between(policy(), [splitting(split(0x2)), splitting(split(0x2))], policy())).toEqual([
      ['1-3', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
    expect(between(null, [splitting(split(0x2))], policy())).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
    expect(between(policy(), [splitting(split(0x2, SHOWN))], policy())).toEqual([
      ['1-2', 'shown-but-refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
  });

  test('nothing is said where the series has no states, or none of its own', () => {
    const own = splitting(split(0x2));
    expect(between(policy(), [], own)).toEqual([]);
    expect(between(policy(), [policy(), policy()], policy())).toEqual([]);
    // The base splits it already, or the whole series leaves it so: a finding of its own says it.
    expect(between(own, [own], policy())).toEqual([]);
    expect(between(policy(), [own], own)).toEqual([]);
    expect(between(null, [own], own)).toEqual([]);
    expect(between(own, [policy()], own)).toEqual([]);
  });

  test('only the bits that neither end splits the same way', () => {
    const mid = [splitting(split(0x6))];
    expect(between(policy(), mid, splitting(split(0x2)))).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EAX 0x4 2=PLAIN'],
    ]);
    expect(between(splitting(split(0x4)), mid, policy())).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
    expect(between(splitting(split(0x4)), mid, splitting(split(0x2)))).toEqual([]);
    // A state that splits a part of what the end splits is no worse than the end.
    expect(between(policy(), mid, splitting(split(0x7)))).toEqual([]);
    expect(between(policy(), mid, splitting(split(0x6, SHOWN)))).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EAX 0x6 1=CLOB 2=PLAIN'],
    ]);
  });

  test('each kind is told once, its places in order, with what has no name', () => {
    const mixed = splitting(
      split(0x1, { register: 'ebx' }),
      split(0x2, SHOWN),
      split(0, UNNAMED),
      split(0x4),
      split(0x10, { leaf: 1, subleaf: null, register: 'ecx' }),
    );
    expect(between(policy(), [mixed], policy())).toEqual([
      ['1-2', 'hidden-not-refused', 'unnamed', '1.ECX 0x10 4=null', '7.1.EAX 0x4 2=PLAIN', '7.1.EBX 0x1 0=null'],
      ['1-2', 'shown-but-refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
    expect(between(policy(), [splitting(split(0, { ...UNNAMED, ...SHOWN }))], policy())).toEqual([
      ['1-2', 'shown-but-refused', 'unnamed'],
    ]);
    expect(between(policy(), [splitting(split(0, UNNAMED))], splitting(split(0, UNNAMED)))).toEqual([]);
  });

  test('neighbouring states of which the same is true are one stretch, others are not', () => {
    const [one, two] = [splitting(split(0x2)), splitting(split(0x2), split(0x1, SHOWN))];
    expect(between(policy(), [one, two, two, policy(), one], policy())).toEqual([
      ['1-4', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
      ['2-4', 'shown-but-refused', '7.1.EAX 0x1 0=null'],
      ['5-6', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
    expect(between(policy(), [one, splitting(split(0x6))], policy())).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
      ['2-3', 'hidden-not-refused', '7.1.EAX 0x6 1=CLOB 2=PLAIN'],
    ]);
    // Parts that bring no patch are passed over, and a stretch that lasts longer starts first.
    const mids: readonly MidState[] = [
      { part: 2, policy: two },
      { part: 5, policy: splitting(split(0x1, SHOWN)) },
    ];
    expect(told(betweenOf(policy(), mids, { part: 9, policy: policy() }, GROUND))).toEqual([
      ['2-5', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
      ['2-9', 'shown-but-refused', '7.1.EAX 0x1 0=null'],
    ]);
    const late = between(policy(), [two, one, splitting(split(0x2), split(0x4, SHOWN)), one], policy());
    expect(late).toEqual([
      ['1-2', 'shown-but-refused', '7.1.EAX 0x1 0=null'],
      ['1-5', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
      ['3-4', 'shown-but-refused', '7.1.EAX 0x4 2=PLAIN'],
    ]);
  });

  test('a state that cannot be read is said to be unread, and nothing else of it', () => {
    expect(between(policy(), [null, null, splitting(split(0x2)), null], policy())).toEqual([
      ['1-3', 'unread'],
      ['3-4', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
      ['4-5', 'unread'],
    ]);
  });
});

describe('bits that come and go within a series', () => {
  test('let through, and kept from TDs at both ends', () => {
    expect(between(denying(0x6), [denying(0x4), denying(0x2)], denying(0x6))).toEqual([
      ['1-2', 'open', '7.1.EAX 0x2 1=CLOB'],
      ['2-3', 'open', '7.1.EAX 0x4 2=PLAIN'],
    ]);
    // What an end lets through is no news.
    expect(between(denying(0x2), [policy()], denying(0x4))).toEqual([]);
    expect(between(policy(), [policy()], denying(0x6))).toEqual([]);
    expect(between(denying(0x6), [policy()], policy())).toEqual([]);
    expect(between(denying(0x6), [denying(0x6)], denying(0x6))).toEqual([]);
    // Without TDX support at the base no bit was kept from anyone.
    expect(between(null, [policy()], denying(0x6))).toEqual([]);
  });

  test('kept from TDs, and let through at both ends', () => {
    expect(between(policy(), [denying(0x6), denying(0x2)], policy())).toEqual([
      ['1-2', 'refused', '7.1.EAX 0x6 1=CLOB 2=PLAIN'],
      ['2-3', 'refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
    expect(between(denying(0x2), [denying(0x6)], denying(0x4))).toEqual([]);
    expect(between(null, [denying(0x6)], policy())).toEqual([]);
  });

  test('by every verdict that lets a bit through or keeps it', () => {
    const allowlist = (mask: number): Policy =>
      policy({ generation: 'allowlist', allow: [...(mask === 0 ? [] : [entry(mask)]), ...OTHERS] });
    const none = allowlist(0);
    expect(between(none, [allowlist(0x2)], none)).toEqual([['1-2', 'open', '7.1.EAX 0x2 1=CLOB']]);
    expect(between(allowlist(0x7), [allowlist(0x5)], policy())).toEqual([['1-2', 'refused', '7.1.EAX 0x2 1=CLOB']]);
    expect(between(none, [policy({ known: [entry(0x2)], deny: [entry(0x5)] })], denying(0x7))).toEqual([
      ['1-2', 'open', '7.1.EAX 0x2 1=CLOB'],
    ]);
    expect(between(policy({ known: [entry(0x7)] }), [denying(0x2)], allowlist(0x7))).toEqual([
      ['1-2', 'refused', '7.1.EAX 0x2 1=CLOB'],
    ]);
  });

  test('by a gate that KVM comes to set, or sets no longer', () => {
    const gated = ground({
      releases: [release('2.0.04', [{ allow: { eax: 0x6 }, fixed0: {}, gates: new Map([[9, { eax: 0x2 }]]) }])],
    });
    const [shut, open] = [policy(), policy({ xfam: 0x203n })];
    expect(between(shut, [open], shut, gated)).toEqual([['1-2', 'open', '7.1.EAX 0x2 1=CLOB']]);
    expect(between(open, [shut], open, gated)).toEqual([['1-2', 'refused', '7.1.EAX 0x2 1=CLOB']]);
    // Closed at the base and denied at the end: no TD has it at either.
    expect(between(shut, [open], denying(0x2), gated)).toEqual([['1-2', 'open', '7.1.EAX 0x2 1=CLOB']]);
    expect(between(shut, [denying(0x2)], shut, gated)).toEqual([]);
    expect(between(denying(0x2), [shut], denying(0x2), gated)).toEqual([]);
    expect(between(shut, [open], open, gated)).toEqual([]);
  });

  test('registers by place, both ways at once', () => {
    const shut = policy({ deny: [...OTHERS] });
    const mid = policy({ deny: [{ ...PLACE, register: 'ebx', mask: 0x1, ...AT }, entry(0x4)] });
    expect(between(shut, [mid], shut)).toEqual([
      ['1-2', 'open', '1.ECX 0x30 4=null 5=null', '7.1.EBX 0x80000000 31=null'],
      ['1-2', 'refused', '7.1.EAX 0x4 2=PLAIN'],
    ]);
  });

  test('on every release, each bit by its own', () => {
    const offers = (name: string, register: Register, mask: number) =>
      release(name, [{ allow: { [register]: mask }, fixed0: {} }]);
    const two = ground({
      releases: [offers('1.5.06', 'ebx', 0x1), offers('2.0.04', 'eax', 0x2), offers('2.0.08', 'eax', 0x4)],
    });
    const shut = policy({ deny: [entry(0x6), { ...PLACE, register: 'ebx', mask: 0x1, ...AT }] });
    expect(between(shut, [policy()], shut, two)).toEqual([
      ['1-2', 'open', '7.1.EAX 0x6 1=CLOB 2=PLAIN', '7.1.EBX 0x1 0=null'],
    ]);
    // Nothing to say without a release, or on one that KVM does not take.
    expect(between(shut, [policy()], shut, ground({ knowledge: KNOWLEDGE }))).toEqual([]);
    const refusing = policy({ requires: [{ kind: 'config-slots', limit: 0, ...AT }] });
    expect(between(shut, [refusing], shut, two)).toEqual([]);
    expect(between(refusing, [policy()], shut, two)).toEqual([]);
    expect(between(shut, [policy()], refusing, two)).toEqual([]);
  });

  test('what is hidden and taken is told once, and other bits of its register beside it', () => {
    const shut = denying(0x6);
    expect(between(shut, [splitting(split(0x6))], shut)).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EAX 0x6 1=CLOB 2=PLAIN'],
    ]);
    expect(between(shut, [splitting(split(0x2))], shut)).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EAX 0x2 1=CLOB'],
      ['1-2', 'open', '7.1.EAX 0x4 2=PLAIN'],
    ]);
    expect(between(denying(0x7), [splitting(split(0x2))], denying(0x7))[1]).toEqual([
      '1-2',
      'open',
      '7.1.EAX 0x5 0=null 2=PLAIN',
    ]);
    expect(between(shut, [splitting(split(0x2), split(0x4))], shut).map(([, kind]) => kind)).toEqual([
      'hidden-not-refused',
    ]);
    expect(between(shut, [splitting(split(0x6, { register: 'ebx' }), split(0x6, SHOWN))], shut)).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EBX 0x6 1=null 2=null'],
      ['1-2', 'shown-but-refused', '7.1.EAX 0x6 1=CLOB 2=PLAIN'],
      ['1-2', 'open', '7.1.EAX 0x6 1=CLOB 2=PLAIN'],
    ]);
    // What is refused of a register whose other bits are hidden and taken.
    expect(between(policy(), [{ ...splitting(split(0x6)), deny: [entry(0x4)] }], policy())).toEqual([
      ['1-2', 'hidden-not-refused', '7.1.EAX 0x6 1=CLOB 2=PLAIN'],
      ['1-2', 'refused', '7.1.EAX 0x4 2=PLAIN'],
    ]);
  });
});
