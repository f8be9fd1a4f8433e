import { createHash } from 'node:crypto';

/** What a posting is of, hidden in its first line, and a hash over all that it says. */
export type MarkKind = 'release' | 'review' | 'pull';
const isKind = (text: string | undefined): text is MarkKind =>
  text === 'release' || text === 'review' || text === 'pull';
export type Mark = { readonly kind: MarkKind; readonly key: string; readonly hash: string };

/**
 * The mark as an HTML comment: the key holds nothing that could end it. The check value binds it to the workflow that posts (its
 * file, empty outside of one): what another workflow of the same login posted is never taken for ours.
 */
export const markerLine = (mark: Mark, workflow = ''): string =>
  `<!-- bitwatch:${mark.kind}=${encodeKey(mark.key)} sha256=${mark.hash} check=${checkOf(mark, workflow)} -->`;

const checkOf = ({ kind, key, hash }: Mark, workflow: string): string =>
  createHash('sha256')
    .update(JSON.stringify(['bitwatch.mark/1', workflow, kind, key, hash]))
    .digest('hex')
    .slice(0, 32);

const MARKER =
  /^<!-- bitwatch:(release|review|pull)=([A-Za-z0-9._%]{0,1000}) sha256=([0-9a-f]{64}) check=([0-9a-f]{32}) -->\r?(?:\n|$)/;

/**
 * The marker with which a body begins, or null: in any other line it is somebody's quotation. Null too where the check value is
 * not that of this workflow. Who wrote the body is for the caller to check.
 */
export function readMarker(body: string, workflow = ''): Mark | null {
  const [, kind, encoded, hash, check] = MARKER.exec(body) ?? [];
  if (!isKind(kind) || encoded === undefined || hash === undefined) return null;
  const key = decodeKey(encoded);
  if (key === null) return null;
  const mark = { kind, key, hash };
  return check === checkOf(mark, workflow) ? mark : null;
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
