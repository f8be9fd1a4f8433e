import MailComposer from 'nodemailer/lib/mail-composer';
import { type Address, readAddresses } from '../../extract/mail/address.ts';
import { unfold } from '../../extract/mail/head.ts';
import { mailHead, readMail } from '../../extract/mail/mail.ts';
import { DataError } from '../../model/errors.ts';
import { dateText } from './date-text.ts';
import type { Letter } from './letter.ts';
import { isAddress, isMessageId, readOutgoing } from './outgoing.ts';

const refuse = (at: string, expected: string, found: string): DataError =>
  new DataError({ where: { file: 'reply', at }, expected, found });

/** No header value may hold a line break, NUL or another control character: it could begin a header of its own. */
function requireLine(at: string, text: string): void {
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text))
    throw refuse(at, 'one line without control characters', JSON.stringify(text.slice(0, 80)));
  // A lone surrogate has no UTF-8 form.
  if (text !== Buffer.from(text).toString()) throw refuse(at, 'text', 'half a character');
}

function requireLetter(letter: Letter): void {
  requireLine('subject', letter.subject);
  for (const { name, email } of [letter.from, ...letter.to, ...letter.cc]) {
    requireLine('name', name);
    if (!isAddress(email)) throw refuse('address', 'an address', JSON.stringify(email.slice(0, 80)));
  }
  for (const id of [letter.messageId, letter.inReplyTo, ...letter.references])
    if (!isMessageId(id)) throw refuse('Message-ID', 'an id of printable ASCII', JSON.stringify(id.slice(0, 80)));
  if (!Number.isSafeInteger(letter.date) || Math.abs(letter.date) > 250_000_000_000)
    throw refuse('date', 'a time', String(letter.date));
}

const person = ({ name, email }: Address): { readonly name: string; readonly address: string } => ({
  name,
  address: email,
});
const bracketed = (id: string): string => `<${id}>`;

/** The head by the composer, which is given strings only and no way to a file or a URL; the same letter gives the same text. */
function headText(letter: Letter): string {
  const node = new MailComposer({
    from: person(letter.from),
    to: letter.to.map(person),
    cc: letter.cc.map(person),
    subject: letter.subject,
    messageId: bracketed(letter.messageId),
    inReplyTo: bracketed(letter.inReplyTo),
    references: letter.references.map(bracketed),
    date: dateText(letter.date),
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  node.setHeader('Content-Type', 'text/plain; charset=utf-8');
  node.setHeader('Content-Transfer-Encoding', /[^\n -~]/.test(letter.body) ? '8bit' : '7bit');
  const head = node.buildHeaders().replaceAll('\r\n', '\n');
  // A long id is folded behind the name of its field, which leaves a line that some readers take for an empty field.
  return head.replace(/^([A-Za-z-]+):\n +/gm, '$1: ');
}

const same = (left: readonly Address[], right: readonly Address[]): boolean =>
  JSON.stringify(left) === JSON.stringify(right.map(({ name, email }) => ({ name, email: email.toLowerCase() })));

/** Reads the mail back: what a header says must be what was meant, whatever somebody put into a name or a subject. */
function requireSame(letter: Letter, bytes: Buffer): void {
  const mail = readMail(bytes);
  const { fields } = mailHead(bytes);
  const differing = [
    ['subject', mail.subject === letter.subject],
    ['from', same(readAddresses(fields.get('from')), [letter.from])],
    ['to', same(mail.to, letter.to)],
    ['cc', same(mail.cc, letter.cc)],
    ['message-id', mail.id === letter.messageId],
    ['in-reply-to', unfold(fields.get('in-reply-to') ?? '') === bracketed(letter.inReplyTo)],
    ['references', unfold(fields.get('references') ?? '') === letter.references.map(bracketed).join(' ')],
    ['date', mail.date === letter.date],
    ['body', bytes.toString('utf8', mailHead(bytes).bodyStart) === letter.body],
  ].find(([, isSame]) => isSame === false);
  if (differing !== undefined)
    throw refuse(String(differing[0]), 'text that a header can carry', 'text that changes in it');
}

/**
 * A letter as the bytes of an .eml with LF line breaks. The body stands as it is, 7bit or 8bit: a composer's own choice would be
 * quoted-printable for one long tag. Throws DataError for what a header cannot carry and for what lists do not accept.
 */
export function composeMail(letter: Letter): Buffer {
  requireLetter(letter);
  const bytes = Buffer.from(`${headText(letter)}\n\n${letter.body}`);
  readOutgoing('reply', bytes);
  requireSame(letter, bytes);
  return bytes;
}
