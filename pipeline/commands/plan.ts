import { join } from 'node:path';
import { remoteTip, updateMirror } from '../archive/mirror.ts';
import { type Epoch, planJobs } from '../archive/plan.ts';
import { loadState } from '../archive/state-file.ts';
import { cloneDirectory } from '../cases/context.ts';
import { sourcesOf } from '../cases/sources.ts';
import { EXIT, KnownError, NoInputError, UsageError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import { jsonText } from '../report/machine.ts';
import type { PlainSources } from '../specs/sources-shape.ts';
import type { Context } from './context.ts';

/** GitHub takes no more jobs of a matrix than this. */
const MOST_JOBS = 256;

type List = PlainSources['lists'][number];

/** Where the mirror of an epoch is, which is also its name in the state; the same on every machine of a run. */
const mirrorOf = (context: Context, archive: string): string =>
  join(cloneDirectory(context), 'archives', `${archive}.git`);

/**
 * `bitwatch plan --shards N`: the jobs that read what is new in the lists' archives, as a matrix for a workflow with --json. 69
 * or 75 where epochs could not be reached: a plan without them would read as "nothing new".
 */
export async function planCommand(
  context: Context,
  options: { readonly shards: string; readonly state: string | null },
): Promise<number> {
  const shards = Number(/^[1-9]\d{0,2}$/.test(options.shards) ? options.shards : '0');
  if (shards === 0 || shards > MOST_JOBS)
    throw new UsageError(`--shards: expected a number from 1 to ${MOST_JOBS}, found ${JSON.stringify(options.shards)}`);
  const state = await loadState(options.state ?? join(cloneDirectory(context), 'archives.json'));
  const known = new Map(state.archives.map(({ name, tip }) => [name, tip]));
  const epochs: Epoch[] = [];
  const troubles: string[] = [];
  for (const list of (await sourcesOf(context)).lists)
    for await (const { archive, url, tip, trouble } of epochsOf(context, list)) {
      if (trouble !== null) troubles.push(trouble);
      else epochs.push({ archive, url, tip, known: known.get(mirrorOf(context, archive)) ?? null });
    }
  const jobs = planJobs(epochs, shards);
  if (jobs.length > MOST_JOBS)
    throw new UsageError(`--shards ${shards}: ${jobs.length} jobs are more than the ${MOST_JOBS} that a matrix takes`);
  for (const trouble of troubles) context.stderr.write(`${plain(trouble)}\n`);
  if (troubles.length > 0 && epochs.length === 0) return EXIT.unavailable;
  context.stdout.write(context.options.json ? jsonText({ include: jobs }) : planText(epochs, jobs));
  return troubles.length > 0 ? EXIT.incomplete : EXIT.clean;
}

function planText(epochs: readonly Epoch[], jobs: ReturnType<typeof planJobs>): string {
  const lines = epochs.map(({ archive, tip }) => {
    const own = jobs.filter((job) => job.archive === archive).length;
    const end = tip === null ? '' : ` up to ${tip.slice(0, 12)}`;
    return own === 0 ? `${archive}: nothing new` : `${archive}: ${own} ${own === 1 ? 'share' : 'shares'}${end}`;
  });
  return lines.length === 0 ? 'no archive is named in specs/sources.yaml\n' : `${lines.join('\n')}\n`;
}

type Found = {
  readonly archive: string;
  readonly url: string;
  readonly tip: string | null;
  readonly trouble: string | null;
};

/** The epochs that are named, then those that the archive has begun since. */
async function* epochsOf(context: Context, list: List): AsyncGenerator<Found> {
  const named = [...(list.epochs ?? [])].sort((a, b) => a - b);
  const found = (epoch: number): Found => ({
    archive: `${list.name}/${epoch}`,
    url: `${list.url}/${epoch}`,
    tip: null,
    trouble: null,
  });
  if (context.options.offline) return yield* named.map(found);
  const tipOf = (epoch: number): Promise<string | null> =>
    remoteTip(`${list.url}/${epoch}`, cloneDirectory(context), context.env);
  let isReached = named.length > 0;
  for (const epoch of named)
    try {
      const tip = await tipOf(epoch);
      // An empty repository has no mail yet.
      if (tip !== null) yield { ...found(epoch), tip };
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      isReached = false;
      yield { ...found(epoch), trouble: `${list.name}/${epoch}: ${error.message}` };
    }
  // Only where the archive answers does "not there" mean that there is no further epoch.
  for (let epoch = (named.at(-1) ?? 0) + 1; isReached; epoch += 1) {
    const tip = await tipOf(epoch).catch(() => null);
    if (tip === null) return;
    yield { ...found(epoch), tip };
  }
}

/** `bitwatch archive fetch LIST/EPOCH`: brings the mirror of an epoch up to date and prints where it is. */
export async function archiveFetchCommand(context: Context, archive: string, given: string | null): Promise<void> {
  const [, name = '', epoch = ''] = /^([^/]+)\/(\d{1,3})$/.exec(archive) ?? [];
  const { lists } = await sourcesOf(context);
  const list = lists.find((each) => each.name === name);
  if (list === undefined)
    throw new UsageError(
      `no archive ${JSON.stringify(archive)}: expected LIST/EPOCH with a list of specs/sources.yaml: ${lists.map((each) => each.name).join(', ')}`,
    );
  if (given !== null && !/^[0-9a-f]{40,64}$/.test(given))
    throw new UsageError(`--tip: expected a commit id, found ${JSON.stringify(given)}`);
  if (context.options.offline) throw new UsageError('archive fetch and --offline exclude each other');
  const cache = cloneDirectory(context);
  const url = `${list.url}/${epoch}`;
  const tip = given ?? (await remoteTip(url, cache, context.env));
  if (tip === null) throw new NoInputError(`${url} is empty: it has no mail`);
  const target = mirrorOf(context, archive);
  await updateMirror(url, target, tip, cache, context.env);
  context.stdout.write(`${target}\n`);
}
