import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RULE_IDS, RULES, ruleOf } from '../../pipeline/judge/catalogue.ts';
import { CHANGE_TABLE } from '../../pipeline/judge/change-table.ts';
import { CELL_CLASSES } from '../../pipeline/model/class.ts';
import type { Finding } from '../../pipeline/model/finding.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import { placeId } from '../../pipeline/model/place.ts';
import { expectFile } from '../report/golden.ts';
import { CASES } from './cases.ts';
import { line } from './ground.ts';

/** Rules that tell something, of their own or as a line of a more urgent one. */
const ids = (findings: readonly Finding[]): readonly string[] =>
  findings.flatMap(({ rule, also }) => [rule, ...also.map((each) => each.rule)]);

/** Bits that two findings name. */
function toldTwice(findings: readonly Finding[]): readonly string[] {
  const bits = findings.flatMap(({ places }) =>
    places.flatMap((place) => bitsOf(place.mask).map((bit) => `${placeId(place)} ${bit}`)),
  );
  return bits.filter((bit, index) => bits.indexOf(bit) !== index);
}

describe('each rule', () => {
  test.each(Object.entries(CASES))('%s fires', (id, { fires, near }) => {
    expect(ids(fires())).toContain(id);
    for (const judged of [fires(), ...Object.values(near).map((run) => run())]) expect(toldTwice(judged)).toEqual([]);
  });

  test('finds the bits, level, verdict and facts that its golden file has, and of near misses too', () => {
    const lines = Object.entries(CASES).flatMap(([id, { fires, near }]) => [
      `== ${id}`,
      ...fires().map(line),
      ...Object.entries(near).flatMap(([name, run]) => [`-- ${name}`, ...run().map(line)]),
      '',
    ]);
    expectFile(join(import.meta.dirname, 'golden/rules.txt'), lines.join('\n'));
  });

  test('has a mirror that knows it, or a reason to have none', () => {
    for (const { id, mirror, ...rule } of RULES) {
      if (mirror === null) expect([id, 'noMirror' in rule ? rule.noMirror : '']).not.toEqual([id, '']);
      else expect([id, ruleOf(mirror).mirror]).toEqual([id, id]);
    }
    expect(new Set(RULE_IDS).size).toBe(RULE_IDS.length);
  });
});

test('what a KVM newly supports cites no line that nobody read, and says in no reason when it would be an error', () => {
  for (const id of ['policy-xfam-added', 'policy-attribute-added'] as const) {
    const { fires, near } = CASES[id];
    const all = [fires, ...Object.values(near)].flatMap((run) => run()).filter(({ rule }) => rule === id);
    expect([id, all.length > 0, all.flatMap(({ evidence }) => evidence)]).toEqual([id, true, []]);
    expect(ruleOf(id).why).not.toMatch(/error/);
  }
});

test('the change table names an effect for every pair of classes that differ', () => {
  for (const from of CELL_CLASSES)
    for (const to of CELL_CLASSES)
      expect([from, to, CHANGE_TABLE[from][to].length > 0]).toEqual([from, to, from !== to]);
});
