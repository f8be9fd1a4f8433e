import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  addPosted,
  loadPosted,
  mergePosted,
  type Posted,
  postedToYaml,
  readPosted,
  recordPosted,
} from '../../pipeline/deliver/posted.ts';
import { lockBeside, withLock } from '../../pipeline/disk/lock.ts';
import { DataError } from '../../pipeline/model/errors.ts';
import { temporaryFolder } from '../helpers/repository.ts';

const entry: fc.Arbitrary<Posted> = fc.record({
  repository: fc.constantFrom('a/b', 'a/c'),
  kind: fc.constantFrom('release', 'review'),
  key: fc.constantFrom('2.0.08', '1.5 Beta', '7', '"#: \u2028'),
  number: fc.integer({ min: 1, max: 3 }),
  comment: fc.option(fc.integer({ min: 1, max: 3 })),
  hash: fc.constantFrom('0'.repeat(64), 'f'.repeat(64)),
  url: fc.constantFrom('', 'https://example.org/1'),
  at: fc.constantFrom('2026-11-20T00:00:00Z', '2026-11-21T00:00:00Z'),
});
const entries = fc.array(entry, { maxLength: 8 });
const file = (): string => join(temporaryFolder(), 'state', 'posted.yaml');
const noWait = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
};
const posted = (key: string, more: Partial<Posted> = {}): Posted => ({
  repository: 'a/b',
  kind: 'release',
  key,
  number: 1,
  comment: null,
  hash: '0'.repeat(64),
  url: '',
  at: '2026-11-21T00:00:00Z',
  ...more,
});

describe('joining', () => {
  it('is commutative, associative and idempotent, and loses no place', () => {
    fc.assert(
      fc.property(entries, entries, entries, (a, b, c) => {
        expect(mergePosted(a, b)).toEqual(mergePosted(b, a));
        expect(mergePosted(mergePosted(a, b), c)).toEqual(mergePosted(a, mergePosted(b, c)));
        expect(mergePosted(mergePosted(a, b), b)).toEqual(mergePosted(a, b));
        const places = (all: readonly Posted[]) =>
          new Set(all.map((each) => `${each.repository} ${each.kind} ${each.key}`));
        expect(places(mergePosted(a, b))).toEqual(places([...a, ...b]));
      }),
    );
  });

  it('takes what was seen later; of two seen at once, the one that was made first', () => {
    const later = posted('x', { number: 9, at: '2026-11-22T00:00:00Z' });
    expect(mergePosted([posted('x')], [later])).toEqual([later]);
    expect(mergePosted([posted('x', { number: 2 })], [posted('x')])).toEqual([posted('x')]);
  });
});

test('a file is read as it was written, the same entries as the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(entries, async (all) => {
      const text = await postedToYaml(all);
      expect(await readPosted('posted.yaml', text)).toEqual(mergePosted(all, []));
      expect(await postedToYaml([...all].reverse())).toBe(text);
    }),
    { numRuns: 50 },
  );
});

test('a file that is damaged is one error with its place, never an empty one', async () => {
  const good = await postedToYaml([posted('x'), posted('y', { comment: 4 })]);
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length), fc.string({ maxLength: 4 }), async (at, junk) => {
      const text = good.slice(0, at) + junk + good.slice(at + 2);
      await readPosted('posted.yaml', text).catch((error: unknown) => expect(error).toBeInstanceOf(DataError));
    }),
    { numRuns: 150 },
  );
  await expect(readPosted('posted.yaml', 'posted:\n  - {repository: x}\n')).rejects.toThrow(/^posted\.yaml:2:/);
});

test('many runs at once lose no entry and leave no lock', async () => {
  const path = file();
  const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
  await Promise.all(keys.map((key) => addPosted(path, [posted(key)], noWait)));
  expect((await loadPosted(path)).map(({ key }) => key).sort()).toEqual([...keys].sort());
  expect(readdirSync(dirname(path))).toEqual(['posted.yaml']);
});

test('what stands as it stood writes nothing', async () => {
  const path = file();
  await addPosted(path, [posted('x')], noWait);
  const before = readFileSync(path, 'utf8');
  await recordPosted(path, posted('x', { at: '2026-12-01T00:00:00Z' }), noWait);
  expect(readFileSync(path, 'utf8')).toBe(before);
  const none = file();
  await addPosted(none, [], noWait);
  expect(existsSync(none)).toBe(false);
});

test('a lock that another run never lets go ends in one clear line; a dead run’s lock is taken over', async () => {
  const path = file();
  await addPosted(path, [posted('x')], noWait);
  let waits = 0;
  const counted = async (): Promise<void> => {
    waits += 1;
  };
  await withLock(lockBeside(path), 'x', () =>
    expect(addPosted(path, [posted('y')], counted)).rejects.toThrow(/in use by another run, also after 1\d{3} s/),
  );
  expect(waits).toBeGreaterThan(10);
  // Process 1 is alive on every machine, and in a container it may have been the dead owner's number.
  writeFileSync(lockBeside(path), '1\n');
  await addPosted(path, [posted('y')], noWait);
  expect((await loadPosted(path)).length).toBe(2);
  expect(existsSync(lockBeside(path))).toBe(false);
});
