import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inputOf, originsOf, problemOf } from './attempt.ts';
import { TARGETS } from './targets.ts';

/** What once failed: `fixtures/fuzz/TARGET/KIND/NAME`, with `+` for `/` in the kind. */
const CORPUS = join(process.cwd(), 'fixtures', 'fuzz');
const inside = (path: string): readonly string[] =>
  existsSync(path) && statSync(path).isDirectory() ? readdirSync(path).sort() : [];

describe('what once failed, and a few inputs of each target', () => {
  test.each(TARGETS.map((target) => [target.name, target] as const))('%s', async (name, target) => {
    for (const kind of inside(join(CORPUS, name)))
      for (const entry of inside(join(CORPUS, name, kind))) {
        const text = readFileSync(join(CORPUS, name, kind, entry), 'latin1');
        const seed = { kind: kind.replaceAll('+', '/'), text };
        const start = process.cpuUsage();
        expect([entry, await problemOf(target, { seed, keeps: false }, new Set())]).toEqual([entry, null]);
        expect(process.cpuUsage(start).user / 1000).toBeLessThan(2000);
      }
    const { seeds, facts } = await originsOf(target, target.seeds);
    expect(seeds.length).toBeGreaterThan(0);
    for (let number = 0; number < 60; number += 1) {
      const input = inputOf(target, seeds, 1, number);
      expect([number, await problemOf(target, input, facts)]).toEqual([number, null]);
    }
  });

  test('a target that is wrong is found out', async () => {
    const [tables] = TARGETS;
    if (tables === undefined) throw new Error('no targets');
    const { seeds, facts } = await originsOf(tables, tables.seeds);
    const broken = { ...tables, run: () => ({}).toString.call(null).length + Math.abs(seeds.length) };
    const keeping = { seed: seeds[0] ?? { kind: '', text: '' }, keeps: true };
    expect(await problemOf(broken, keeping, facts)).toMatch(/other facts/);
    const throwing = { ...tables, run: () => JSON.parse('{') };
    expect(await problemOf(throwing, { ...keeping, keeps: false }, facts)).toMatch(/SyntaxError/);
  });
});
