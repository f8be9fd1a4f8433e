import type { KnownList } from '../../extract/mail/list-address.ts';
import { KnownError } from '../../model/errors.ts';
import { entryPath, listOutbox, moveEntry, type OutboxEntry, withOutbox } from './outbox.ts';
import { type Outgoing, readOutgoing } from './outgoing.ts';
import { type Refusal, refusalOf } from './recipients.ts';
import type { Envelope, SendOutcome } from './smtp.ts';

/** Why a draft stays where it is: a list that did not opt in, a rule of mail it breaks, or a mail that went before it. */
type HoldReason = Refusal | { readonly kind: 'invalid'; readonly reason: string } | { readonly kind: 'answered' };

/** What a run knows or did of one mail. `crashed`: an earlier run ended between sending and recording. */
export type PostResult = {
  readonly key: string;
  readonly path: string;
  readonly id: string;
  readonly recipients: readonly string[];
  readonly outcome:
    | { readonly kind: 'ready' }
    | { readonly kind: 'held'; readonly why: HoldReason }
    | { readonly kind: 'undecided' }
    | { readonly kind: 'crashed' }
    | { readonly kind: 'untried' }
    | SendOutcome;
};

export type Sender = (envelope: Envelope, bytes: Buffer) => Promise<SendOutcome>;

/** What goes out, read from the outbox once: every mail that was sent, or may have been, keeps others of its parent back. */
type Plan = { readonly entry: OutboxEntry; readonly mail: Outgoing | null; readonly why: HoldReason | null };

function readEntry(outbox: string, entry: OutboxEntry): Outgoing | string {
  try {
    return readOutgoing(entryPath(outbox, entry), entry.bytes);
  } catch (error) {
    if (error instanceof KnownError) return error.message;
    throw error;
  }
}

function planOf(outbox: string, entries: readonly OutboxEntry[], lists: readonly KnownList[]): readonly Plan[] {
  const answered = new Set<string>();
  for (const entry of entries) {
    if (entry.state === 'draft' || entry.state === 'rejected') continue;
    const mail = readEntry(outbox, entry);
    if (typeof mail !== 'string') answered.add(mail.id).add(mail.parent);
  }
  return entries
    .filter(({ state }) => state === 'draft')
    .map((entry) => {
      const mail = readEntry(outbox, entry);
      if (typeof mail === 'string') return { entry, mail: null, why: { kind: 'invalid', reason: mail } };
      if (answered.has(mail.id) || answered.has(mail.parent)) return { entry, mail, why: { kind: 'answered' } };
      answered.add(mail.id).add(mail.parent);
      return { entry, mail, why: refusalOf(mail.recipients, lists) };
    });
}

function resultOf(
  outbox: string,
  entry: OutboxEntry,
  mail: Outgoing | null,
  outcome: PostResult['outcome'],
): PostResult {
  return {
    key: entry.key,
    path: entryPath(outbox, entry),
    id: mail?.id ?? '',
    recipients: mail?.recipients.map(({ email }) => email) ?? [],
    outcome,
  };
}

/** Mails that nobody knows to be sent: those of earlier runs, and those that a run left in `sending` when it ended. */
function undecided(outbox: string, entries: readonly OutboxEntry[], doesMove: boolean): readonly PostResult[] {
  return entries.flatMap((entry) => {
    if (entry.state !== 'sending' && entry.state !== 'uncertain') return [];
    const mail = readEntry(outbox, entry);
    const kind = entry.state === 'sending' ? 'crashed' : 'undecided';
    const moved = kind === 'crashed' && doesMove ? moveEntry(outbox, entry, 'uncertain', 'a run ended here') : entry;
    return [resultOf(outbox, moved, typeof mail === 'string' ? null : mail, { kind })];
  });
}

/** What a run with `postOutbox` would do now. Changes nothing. */
export function previewOutbox(outbox: string, lists: readonly KnownList[]): readonly PostResult[] {
  const entries = listOutbox(outbox);
  const planned = planOf(outbox, entries, lists).map(({ entry, mail, why }) =>
    resultOf(outbox, entry, mail, why === null ? { kind: 'ready' } : { kind: 'held', why }),
  );
  return [...undecided(outbox, entries, false), ...planned];
}

const STATE_AFTER = {
  accepted: 'sent',
  rejected: 'rejected',
  'not-sent': 'draft',
  uncertain: 'uncertain',
} as const satisfies Record<SendOutcome['kind'], string>;

/** What stands beside a mail in the outbox, for whoever looks there. */
function noteText(outcome: SendOutcome): string | null {
  if (outcome.kind === 'not-sent') return null;
  if (outcome.kind === 'uncertain') return outcome.reason;
  const refused = outcome.kind === 'accepted' ? outcome.refused : [];
  return [outcome.answer, ...refused.map(({ address, answer }) => `refused: ${address} ${answer}`)].join('\n');
}

/**
 * Sends every draft that may go out, one after the other, and records each before the next. A mail is moved to `sending` before
 * the server is asked: where this ends early, the next run finds it there, reports it and never sends it again.
 */
export function postOutbox(outbox: string, lists: readonly KnownList[], send: Sender): Promise<readonly PostResult[]> {
  return withOutbox(outbox, async () => {
    const entries = listOutbox(outbox);
    const results: PostResult[] = [...undecided(outbox, entries, true)];
    let isDown = false;
    for (const { entry, mail, why } of planOf(outbox, entries, lists)) {
      if (mail === null || why !== null) {
        results.push(resultOf(outbox, entry, mail, why === null ? { kind: 'untried' } : { kind: 'held', why }));
        continue;
      }
      if (isDown) {
        results.push(resultOf(outbox, entry, mail, { kind: 'untried' }));
        continue;
      }
      const begun = moveEntry(outbox, entry, 'sending', null);
      const envelope = { from: mail.from.email, to: mail.recipients.map(({ email }) => email) };
      const outcome = await send(envelope, mail.bytes);
      const moved = moveEntry(outbox, begun, STATE_AFTER[outcome.kind], noteText(outcome));
      results.push(resultOf(outbox, moved, mail, outcome));
      isDown = outcome.kind === 'not-sent' && outcome.server;
    }
    return results;
  });
}

/** A person's word on an uncertain mail, named by Message-ID or key: it was sent, or is to be tried again. `null` where there is none. */
export function resolveEntry(outbox: string, id: string, as: 'sent' | 'retry'): Promise<string | null> {
  return withOutbox(outbox, async () => {
    const wanted = id.replace(/^<(.*)>$/, '$1');
    for (const entry of listOutbox(outbox)) {
      if (entry.state !== 'uncertain' && entry.state !== 'sending') continue;
      const mail = readEntry(outbox, entry);
      if (entry.key !== wanted && (typeof mail === 'string' || mail.id !== wanted)) continue;
      const moved = moveEntry(
        outbox,
        entry,
        as === 'sent' ? 'sent' : 'draft',
        as === 'sent' ? 'sent, by a person’s word' : null,
      );
      return entryPath(outbox, moved);
    }
    return null;
  });
}
