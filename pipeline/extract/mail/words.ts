import { decodeText, decodeUnlabelled } from './charset.ts';
import { decodeQuotedPrintable } from './transfer.ts';

/**
 * An encoded word (RFC 2047). The text may hold blanks and a `?`, which the RFC forbids and senders write; it is bounded, so
 * that a header full of openings costs linear time.
 */
const WORD = /=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^?]|(?<!=)\?(?!=)){0,2000})\?=/g;

function wordBytes(encoding: string, text: string): Buffer {
  if (encoding === 'b' || encoding === 'B') return Buffer.from(text, 'base64');
  return decodeQuotedPrintable(Buffer.from(text.replaceAll('_', ' '), 'latin1'));
}

/** A header value as it stands in the mail (latin1 of its bytes) as text: 8-bit bytes by their own evidence. */
function headerText(raw: string): string {
  return /[\x80-\xff]/.test(raw) ? decodeUnlabelled(Buffer.from(raw, 'latin1')) : raw;
}

/**
 * Decodes the encoded words of an unfolded header value. Neighbouring words of one charset are joined before their bytes are
 * decoded, for senders split characters between words; blanks between words vanish; what is no word stays.
 */
export function decodeWords(raw: string): string {
  if (!raw.includes('=?')) return headerText(raw);
  let out = '';
  let end = 0;
  let charset = '';
  let pending: Buffer[] = [];
  const flush = (): void => {
    if (pending.length > 0) out += decodeText(Buffer.concat(pending), charset);
    pending = [];
  };
  for (const match of raw.matchAll(WORD)) {
    const between = raw.slice(end, match.index);
    const [word, label = '', encoding = '', text = ''] = match;
    const adjacent = pending.length > 0 && /^\s*$/.test(between);
    if (!adjacent || label.toLowerCase() !== charset) flush();
    if (!adjacent) out += headerText(between);
    charset = label.toLowerCase();
    pending.push(wordBytes(encoding, text));
    end = match.index + word.length;
  }
  flush();
  return out + headerText(raw.slice(end));
}
