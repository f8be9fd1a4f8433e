import { EXIT } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';
import type { Posted } from '../posted.ts';
import type { Item } from './postings.ts';
import type { Outcome, Publication } from './publish-all.ts';

/** What a run did or would do, and what there is to say beside it. */
export type Report = {
  readonly repository: string;
  readonly isSent: boolean;
  readonly notes: readonly string[];
  readonly keep: Publication;
};

/** What a run would do as far as the state knows. */
export function planOf(items: readonly Item[], known: readonly Posted[]): Publication {
  const outcomes = items.flatMap((item): readonly Outcome[] => {
    const entry = known.find(({ key }) => key === item.key);
    if (entry === undefined && item.isUpdateOnly === true) return [];
    const action = entry === undefined ? 'created' : entry.hash === item.hash ? 'unchanged' : 'updated';
    const { number = null, comment = null, url = '' } = entry ?? {};
    return [{ key: item.key, action, number, comment, url, why: null }];
  });
  return { outcomes, trouble: null };
}

/** What a run says on standard output and standard error, and how it ends. */
export type Printed = { readonly text: string; readonly json: object; readonly err: string; readonly status: number };

/** Says what was done, or would be, and what is left. 75 where part of it was done, the trouble's own status where nothing was. */
export function reportPublication({ repository, isSent, notes, keep }: Report): Printed {
  const { outcomes, trouble } = keep;
  const lines = [...outcomes.map((outcome) => outcomeLine(outcome, isSent)), ...notes];
  if (outcomes.every(({ action }) => action === 'unchanged')) lines.push('nothing new');
  else if (!isSent) lines.push('nothing was written: --send writes');
  const schema = 'bitwatch.publish/1';
  const json = { schema, repository, sent: isSent, outcomes, notes, trouble: trouble?.message ?? null };
  const text = lines.map((line) => `${plain(line)}\n`).join('');
  const failed = outcomes.filter(
    ({ action, why }) => action === 'failed' || (action === 'left' && why === 'not tried'),
  );
  const err =
    trouble === null ? '' : `bitwatch: ${plain(trouble.message)}; ${failed.length} of ${outcomes.length} are left\n`;
  if (failed.length === 0 && trouble === null) return { text, json, err, status: EXIT.clean };
  const isPartly = outcomes.some(
    ({ action }) => action === 'created' || action === 'updated' || action === 'unchanged',
  );
  return { text, json, err, status: isPartly ? EXIT.incomplete : (trouble?.status ?? EXIT.data) };
}

const WOULD = { created: 'would be created', updated: 'would be updated' } as const;

function outcomeLine({ key, action, url, why }: Outcome, isSent: boolean): string {
  const text = isSent || !(action === 'created' || action === 'updated') ? action : WOULD[action];
  return [`${key}: ${text}`, url, why ?? ''].filter((part) => part !== '').join(', ');
}
