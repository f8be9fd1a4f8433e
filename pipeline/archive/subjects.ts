import { gitLines } from '../git/lines.ts';
import type { Place } from '../git/run.ts';

/** A mail as its commit tells it, unread. */
export type SubjectLine = { readonly commit: string; readonly subject: string };

/**
 * The subjects of a public-inbox epoch, newest first, from the commits alone: a look that costs little more than `git log`.
 * A subject may be a deletion's; only reading the mails tells.
 */
export async function scanSubjects(place: Place, tip: string, onSubject: (line: SubjectLine) => void): Promise<void> {
  const args = ['log', '--format=%H %s', '--no-color', '--no-decorate', '--end-of-options', tip];
  const width = tip.length;
  await gitLines(place, args, (line) => {
    const subject = line.slice(width + 1);
    const text = /[\x80-\xff]/.test(subject) ? Buffer.from(subject, 'latin1').toString('utf8') : subject;
    onSubject({ commit: line.slice(0, width), subject: text });
  });
}
