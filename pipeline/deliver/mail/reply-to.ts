import type { Address } from '../../extract/mail/address.ts';
import type { Mail } from '../../extract/mail/mail.ts';
import { plain } from '../../model/text.ts';
import type { Letter } from './letter.ts';
import { isMessageId } from './outgoing.ts';
import type { Recipients } from './recipients.ts';

/** Text of somebody else as it may stand in a header: one line, nothing hidden in it, and nothing that a reader would decode. */
const headerText = (text: string): string =>
  plain(text).replaceAll('\ufffd', '').replaceAll('=?', '= ?').replace(/\s+/g, ' ').trim();

/** The subject of an answer: one `Re:` before the parent's. */
const subjectOf = (subject: string): string => {
  const text = headerText(subject) || '(no subject)';
  return /^re:/i.test(text) ? text : `Re: ${text}`;
};

/** The letter that answers a mail: References are the parent's and the parent, ids that no header can carry left out. */
export function letterTo(
  parent: Mail,
  { to, cc }: Recipients,
  parts: Pick<Letter, 'from' | 'messageId' | 'date' | 'body'>,
): Letter {
  const named = ({ name, email }: Address): Address => ({ name: headerText(name), email });
  const earlier = parent.links.filter((id) => id !== parent.id && isMessageId(id));
  return {
    ...parts,
    from: named(parts.from),
    to: to.map(named),
    cc: cc.map(named),
    subject: subjectOf(parent.subject),
    inReplyTo: parent.id,
    references: [...earlier, parent.id],
  };
}
