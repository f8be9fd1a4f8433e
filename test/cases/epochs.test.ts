import { join } from 'node:path';
import { expect, test } from 'vitest';
import { epochsOf, mirrorOf } from '../../pipeline/cases/epochs.ts';
import { UnavailableError } from '../../pipeline/model/errors.ts';
import { contextOf } from './context.ts';

type List = Parameters<typeof epochsOf>[1];
const URL = 'https://lists.example.org/l';
const TIP = 'a'.repeat(40);

/** What is found of a list, and which epochs the archive was asked for. */
async function epochsAt(epochs: List['epochs'], tips: (epoch: number) => string | null | Error, offline = false) {
  const list: List = { name: 'l', address: 'l@example.org', url: URL, optIn: true, ...(epochs && { epochs }) };
  const asked: number[] = [];
  const tipAt = async (url: string): Promise<string | null> => {
    const epoch = Number(url.slice(`${URL}/`.length));
    asked.push(epoch);
    const tip = tips(epoch);
    if (tip instanceof Error) throw tip;
    return tip;
  };
  const all = [];
  for await (const each of epochsOf(contextOf({ offline }), list, tipAt)) all.push(each);
  return { all, asked };
}
const found = (epoch: number, tip: string | null = TIP, trouble: string | null = null) => ({
  archive: `l/${epoch}`,
  url: `${URL}/${epoch}`,
  tip,
  trouble,
});

test('epochs are those that are named and those that the archive has begun since, each that has a mail', async () => {
  const begun = await epochsAt([1, 10, 2], (epoch) => (epoch === 2 || epoch > 11 ? null : TIP));
  expect(begun).toEqual({ all: [found(1), found(10), found(11)], asked: [1, 2, 10, 11, 12] });
  // An archive of which nothing is named is not asked for what it has begun.
  expect(await epochsAt([], () => TIP)).toEqual({ all: [], asked: [] });
  expect(await epochsAt(undefined, () => TIP)).toEqual({ all: [], asked: [] });
  // Past the named ones no answer is an end.
  expect((await epochsAt([0], (epoch) => (epoch === 0 ? TIP : new UnavailableError('no')))).all).toEqual([found(0)]);
});

test('an epoch that cannot be reached is told, and no later one is looked for', async () => {
  const lost = await epochsAt([0, 1], (epoch) => (epoch === 0 ? new UnavailableError('no route') : TIP));
  expect(lost).toEqual({ all: [found(0, null, 'l/0: no route'), found(1)], asked: [0, 1] });
  const bug = new RangeError('a bug');
  await expect(epochsAt([0], () => bug)).rejects.toBe(bug);
});

test('offline the named epochs are told as they are, in their order', async () => {
  expect(await epochsAt([2, 1], () => TIP, true)).toEqual({ all: [found(1, null), found(2, null)], asked: [] });
});

test('an archive that has whatever it is asked for is not believed', async () => {
  const most = await epochsAt([3], (epoch) => (epoch > 35 ? null : TIP));
  expect(most.all.map(({ archive }) => archive)).toEqual(Array.from({ length: 33 }, (_, at) => `l/${at + 3}`));
  expect((await epochsAt([3], (epoch) => (epoch > 36 ? null : TIP))).all).toEqual([
    found(3),
    found(
      4,
      null,
      `l: ${URL} answers for more than 32 epochs beyond those of specs/sources.yaml; none of them is read, name those that there are`,
    ),
  ]);
});

test('the mirror of an epoch stands by its list among the archives of the cache, and nowhere else', () => {
  const context = contextOf({ cache: '/cache' });
  expect(mirrorOf(context, 'l/7')).toBe(join('/cache', 'archives', 'l', '7.git'));
  for (const archive of ['../7', 'l/..\\7', '/7'])
    expect(() => mirrorOf(context, archive), archive).toThrow(/^specs\/sources\.yaml/);
});
