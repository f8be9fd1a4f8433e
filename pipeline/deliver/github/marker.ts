import { createHash } from 'node:crypto';

/** What a posting is of, hidden in its first line, and a hash over all that it says. */
export type MarkKind = 'release' | 'review' | 'pull';
const isKind = (text: string | undefined): text is MarkKind =>
  text === 'release' || text === 'review' || text === 'pull';
export type Mark = { readonly kind: MarkKind; readonly key: string; readonly hash: string };

/** The mark as an HTML comment: the key holds nothing that could end it. */
export const markerLine = ({ kind, key, hash }: Mark): string =>
  `<!-- bitwatch:${kind}=${encodeKey(key)} sha256=${hash} -->`;

const MARKER = /^<!-- bitwatch:(release|review|pull)=([A-Za-z0-9._%]*) sha256=([0-9a-f]{64}) -->\r?$/m;

/**
 * The first line of a body that is a marker and nothing else, or null. Source text inside a body never is such a line: it has
 * no line breaks and stands inside a sentence. Who wrote the body is for the caller to check.
 */
export function readMarker(body: string): Mark | null {
  const [, kind, encoded, hash] = MARKER.exec(body) ?? [];
  if (!isKind(kind) || encoded === undefined || hash === undefined) return null;
  const key = decodeKey(encoded);
  return key === null ? null : { kind, key, hash };
}

/** 64 hex digits over the title and the whole text before any cut. */
export const contentHash = (title: string, text: string): string =>
  createHash('sha256')
    .update(JSON.stringify([title, text]))
    .digest('hex');

const encodeKey = (key: string): string =>
  [...Buffer.from(key)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[A-Za-z0-9._]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
    })
    .join('');

function decodeKey(text: string): string | null {
  try {
    const key = decodeURIComponent(text);
    return encodeKey(key) === text ? key : null;
  } catch {
    return null;
  }
}
