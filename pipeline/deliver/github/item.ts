import { LIMITS } from '../../report/markdown.ts';
import { type Draft, draftText, wholeText } from '../../report/posting.ts';
import { contentHash, type MarkKind, markerLine } from './marker.ts';
import type { Item } from './postings.ts';

/** Where the whole text is, if anywhere, and which workflow posts. */
export type Place = { readonly link: string | null; readonly workflow: string };

/**
 * A draft as it stands on the forge: the mark in the first line, then the text, cut to what the forge takes. The hash is over
 * the text before the cut and without the link, which names another run each time.
 */
export function itemOfDraft(kind: MarkKind, key: string, draft: Draft, place: Place): Item {
  const hash = contentHash(draft.title, wholeText(draft));
  const marker = markerLine({ kind, key, hash }, place.workflow);
  const room = LIMITS.comment - Buffer.byteLength(marker) - 1;
  return { key, title: draft.title, body: `${marker}\n${draftText(draft, room, place.link)}`, hash };
}
