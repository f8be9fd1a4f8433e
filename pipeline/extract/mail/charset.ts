import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';

/**
 * What windows-1252 has at 0x80 to 0x9F. A table of our own, for TextDecoder gives C1 controls there since Node 20.18.3;
 * the five holes stay C1 controls, as in the WHATWG Encoding Standard.
 */
const HIGH =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

const LATIN = new Set(['iso-8859-1', 'iso8859-1', 'iso_8859-1', 'latin1', 'latin-1', 'l1', 'windows-1252', 'cp1252']);
const UTF8 = new Set(['utf-8', 'utf8']);

function windows1252(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\x80-\x9f]/g, (c) => HIGH[c.charCodeAt(0) - 0x80] ?? c);
}

/** Bytes without a label that can be believed: UTF-8 where they are valid UTF-8, else windows-1252. */
export function decodeUnlabelled(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : windows1252(bytes);
}

/** A label without quotes, blanks and the language of RFC 2231, in lower case. */
const plainLabel = (label: string): string =>
  label
    .replace(/[\s"']/g, '')
    .replace(/\*.*$/, '')
    .toLowerCase();

const decoders = new Map<string, TextDecoder | null>();

function decoderFor(label: string): TextDecoder | null {
  let decoder = decoders.get(label);
  if (decoder !== undefined) return decoder;
  try {
    decoder = new TextDecoder(label, { ignoreBOM: true });
  } catch {
    decoder = null;
  }
  // A hostile archive may name any number of labels; only a bounded number is remembered.
  if (decoders.size < 200) decoders.set(label, decoder);
  return decoder;
}

/**
 * Text of bytes in the charset that a mail declares. us-ascii, no label and labels that name no charset (`y`, `yes`,
 * `8`, `unknown-8bit`) go by the bytes; bytes that are wrong in a declared charset become U+FFFD, never a guess.
 */
export function decodeText(bytes: Buffer, label: string | null): string {
  const charset = label === null ? '' : plainLabel(label);
  if (UTF8.has(charset)) return bytes.toString('utf8');
  if (LATIN.has(charset)) return windows1252(bytes);
  if (charset === '' || charset === 'us-ascii' || charset === 'ascii') return decodeUnlabelled(bytes);
  const decoder = decoderFor(charset);
  if (decoder === null) return decodeUnlabelled(bytes);
  // Labels such as `latin9x` that the platform maps to windows-1252 would meet the same defect.
  return decoder.encoding === 'windows-1252' ? windows1252(bytes) : decoder.decode(bytes);
}
