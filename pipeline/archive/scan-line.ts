import { MAX_MAIL } from '../extract/mail/mail.ts';
import { type Row, scanMail } from '../extract/mail/row.ts';
import type { Answer } from '../git/batch-answers.ts';
import { readObjects } from '../git/cat-file.ts';
import type { Place } from '../git/run.ts';

/** A scanned mail and where its bytes stand: a blob id, `offset+length` in an mbox, or a file name in a maildir. */
export type Located = Row & { readonly location: string };

/** One line of text per mail: location, key, whether it names TDX, links. */
export function rowLine(location: string, { key, names, links }: Row): string {
  return `${location} ${key} ${names ? 1 : 0} ${links.join(',')}`;
}

export function readRowLine(line: string): Located {
  const [location = '', key = '', names = '', links = ''] = line.split(' ');
  return { location, key, names: names === '1', links: links === '' ? [] : links.split(',') };
}

/** The lines of mails by their blob ids (see `answerLine`). */
export async function scanLines(place: Place, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const lines: string[] = [];
  await readObjects(place, ids, { limit: MAX_MAIL, onAnswer: (answer) => lines.push(answerLine(answer)) });
  return lines;
}

/** The line of what git answers to a blob's id: the mail's row, or `! id reason` for one that could not be read. */
export function answerLine(answer: Answer): string {
  if (answer.kind === 'large') return `! ${answer.oid} large ${answer.size}`;
  if (answer.kind === 'object' && answer.type === 'blob') return rowLine(answer.oid, scanMail(answer.bytes));
  if (answer.kind === 'object') return `! ${answer.oid} ${answer.type}`;
  return `! ${answer.kind === 'missing' ? answer.name : ''} missing`;
}

/** The blob that such a line tells of. */
export function blobOf(line: string): string {
  const at = line.startsWith('! ') ? 2 : 0;
  return line.slice(at, line.indexOf(' ', at));
}
