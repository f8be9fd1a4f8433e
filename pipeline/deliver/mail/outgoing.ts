import { isUtf8 } from 'node:buffer';
import type { Address } from '../../extract/mail/address.ts';
import { unfold } from '../../extract/mail/head.ts';
import { bodyText, type Mail, mailHead, readMail } from '../../extract/mail/mail.ts';
import { DataError } from '../../model/errors.ts';
import { MAX_BODY_LINES, MAX_COLUMNS, MAX_FIELD, MAX_LINE, TAG } from './letter.ts';

/** A mail that may go out: read back from its bytes, so that what is checked is what is sent. */
export type Outgoing = {
  readonly id: string;
  readonly parent: string;
  readonly from: Address;
  readonly recipients: readonly Address[];
  readonly subject: string;
  readonly bytes: Buffer;
};

const FIELDS = new Set([
  'from',
  'to',
  'cc',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
]);
const REQUIRED = ['from', 'to', 'subject', 'date', 'message-id', 'in-reply-to', 'references', 'content-type'];

const refuse = (file: string, line: number, expected: string, found: string): DataError =>
  new DataError({ where: { file, line }, expected, found, hint: 'write the draft anew' });

/** Control and bidirectional characters, that a reader's terminal would act on. */
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** The columns of a line: characters, for no text of ours is wider than one column each. */
const columns = (line: string): number => [...line].length;

function checkHead(file: string, head: string): void {
  const seen = new Set<string>();
  let length = 0;
  head.split('\n').forEach((line, at) => {
    if (/[^\x20-\x7e]/.test(line)) throw refuse(file, at + 1, 'a header of printable ASCII', 'another character');
    if (line.length > MAX_LINE)
      throw refuse(file, at + 1, `at most ${MAX_LINE} octets in a line of the header`, `${line.length}`);
    if (line.startsWith(' ')) length += line.length;
    else {
      length = line.length;
      const name = /^([A-Za-z-]+): \S/.exec(`${line}x`)?.[1]?.toLowerCase() ?? '';
      if (!FIELDS.has(name)) throw refuse(file, at + 1, 'a field that a reply has', JSON.stringify(line.slice(0, 40)));
      if (seen.has(name)) throw refuse(file, at + 1, `${name} once`, 'a second one');
      seen.add(name);
    }
    if (length > MAX_FIELD)
      throw refuse(file, at + 1, `at most ${MAX_FIELD} octets in a field of the header`, 'a longer one');
  });
  const missing = REQUIRED.find((name) => !seen.has(name));
  if (missing !== undefined) throw refuse(file, 1, `a ${missing} field`, 'none');
}

function checkBody(file: string, body: string, first: number): void {
  if (!body.endsWith('\n') || body.trim() === '') throw refuse(file, first, 'text that ends with a line break', 'none');
  const lines = body.slice(0, -1).split('\n');
  if (lines.length > MAX_BODY_LINES)
    throw refuse(file, first + MAX_BODY_LINES, `at most ${MAX_BODY_LINES} lines`, `${lines.length}`);
  lines.forEach((line, at) => {
    // Code is quoted with the tabs that it was written with.
    const shown = line.startsWith('> ') ? line.replaceAll('\t', ' ') : line;
    if (UNSAFE.test(shown)) throw refuse(file, first + at, 'no control character', 'one');
    if (columns(line) > MAX_COLUMNS && !TAG.test(line))
      throw refuse(file, first + at, `at most ${MAX_COLUMNS} columns`, `${columns(line)}`);
  });
}

/** The type and encoding that lists accept: plain text, UTF-8, as it stands. */
function checkType(file: string, mail: Mail, head: string): void {
  const [leaf, ...others] = mail.leaves;
  const plain = /^content-type: text\/plain; charset=utf-8$/im.test(head);
  const whole = /^content-transfer-encoding: [78]bit$/im.test(head);
  if (leaf === undefined || others.length > 0 || !plain || !whole || leaf.attachment)
    throw refuse(file, 1, 'text/plain in UTF-8, 7bit or 8bit', 'something else');
}

/**
 * Reads a mail that is to be sent and holds it against the rules of lists: one field of each name in ASCII, plain text in UTF-8,
 * 72 columns but for tags, about 60 lines, no control character anywhere but tabs in a quote. Throws DataError with the line that breaks one.
 */
export function readOutgoing(file: string, bytes: Buffer): Outgoing {
  if (bytes.length > 65_536) throw refuse(file, 1, 'at most 64 KiB', `${bytes.length} bytes`);
  if (bytes.includes(0) || bytes.includes(0x0d)) throw refuse(file, 1, 'neither NUL nor CR', 'one');
  if (!isUtf8(bytes)) throw refuse(file, 1, 'UTF-8', 'other bytes');
  const { bodyStart: start, fields } = mailHead(bytes);
  const head = bytes.toString('utf8', 0, Math.max(0, start - 2));
  checkHead(file, head);
  checkBody(file, bytes.toString('utf8', start), head.split('\n').length + 2);
  const mail = readMail(bytes);
  checkType(file, mail, head);
  const parent = /^<([^<>]+)>$/.exec(unfold(fields.get('in-reply-to') ?? ''))?.[1] ?? '';
  if (!isMessageId(mail.id) || !isMessageId(parent)) throw refuse(file, 1, 'Message-IDs', 'something else');
  const recipients = [...mail.to, ...mail.cc];
  const wrong = [mail.author, ...recipients].find(({ email }) => !isAddress(email));
  if (wrong !== undefined || mail.to.length === 0)
    throw refuse(file, 1, 'addresses', JSON.stringify(wrong?.email ?? 'no recipient'));
  if (new Set(recipients.map(({ email }) => email)).size !== recipients.length)
    throw refuse(file, 1, 'each recipient once', 'one twice');
  if (bodyText(mail) === '') throw refuse(file, 1, 'a text', 'none');
  return { id: mail.id, parent, from: mail.author, recipients, subject: mail.subject, bytes };
}

/** An id as it may stand between `<` and `>`. */
export const isMessageId = (id: string): boolean => /^[!-;=?-~]{1,900}$/.test(id) && id.includes('@');

/** An address that needs no quoting and no SMTPUTF8. */
export const isAddress = (email: string): boolean =>
  email.length <= 254 && /^[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(email);
