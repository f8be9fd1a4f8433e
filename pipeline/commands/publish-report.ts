import type { Keep, Outcome } from '../deliver/github/keep.ts';
import type { Item } from '../deliver/github/shelf.ts';
import type { Posted } from '../deliver/posted.ts';
import { EXIT } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import { jsonText } from '../report/machine.ts';
import type { Context } from './context.ts';

/** What a run did or would do, and what there is to say beside it. */
export type Report = {
  readonly repository: string;
  readonly isSent: boolean;
  readonly notes: readonly string[];
  readonly keep: Keep;
};

/** What a run would do as far as the state knows. */
export function planOf(items: readonly Item[], known: readonly Posted[]): Keep {
  const outcomes = items.flatMap((item): readonly Outcome[] => {
    const entry = known.find(({ key }) => key === item.key);
    if (entry === undefined && item.isUpdateOnly === true) return [];
    const deed = entry === undefined ? 'created' : entry.hash === item.hash ? 'unchanged' : 'updated';
    const { number = null, comment = null, url = '' } = entry ?? {};
    return [{ key: item.key, deed, number, comment, url, why: null }];
  });
  return { outcomes, trouble: null };
}

/** Says what was done, or would be, and what is left. 75 where part of it was done, the trouble's own status where nothing was. */
export function reportKeep(context: Context, { repository, isSent, notes, keep }: Report): number {
  const { outcomes, trouble } = keep;
  if (context.options.json)
    context.stdout.write(
      jsonText({
        schema: 'bitwatch.publish/1',
        repository,
        sent: isSent,
        outcomes,
        notes,
        trouble: trouble?.message ?? null,
      }),
    );
  else {
    const lines = [...outcomes.map((outcome) => outcomeLine(outcome, isSent)), ...notes];
    if (outcomes.every(({ deed }) => deed === 'unchanged')) lines.push('nothing new');
    else if (!isSent) lines.push('nothing was written: --send writes');
    context.stdout.write(lines.map((line) => `${plain(line)}\n`).join(''));
  }
  const failed = outcomes.filter(({ deed, why }) => deed === 'failed' || (deed === 'left' && why === 'not tried'));
  if (trouble !== null)
    context.stderr.write(`bitwatch: ${plain(trouble.message)}; ${failed.length} of ${outcomes.length} are left\n`);
  if (failed.length === 0 && trouble === null) return EXIT.clean;
  const isPartly = outcomes.some(({ deed }) => deed === 'created' || deed === 'updated' || deed === 'unchanged');
  return isPartly ? EXIT.incomplete : (trouble?.status ?? EXIT.data);
}

const WOULD = { created: 'would be created', updated: 'would be updated' } as const;

function outcomeLine({ key, deed, url, why }: Outcome, isSent: boolean): string {
  const text = isSent || !(deed === 'created' || deed === 'updated') ? deed : WOULD[deed];
  return [`${key}: ${text}`, url, why ?? ''].filter((part) => part !== '').join(', ');
}
