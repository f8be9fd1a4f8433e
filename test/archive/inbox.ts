import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { KEEP_PACK, loseObject, makeBare } from '../helpers/repository.ts';

/** One commit of a synthetic public-inbox epoch: a mail, the deletion of one, nothing, or a file that is no mail. */
export type Step =
  | { readonly mail: string | Buffer }
  | { readonly gone: string | Buffer }
  | { readonly empty: true }
  | { readonly file: string };

const data = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);

function commit(step: Step, number: number, fresh: boolean): Buffer {
  // Commits of real archives are not in the order of their dates.
  const when = 1_700_000_000 + ((number * 7919) % 1000);
  const lines = [
    `commit refs/heads/master\ncommitter Jane <jane@x.org> ${when} -0500\ndata 5\nmail\n`,
    fresh && number === 0 ? 'from refs/heads/master^0\n' : '',
  ];
  const head = Buffer.from(lines.join(''));
  if ('empty' in step) return head;
  const name = 'mail' in step ? 'm' : 'gone' in step ? 'd' : step.file;
  const content = 'mail' in step ? step.mail : 'gone' in step ? step.gone : 'text';
  return Buffer.concat([head, Buffer.from(`deleteall\nM 100644 inline ${name}\n`), data(Buffer.from(content))]);
}

export const git = (dir: string, ...args: readonly string[]): string =>
  execFileSync('git', [`--git-dir=${dir}`, ...args], { encoding: 'utf8' }).trim();

/** Adds commits to an epoch by `git fast-import`; what little there is stays loose where no setting says otherwise. */
export function append(dir: string, steps: readonly Step[], settings: readonly string[] = KEEP_PACK): void {
  const grown = git(dir, 'for-each-ref').length > 0;
  const input = Buffer.concat(steps.map((step, at) => commit(step, at, grown)));
  execFileSync('git', [`--git-dir=${dir}`, ...settings, 'fast-import', '--quiet', '--force'], { input });
}

/** A new epoch in a directory of its own below `root`. */
export function makeInbox(root: string, name: string, steps: readonly Step[]): string {
  const dir = join(root, name);
  makeBare(dir, 'master');
  if (steps.length > 0) append(dir, steps);
  return dir;
}

/** Takes the blob of a text away, and tells which it was. */
export function loseBlob(dir: string, content: string): string {
  const oid = execFileSync('git', ['hash-object', '--stdin'], { input: content, encoding: 'utf8' }).trim();
  loseObject(dir, oid);
  return oid;
}

export const mailText = (id: string, subject: string, more = '', body = 'text\n'): string =>
  `From: Jane <jane@x.org>\nMessage-ID: <${id}>\nSubject: ${subject}\nDate: 2 Jan 2026 10:00:00 +0000\n${more}\n${body}`;
