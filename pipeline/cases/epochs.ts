import { join } from 'node:path';
import { remoteTip } from '../archive/mirror.ts';
import { inside } from '../disk/name.ts';
import { KnownError } from '../model/errors.ts';
import type { PlainSources } from '../specs/sources-shape.ts';
import { type Context, cloneDirectory } from './context.ts';

type List = PlainSources['lists'][number];

/** Where the mirror of an epoch is, which is also its name in the state; the same on every machine of a run. */
export function mirrorOf(context: Context, archive: string): string {
  const [list = '', epoch = ''] = archive.split('/');
  const folder = inside(join(cloneDirectory(context), 'archives'), list, 'specs/sources.yaml');
  return inside(folder, `${epoch}.git`, 'specs/sources.yaml');
}

type Found = {
  readonly archive: string;
  readonly url: string;
  readonly tip: string | null;
  readonly trouble: string | null;
};

/** The epochs that are named, then those that the archive has begun since; `tipAt` asks a remote repository for its tip. */
export async function* epochsOf(context: Context, list: List, tipAt = remoteTip): AsyncGenerator<Found> {
  const named = [...(list.epochs ?? [])].sort((a, b) => a - b);
  const found = (epoch: number): Found => ({
    archive: `${list.name}/${epoch}`,
    url: `${list.url}/${epoch}`,
    tip: null,
    trouble: null,
  });
  if (context.options.offline) return yield* named.map(found);
  const tipOf = (epoch: number): Promise<string | null> => tipAt(`${list.url}/${epoch}`, context.env);
  let newest = named.at(-1);
  for (const epoch of named)
    try {
      const tip = await tipOf(epoch);
      // An empty repository has no mail yet.
      if (tip !== null) yield { ...found(epoch), tip };
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      newest = undefined;
      yield { ...found(epoch), trouble: `${list.name}/${epoch}: ${error.message}` };
    }
  // Only where the archive answers does "not there" mean that there is no further epoch.
  if (newest !== undefined) yield* begunSince(newest + 1, list, found, tipOf);
}

/** A list begins an epoch in a year or two; a host that has more than so many new ones answers whatever it is asked. */
const MOST_NEW = 32;

async function* begunSince(
  first: number,
  list: List,
  found: (epoch: number) => Found,
  tipOf: (epoch: number) => Promise<string | null>,
): AsyncGenerator<Found> {
  const begun: Found[] = [];
  for (let epoch = first; ; epoch += 1) {
    const tip = await tipOf(epoch).catch(() => null);
    if (tip === null) return yield* begun;
    begun.push({ ...found(epoch), tip });
    if (begun.length <= MOST_NEW) continue;
    const trouble = `${list.name}: ${list.url} answers for more than ${MOST_NEW} epochs beyond those of specs/sources.yaml; none of them is read, name those that there are`;
    return yield { ...found(first), trouble };
  }
}
