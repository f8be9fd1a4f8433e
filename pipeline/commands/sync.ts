import type { Command } from 'commander';
import { cacheFile, specsDirectory, specsOf, writtenSpecs } from '../cases/context.ts';
import { sourcesOf } from '../cases/sources.ts';
import { withSpecsLock } from '../cases/specs-lock.ts';
import { syncSource } from '../cases/sync.ts';
import type { Outcome } from '../cases/sync-steps.ts';
import { EXIT, UsageError } from '../model/errors.ts';
import { suggest } from '../model/suggest.ts';
import { plain } from '../model/text.ts';
import { openCache } from '../specs/cache.ts';
import { openFolder } from '../specs/folder.ts';
import { loadSpecs } from '../specs/store.ts';
import { type CommandLine, type Context, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch sync` and `bitwatch cache`. */
export function declare({ program, add, addFor, contextOf, done }: CommandLine): void {
  add(program, 'sync', 'fetches the sources of specs/sources.yaml and extracts new releases and policies into specs/', [
    'bitwatch sync --only linux',
    'bitwatch sync --cache /var/cache/bitwatch',
  ])
    .option('--only <name>', 'only this source')
    .action(async (opts: Opts, command: Command) => done(await syncCommand(contextOf(command), textOf(opts.only))));
  addFor([])(
    program,
    'cache',
    'reads and validates specs/ and keeps the parsed form beside the program (part of the build)',
    ['bitwatch cache'],
  ).action((_opts: Opts, command: Command) => cacheCommand(contextOf(command)));
}

/**
 * `bitwatch sync`: fetches each source and extracts what is new into specs/. 69 where no source could be reached, 75
 * where some could not or some revision could not be read: neither reads as "nothing new".
 */
async function syncCommand(context: Context, only: string | null): Promise<number> {
  const { sources } = await sourcesOf(context);
  const wanted = only === null ? sources : sources.filter(({ name }) => name === only);
  if (only !== null && wanted.length === 0)
    throw new UsageError(
      `no source ${JSON.stringify(only)}${suggest(
        only,
        sources.map(({ name }) => name),
      )}; sources: ${sources.map(({ name }) => name).join(', ')}`,
    );
  const outcomes: (Outcome & { readonly name: string })[] = [];
  await withSpecsLock(context, 'sync', async () => {
    // Read again for each source: what one wrote is no news to the next.
    for (const source of wanted)
      outcomes.push({ name: source.name, ...(await syncSource(context, await specsOf(context), source)) });
  });
  await printAnswer(context, {
    json: () => syncJson(outcomes),
    text: () => outcomes.flatMap(({ lines }) => lines.map((line) => `${plain(line)}\n`)).join(''),
  });
  const failed = outcomes.filter((outcome) => outcome.failed).length;
  if (failed === 0) return EXIT.clean;
  return failed === outcomes.length && outcomes.every(({ written }) => written === 0)
    ? EXIT.unavailable
    : EXIT.incomplete;
}

/** `bitwatch.sync/1`: what each source brought, in the order of specs/sources.yaml. */
const syncJson = (outcomes: readonly (Outcome & { readonly name: string })[]) => ({
  schema: 'bitwatch.sync/1',
  sources: outcomes.map(({ name, written, failed, lines }) => ({ name, written, failed, lines })),
});

/** `bitwatch cache`: reads and validates all of specs/ and keeps the parsed form beside the program; part of the build. */
async function cacheCommand(context: Context): Promise<void> {
  writtenSpecs(context, 'cache');
  const cache = openCache(cacheFile(context));
  await loadSpecs(openFolder(specsDirectory(context)), cache);
  cache.save();
}
