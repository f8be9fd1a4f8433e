import { existsSync } from 'node:fs';
import { type Archive, locateArchives } from '../../archive/locate.ts';
import { type ArchivedMail, readMails, updateState } from '../../archive/scan.ts';
import { EMPTY_STATE } from '../../archive/state.ts';
import { isStream, spooled } from '../../disk/read.ts';
import { isList } from '../../extract/mail/list-address.ts';
import type { Mail } from '../../extract/mail/mail.ts';
import { patchBytes, patchFiles, pathsOf } from '../../extract/mail/patch.ts';
import { type Series, seriesOf } from '../../extract/mail/rerolls.ts';
import { mailsOf } from '../../extract/mail/series.ts';
import { type Thread, threadKey, threadsOf } from '../../extract/mail/threads.ts';
import { DataError, NoInputError, UsageError } from '../../model/errors.ts';
import { compareTexts } from '../../model/order.ts';
import { plain } from '../../model/text.ts';
import { archivedMails } from '../archived-mails.ts';
import type { Context } from '../context.ts';

/** A series that was asked for, with all mails that were read to find it. */
export type FoundSeries = {
  readonly series: Series;
  /** The version before, where its mails were read; `null` where none is known. */
  readonly previous: Series | null;
  /** Answers in its thread that bring a diff of their own. */
  readonly fixups: readonly Mail[];
  /** Archives that hold a mail of it, in the order given. */
  readonly archives: readonly string[];
  readonly notes: readonly string[];
};

/** The Message-ID in `ID`, `<ID>` or a link to an archive that ends in it; `null` where the text is none. */
function readMessageId(text: string): string | null {
  const link = /^https?:\/\/[^/]+\/(?:[^/]+\/)*([^/]*(?:@|%40)[^/]*)(?:\/|$)/.exec(text)?.[1];
  const id = (link === undefined ? text : unescaped(link)).trim().replace(/^<|>$/g, '');
  return /^[^\s<>@]+@[^\s<>@]+$/.test(id) ? id : null;
}

/** A part of a link with its escapes read, or as it stands where they are none. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Finds the series that a file holds or a Message-ID names. Archives are scanned for what is new first, so that earlier and later
 * versions are known. Throws a NoInputError for an id that no archive holds, a DataError for a file without a series, a
 * UsageError where several series could be meant.
 */
export async function findSeries(
  context: Context,
  operand: string,
  paths: readonly string[],
  stateFile: string | null,
): Promise<FoundSeries> {
  const archives = (await Promise.all(paths.map((path) => locateArchives(path, context.env)))).flat();
  if (isStream(operand))
    return spooled(operand, (file) => inFile(context, { path: file, name: operand }, archives, stateFile));
  if (existsSync(operand)) return inFile(context, { path: operand, name: operand }, archives, stateFile);
  const id = readMessageId(operand);
  if (id === null) throw new NoInputError(`${plain(operand)}: no such file, and no Message-ID`);
  if (archives.length === 0)
    throw new UsageError(`the series ${plain(operand)} is looked up in archives: name one with --archive`);
  return inArchives(context, id, archives, stateFile);
}

async function inArchives(
  context: Context,
  id: string,
  archives: readonly Archive[],
  stateFile: string | null,
): Promise<FoundSeries> {
  const { mails, unread } = await archivedMails(context, archives, [id], stateFile);
  if (!mails.some((mail) => mail.id === id))
    throw new NoInputError(
      `no mail <${plain(id)}> in ${archives.map(({ name }) => plain(name)).join(', ')}${unreadText(unread)}`,
    );
  const threads = threadsOf(mails);
  const all = seriesOf(threads);
  const carrying = all.filter((each) => idsOf(each).has(id));
  const series = carrying.at(-1) ?? ofThread(threads, all, id);
  const result = found(series, { mails, archives, unread, threads, all });
  if (carrying.length < 2) return result;
  // Message-IDs are used again; the latest mail is the one that counts, and the reader must know.
  const note = `${carrying.length} series have a mail with this Message-ID; this is the latest of them.`;
  return { ...result, notes: [note, ...result.notes] };
}

/** The one series of the thread in which a mail stands. */
function ofThread(threads: readonly Thread<ArchivedMail>[], all: readonly Series[], id: string): Series {
  const thread = threads.find(({ mails }) => mails.some((mail) => mail.id === id));
  const ids = new Set(thread?.mails.map((mail) => mail.id));
  const own = all.filter((series) => ids.has(series.id));
  const [only] = own;
  if (only === undefined) throw new NoInputError(`<${plain(id)}> is in no patch series: its thread has no patch mail`);
  if (own.length > 1) throw ambiguous(`the thread of <${plain(id)}>`, own);
  return only;
}

/** Mails without a Message-ID, as `git format-patch` writes them, are one thread in the order of the file. */
function joined(mails: readonly ArchivedMail[]): readonly ArchivedMail[] {
  const first = mails.find(({ id }) => id === '');
  if (first === undefined) return mails;
  return mails.map((mail) => (mail.id === '' && mail !== first ? { ...mail, links: [threadKey(first)] } : mail));
}

async function inFile(
  context: Context,
  { path, name }: { readonly path: string; readonly name: string },
  archives: readonly Archive[],
  stateFile: string | null,
): Promise<FoundSeries> {
  const located = await locateArchives(path, context.env);
  if (located.some(({ kind }) => kind === 'git'))
    throw new UsageError(`${plain(path)} is an archive: name the series by its Message-ID, and this with --archive`);
  // A stream goes by the name that it was given.
  const files = located.map((file) => ({ ...file, name }));
  const state = await updateState(files, EMPTY_STATE);
  const places = state.archives.flatMap(({ name: archive, rows }) =>
    rows.map((row) => ({ archive, location: row.split(' ')[0] ?? '' })),
  );
  const own = joined(await readMails(files, places));
  const { mails, unread } = await archivedMails(
    context,
    archives,
    own.map(({ id }) => id),
    stateFile,
  );
  const threads = threadsOf([...own, ...mails]);
  const all = seriesOf(threads);
  const keys = new Set(own.map(threadKey));
  const inside = all.filter((series) => series.patches.some(({ mail }) => keys.has(threadKey(mail))));
  const [last] = inside.slice(-1);
  if (last === undefined)
    throw new DataError({
      where: { file: name },
      expected: 'the mails of a patch series',
      found: own.length === 1 ? 'one mail and no patch' : `${own.length} mails and no patch`,
    });
  const works = inside.filter((series) => series.newest.id !== last.newest.id || series.newest.id === '');
  if (inside.length > 1 && works.length > 0) throw ambiguous(plain(name), inside);
  const newest = inside.find(isNewest) ?? last;
  return found(newest, { mails: [...own, ...mails], archives: [...files, ...archives], unread, threads, all });
}

function ambiguous(where: string, all: readonly Series[]): UsageError {
  const list = all.map(({ id, version, title }) => `<${plain(id)}> (v${version} ${plain(title)})`);
  return new UsageError(
    `${where} holds ${all.length} series; name one by its Message-ID${where.startsWith('the thread') ? '' : ' and the file with --archive'}: ${list.slice(0, 5).join(', ')}${list.length > 5 ? ', …' : ''}`,
  );
}

/** By version too: a Message-ID may be used again. */
export const isNewest = ({ id, version, rfc, newest }: Series): boolean =>
  newest.id === id && newest.version === version && newest.rfc === rfc;

const idsOf = (series: Series): ReadonlySet<string> => new Set(mailsOf(series).map(({ id }) => id));

const unreadText = (unread: number): string =>
  unread === 0 ? '' : `; ${unread} mails of them could not be read (see bitwatch archive scan)`;

type Read = {
  readonly mails: readonly ArchivedMail[];
  readonly archives: readonly Archive[];
  readonly unread: number;
  readonly threads: readonly Thread<ArchivedMail>[];
  readonly all: readonly Series[];
};

/** Mails in the threads of a series that are no part of any posting and bring a diff, the oldest first. */
function fixupsOf(series: Series, { threads, all }: Read): readonly Mail[] {
  const own = new Set(mailsOf(series).map(threadKey));
  const posted = new Set(all.flatMap(({ patches }) => patches.map(({ mail }) => threadKey(mail))));
  return threads
    .filter(({ mails }) => mails.some((mail) => own.has(threadKey(mail))))
    .flatMap(({ mails }) => mails.filter((mail) => !posted.has(threadKey(mail)) && patchBytes(mail) !== null));
}

function found(series: Series, read: Read): FoundSeries {
  const { mails, archives, unread, all } = read;
  const ids = idsOf(series);
  const holders = new Set(mails.filter((mail) => ids.has(mail.id)).map(({ archive }) => archive));
  const inherited = series.complete.filter(({ from }) => from !== series.id);
  const { before } = series;
  return {
    series,
    previous: all.findLast(({ id, version }) => id === before?.id && version === before.version) ?? null,
    fixups: fixupsOf(series, read),
    archives: archives.map(({ name }) => name).filter((name) => holders.has(name)),
    notes: [
      ...inherited.map(
        ({ part, from }) => `Part ${part} was not sent again with this version and was taken from <${from}>.`,
      ),
      ...(unread === 0
        ? []
        : [
            `${unread} ${unread === 1 ? 'mail' : 'mails'} of the archives could not be read; a part or a newer version may be among them.`,
          ]),
    ],
  };
}

/** Addresses of mailing lists, by the hosts that serve lists. */
export function listsOf(series: Series): readonly string[] {
  const emails = mailsOf(series).flatMap(({ to, cc }) => [...to, ...cc].map(({ email }) => email));
  return [...new Set(emails.filter((email) => isList(email, [])))].sort(compareTexts);
}

/**
 * The mail that a reply answers: the one patch of the posting that touches the policy's inputs, where it is one, else the cover, else
 * the first patch. A patch of an earlier posting is never answered again.
 */
export function parentOf(series: Series, inputs: readonly string[]): Mail | null {
  const wanted = new Set(inputs);
  const touching = series.patches.filter(({ mail }) => {
    const diff = patchBytes(mail);
    return diff !== null && pathsOf(patchFiles(diff)).some((path) => wanted.has(path));
  });
  const [only] = touching;
  const isWhole = series.complete.every(({ from }) => from === series.id);
  if (only !== undefined && touching.length === 1 && isWhole) return only.mail;
  return series.cover ?? series.patches[0]?.mail ?? null;
}
