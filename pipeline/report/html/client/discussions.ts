import type { DiscussedMail, Discussions } from '../../../cases/page-facts.ts';
import { type Place, samePlace } from '../../../model/place.ts';
import { el, link } from './dom.ts';

/** Threads that name a bit; that no archive was searched is not the same as no discussion. */
export function discussionsOf(
  discussions: Discussions | null,
  place: Place & { readonly bit: number },
): readonly HTMLElement[] {
  if (discussions === null) return [el('p', {}, 'Not known: no mail archive was searched when this page was made.')];
  const source = el('p', { class: 'source' }, searchedText(discussions));
  const own = discussions.bits.find((each) => samePlace(each, place) && each.bit === place.bit);
  if (own === undefined) return [el('p', {}, 'None found in the archives that were searched.'), source];
  const items = own.threads.map(({ mail, others }) => {
    const rest = others === 0 ? '' : ` and ${others} more ${others === 1 ? 'mail' : 'mails'} of the thread`;
    return el('li', {}, link(mail.url ?? '', mailText(mail)), rest);
  });
  const older = own.more === 0 ? '' : `${own.more} older ${own.more === 1 ? 'thread is' : 'threads are'} not listed.`;
  return [el('ul', {}, ...items), ...(older === '' ? [] : [el('p', {}, older)]), source];
}

/** A mail in a line. */
export const mailText = ({ id, date, author, subject, lists }: DiscussedMail): string =>
  `${date ?? 'no date'} ${author}: ${subject}, in ${lists.join(', ')}, <${id}>`;

/** What was searched, as a sentence. */
export function searchedText({ archives, searched, unread }: Discussions): string {
  const names = archives.map(({ name, upTo }) => `${name}${upTo === null ? '' : ` up to ${upTo}`}`);
  const gap = unread === 0 ? '' : `; ${unread} ${unread === 1 ? 'mail' : 'mails'} could not be read`;
  return `Searched: ${searched} mails in threads that name TDX, of ${names.join(', ')}${gap}.`;
}
