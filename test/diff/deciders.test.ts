import { expect, test } from 'vitest';
import { diffDeciders, diffGuestRules } from '../../pipeline/diff/deciders.ts';
import { absentRegister, type ClassedRelease, type RegisterClasses } from '../../pipeline/model/class.ts';
import type { Decider } from '../../pipeline/model/decider.ts';
import type { DeciderRule } from '../../pipeline/model/decider-rules.ts';
import { deciderText } from '../../pipeline/model/decider-text.ts';
import { formatPlace, type Place } from '../../pipeline/model/place.ts';
import { release } from '../judge/ground.ts';

const EAX: Place = { leaf: 7, subleaf: 1, register: 'eax' };
const ZERO: Decider = { by: { kind: 'constant', value: 0 }, conditions: [] };
const ONE: Decider = { by: { kind: 'constant', value: 1 }, conditions: [] };
const HOST: Decider = { by: { kind: 'host' }, conditions: [] };
const at = (place: Place, ...parts: readonly (readonly [number, Decider])[]): RegisterClasses => ({
  ...absentRegister(place),
  deciders: parts.map(([mask, decider]) => ({ mask, decider })),
});
const of = (...registers: readonly RegisterClasses[]): ClassedRelease => ({ ...release('x', []), registers });
const text = (decider: Decider | null) => (decider === null ? null : deciderText(decider));
const shown = (a: ClassedRelease, b: ClassedRelease) =>
  diffDeciders(a, b).map(({ mask, from, to, ...place }) => [formatPlace(place), mask, text(from), text(to)]);

test('bits that another one decides, joined by who did and who does, in the order of places', () => {
  const a = of(at({ ...EAX, register: 'ecx' }, [0xffffffff, ONE]), at(EAX, [0x5, ZERO], [0xfffffffa, HOST]));
  const b = of(
    at(EAX, [0x1, ONE], [0x4, { ...ONE }], [0x2, HOST], [0xfffffff8, ZERO]),
    at({ ...EAX, register: 'ecx' }, [0xffffffff, ONE]),
  );
  expect(shown(a, b)).toEqual([
    ['7.1.EAX', 0x5, 'constant:0', 'constant:1'],
    ['7.1.EAX', 0xfffffff8, 'host', 'constant:0'],
  ]);
  expect(shown(b, a)).toEqual([
    ['7.1.EAX', 0x5, 'constant:1', 'constant:0'],
    ['7.1.EAX', 0xfffffff8, 'constant:0', 'host'],
  ]);
  expect(shown(a, a)).toEqual([]);
});

test('a leaf that is in one release only has no decider in the other', () => {
  const both = of(at(EAX, [0xffffffff, ONE]), at({ ...EAX, leaf: 1 }, [0x3, ZERO], [0xfffffffc, HOST]));
  expect(shown(of(at(EAX, [0xffffffff, ONE])), both)).toEqual([
    ['1.1.EAX', 0x3, null, 'constant:0'],
    ['1.1.EAX', 0xfffffffc, null, 'host'],
  ]);
  expect(shown(both, of())).toEqual([
    ['1.1.EAX', 0x3, 'constant:0', null],
    ['1.1.EAX', 0xfffffffc, 'host', null],
    ['7.1.EAX', 0xffffffff, 'constant:1', null],
  ]);
  expect(shown(of(at(EAX)), of(at(EAX)))).toEqual([]);
});

test('rules of a guest’s CPUID that stand on one side only, whatever they are called and where they were read', () => {
  const rule = (extra: Partial<DeciderRule> = {}): DeciderRule => ({
    id: 'r',
    stage: 'guest',
    leaf: 7,
    masks: { eax: 1 },
    effect: { do: 'zero' },
    source: 's',
    lines: null,
    ...extra,
  });
  const diff = (a: readonly DeciderRule[], b: readonly DeciderRule[]) => {
    const rules = (all: readonly DeciderRule[]) => ({ rules: all }) as unknown as Parameters<typeof diffGuestRules>[0];
    const { added, removed } = diffGuestRules(rules(a), rules(b));
    return [added.map(({ id }) => id), removed.map(({ id }) => id)];
  };
  expect(diff([rule()], [rule({ id: 'other', source: 't', lines: 'L1' })])).toEqual([[], []]);
  expect(diff([], [rule({ stage: 'init' })])).toEqual([[], []]);
  expect(diff([rule({ stage: 'init' })], [rule()])).toEqual([['r'], []]);
  for (const extra of [
    { leaf: 8 },
    { subleaf: 0 },
    { subleaf: 1 },
    { masks: { eax: 2 } },
    { effect: { do: 'one' } as const },
  ])
    expect(diff([rule({ id: 'a' })], [rule({ id: 'b', ...extra })])).toEqual([['b'], ['a']]);
});
