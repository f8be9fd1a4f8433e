import { z } from 'zod';
import { texts } from './schema-parts.ts';

const reason = z.string();

/** `bitwatch post --json`: what is known of each mail of an outbox, or became of it. */
export const post = z.strictObject({
  schema: z.literal('bitwatch.post/1'),
  mails: z.array(
    z.strictObject({
      key: z.string(),
      path: z.string(),
      id: z.string(),
      recipients: texts,
      outcome: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.enum(['ready', 'undecided', 'crashed', 'untried']) }),
        z.strictObject({
          kind: z.literal('held'),
          why: z.discriminatedUnion('kind', [
            z.strictObject({ kind: z.literal('not-opted-in'), lists: texts }),
            z.strictObject({ kind: z.enum(['no-list', 'answered']) }),
            z.strictObject({ kind: z.literal('invalid'), reason }),
          ]),
        }),
        z.strictObject({
          kind: z.literal('accepted'),
          answer: z.string(),
          refused: z.array(z.strictObject({ address: z.string(), answer: z.string() })),
        }),
        z.strictObject({ kind: z.literal('rejected'), answer: z.string() }),
        z.strictObject({ kind: z.literal('not-sent'), reason, server: z.boolean() }),
        z.strictObject({ kind: z.literal('uncertain'), reason }),
      ]),
    }),
  ),
});

/** `bitwatch reply --json`: the draft, or why there is none. */
export const reply = z.strictObject({
  schema: z.literal('bitwatch.reply/1'),
  series: z.string(),
  version: z.int(),
  silence: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('newer'), id: z.string(), version: z.int() }),
      z.strictObject({ kind: z.enum(['unchanged', 'untouched', 'minor']) }),
      z.strictObject({ kind: z.enum(['incomplete', 'rejected', 'unreadable']), reason }),
    ])
    .nullable(),
  draft: z
    .strictObject({
      parent: z.string(),
      messageId: z.string(),
      to: texts,
      cc: texts,
      left: texts,
      state: z.enum(['written', 'unchanged', 'sending', 'sent', 'uncertain']),
      paths: texts,
    })
    .nullable(),
});
