import { expect, test } from 'vitest';
import { type Beyond, beyondTables, zeroLeavesOf } from '../../pipeline/model/beyond-tables.ts';
import type { ClassedRelease } from '../../pipeline/model/class.ts';
import type { Condition } from '../../pipeline/model/decider-rules.ts';
import { REGISTERS } from '../../pipeline/model/place.ts';
import type { TdCase } from '../../pipeline/td/case.ts';
import { type Program, programOf } from '../../pipeline/td/program.ts';
import { computeTd } from '../../pipeline/td/td.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { fullCase } from '../helpers/td.ts';

const specs = await shippedSpecs();

/** Leaves and sub-leaves at the edges of what tables hold; those that a release has in its tables are left out there. */
const LEAVES = [
  [3, 0],
  [6, 0],
  [7, 3],
  [8, 0],
  [9, 0],
  [0xb, 7],
  [0xc, 0],
  [0xe, 0],
  [0xf, 0],
  [0xf, 1],
  [0x10, 1],
  [0x16, 0],
  [0x17, 0],
  [0x18, 9],
  [0x1b, 0],
  [0x1e, 1],
  [0x1f, 0],
  [0x1f, 0x107],
  [0x20, 0],
  [0x22, 0],
  [0x23, 9],
  [0x24, 0],
  [0x3fffffff, 0],
  [0x40000000, 0],
  [0x4fffffff, 0],
  [0x50000000, 0],
  [0x80000003, 0],
  [0x80000007, 0],
  [0x80000008, 3],
  [0x80000009, 0],
  [0xffffffff, 0],
] as const;

const guests = (base: TdCase): readonly (TdCase & { readonly asks: boolean; readonly paravirt: boolean })[] =>
  [
    [false, false],
    [true, false],
    [true, true],
  ].map(([asks = false, paravirt = false]) => ({
    ...base,
    asks,
    paravirt,
    guest: {
      ...base.guest,
      tdControls: new Map(base.guest.tdControls).set('REDUCE_VE', asks),
      featureParavirtCtrl: paravirt ? 0xfffn : 0n,
    },
    queries: LEAVES.map(([leaf, subleaf]) => ({ leaf, subleaf })),
  }));

type At = {
  readonly program: Program;
  readonly question: TdCase;
  readonly leaf: number;
  readonly subleaf: number;
  readonly index: number;
  readonly bit: number;
  readonly holds: (condition: Condition) => boolean;
};

/** What a TD reads by what is said of it: a bit, or #VE. */
function wantedOf(
  beyond: Beyond | null,
  { program, question, leaf, subleaf, index, bit, holds }: At,
): 0 | 1 | 've' | null {
  if (beyond === null) return null;
  const bitIn = (value: number): 0 | 1 => (((value >>> bit) & 1) === 1 ? 1 : 0);
  if (beyond.kind === 'last-leaf') {
    // The host of the test ends at 0x80000008.
    if (beyond.isHosts && leaf <= 0x80000008) return 've';
    const last = computeTd(program, { ...question, queries: [{ leaf: beyond.leaf, subleaf }] }).results[0]?.answer;
    return last === undefined || last === 've' ? 've' : bitIn(last[index] ?? 0);
  }
  if (beyond.kind === 'whole-leaf') {
    const own = computeTd(program, { ...question, queries: [{ leaf, subleaf: 0 }] }).results[0]?.answer;
    return own === undefined || own === 've' ? 've' : bitIn(own[index] ?? 0);
  }
  const { by, conditions } = beyond.decider;
  if (by.kind === 've' || conditions.some(({ when }) => !holds(when))) return 've';
  return by.kind === 'constant' ? by.value : bitIn(question.guest.x2apicId);
}

/** Whether the tables have the leaf as it is asked for: of a leaf without sub-leaves that is sub-leaf 0. */
const isListed = ({ module }: ClassedRelease, leaf: number, subleaf: number): boolean =>
  module.lookup.some((entry) => entry.leaf === leaf && (entry.subleaf ?? 0) === subleaf);

test.each(specs.releases.map((release) => [release.module.release, release] as const))(
  '%s: who decides a leaf that is in no table is what the release’s code answers',
  (name, release) => {
    const rules = specs.deciders.get(name);
    if (rules === undefined) throw new Error(`no rules of ${name}`);
    const program = programOf(release.module, rules);
    let told = 0;
    const wrong: string[] = [];
    for (const question of guests(fullCase(release))) {
      const has = rules.limits.tdControls.includes('REDUCE_VE') && question.asks;
      // The full case configures every feature, so that the TD has each bit that a leaf asks for.
      const holds = (condition: Condition): boolean => {
        if (condition.kind === 'not') return !holds(condition.of);
        if (condition.kind === 'any') return condition.of.some(holds);
        return condition.kind === 'guest' ? has : condition.kind === 'paravirt' ? question.paravirt : true;
      };
      const { results } = computeTd(program, question);
      for (const [at, [leaf, subleaf]] of LEAVES.entries()) {
        if (isListed(release, leaf, subleaf)) continue;
        const answer = results[at]?.answer ?? 've';
        for (const [index, register] of REGISTERS.entries())
          for (const bit of [0, 2, 7, 8, 31]) {
            const beyond = beyondTables(release, { leaf, subleaf, register }, bit);
            told += 1;
            const wanted = wantedOf(beyond, { program, question, leaf, subleaf, index, bit, holds });
            const found = answer === 've' ? 've' : ((answer[index] ?? 0) >>> bit) & 1;
            if (found !== wanted)
              wrong.push(`${leaf.toString(16)}.${subleaf}.${register}[${bit}]: ${found}, ${wanted}`);
          }
      }
    }
    expect(wrong).toEqual([]);
    expect(told).toBeGreaterThan(500);
  },
);

test('leaves that read as 0 came with REDUCE_VE, and not with every newer release', () => {
  const of = (name: string) => {
    const release = specs.releases.find(({ module }) => module.release === name);
    if (release === undefined) throw new Error(name);
    return zeroLeavesOf(release);
  };
  const none = { always: [], asked: [], guest: [], rest: false };
  const all = [9, 0xc, 0xf, 0x10, 0x16, 0x17, 0x1b, 0x80000003, 0x80000004, 0x80000005];
  expect([of('1.5.08'), of('2.0.02')]).toEqual([none, none]);
  for (const name of ['1.5.09', '2.0.04'])
    expect(of(name)).toEqual({ always: [], asked: all, guest: ['REDUCE_VE'], rest: true });
});
