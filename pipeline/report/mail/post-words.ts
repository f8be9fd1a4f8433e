import { plain } from '../../model/text.ts';

/** What is told of one mail of an outbox; the kinds are those of the delivery, and each has its words here. */
type MailOutcome = {
  readonly path: string;
  readonly id: string;
  readonly recipients: readonly string[];
  readonly outcome:
    | { readonly kind: 'ready' | 'undecided' | 'crashed' | 'untried' }
    | { readonly kind: 'held'; readonly why: HoldReason }
    | {
        readonly kind: 'accepted';
        readonly refused: readonly { readonly address: string; readonly answer: string }[];
      }
    | { readonly kind: 'rejected'; readonly answer: string }
    | { readonly kind: 'not-sent' | 'uncertain'; readonly reason: string };
};
type HoldReason =
  | { readonly kind: 'not-opted-in'; readonly lists: readonly string[] }
  | { readonly kind: 'no-list' | 'answered' }
  | { readonly kind: 'invalid'; readonly reason: string };

function heldText(why: HoldReason): string {
  switch (why.kind) {
    case 'not-opted-in':
      return `${why.lists.join(', ')} did not opt in (lists in specs/sources.yaml)`;
    case 'no-list':
      return 'no list that opted in is among its recipients';
    case 'answered':
      return 'this posting was answered already, or another draft answers it';
    case 'invalid':
      return why.reason;
  }
}

const decide = (id: string): string => `bitwatch post --resolve '${id}' --as sent|retry`;

function outcomeText({ id, outcome, recipients }: MailOutcome): string {
  switch (outcome.kind) {
    case 'ready':
      return `would go to ${recipients.join(', ')} with --send`;
    case 'held':
      return `stays a draft: ${heldText(outcome.why)}`;
    case 'undecided':
      return `may have been sent; look whether the list has it, then: ${decide(id)}`;
    case 'crashed':
      return `a run ended while it was being sent, so it may have been; look whether the list has it, then: ${decide(id)}`;
    case 'untried':
      return 'not tried: the server failed before';
    case 'accepted': {
      const refused = outcome.refused.map(({ address, answer }) => `${address} (${answer})`);
      return refused.length === 0 ? 'sent' : `sent, but refused for ${refused.join(', ')}`;
    }
    case 'rejected':
      return `refused by the server: ${outcome.answer}`;
    case 'not-sent':
      return `not sent, stays a draft: ${outcome.reason}`;
    case 'uncertain':
      return `no answer came (${outcome.reason}), so it may have been sent; look whether the list has it, then: ${decide(id)}`;
  }
}

/** One line per mail. Paths, ids and servers' answers are not ours: they change nothing where they are shown. */
export const postText = (results: readonly MailOutcome[]): string =>
  results.length === 0
    ? 'nothing to send\n'
    : results.map((told) => `${plain(`${told.path}: ${outcomeText(told)}`)}\n`).join('');
