import { createHash } from 'node:crypto';

/**
 * A value as JSON that can stand in a script element: no `<` can end the element or begin a comment, and what is no printable
 * ASCII is escaped, so that the file holds no character that hides or turns what a reader sees of it.
 */
export const embeddedJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&]|[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A text as HTML text or attribute value. */
export const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** The source expression that lets a Content-Security-Policy run exactly this text. */
export const hashSource = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
