import { specsOf } from '../cases/context.ts';
import { sourcesOf } from '../cases/sources.ts';
import { syncSource } from '../cases/sync.ts';
import type { Outcome } from '../cases/sync-steps.ts';
import { EXIT, UsageError } from '../model/errors.ts';
import { suggest } from '../model/suggest.ts';
import type { Context } from './context.ts';

/**
 * `bitwatch sync`: fetches each source and extracts what is new into specs/. 69 where no source could be reached, 75
 * where some could not or some revision could not be read: neither reads as "nothing new".
 */
export async function syncCommand(context: Context, only: string | null): Promise<number> {
  const { sources } = await sourcesOf(context);
  const wanted = only === null ? sources : sources.filter(({ name }) => name === only);
  if (only !== null && wanted.length === 0)
    throw new UsageError(
      `no source ${JSON.stringify(only)}${suggest(
        only,
        sources.map(({ name }) => name),
      )}; sources: ${sources.map(({ name }) => name).join(', ')}`,
    );
  const outcomes: Outcome[] = [];
  // Read again for each source: what one wrote is no news to the next.
  for (const source of wanted) outcomes.push(await syncSource(context, await specsOf(context), source));
  for (const { lines } of outcomes) for (const line of lines) context.stdout.write(`${line}\n`);
  const failed = outcomes.filter((outcome) => outcome.failed).length;
  if (failed === 0) return EXIT.clean;
  return failed === outcomes.length && outcomes.every(({ written }) => written === 0)
    ? EXIT.unavailable
    : EXIT.incomplete;
}
