import { contentId } from './content-id.ts';
import { leavesOf } from './leaves.ts';
import { linksOf, messageId } from './links.ts';
import { mailHead } from './mail.ts';
import { mailNamesTdx } from './relevance.ts';
import { threadKey } from './threads.ts';

/** What a scan keeps of a mail: enough to thread it, and to tell whether it matters. */
export type Row = {
  /** A 60-bit key of the Message-ID (see `idKey`). */
  readonly key: string;
  /** The mail itself names TDX. */
  readonly names: boolean;
  /** Keys of the ids that it answers. */
  readonly links: readonly string[];
};

const DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
const digit = (bits: number): number => DIGITS[bits & 63] as number;

/**
 * A key of an id: two 30-bit multiply-xor hashes in ten digits of base64url. It selects which mails are read again, nothing
 * more: threads are joined for good by the ids themselves.
 */
export function idKey(id: string): string {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let at = 0; at < id.length; at += 1) {
    const code = id.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995) ^ (b >>> 13);
  }
  a ^= a >>> 15;
  b ^= b >>> 15;
  // One call makes one flat string; a radix conversion of a double costs ten times as much.
  return String.fromCharCode(
    digit(a),
    digit(a >>> 6),
    digit(a >>> 12),
    digit(a >>> 18),
    digit(a >>> 24),
    digit(b),
    digit(b >>> 6),
    digit(b >>> 12),
    digit(b >>> 18),
    digit(b >>> 24),
  );
}

/** Reads and parses one whole mail into its row: head, links, MIME tree, and the decoded text parts searched for TDX. */
export function scanMail(bytes: Buffer): Row {
  const head = mailHead(bytes);
  const id = messageId(head.fields);
  const { leaves } = leavesOf(bytes, head);
  return {
    key: idKey(id === '' ? threadKey({ id, content: contentId(bytes, head) }) : id),
    names: mailNamesTdx(bytes, head, leaves),
    links: linksOf(head.fields, id).map(idKey),
  };
}
