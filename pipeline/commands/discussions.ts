import { mentionOfBit, ownMentions } from '../extract/mail/discussed.ts';
import { formatDay } from '../model/day.ts';
import type { BitName } from '../model/knowledge.ts';
import { compareNumbers, compareTexts } from '../model/order.ts';
import type { Place } from '../model/place.ts';
import { plain } from '../report/plain.ts';
import { wrap } from '../report/text.ts';
import { locateArchives } from '../sources/archive/locate.ts';
import type { Context } from './context.ts';
import { archivedMails } from './series-mails.ts';

/** A mail that names a bit. */
export type Discussion = {
  readonly id: string;
  /** `2026-06-18`, `null` where the mail's date cannot be read. */
  readonly date: string | null;
  readonly author: string;
  readonly subject: string;
  /** The archives that hold it. */
  readonly archives: readonly string[];
  /** How it names the bit. */
  readonly text: string;
};

/** What archives say of bits; mails are read once for all of them. */
export type Discussions = {
  readonly of: (place: Place, bit: number) => readonly Discussion[];
  /** Mails in threads that name TDX: what was searched. */
  readonly searched: number;
  /** Mails that the archives have and that could not be read. */
  readonly unread: number;
};

/** Searches the threads of archives that name TDX, after a scan of what is new. */
export async function readDiscussions(
  context: Context,
  paths: readonly string[],
  stateFile: string | null,
  names: readonly BitName[],
): Promise<Discussions> {
  const archives = (await Promise.all(paths.map(locateArchives))).flat();
  const { mails, unread } = await archivedMails(context, archives, [], stateFile);
  const said = mails.flatMap((mail) => {
    const mentions = ownMentions(mail);
    return mentions.length === 0 ? [] : [{ mail, mentions }];
  });
  const of = (place: Place, bit: number): readonly Discussion[] => {
    const found = new Map<string, Discussion & { readonly seconds: number }>();
    for (const { mail, mentions } of said) {
      const text = mentionOfBit(mentions, place, bit, names);
      if (text === null) continue;
      // A mail that two lists got stands in both archives.
      const key = `${mail.id}\0${mail.content}`;
      const known = found.get(key);
      const { id, subject, author, date } = mail;
      found.set(key, {
        id,
        date: date === null ? null : formatDay(date),
        author: author.name === '' ? author.email : author.name,
        subject,
        archives: [...new Set([...(known?.archives ?? []), mail.archive])],
        text,
        seconds: date ?? Number.MAX_SAFE_INTEGER,
      });
    }
    return [...found.values()]
      .sort((a, b) => compareNumbers(a.seconds, b.seconds) || compareTexts(a.id, b.id))
      .map(({ seconds: _, ...discussion }) => discussion);
  };
  return { of, searched: new Set(mails.map(({ id, content }) => `${id}\0${content}`)).size, unread };
}

/** The mails on a bit as text, oldest first. */
export function discussionLines(found: readonly Discussion[], { searched, unread }: Discussions): readonly string[] {
  const gap = unread === 0 ? '' : `, ${unread} could not be read`;
  return [
    ...wrap(
      `${found.length === 0 ? 'in no mail' : `in ${found.length} mail${found.length === 1 ? '' : 's'}`} of ${searched} in threads that name TDX${gap}`,
      '  discussed ',
    ),
    ...found.flatMap(({ id, date, author, subject, archives, text }) => [
      ...wrap(plain(`${date ?? 'no date'} ${author}: ${subject}`), '    '),
      `      ${plain(`<${id}>`)}`,
      ...wrap(plain(`as ${text}, in ${archives.join(', ')}`), '      '),
    ]),
  ];
}
