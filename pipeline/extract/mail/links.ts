import { type RawFields, unfold } from './head.ts';
import { decodeWords } from './words.ts';

/** No mail needs more; a hostile one may name thousands. */
const MAX_LINKS = 1000;

const squeeze = (id: string): string => (/\s/.test(id) ? id.replace(/\s+/g, '') : id);

/** A value that may hide its ids in encoded words, on one line. */
function clear(raw: string): string {
  return raw.includes('=?') ? decodeWords(unfold(raw)) : raw;
}

/** The ids in brackets; without any, the whole value where it is one word with an `@`. */
function idsIn(raw: string | undefined): string[] {
  if (raw === undefined) return [];
  const value = clear(raw);
  const ids: string[] = [];
  for (let at = value.indexOf('<'); at >= 0 && ids.length < MAX_LINKS; ) {
    const close = value.indexOf('>', at);
    if (close < 0) break;
    // Of several opening brackets the last one counts.
    const id = squeeze(value.slice(value.lastIndexOf('<', close) + 1, close));
    if (id !== '' && id.length <= MAX_ID) ids.push(id);
    at = value.indexOf('<', close);
  }
  if (ids.length > 0) return ids;
  const bare = value.trim();
  return bare.length <= MAX_ID && /^[^\s<>"@]+@[^\s<>"]+$/.test(bare) ? [bare] : [];
}

/** RFC 5322 ends a line at 998 characters; what is longer is no id, and would be a key, a file name and a line of reports. */
export const MAX_ID = 998;

/** The Message-ID without its brackets, encoded words decoded; empty where there is none, or one longer than `MAX_ID`. */
export function messageId(fields: RawFields): string {
  const raw = fields.get('message-id');
  if (raw === undefined) return '';
  const value = clear(raw);
  const open = value.indexOf('<');
  const close = value.indexOf('>', open + 1);
  const id = open >= 0 && close > open ? value.slice(open + 1, close) : value;
  const squeezed = squeeze(id.trim());
  return squeezed.length > MAX_ID ? '' : squeezed;
}

/** Whether a field names `id` as an address: prose in In-Reply-To quotes the author with the address in brackets. */
function namesAddress(raw: string | undefined, id: string): boolean {
  const at = raw === undefined ? -1 : raw.indexOf(id);
  if (raw === undefined || at < 0) return false;
  return !/[\w.+-]/.test(raw.charAt(at - 1)) && !/[\w.-]/.test(raw.charAt(at + id.length));
}

/**
 * The ids that a mail answers, oldest first and the direct parent last, each once: References and then In-Reply-To. Ids that
 * equal an address of the mail, and the mail's own id, are dropped.
 */
export function linksOf(fields: RawFields, self: string): readonly string[] {
  const references = idsIn(fields.get('references'));
  const parents = idsIn(fields.get('in-reply-to'));
  if (references.length === 0 && parents.length === 0) return [];
  const address = (id: string): boolean =>
    namesAddress(fields.get('from'), id) || namesAddress(fields.get('to'), id) || namesAddress(fields.get('cc'), id);
  const last = parents.filter((id) => id !== self && !references.includes(id));
  const all = [...new Set([...references, ...last])];
  return all.filter((id) => id !== self && !address(id));
}
