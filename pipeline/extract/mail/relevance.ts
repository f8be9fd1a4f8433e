import type { Head } from './head.ts';
import { unfold } from './head.ts';
import { type Leaf, leafBytes } from './leaves.ts';
import { decodeWords } from './words.ts';

const isAlphanumeric = (byte: number | undefined): boolean =>
  byte !== undefined &&
  ((byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a));

/** Whether an `x` or `X` at `at` ends `tdx`, `TDX` or `Tdx` at the start of a word; `_`, `/` and `+` may stand before it. */
function endsTdx(bytes: Buffer, at: number): boolean {
  const d = bytes[at - 1];
  const t = bytes[at - 2];
  const upper = bytes[at] === 0x58;
  if (upper ? d !== 0x44 || t !== 0x54 : d !== 0x64 || (t !== 0x74 && t !== 0x54)) return false;
  return !isAlphanumeric(bytes[at - 3]);
}

function searchTdx(bytes: Buffer, letter: number): boolean {
  for (let at = bytes.indexOf(letter, 2); at >= 0; at = bytes.indexOf(letter, at + 1)) {
    if (endsTdx(bytes, at)) return true;
  }
  return false;
}

/**
 * Whether decoded text names TDX as a word or the start of one. Case and word start matter: the three letters in any case and
 * place occur by chance in every few kilobytes of base64.
 */
function namesTdx(bytes: Buffer): boolean {
  return searchTdx(bytes, 0x78) || searchTdx(bytes, 0x58);
}

/** Whether the subject or a text part of a mail, each decoded, names TDX. */
export function mailNamesTdx(bytes: Buffer, head: Head, leaves: readonly Leaf[]): boolean {
  const raw = head.fields.get('subject');
  if (raw !== undefined && namesTdx(Buffer.from(decodeWords(unfold(raw)), 'utf8'))) return true;
  return leaves.some((leaf) => leaf.type.startsWith('text/') && namesTdx(leafBytes(bytes, leaf)));
}
