import type { DiscussedMail, Discussions } from '../../cases/page-facts.ts';
import { type Place, placeId } from '../../model/place.ts';
import { plain } from '../../model/text.ts';

import type { PageDiscussions } from './shape.ts';
import { tableOf } from './tables.ts';

/** What the page says of mail archives; null where none was searched. All texts are neutralised. */
export function discussionsOf(discussions: Discussions | null, places: readonly Place[]): PageDiscussions | null {
  if (discussions === null) return null;
  const mails = tableOf<PageDiscussions['mails'][number]>(({ title, url }) => `${title} ${url}`);
  const rows = new Map(places.map((place, row) => [placeId(place), row]));
  const bits = discussions.bits.flatMap(({ bit, threads, more, ...place }) => {
    const row = rows.get(placeId(place));
    if (row === undefined) return [];
    return [
      { row, bit, threads: threads.map(({ mail, others }) => [mails.indexOf(mailOf(mail)), others] as const), more },
    ];
  });
  return { searched: searchedText(discussions), mails: mails.items, bits };
}

function mailOf({ id, date, author, subject, lists, url }: DiscussedMail): PageDiscussions['mails'][number] {
  const title = `${date ?? 'no date'} ${author}: ${subject}, in ${lists.join(', ')}, <${id}>`;
  return { title: plain(title), url: url?.startsWith('https://') === true ? url : '' };
}

function searchedText({ archives, searched, unread }: Discussions): string {
  const names = archives.map(({ name, upTo }) => `${name}${upTo === null ? '' : ` up to ${upTo}`}`);
  const gap = unread === 0 ? '' : `; ${unread} ${unread === 1 ? 'mail' : 'mails'} could not be read`;
  return plain(`Searched: ${searched} mails in threads that name TDX, of ${names.join(', ')}${gap}.`);
}
