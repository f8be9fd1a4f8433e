import { type Address, readAddresses } from './address.ts';
import { contentId } from './content-id.ts';
import { readDate } from './date.ts';
import { type Head, MAX_HEAD, readHead, unfold } from './head.ts';
import { type Leaf, leafText, leavesOf } from './leaves.ts';
import { linksOf, MAX_ID, messageId } from './links.ts';
import { decodeWords } from './words.ts';

/** A larger mail is not read; the largest of real lists is 3.5 MB. */
export const MAX_MAIL = 32 << 20;

/** A mail as the stages after this one need it. Bodies are decoded when they are asked for. */
export type Mail = {
  /** The Message-ID without brackets, empty where the mail has none. */
  readonly id: string;
  /** Tells reused Message-IDs apart (see `contentId`). */
  readonly content: string;
  /** One line, encoded words decoded, blanks run together. */
  readonly subject: string;
  readonly author: Address;
  readonly replyTo: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  /** Epoch seconds of the Date field; `null` where it cannot be read. May lie decades ahead: senders' clocks do. */
  readonly date: number | null;
  /** The ids that the mail answers, oldest first, the parent last. */
  readonly links: readonly string[];
  readonly bytes: Buffer;
  readonly leaves: readonly Leaf[];
  /** What could not be read as it was meant, each a sentence. */
  readonly notes: readonly string[];
};

const NOBODY: Address = { name: '', email: '' };
const UTF8_BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const MBOX_FROM = Buffer.from('From ');

/** Where the head begins: behind a byte order mark and an mbox `From ` line. */
function headStart(bytes: Buffer): number {
  const start = bytes[0] === UTF8_BOM[0] && bytes.subarray(0, 3).equals(UTF8_BOM) ? 3 : 0;
  // Most mails are told by their first byte.
  if (bytes[start] !== MBOX_FROM[0] || !bytes.subarray(start, start + 5).equals(MBOX_FROM)) return start;
  const eol = bytes.indexOf(0x0a, start);
  return eol < 0 ? bytes.length : eol + 1;
}

/** The head of a whole mail. */
export function mailHead(bytes: Buffer): Head {
  return readHead(bytes, headStart(bytes), bytes.length);
}

function headNotes({ fields, isCut }: Head, id: string): readonly string[] {
  const raw = fields.get('message-id');
  return [
    ...(isCut ? [`of its header only the first ${MAX_HEAD} characters were read`] : []),
    ...(id === '' && raw !== undefined && raw.length > MAX_ID
      ? [`its Message-ID is longer than ${MAX_ID} characters and was not read`]
      : []),
  ];
}

/** Reads a mail. Never throws: what breaks the rules of mail is read as it stands and noted. */
export function readMail(bytes: Buffer): Mail {
  const head = mailHead(bytes);
  const { leaves, notes } = leavesOf(bytes, head);
  const { fields } = head;
  const id = messageId(fields);
  return {
    id,
    content: contentId(bytes, head),
    subject: decodeWords(unfold(fields.get('subject') ?? ''))
      .replace(/\s+/g, ' ')
      .trim(),
    author: readAddresses(fields.get('from'))[0] ?? NOBODY,
    replyTo: readAddresses(fields.get('reply-to')),
    to: readAddresses(fields.get('to')),
    cc: readAddresses(fields.get('cc')),
    date: readDate(fields.get('date')),
    links: linksOf(fields, id),
    bytes,
    leaves,
    notes: [...headNotes(head, id), ...notes],
  };
}

/** The leaf that people read: the first text/plain that is no attachment, else the first text of any kind. */
function bodyLeaf(mail: Mail): Leaf | null {
  const inline = mail.leaves.filter((leaf) => !leaf.attachment && leaf.type.startsWith('text/'));
  return inline.find((leaf) => leaf.type === 'text/plain') ?? inline[0] ?? null;
}

/** The decoded text of the body, lines as they stand (format=flowed is never unflowed); empty where there is none. */
export function bodyText(mail: Mail): string {
  const leaf = bodyLeaf(mail);
  return leaf === null ? '' : leafText(mail.bytes, leaf);
}

/** The text of all text leaves, attachments too: what mentions are searched in. */
export function allText(mail: Mail): string {
  const texts = mail.leaves.filter((leaf) => leaf.type.startsWith('text/'));
  return texts.map((leaf) => leafText(mail.bytes, leaf)).join('\n');
}
