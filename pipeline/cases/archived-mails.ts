import { join } from 'node:path';
import type { Archive } from '../archive/locate.ts';
import { type ArchivedMail, readMails, rowsOfThread, rowsThatMatter, updateState } from '../archive/scan.ts';
import { changeState } from '../archive/state-file.ts';
import { type Context, cloneDirectory } from './context.ts';

/** Mails that were looked for, how many could not be read, and the tip of each archive up to which it was read. */
type ArchivedMails = {
  readonly mails: readonly ArchivedMail[];
  readonly unread: number;
  readonly tips: ReadonlyMap<string, string>;
};

/** The mails of all threads that name TDX, and of the threads that hold one of the ids, after a scan of what is new. */
export async function archivedMails(
  context: Context,
  archives: readonly Archive[],
  ids: readonly string[],
  stateFile: string | null,
): Promise<ArchivedMails> {
  if (archives.length === 0) return { mails: [], unread: 0, tips: new Map() };
  const file = stateFile ?? join(cloneDirectory(context), 'archives.json');
  const { after: state } = await changeState(file, (before) => updateState(archives, before));
  const own = new Set(archives.map(({ name }) => name));
  const rows = [...rowsThatMatter(state).rows, ...ids.flatMap((id) => rowsOfThread(state, id))];
  const places = new Map(rows.map((row) => [`${row.archive}\0${row.location}`, row]));
  const unread = state.archives
    .filter(({ name }) => own.has(name))
    .flatMap(({ skipped }) => skipped)
    .filter(({ reason }) => reason === 'missing-blob' || reason === 'too-large').length;
  const tips = new Map(state.archives.map(({ name, tip }) => [name, tip]));
  return { mails: await readMails(archives, [...places.values()]), unread, tips };
}
