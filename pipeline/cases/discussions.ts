import { type Archive, locateArchives } from '../archive/locate.ts';
import { bareNames } from '../extract/mail/bare-names.ts';
import { finderOfBit, ownMentions } from '../extract/mail/discussed.ts';
import { threadsOf } from '../extract/mail/threads.ts';
import { openRepository, readCommit } from '../git/repository.ts';
import { formatDay } from '../model/day.ts';
import type { BitName } from '../model/field.ts';
import { compareNumbers, compareTexts } from '../model/order.ts';
import type { Place } from '../model/place.ts';
import { archivedMails } from './archived-mails.ts';
import type { Context } from './context.ts';

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
  /** Equal for mails of one thread. */
  readonly thread: number;
};

/** What archives say of bits; mails are read once for all of them. */
export type Discussions = {
  readonly of: (place: Place, bit: number) => readonly Discussion[];
  /** Mails in threads that name TDX: what was searched. */
  readonly searched: number;
  /** Mails that the archives have and that could not be read. */
  readonly unread: number;
  /** How far each archive was read: `0123456789ab of 2026-06-18`, or null where it has no commits. */
  readonly archives: readonly { readonly name: string; readonly upTo: string | null }[];
};

/** Searches the threads of archives that name TDX, after a scan of what is new. */
export async function readDiscussions(
  context: Context,
  paths: readonly string[],
  stateFile: string | null,
  names: readonly BitName[],
): Promise<Discussions> {
  const archives = (await Promise.all(paths.map((path) => locateArchives(path, context.env)))).flat();
  const { mails, unread, tips } = await archivedMails(context, archives, [], stateFile);
  const bare = bareNames(names);
  const said = mails.flatMap((mail) => {
    const mentions = ownMentions(mail, bare);
    return mentions.length === 0 ? [] : [{ mail, mentions }];
  });
  const threads = new Map(
    threadsOf(mails).flatMap((thread, index) => thread.mails.map((mail) => [mailKey(mail), index] as const)),
  );
  const of = (place: Place, bit: number): readonly Discussion[] => {
    const found = new Map<string, Discussion & { readonly seconds: number }>();
    const spellingIn = finderOfBit(place, bit, names);
    for (const { mail, mentions } of said) {
      const text = spellingIn(mentions);
      if (text === null) continue;
      // A mail that two lists got stands in both archives.
      const key = mailKey(mail);
      const known = found.get(key);
      const { id, subject, author, date } = mail;
      found.set(key, {
        id,
        date: date === null ? null : formatDay(date),
        author: author.name === '' ? author.email : author.name,
        subject,
        archives: [...new Set([...(known?.archives ?? []), mail.archive])],
        text,
        thread: threads.get(key) ?? -1,
        seconds: date ?? Number.MAX_SAFE_INTEGER,
      });
    }
    return [...found.values()]
      .sort((a, b) => compareNumbers(a.seconds, b.seconds) || compareTexts(a.id, b.id))
      .map(({ seconds: _, ...discussion }) => discussion);
  };
  return {
    of,
    searched: new Set(mails.map(mailKey)).size,
    unread,
    archives: await Promise.all(
      archives.map(async (archive) => ({ name: archive.name, upTo: await upTo(archive, tips.get(archive.name)) })),
    ),
  };
}

const mailKey = ({ id, content }: { readonly id: string; readonly content: string }): string => `${id}\0${content}`;

/** The tip of a git archive and the day that it was committed. */
async function upTo({ kind, path, env }: Archive, tip: string | undefined): Promise<string | null> {
  if (kind !== 'git' || tip === undefined) return null;
  const { time } = await readCommit(openRepository(path, env), tip);
  return `${tip.slice(0, 12)}${time > 0 ? ` of ${formatDay(time)}` : ''}`;
}
