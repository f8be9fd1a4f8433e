import { bitsOf, FULL } from '../model/mask.ts';
import { compareTexts } from '../model/order.ts';
import { comparePlaces, placeId } from '../model/place.ts';
import type { PlainSources } from '../specs/sources-shape.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { type Discussion, readDiscussions } from './discussions.ts';
import type { DiscussedBit, DiscussedMail, Discussions as PageDiscussions } from './page-facts.ts';
import { knownLists } from './sources.ts';

type Label = { readonly name: string; readonly url: string | null };
type List = Pick<PlainSources['lists'][number], 'name' | 'url'>;

/** The folders of an archive, without what every public-inbox is called: `/mirrors/kvm/git/0.git` is `mirrors`, `kvm`. */
const foldersOf = (path: string): readonly string[] => {
  const folders = path
    .replace(/(?:[\\/]git)?[\\/]\d+\.git[\\/]*$/, '')
    .replace(/\.git[\\/]*$/, '')
    .split(/[\\/]+/)
    .filter((folder) => folder !== '' && folder !== '.');
  return folders.length === 0 ? [path] : folders;
};

/**
 * What a page calls archives: the list whose name in `specs/sources.yaml` is that of the archive's folder, with its web address;
 * else as many of the last folders as tell the archives apart. A page shown to others needs no path of this machine.
 */
export function archiveLabels(names: readonly string[], lists: readonly List[]): ReadonlyMap<string, Label> {
  const all = names.map((name) => ({ name, folders: foldersOf(name) }));
  const tail = (folders: readonly string[], length: number): string => folders.slice(-length).join('/');
  return new Map(
    all.map(({ name, folders }): [string, Label] => {
      const list = lists.find((each) => each.name === folders.at(-1));
      if (list !== undefined) return [name, { name: list.name, url: list.url }];
      const others = all.filter((other) => other.folders.join('/') !== folders.join('/'));
      let length = 1;
      while (length < folders.length && others.some((other) => tail(other.folders, length) === tail(folders, length)))
        length += 1;
      return [name, { name: tail(folders, length), url: null }];
    }),
  );
}

/** Archives that are searched for the page, and the state of their scan. */
export type ArchiveOptions = { readonly archives: readonly string[]; readonly state: string | null };

/** A bit's newest threads are listed; older ones are counted. */
const MAX_THREADS = 20;

/** What archives say of every bit of the releases, for the page. Mails are read once. */
export async function pageDiscussions(
  context: Context,
  specs: Specs,
  { archives, state }: ArchiveOptions,
): Promise<PageDiscussions> {
  const found = await readDiscussions(context, archives, state, specs.knowledge.names);
  const labels = archiveLabels(
    found.archives.map(({ name }) => name),
    await knownLists(context),
  );
  const mailOf = (discussion: Discussion): DiscussedMail => {
    const lists = discussion.archives.map((name) => labels.get(name) ?? { name, url: null });
    const urls = lists.flatMap(({ url }) => (url === null ? [] : [url]));
    const { id, date, author, subject } = discussion;
    const names = [...new Set(lists.map(({ name }) => name))];
    return { id, date, author, subject, lists: names, url: addressOf(urls[0] ?? null, id) };
  };
  const all = specs.releases.flatMap(({ registers }) => registers);
  const places = [...new Map(all.map((place) => [placeId(place), place])).values()].sort(comparePlaces);
  const bits = places.flatMap(({ leaf, subleaf, register }) =>
    bitsOf(FULL).flatMap((bit): readonly DiscussedBit[] => {
      const mails = found.of({ leaf, subleaf, register }, bit);
      if (mails.length === 0) return [];
      const threads = threadsIn(mails);
      const listed = threads.slice(0, MAX_THREADS).map(([first, ...others]) => ({
        mail: mailOf(first),
        others: others.length,
      }));
      return [{ leaf, subleaf, register, bit, threads: listed, more: threads.length - listed.length }];
    }),
  );
  const read = found.archives.map(({ name, upTo }) => ({ name: labels.get(name)?.name ?? name, upTo }));
  return { archives: read, searched: found.searched, unread: found.unread, bits };
}

type Some = readonly [Discussion, ...Discussion[]];

/** The mails of each thread, oldest first; the thread with the newest mail first, those without a date last. */
function threadsIn(mails: readonly Discussion[]): readonly Some[] {
  const threads = new Map<number, Some>();
  for (const mail of mails) {
    const known = threads.get(mail.thread);
    threads.set(mail.thread, known === undefined ? [mail] : [...known, mail]);
  }
  const newest = (thread: Some): string => thread.findLast(({ date }) => date !== null)?.date ?? '';
  return [...threads.values()].sort((a, b) => compareTexts(newest(b), newest(a)) || compareTexts(a[0].id, b[0].id));
}

/** Where a list's web archive shows a mail; null for an id that an address could not carry as it is. */
function addressOf(list: string | null, id: string): string | null {
  if (list === null || !/^[\x21-\x7e]+@[\x21-\x7e]+$/.test(id)) return null;
  return `${list.replace(/\/$/, '')}/${encodeURIComponent(id).replaceAll('%40', '@')}/`;
}
