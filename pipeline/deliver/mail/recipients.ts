import type { Address } from '../../extract/mail/address.ts';
import { isList, type KnownList } from '../../extract/mail/list-address.ts';
import type { Mail } from '../../extract/mail/mail.ts';
import { isAddress } from './outgoing.ts';

/** Why a mail may not go out: lists that did not ask for it, or that no list did. */
export type Refusal =
  | { readonly kind: 'not-opted-in'; readonly lists: readonly string[] }
  | { readonly kind: 'no-list' };

/** Every list among the recipients must have opted in, and at least one must be there: mail to persons alone is no reply on a list. */
export function refusalOf(recipients: readonly Address[], lists: readonly KnownList[]): Refusal | null {
  const wanted = new Set(lists.filter(({ optIn }) => optIn).map(({ address }) => address.toLowerCase()));
  const named = recipients.map(({ email }) => email.toLowerCase()).filter((email) => isList(email, lists));
  const others = named.filter((email) => !wanted.has(email)).sort();
  if (others.length > 0) return { kind: 'not-opted-in', lists: others };
  return named.length === 0 ? { kind: 'no-list' } : null;
}

/** Whom a reply goes to, and which addresses of the parent no mail can be sent to. */
export type Recipients = {
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly left: readonly string[];
};

/**
 * To the author, where he reads mail: Reply-To where he gives a person's address there, else From; everybody else of To and Cc on
 * Cc, each once, without ourselves. Lists that rewrite From put the author into Reply-To.
 */
export function recipientsOf(
  parent: Pick<Mail, 'author' | 'replyTo' | 'to' | 'cc'>,
  self: string,
  lists: readonly KnownList[],
): Recipients {
  const seen = new Set([self.toLowerCase()]);
  const left: string[] = [];
  const once = (addresses: readonly Address[]): readonly Address[] =>
    addresses.filter(({ email }) => {
      if (seen.has(email)) return false;
      seen.add(email);
      if (isAddress(email)) return true;
      left.push(email);
      return false;
    });
  const persons = parent.replyTo.filter(({ email }) => !isList(email, lists));
  const to = once(persons.length > 0 ? persons : [parent.author]);
  // A relay's address in From leads nowhere; a person who also named another address for answers reads that one.
  const rest = once([...parent.replyTo, ...parent.to, ...parent.cc]);
  return { to, cc: rest, left };
}
