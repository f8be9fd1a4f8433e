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

const EQUALS = 0x3d;
const LF = 0x0a;
/** The last digit of an escaped `T`, `t`, `D` or `d`: `=54`, `=74`, `=44`, `=64`. */
const FOUR = 0x34;

const isLetter = (byte: number | undefined, lower: number): boolean => byte !== undefined && (byte | 0x20) === lower;

/** Whether what is decoded from the bytes before `at` may end in the letter: it stands there, as an escape, or before a soft line break. */
function mayEndIn(bytes: Buffer, at: number, lower: number): boolean {
  const last = bytes[at - 1];
  return isLetter(last, lower) || last === LF || (last === FOUR && bytes[at - 3] === EQUALS);
}

function mayHoldLetter(bytes: Buffer, letter: number): boolean {
  for (let at = bytes.indexOf(letter, 1); at >= 0; at = bytes.indexOf(letter, at + 1)) {
    if (!mayEndIn(bytes, at, 0x64)) continue;
    if (!isLetter(bytes[at - 1], 0x64) || mayEndIn(bytes, at - 1, 0x74)) return true;
  }
  return false;
}

/** False only where quoted-printable bytes cannot name TDX when they are decoded: decoding costs ten times as much as this. */
export function quotedMayNameTdx(bytes: Buffer): boolean {
  if (mayHoldLetter(bytes, 0x78) || mayHoldLetter(bytes, 0x58)) return true;
  return bytes.includes('=78') || bytes.includes('=58');
}

function leafNamesTdx(bytes: Buffer, leaf: Leaf): boolean {
  if (leaf.encoding === 'quoted-printable' && !quotedMayNameTdx(bytes.subarray(leaf.start, leaf.end))) return false;
  return namesTdx(leafBytes(bytes, leaf));
}

/** A header without encoded words names TDX where its bytes do. */
function headerNamesTdx(raw: string): boolean {
  if (!raw.includes('=?')) return /(?<![0-9A-Za-z])(?:[Tt]dx|TDX)/.test(raw);
  return namesTdx(Buffer.from(decodeWords(unfold(raw)), 'utf8'));
}

/** Whether the subject or a text part of a mail, each decoded, names TDX. */
export function mailNamesTdx(bytes: Buffer, head: Head, leaves: readonly Leaf[]): boolean {
  const subject = head.fields.get('subject');
  if (subject !== undefined && headerNamesTdx(subject)) return true;
  return leaves.some((leaf) => leaf.type.startsWith('text/') && leafNamesTdx(bytes, leaf));
}
