import { readFileSync } from 'node:fs';
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

const GOLDEN = join(import.meta.dirname, 'golden/rules.txt');
/** The bits, level, verdict, facts and lines that a rule's case finds, and its near misses. */
const partOf = (id: string, { fires, near }: (typeof CASES)[keyof typeof CASES]): string =>
  [
    `== ${id}`,
    ...fires().map(line),
    ...Object.entries(near).flatMap(([name, run]) => [`-- ${name}`, ...run().map(line)]),
    '',
  ].join('\n');

describe('each rule', () => {
  test.each(Object.entries(CASES))('%s fires', (id, { fires, near }) => {
    expect(ids(fires())).toContain(id);
    for (const judged of [fires(), ...Object.values(near).map((run) => run())]) expect(toldTwice(judged)).toEqual([]);
  });

  // A test for each rule: one for all of them is the dearest there is, and says of none which it was.
  const parts = new Map(
    readFileSync(GOLDEN, 'utf8')
      .split(/^(?=== )/m)
      .map((part) => [/^== (.*)/.exec(part)?.[1] ?? '', part.replace(/\n\n$/, '\n')]),
  );
  test.each(Object.entries(CASES))('%s finds what its part of the golden file has, also of near misses', (id, rule) => {
    if (process.env.UPDATE !== '1') expect(partOf(id, rule)).toBe(parts.get(id));
  });

  test('is in the golden file, and no other', () => {
    if (process.env.UPDATE === '1')
      expectFile(
        GOLDEN,
        Object.entries(CASES)
          .map(([id, rule]) => partOf(id, rule))
          .join('\n'),
      );
    else expect([...parts.keys()]).toEqual(Object.keys(CASES));
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

test('the catalogue and the change table are as they were reviewed', () => {
  const rules = RULES.map(({ id, level, for: people, scope, mirror }) =>
    [id, level, people.join(' '), scope, mirror ?? '-'].join(' | '),
  );
  const effects = CELL_CLASSES.flatMap((from) =>
    CELL_CLASSES.map((to) => `${from} > ${to}: ${CHANGE_TABLE[from][to].join(', ') || '-'}`),
  );
  expectFile(join(import.meta.dirname, 'golden/catalogue.txt'), [...rules, '', ...effects, ''].join('\n'));
});

test('the change table names an effect for every pair of classes that differ', () => {
  for (const from of CELL_CLASSES)
    for (const to of CELL_CLASSES)
      expect([from, to, CHANGE_TABLE[from][to].length > 0]).toEqual([from, to, from !== to]);
});
