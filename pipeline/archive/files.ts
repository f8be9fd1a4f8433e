import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_MAIL } from '../extract/mail/mail.ts';
import { splitMbox, unquoteMboxrd } from '../extract/mail/mbox.ts';
import { scanMail } from '../extract/mail/row.ts';
import { NoInputError } from '../model/errors.ts';
import type { Shard } from './git-part.ts';
import type { Archive } from './locate.ts';
import { rowLine } from './scan-line.ts';
import type { Part } from './state.ts';

/** A mail in a file, and where: `offset+length` in an mbox, an encoded file name in a maildir. */
export type FileMail = { readonly location: string; readonly bytes: Buffer };

/** A larger mbox does not fit into one buffer: split it, or read the list's git archive. */
const MAX_FILE = 2 ** 31;

async function readWhole(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new NoInputError(`${path}: cannot be read`, { cause });
  });
  if (bytes.length >= MAX_FILE) throw new NoInputError(`${path}: an mbox of 2 GiB or more; split it`);
  return bytes;
}

async function maildirMails(path: string): Promise<readonly FileMail[]> {
  const mails: FileMail[] = [];
  for (const folder of ['cur', 'new']) {
    const names = await readdir(join(path, folder)).catch(() => []);
    for (const name of names.sort()) {
      const bytes = await readFile(join(path, folder, name)).catch(() => null);
      // Other programs move mails while we read.
      if (bytes !== null) mails.push({ location: `${folder}/${encodeURIComponent(name)}`, bytes });
    }
  }
  return mails;
}

/** All mails of an archive of files, in its order: offsets in an mbox, names in a maildir. */
export async function readFileMails({ path, kind }: Archive): Promise<readonly FileMail[]> {
  if (kind === 'maildir') return maildirMails(path);
  const bytes = await readWhole(path);
  if (kind === 'eml') return [{ location: `0+${bytes.length}`, bytes }];
  return splitMbox(bytes).map(({ offset, length }) => {
    const mail = bytes.subarray(offset, offset + length);
    return { location: `${offset}+${length}`, bytes: kind === 'mboxrd' ? unquoteMboxrd(mail) : mail };
  });
}

function eventLine({ location, bytes }: FileMail): string {
  if (bytes.length > MAX_MAIL) return `! ${location} too-large ${bytes.length} bytes`;
  return `+ ${location} ${rowLine(location, scanMail(bytes))}`;
}

/** Reads an archive of files; it has no history, so a changed one is read anew. `null` where nothing changed. */
export async function scanFiles(archive: Archive, known: string | null, shard: Shard): Promise<Part | null> {
  const mails = await readFileMails(archive);
  const hash = createHash('sha256');
  for (const { location, bytes } of mails) hash.update(`${location}\0`).update(bytes);
  const tip = hash.digest('hex');
  if (tip === known) return null;
  const { index, of } = shard;
  const own = mails.slice(Math.floor((mails.length * (index - 1)) / of), Math.floor((mails.length * index) / of));
  const { name, kind } = archive;
  return {
    schema: 'bitwatch.archive-part/1',
    archive: name,
    kind,
    after: null,
    tip,
    index,
    of,
    events: own.map(eventLine),
  };
}
